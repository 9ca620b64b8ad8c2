//! A link as a QR code, for those who sit in front of a projector.

use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write;

/// Longest address that becomes a code, in bytes: longer ones make squares too small for a phone across a room.
pub const MAX_QR: usize = 320;
/// White squares around, as the standard asks.
const QUIET: i32 = 4;

/// A code as one path of unit squares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qr {
    /// Squares a side, with the white ones around.
    pub side: i32,
    /// The dark squares, as the `d` of an SVG path.
    pub path: String,
}

/// The code of an address; `None` where it is longer than [`MAX_QR`].
pub fn qr(address: &str) -> Option<Qr> {
    if address.len() > MAX_QR {
        return None;
    }
    let code = QrCode::encode_text(address, QrCodeEcc::Low).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size())
                .take_while(|&x| code.get_module(x, y))
                .count() as i32;
            if run > 0 {
                // Writing to a string does not fail.
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run.max(1);
        }
    }
    Some(Qr {
        side: code.size() + 2 * QUIET,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dark squares of a path.
    fn squares(path: &str) -> Vec<(i32, i32)> {
        let runs = path.split_terminator('z').map(|run| {
            let numbers = run
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|n| n.parse::<i32>().ok());
            let numbers: Vec<i32> = numbers.collect();
            (numbers[0], numbers[1], numbers[2])
        });
        runs.flat_map(|(x, y, run)| (x..x + run).map(move |x| (x, y)))
            .collect()
    }

    #[test]
    fn the_path_is_the_code() {
        let address = "https://example.org/unmask/#v=1&mask=3";
        let code = QrCode::encode_text(address, QrCodeEcc::Low).expect("short");
        let qr = qr(address).expect("short");
        let dark = squares(&qr.path);
        for y in 0..qr.side {
            for x in 0..qr.side {
                assert_eq!(
                    dark.contains(&(x, y)),
                    code.get_module(x - QUIET, y - QUIET),
                    "{x} {y}"
                );
            }
        }
    }

    #[test]
    fn what_is_too_long_has_none() {
        assert!(qr(&"x".repeat(MAX_QR)).is_some());
        assert_eq!(qr(&"x".repeat(MAX_QR + 1)), None);
    }
}
