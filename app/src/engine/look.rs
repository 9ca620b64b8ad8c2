//! What loading from an address would mean: found out with a few small requests, or with none.

use super::conversion::converted;
use super::io::http::{Answer, Host, Refused, file_of, host_for, host_name, missing, url_of};
use super::io::kept::Shelf;
use super::io::reader::Reader;

use super::words::read_config;
use crate::checkpoint::address::Address;
use crate::checkpoint::hub::{ANSWER_BYTES, WEIGHTS, describe, description_url};
use crate::checkpoint::{Hub, Kept, Listing, Offer, RemoteFile, Role};
use crate::failure::Failure;
use bert::config::Config;
use bert::model::Layout;

/// Longest configuration that is read.
const CONFIG_BYTES: usize = 1 << 20;

/// Looks at an address. Without `contact` only the hub is asked, and no other host.
///
/// # Errors
/// When the host refuses, cannot be reached, or has no checkpoint that could be loaded.
pub async fn look(
    hub: &Hub,
    address: &Address,
    contact: bool,
    signal: web_sys::AbortSignal,
) -> Result<Offer, Failure> {
    let (host, room) = (host_name(hub, address), Shelf::room().await);
    let mut offer = Offer::unseen(address.clone(), host, room);
    let shelf = Shelf::open().await;
    let known = match &shelf {
        Some(shelf) => shelf.find(address).await,
        None => None,
    };
    let here = match &known {
        Some(entry) => entry.kept().await,
        None => Kept::Nothing,
    };
    let settled = address.is_pinned() || !matches!(address, Address::Hub { .. });
    if let (Some(entry), Kept::Whole, true) = (&known, here, settled) {
        offer.kept = here;
        offer.listing = Some(entry.manifest.borrow().listing.clone());
        return Ok(offer);
    }
    let host = host_for(hub, address, signal);
    let found = match address {
        Address::Hub { .. } => ask_hub(&host, hub, address).await,
        Address::Web { weights, .. } if contact => ask_host(&host, hub, address, weights).await,
        Address::Web { .. } => return Ok(offer),
    };
    match (found, known) {
        (Ok((mut listing, parameters)), _) => {
            offer.parameters = parameters;
            offer.kept = kept(shelf.as_ref(), &listing).await;
            if offer.kept == Kept::Nothing
                && let Some((converted, conversion)) = converted(&host, hub, &listing).await
            {
                offer.kept = kept(shelf.as_ref(), &converted).await;
                offer.conversion = Some(conversion);
                listing = converted;
            }
            if offer.kept != Kept::Whole {
                let config = configuration(&host, hub, &listing).await?;
                offer.largest = Some(Layout::largest_whole(&config) as u64);
                offer.architecture = config.architectures.into_iter().next();
            }
            offer.listing = Some(listing);
            Ok(offer)
        }
        // A branch whose newest commit cannot be asked for: what is here serves.
        (Err(Refused::Later(_) | Refused::Busy(_)), Some(entry)) if here == Kept::Whole => {
            offer.kept = here;
            offer.listing = Some(entry.manifest.borrow().listing.clone());
            Ok(offer)
        }
        (Err(Refused::Missing), _) => Err(no_such(&offer.host, address)),
        (Err(refused), _) => Err(refused.failure(&address.to_string())),
    }
}

/// How much of a listing is on this device.
async fn kept(shelf: Option<&Shelf>, listing: &Listing) -> Kept {
    let Some(shelf) = shelf else {
        return Kept::Nothing;
    };
    match shelf.find(&listing.address).await {
        Some(entry) => entry.kept().await,
        None => Kept::Nothing,
    }
}

type Found = (Listing, Option<u64>);

/// What the hub says of a model of its own.
pub(super) async fn ask_hub(host: &Host, hub: &Hub, address: &Address) -> Result<Found, Refused> {
    let Address::Hub { id, revision } = address else {
        return Err(Refused::Missing);
    };
    let url = description_url(hub, id, revision);
    let answer = host.get(&url).await?;
    let bytes = body(&url, &answer, ANSWER_BYTES)
        .await
        .map_err(Refused::Final)?;
    let described = describe(address, &bytes).map_err(Refused::Final)?;
    Ok((described.listing, described.parameters))
}

/// Some host by its address: which of the usual files it has.
async fn ask_host(
    host: &Host,
    hub: &Hub,
    address: &Address,
    weights: &str,
) -> Result<Found, Refused> {
    let mut files = Vec::new();
    for role in Role::CHECKPOINT {
        let names = match role {
            Role::Weights if weights == WEIGHTS[0] => WEIGHTS.to_vec(),
            Role::Weights => vec![weights],
            _ => role.file_name().into_iter().collect(),
        };
        let is_needed = matches!(role, Role::Weights | Role::Config);
        let has = |role| files.iter().any(|file: &RemoteFile| file.role == role);
        let spare = match role {
            Role::VocabTxt => has(Role::TokenizerJson),
            Role::VocabJson | Role::MergesTxt => has(Role::TokenizerJson) || has(Role::VocabTxt),
            _ => false,
        };
        if spare {
            continue;
        }
        let mut found = None;
        for name in &names {
            match host.head(&url_of(hub, address, name)).await {
                Ok(answer) => {
                    found = Some(RemoteFile {
                        role,
                        name: (*name).to_owned(),
                        bytes: answer.hint,
                        sha256: None,
                    });
                    break;
                }
                Err(Refused::Missing) => {}
                Err(refused) => return Err(refused),
            }
        }
        if found.is_none() && is_needed {
            let url = url_of(hub, address, names[0]);
            return Err(Refused::Final(missing(&url)));
        }
        files.extend(found);
    }
    let has = |role| files.iter().any(|file| file.role == role);
    if !Role::make_vocabulary(has) {
        let url = url_of(hub, address, "tokenizer.json or vocab.txt");
        return Err(Refused::Final(missing(&url)));
    }
    let listing = Listing {
        address: address.clone(),
        asked: address.clone(),
        files,
    };
    Ok((listing, None))
}

/// Reads the configuration, so that a model that cannot run here is refused before its weights
/// are fetched.
async fn configuration(host: &Host, hub: &Hub, listing: &Listing) -> Result<Config, Failure> {
    let url = url_of(hub, &listing.address, "config.json");
    let answer = host
        .get(&url)
        .await
        .map_err(|refused| refused.failure(&url))?;
    let bytes = body(&url, &answer, CONFIG_BYTES).await?;
    read_config(&bytes)
}

pub(super) async fn body(url: &str, answer: &Answer, limit: usize) -> Result<Vec<u8>, Failure> {
    match answer.stream() {
        Some(stream) => Reader::network(file_of(url), stream, None).all(limit).await,
        None => Ok(Vec::new()),
    }
}

fn no_such(host: &str, address: &Address) -> Failure {
    let (cause, advice) = match address {
        Address::Hub { .. } => (
            format!("{host} answered 404: no model has this name, or it has no such revision."),
            "Check the spelling; a name is OWNER/NAME, mostly, and a revision follows an @.",
        ),
        Address::Web { .. } => (
            format!("{host} answered 404."),
            "Check the address of the folder.",
        ),
    };
    Failure::new(format!("There is no {address}"), cause, advice)
}
