//! What loading would mean, in words.

use crate::checkpoint::address::Address;
use crate::checkpoint::converter::{AUTHOR, Conversion};
use crate::checkpoint::{Kept, Listing, Offer, Role};
use crate::protocol::{DeviceReport, Executor};
use crate::state::format;

/// Bytes of a weight, as it is computed with.
const F32: u64 = 4;

/// Why a model cannot run on a device, as far as is known: bytes of its weights, and of the largest
/// matrix that must lie in one piece.
pub(super) fn too_large(
    device: &DeviceReport,
    weights: Option<u64>,
    matrix: Option<u64>,
) -> Option<String> {
    let over = |needed: Option<u64>, most: Option<u64>| needed.zip(most).filter(|(n, m)| n > m);
    if let Some((matrix, most)) = over(matrix, device.limits.matrix) {
        return Some(format!(
            "Too large for this GPU: one matrix takes {}, and it holds at most {} together.",
            format::bytes(matrix),
            format::bytes(most)
        ));
    }
    let (weights, most) = over(weights, device.limits.weights)?;
    Some(format!(
        "Too large for this page on the CPU: the weights take {}, and there is room for {}.",
        format::bytes(weights),
        format::bytes(most)
    ))
}

/// What an offer says, by name; `device` is where the model would run.
pub fn offer_lines(offer: &Offer, device: Option<&DeviceReport>) -> Vec<(&'static str, String)> {
    let mut lines = vec![("Host", offer.host.clone())];
    let Some(listing) = &offer.listing else {
        return lines;
    };
    if let Address::Hub { revision, .. } = &listing.address {
        lines.push(("Commit", revision.clone()));
    }
    if let Some(architecture) = &offer.architecture {
        let size = offer.parameters.map(format::parameters);
        let size = size.map_or(String::new(), |size| format!(", {size} parameters"));
        lines.push(("Model", format!("{architecture}{size}")));
    }
    if let Some(conversion) = &offer.conversion {
        lines.push(("Weights", conversion_line(conversion)));
    }
    lines.push(("Download", download(offer, listing)));
    if let Some(needs) = needs(offer, listing, device.map(|device| device.executor)) {
        lines.push(("Needs", needs));
    }
    let bytes = |count: Option<u64>| count.map(|count| count.saturating_mul(F32));
    let (weights, matrix) = (bytes(offer.parameters), bytes(offer.largest));
    if let Some(why) = device.and_then(|device| too_large(device, weights, matrix)) {
        lines.push(("Too large", why));
    }
    let short = |room: &u64| listing.bytes().is_some_and(|bytes| bytes > *room);
    if let Some(room) = offer.room.filter(short) {
        let room = format::bytes(room);
        let kept = format!("No: there is room for only {room}, so it is loaded without keeping it");
        lines.push(("Kept on this device", kept));
    }
    lines
}

/// Whose weights they are.
fn conversion_line(conversion: &Conversion) -> String {
    format!(
        "From pull request {} by {AUTHOR}, the hub's own converter. The model's owners have not \
         merged it; theirs is {}.",
        conversion.number,
        own_weights(conversion)
    )
}

/// The owners' file, with its size where it is known.
pub fn own_weights(conversion: &Conversion) -> String {
    let Some(file) = conversion.own.file(Role::Weights) else {
        return String::new();
    };
    match file.bytes {
        Some(bytes) => format!("{} ({})", file.name, format::bytes(bytes)),
        None => file.name.clone(),
    }
}

fn download(offer: &Offer, listing: &Listing) -> String {
    let files = listing.files.len();
    match (listing.bytes(), offer.kept) {
        (Some(bytes), Kept::Part { bytes: here }) => format!(
            "{} in {files} files, of which {} are on this device already",
            format::bytes(bytes),
            format::bytes(here)
        ),
        (Some(bytes), _) if listing.address.is_pinned() => {
            format!("{} in {files} files", format::bytes(bytes))
        }
        (Some(bytes), _) => format!("about {} in {files} files", format::bytes(bytes)),
        (None, _) => format!("{files} files; the host does not say how large"),
    }
}

fn needs(offer: &Offer, listing: &Listing, executor: Option<Executor>) -> Option<String> {
    let weights = listing.file(Role::Weights)?.bytes;
    let (bytes, of) = match executor? {
        Executor::Gpu => (weights?, "the GPU's memory"),
        // Weights in 16 bits are widened there.
        Executor::Cpu => {
            let wide = offer.parameters.map(|count| count.saturating_mul(F32));
            (wide.into_iter().chain(weights).max()?, "memory")
        }
    };
    Some(format!("about {} of {of}", format::bytes(bytes)))
}
