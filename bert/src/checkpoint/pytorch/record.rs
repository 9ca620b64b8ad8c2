//! What a zip archive says about one of its records.

use super::PytorchError;

/// Length of what every record begins with.
pub const LOCAL_BYTES: usize = 30;
/// Length of what follows a record whose sizes were not known when it began.
pub const DESCRIPTOR_BYTES: usize = 16;
pub const LOCAL: &[u8] = b"PK\x03\x04";
pub const DESCRIPTOR: &[u8] = b"PK\x07\x08";

/// The sizes stand behind the data.
const SIZES_FOLLOW: u16 = 1 << 3;
/// The name is UTF-8.
const UTF8: u16 = 1 << 11;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Checksum and sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// 0: not computed.
    pub crc: u32,
    pub stored: u32,
    pub inflated: u32,
}

/// A record, as it begins or as the directory lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// With the archive's root.
    pub name: String,
    pub flags: u16,
    pub method: u16,
    pub sizes: Sizes,
    /// Where it begins in the file.
    pub at: u64,
}

/// Reads little-endian numbers; the caller has looked that the bytes are there.
pub struct Numbers<'a>(pub &'a [u8]);

impl Numbers<'_> {
    pub fn u16(&self, at: usize) -> u16 {
        self.0[at..]
            .first_chunk()
            .map_or(0, |two| u16::from_le_bytes(*two))
    }

    pub fn u32(&self, at: usize) -> u32 {
        self.0[at..]
            .first_chunk()
            .map_or(0, |four| u32::from_le_bytes(*four))
    }

    pub fn u64(&self, at: usize) -> u64 {
        self.0[at..]
            .first_chunk()
            .map_or(0, |eight| u64::from_le_bytes(*eight))
    }

    /// Three numbers of 32 bits.
    pub fn sizes(&self, at: usize) -> Sizes {
        Sizes {
            crc: self.u32(at),
            stored: self.u32(at + 4),
            inflated: self.u32(at + 8),
        }
    }
}

impl Record {
    /// Reads what a record begins with, [`LOCAL_BYTES`] and the name.
    ///
    /// # Errors
    /// It is packed or sealed in a way that is not read.
    pub fn local(bytes: &[u8], at: u64) -> Result<Self, PytorchError> {
        let (head, name) = bytes.split_at(LOCAL_BYTES);
        let numbers = Numbers(head);
        Self {
            name: String::from_utf8_lossy(name).into_owned(),
            flags: numbers.u16(6),
            method: numbers.u16(8),
            sizes: numbers.sizes(14),
            at,
        }
        .checked()
    }

    /// Length of the name and of what follows it.
    pub fn tail_lens(head: &[u8]) -> (usize, usize) {
        let numbers = Numbers(head);
        (numbers.u16(26).into(), numbers.u16(28).into())
    }

    fn checked(self) -> Result<Self, PytorchError> {
        let rule = match self.method {
            _ if self.flags & !(SIZES_FOLLOW | UTF8) != 0 => {
                "is encrypted, or packed in an unknown way"
            }
            STORED | DEFLATED
                if self.sizes.stored == u32::MAX || self.sizes.inflated == u32::MAX =>
            {
                "has 4 GiB or more"
            }
            STORED => return Ok(self),
            DEFLATED if self.file() == "data.pkl" => return Ok(self),
            DEFLATED => "is compressed, which torch.save never does",
            _ => "is packed in an unknown way",
        };
        Err(self.refused(rule))
    }

    /// Its name without the archive's root.
    pub fn file(&self) -> &str {
        self.name.split_once('/').map_or("", |(_, file)| file)
    }

    /// The archive's root.
    pub fn root(&self) -> &str {
        self.name.split_once('/').map_or("", |(root, _)| root)
    }

    pub fn sizes_follow(&self) -> bool {
        self.flags & SIZES_FOLLOW != 0
    }

    pub fn is_deflated(&self) -> bool {
        self.method == DEFLATED
    }

    pub fn refused(&self, rule: &'static str) -> PytorchError {
        PytorchError::Record {
            name: self.name.clone(),
            rule,
        }
    }

    /// Compares what was read of the record with what its sizes say: `stored` bytes, whose content, inflated, has the
    /// checksum `crc`.
    ///
    /// # Errors
    /// They differ.
    pub fn check(&self, stored: u64, crc: u32) -> Result<(), PytorchError> {
        let Sizes {
            crc: told,
            stored: length,
            inflated,
        } = self.sizes;
        if u64::from(length) != stored || !self.is_deflated() && inflated != length {
            return Err(self.refused("has another length than it says"));
        }
        // PyTorch can leave the checksum out.
        if told != 0 && told != crc {
            return Err(self.refused("is damaged: its checksum differs"));
        }
        Ok(())
    }
}
