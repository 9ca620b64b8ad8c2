//! Safetensors checkpoints, read as a stream of untrusted bytes.
//!
//! Nothing here does I/O or holds the file: bytes are pushed in chunks of any length, the header is
//! validated as a whole before the first weight is handed on, and the weights go to a [`Sink`] in
//! pieces that are cut from the pushed chunk itself.
//!
//! ```text
//! 8 bytes: N, little endian | N bytes: JSON header | tensors, back to back
//! ```

mod decode;
mod header;
mod sniff;
mod stream;

pub use decode::{decode, first_non_finite};
pub use header::{
    Header, HeaderError, MAX_HEADER_BYTES, MAX_NAME_BYTES, MAX_RANK, Rule, TensorInfo,
};
pub use sniff::{FileKind, SNIFF_BYTES, sniff};
pub use stream::{MAX_PIECE, SafetensorsStream, Sink, StreamError};

use std::fmt;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    F32,
    F16,
    BF16,
    /// Anything else that the format knows, such as the `I64` position ids that old checkpoints carry.
    /// Legal in a file and skipped; an error only where the model wants that tensor.
    Other(safetensors::Dtype),
}

impl Dtype {
    /// Bytes per element where the elements are floats that can be decoded.
    pub fn float_bytes(self) -> Option<usize> {
        match self {
            Self::F32 => Some(4),
            Self::F16 | Self::BF16 => Some(2),
            Self::Other(_) => None,
        }
    }

    /// Bits per element.
    fn bits(self) -> u64 {
        match self {
            Self::F32 => 32,
            Self::F16 | Self::BF16 => 16,
            Self::Other(other) => other.bitsize() as u64,
        }
    }
}

impl From<safetensors::Dtype> for Dtype {
    fn from(dtype: safetensors::Dtype) -> Self {
        match dtype {
            safetensors::Dtype::F32 => Self::F32,
            safetensors::Dtype::F16 => Self::F16,
            safetensors::Dtype::BF16 => Self::BF16,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F32 => f.write_str("F32"),
            Self::F16 => f.write_str("F16"),
            Self::BF16 => f.write_str("BF16"),
            Self::Other(other) => write!(f, "{other}"),
        }
    }
}
