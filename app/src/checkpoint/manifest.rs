//! What is written beside a checkpoint that this device keeps, and what is believed of it later.

use super::address::{Address, is_hex};
use crate::checkpoint::{Listing, RemoteFile};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The file's name, in the checkpoint's folder.
pub const MANIFEST: &str = "manifest.json";
/// Longest that is read.
pub const MANIFEST_BYTES: usize = 1 << 16;
/// The only version there is so far.
const VERSION: u32 = 1;

/// A kept checkpoint: whence, what, whether whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    version: u32,
    /// Sizes and hashes are filled in as files are completed.
    pub listing: Listing,
    /// The weights' `ETag`, where the host shows it: whether a half-fetched file is still the same.
    pub etag: Option<String>,
    /// The weights' length as the host told it with a part of them; the listing's is a guess, where
    /// nobody promises it.
    #[serde(default)]
    pub total: Option<u64>,
    pub complete: bool,
    /// Milliseconds since 1970.
    pub saved: f64,
}

/// The name of the folder for a checkpoint: 32 hexadecimal digits.
pub fn key(address: &Address) -> String {
    let hash = Sha256::digest(address.to_string());
    hash.iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// SHA-256 as 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Whether a name is one that [`key`] makes.
pub fn is_key(name: &str) -> bool {
    is_hex(name, 32)
}

impl Manifest {
    pub fn new(listing: Listing, saved: f64) -> Self {
        Self {
            version: VERSION,
            listing,
            etag: None,
            total: None,
            complete: false,
            saved,
        }
    }

    /// Reads what lies in the folder `key`; `None` where that is not a manifest of this version
    /// for this folder, whoever wrote it.
    pub fn parse(folder: &str, bytes: &[u8]) -> Option<Self> {
        let manifest: Self = serde_json::from_slice(bytes).ok()?;
        let plain = |file: &RemoteFile| {
            let byte = |b: u8| b.is_ascii_alphanumeric() || b"-_.~+@,=".contains(&b);
            file.name.bytes().all(byte) && file.name.trim_matches('.') == file.name
        };
        let fits = manifest.version == VERSION
            && key(&manifest.listing.address) == folder
            && manifest.listing.files.iter().all(plain)
            && manifest.saved.is_finite();
        fits.then_some(manifest)
    }

    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What is known of a file by its name.
    pub fn file_mut(&mut self, name: &str) -> Option<&mut RemoteFile> {
        self.listing.files.iter_mut().find(|file| file.name == name)
    }

    /// Whether this is what an address means, as far as one can tell without asking its host.
    pub fn answers(&self, address: &Address) -> bool {
        self.listing.address == *address || self.listing.asked == *address
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Role;

    fn manifest(weights: &str) -> Manifest {
        let listing = Listing {
            address: Address::parse(&format!("a/b@{}", "0f".repeat(20))).unwrap(),
            asked: Address::parse("a/b").unwrap(),
            files: vec![RemoteFile {
                role: Role::Weights,
                name: weights.to_owned(),
                bytes: Some(7),
                sha256: None,
            }],
        };
        Manifest::new(listing, 1.0)
    }

    #[test]
    fn a_manifest_reads_back_in_its_own_folder_only() {
        let written = manifest("model.safetensors");
        let folder = key(&written.listing.address);
        assert!(is_key(&folder));
        assert_eq!(
            Manifest::parse(&folder, &written.to_json()),
            Some(written.clone())
        );
        assert_eq!(Manifest::parse(&"0".repeat(32), &written.to_json()), None);
        assert!(written.answers(&Address::parse("a/b").unwrap()));
        assert!(written.answers(&written.listing.address));
        assert!(!written.answers(&Address::parse("a/b@dev").unwrap()));
    }

    #[test]
    fn a_manifest_that_someone_else_wrote_is_not_believed() {
        for name in ["../x", "a/b", "..", ".", "a\\b", "x\u{0}"] {
            let written = manifest(name);
            let folder = key(&written.listing.address);
            assert_eq!(Manifest::parse(&folder, &written.to_json()), None, "{name}");
        }
        let written = manifest("m.safetensors");
        let folder = key(&written.listing.address);
        let text = String::from_utf8(written.to_json()).unwrap();
        for broken in [
            text.replace("\"version\":1", "\"version\":2"),
            text.replace("a/b@", "../b@"),
            text[..text.len() / 2].to_owned(),
            String::new(),
        ] {
            assert_eq!(
                Manifest::parse(&folder, broken.as_bytes()),
                None,
                "{broken}"
            );
        }
    }
}
