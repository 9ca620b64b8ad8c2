//! What every reader of weights has in common: where tensors go, and how a stream ends.

use super::pytorch::{ArchiveStream, LegacyStream, PytorchError};
use super::{FileKind, HeaderError, SNIFF_BYTES, SafetensorsStream, TensorInfo, sniff};

/// Takes the tensors of a file as they arrive.
pub trait Sink {
    /// Why it may refuse.
    type Error;

    /// All tensors of the file, once, before any data.
    ///
    /// # Errors
    /// An error here or in [`Sink::data`] ends the stream.
    fn header(&mut self, tensors: &[TensorInfo]) -> Result<(), Self::Error>;

    /// A piece of tensor `index`, starting at byte `offset` of that tensor, whose elements come row by row.
    ///
    /// Of each tensor the pieces come with ascending offsets and no gaps; tensors come one after another, but
    /// those that share memory in a PyTorch file take turns. `bytes` holds at least one element and at
    /// most [`super::MAX_PIECE`] bytes; `offset` is a multiple of 8, and so is the length but for the tensor's
    /// last piece. Its address has no particular alignment. Tensors of [`super::Dtype::Other`] and those without
    /// elements are not delivered.
    fn data(
        &mut self,
        tensors: &[TensorInfo],
        index: usize,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), Self::Error>;
}

/// Why a stream ended early.
#[derive(Debug, thiserror::Error)]
pub enum StreamError<E> {
    /// No weights at all, and recognised.
    #[error("{}", .0.explain())]
    Kind(FileKind),
    /// A safetensors header that is refused.
    #[error("model.safetensors is damaged: {0}.")]
    Header(#[from] HeaderError),
    /// The file ended early.
    #[error(
        "model.safetensors ends after {got} of {expected} bytes: the read or the download was cut short. Get it again."
    )]
    Truncated {
        /// Bytes that came.
        got: u64,
        /// Bytes that its header accounts for.
        expected: u64,
    },
    /// The file went on.
    #[error(
        "model.safetensors goes on after its {expected} bytes: there are stray bytes at the end."
    )]
    Trailing {
        /// Bytes that its header accounts for.
        expected: u64,
    },
    /// A PyTorch file that is refused.
    #[error("this PyTorch file cannot be read: {0}. {advice}", advice = .0.advice())]
    Pytorch(#[from] PytorchError),
    /// Pushed after an error.
    #[error("this read already failed and cannot go on; start again with a new file")]
    Ended,
    /// The sink refused.
    #[error("{0}")]
    Sink(E),
}

/// Reads weights in any format that is read here, told apart by their first bytes: safetensors, or either layout
/// of `pytorch_model.bin`.
pub struct WeightsStream<S: Sink>(State<S>);

enum State<S: Sink> {
    /// The first bytes are being collected.
    Start {
        first: Vec<u8>,
        file_len: Option<u64>,
        sink: S,
    },
    Safetensors(SafetensorsStream<S>),
    Archive(Box<ArchiveStream<S>>),
    Legacy(Box<LegacyStream<S>>),
    Ended,
}

impl<S: Sink> WeightsStream<S> {
    /// `file_len`: length of the file in bytes where it is known, as it will be pushed.
    pub fn new(file_len: Option<u64>, sink: S) -> Self {
        Self(State::Start {
            first: Vec::new(),
            file_len,
            sink,
        })
    }

    /// Takes the next bytes of the file, any number of them.
    ///
    /// # Errors
    /// The first fault; after it, every push says [`StreamError::Ended`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), StreamError<S::Error>> {
        match &mut self.0 {
            State::Start { first, .. } => {
                let (head, rest) = bytes.split_at(bytes.len().min(SNIFF_BYTES - first.len()));
                first.extend_from_slice(head);
                if first.len() < SNIFF_BYTES {
                    return Ok(());
                }
                let first = self.choose();
                self.push(&first)?;
                self.push(rest)
            }
            State::Safetensors(stream) => stream.push(bytes),
            State::Archive(stream) => stream.push(bytes),
            State::Legacy(stream) => stream.push(bytes),
            State::Ended => Err(StreamError::Ended),
        }
    }

    /// Makes the stream for the kind of file that the first bytes tell, and gives them back.
    fn choose(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.0, State::Ended) {
            State::Start {
                first,
                file_len,
                sink,
            } => {
                self.0 = match sniff(&first) {
                    FileKind::PytorchPickle | FileKind::Zip if first.starts_with(b"PK") => {
                        State::Archive(ArchiveStream::new(file_len, sink).into())
                    }
                    FileKind::PytorchPickle => {
                        State::Legacy(LegacyStream::new(file_len, sink).into())
                    }
                    _ => State::Safetensors(SafetensorsStream::new(file_len, sink)),
                };
                first
            }
            other => {
                self.0 = other;
                Vec::new()
            }
        }
    }

    /// Ends the stream and gives the sink back.
    ///
    /// # Errors
    /// Bytes are missing, or a push failed.
    pub fn finish(mut self) -> Result<S, StreamError<S::Error>> {
        let first = self.choose();
        self.push(&first)?;
        match self.0 {
            State::Safetensors(stream) => stream.finish(),
            State::Archive(stream) => stream.finish(),
            State::Legacy(stream) => stream.finish(),
            State::Start { .. } | State::Ended => Err(StreamError::Ended),
        }
    }

    /// Bytes taken so far and bytes in all; the latter is 0 as long as it is not known.
    pub fn progress(&self) -> (u64, u64) {
        match &self.0 {
            State::Start {
                first, file_len, ..
            } => (first.len() as u64, file_len.unwrap_or(0)),
            State::Safetensors(stream) => stream.progress(),
            State::Archive(stream) => stream.progress(),
            State::Legacy(stream) => stream.progress(),
            State::Ended => (0, 0),
        }
    }

    /// The sink, to look at while the stream goes on; `None` once it failed.
    pub fn sink(&self) -> Option<&S> {
        match &self.0 {
            State::Start { sink, .. } => Some(sink),
            State::Safetensors(stream) => Some(stream.sink()),
            State::Archive(stream) => Some(stream.sink()),
            State::Legacy(stream) => Some(stream.sink()),
            State::Ended => None,
        }
    }
}
