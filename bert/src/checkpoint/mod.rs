//! Checkpoints, read as a stream of untrusted bytes: safetensors, and PyTorch's `pytorch_model.bin`.
//!
//! Nothing here does I/O or holds the file: bytes are pushed in chunks of any length, all tensors are
//! known and checked before the first weight is handed on, and the weights go to a [`Sink`] in
//! pieces that are cut from the pushed chunk itself. Safetensors is the simpler format:
//!
//! ```text
//! 8 bytes: N, little endian | N bytes: JSON header | tensors, back to back
//! ```

mod decode;
mod header;
mod pieces;
mod pytorch;
mod safetensors;
mod sniff;
mod stream;

pub use self::safetensors::SafetensorsStream;
pub use decode::{decode, first_non_finite};
pub use header::{
    Header, HeaderError, MAX_HEADER_BYTES, MAX_NAME_BYTES, MAX_RANK, Rule, TensorInfo,
};
pub use pieces::MAX_PIECE;
pub use pytorch::{
    ArchiveStream, LegacyStream, MAX_OPERATIONS, MAX_PICKLE_BYTES, MAX_TRANSPOSED, PytorchError,
};
pub use sniff::{FileKind, SNIFF_BYTES, sniff};
pub use stream::{Sink, StreamError, WeightsStream};

use std::fmt;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Single precision.
    F32,
    /// Half precision.
    F16,
    /// The upper half of single precision.
    BF16,
    /// Rounded to f32 when it is read.
    F64,
    /// Anything else that the format knows, such as the `I64` position ids that old checkpoints carry.
    /// Legal in a file and skipped; an error only where the model wants that tensor.
    Other(::safetensors::Dtype),
}

impl Dtype {
    /// Bytes per element where the elements are floats that can be decoded.
    pub fn float_bytes(self) -> Option<usize> {
        match self {
            Self::F32 => Some(4),
            Self::F16 | Self::BF16 => Some(2),
            Self::F64 => Some(8),
            Self::Other(_) => None,
        }
    }

    /// Bits per element.
    fn bits(self) -> u64 {
        match self {
            Self::F32 => 32,
            Self::F16 | Self::BF16 => 16,
            Self::F64 => 64,
            Self::Other(other) => other.bitsize() as u64,
        }
    }
}

/// The float types of tensors, the one of the most elements first. Integers count for nothing: position ids and
/// the like are part of a file, not of a model.
pub fn float_types(tensors: &[TensorInfo]) -> Vec<Dtype> {
    let count = |dtype: Dtype| -> usize {
        let of_type = tensors.iter().filter(|tensor| tensor.dtype == dtype);
        of_type.map(TensorInfo::elements).sum()
    };
    let mut counts: Vec<(usize, Dtype)> = [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F64]
        .into_iter()
        .map(|dtype| (count(dtype), dtype))
        .filter(|(elements, _)| *elements > 0)
        .collect();
    counts.sort_by_key(|(elements, _)| std::cmp::Reverse(*elements));
    counts.into_iter().map(|(_, dtype)| dtype).collect()
}

impl From<::safetensors::Dtype> for Dtype {
    fn from(dtype: ::safetensors::Dtype) -> Self {
        match dtype {
            ::safetensors::Dtype::F32 => Self::F32,
            ::safetensors::Dtype::F16 => Self::F16,
            ::safetensors::Dtype::BF16 => Self::BF16,
            ::safetensors::Dtype::F64 => Self::F64,
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
            Self::F64 => f.write_str("F64"),
            Self::Other(other) => write!(f, "{other}"),
        }
    }
}
