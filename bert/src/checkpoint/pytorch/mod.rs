//! `pytorch_model.bin`, read as data: nothing in it is run.
//!
//! `torch.save` writes the names, shapes and places of tensors as a pickle, a program for a small machine that
//! may call any Python function. The machine here ([`machine`]) knows the few operations and names that a state
//! dict needs, and refuses every other by its name and place. The numbers lie beside the pickle, in *storages*,
//! of which tensors are views. There are two layouts:
//!
//! ```text
//! zip (torch 1.6 and later): data.pkl | small records | data/0, data/1, ... | directory
//! legacy:                    five pickles             | per storage: i64 number of elements, elements
//! ```
//!
//! In both all tensors are known before the first number, so that each file is read once, from its start to its
//! end, and never held.

mod archive;
mod directory;
mod legacy;
mod machine;
mod operation;
mod record;
mod state_dict;
mod storage;
mod value;

pub use archive::ArchiveStream;
pub use legacy::LegacyStream;

use super::header::shown;

/// The longest pickle that is read, in bytes. A large BERT's is about 50 KB.
pub const MAX_PICKLE_BYTES: usize = 4 << 20;
/// The most operations of a pickle; a large BERT's has about 20,000.
pub const MAX_OPERATIONS: usize = 1 << 20;
/// The most bytes of transposed matrices in one storage: they are held until the last byte is there.
pub const MAX_TRANSPOSED: u64 = 100 << 20;

/// Why a PyTorch file was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PytorchError {
    /// An operation of the pickle machine that is not known here.
    #[error("its pickle has the operation {byte:#04x} at byte {at}, which no state dict needs")]
    Operation {
        /// The operation.
        byte: u8,
        /// The byte of the pickle.
        at: usize,
    },
    /// A Python name that is not known here.
    #[error("its pickle asks for {} at byte {at}, which no state dict needs", shown(.name))]
    Global {
        /// Module and name.
        name: String,
        /// The byte of the pickle.
        at: usize,
    },
    /// A call of something that makes no tensor.
    #[error("its pickle calls {what} at byte {at}, which no state dict needs")]
    Call {
        /// What is called.
        what: String,
        /// The byte of the pickle.
        at: usize,
    },
    /// Bytes that no pickle has.
    #[error("its pickle is damaged at byte {at}: {what}")]
    Malformed {
        /// What is wrong, in words.
        what: &'static str,
        /// The byte of the pickle.
        at: usize,
    },
    /// More than is read.
    #[error("its pickle has more than {MAX_PICKLE_BYTES} bytes or {MAX_OPERATIONS} operations")]
    TooLong,
    /// A pickle of something else.
    #[error("its pickle is none that torch.save writes")]
    NotTorch,
    /// A saved `Module`.
    #[error("it holds a whole model, code included, and not only a state dict")]
    WholeModel,
    /// Numbers in an order that is not read.
    #[error("it was written on a big-endian machine")]
    BigEndian,
    /// Nothing to load.
    #[error("it holds no tensors, neither by itself nor under `state_dict` or `model`")]
    NoTensors,
    /// A tensor breaks a rule.
    #[error("tensor {}: {rule}", shown(.name))]
    Tensor {
        /// The tensor's name.
        name: String,
        /// The rule, in words.
        rule: &'static str,
    },
    /// A storage breaks a rule.
    #[error("storage {}: {rule}", shown(.key))]
    Storage {
        /// The storage's key.
        key: String,
        /// The rule, in words.
        rule: &'static str,
    },
    /// A record of the archive breaks a rule.
    #[error("record {} of the archive {rule}", shown(.name))]
    Record {
        /// The record's name.
        name: String,
        /// The rule, in words.
        rule: &'static str,
    },
    /// Directory and records differ; how, in words.
    #[error("the archive's directory does not agree with what stands before it: {0}")]
    Directory(&'static str),
    /// An archive that PyTorch did not write.
    #[error("the archive holds no data.pkl, or not before its numbers")]
    NoPickle,
    /// A cut file.
    #[error("its end is missing; it has {got} bytes")]
    Truncated {
        /// Bytes that came.
        got: u64,
    },
    /// A file with something behind it.
    #[error("it goes on after its end, byte {end}")]
    Trailing {
        /// Where it should have ended.
        end: u64,
    },
}

impl PytorchError {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "The read or the download was cut short: get it again.",
            Self::WholeModel => {
                "Save the model's state_dict() with torch.save, or the model with save_pretrained."
            }
            _ => {
                "Files are read as data, and nothing in them is run. If you trust it, load it in Python with \
                 transformers and save it with save_pretrained, which writes model.safetensors."
            }
        }
    }
}
