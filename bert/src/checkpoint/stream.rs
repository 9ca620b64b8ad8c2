//! The push parser: chunks of any length in, pieces of tensors out.

use super::{FileKind, Header, HeaderError, sniff};

/// The longest piece a [`Sink`] gets, in bytes.
pub const MAX_PIECE: usize = 8 << 20;

/// Pieces start and, but for a tensor's last, end at multiples of this many bytes: a whole number of elements
/// of every float type, and what a GPU's buffer writes ask for.
const GRAIN: usize = 4;

/// Takes the tensors of a file as they arrive.
pub trait Sink {
    type Error;

    /// The validated header, once, before any data.
    ///
    /// # Errors
    /// An error here or in [`Sink::data`] ends the stream.
    fn header(&mut self, header: &Header) -> Result<(), Self::Error>;

    /// A piece of tensor `index`, starting at byte `offset` of that tensor.
    ///
    /// Tensors come in file order with ascending offsets and no gaps. `bytes` holds at least one element and at
    /// most [`MAX_PIECE`] bytes; `offset` is a multiple of 4, and so is the length but for the tensor's last
    /// piece. Its address has no particular alignment. Tensors of [`super::Dtype::Other`] and those without
    /// elements are not delivered.
    fn data(
        &mut self,
        header: &Header,
        index: usize,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), Self::Error>;
}

/// Why a stream ended early.
#[derive(Debug, thiserror::Error)]
pub enum StreamError<E> {
    /// Not safetensors at all, and recognised.
    #[error("{}", .0.explain())]
    Kind(FileKind),
    #[error("model.safetensors is damaged: {0}.")]
    Header(#[from] HeaderError),
    #[error(
        "model.safetensors ends after {got} of {expected} bytes: the read or the download was cut short. Get it again."
    )]
    Truncated { got: u64, expected: u64 },
    #[error(
        "model.safetensors goes on after its {expected} bytes: there are stray bytes at the end."
    )]
    Trailing { expected: u64 },
    #[error("this read already failed and cannot go on; start again with a new file")]
    Ended,
    /// The sink refused.
    #[error("{0}")]
    Sink(E),
}

/// Parses a safetensors file from chunks of any length, without holding more than the header and a few bytes.
pub struct SafetensorsStream<S: Sink> {
    sink: S,
    file_len: Option<u64>,
    /// Bytes taken so far.
    done: u64,
    state: State,
}

enum State {
    /// Collecting the length field and then the JSON, together in one buffer that grows as bytes arrive.
    Header(Vec<u8>),
    Data(Data),
    Ended,
}

struct Data {
    header: Header,
    /// The tensor whose bytes come next, and how many of them were delivered.
    index: usize,
    offset: u64,
    /// Bytes of a grain that was cut by the end of a chunk.
    carry: [u8; GRAIN],
    carried: usize,
}

impl<S: Sink> SafetensorsStream<S> {
    /// `file_len`: length of the file in bytes where it is known, as it will be pushed (not as it is compressed
    /// on the way). Known, a damaged file is refused at its header; unknown, at its end.
    pub fn new(file_len: Option<u64>, sink: S) -> Self {
        Self {
            sink,
            file_len,
            done: 0,
            state: State::Header(Vec::new()),
        }
    }

    /// Takes the next bytes of the file, any number of them.
    ///
    /// # Errors
    /// The first fault; after it, every push says [`StreamError::Ended`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), StreamError<S::Error>> {
        // Whatever leaves this function early leaves the stream ended.
        let state = std::mem::replace(&mut self.state, State::Ended);
        self.state = match state {
            State::Ended => return Err(StreamError::Ended),
            State::Header(buffer) => self.push_header(buffer, bytes)?,
            State::Data(mut data) => {
                self.push_data(&mut data, bytes)?;
                State::Data(data)
            }
        };
        Ok(())
    }

    /// Ends the stream and gives the sink back.
    ///
    /// # Errors
    /// [`StreamError::Truncated`] if bytes are missing, [`StreamError::Ended`] if a push failed.
    pub fn finish(self) -> Result<S, StreamError<S::Error>> {
        let (done, total) = self.progress();
        match self.state {
            State::Ended => Err(StreamError::Ended),
            _ if done == 0 => Err(StreamError::Kind(FileKind::Empty)),
            State::Data(_) if done == total => Ok(self.sink),
            _ => Err(StreamError::Truncated {
                got: done,
                expected: total,
            }),
        }
    }

    /// Bytes taken so far and bytes in all; until the header is read, the latter is what is known of it.
    pub fn progress(&self) -> (u64, u64) {
        let total = match (&self.state, self.file_len) {
            (State::Data(data), _) => data.header.file_len,
            (_, Some(file_len)) => file_len,
            (State::Header(buffer), None) => 8 + header_length(buffer).unwrap_or(0),
            (State::Ended, None) => self.done,
        };
        (self.done, total)
    }

    /// The sink, to look at while the stream goes on.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    fn push_header(
        &mut self,
        mut buffer: Vec<u8>,
        mut bytes: &[u8],
    ) -> Result<State, StreamError<S::Error>> {
        let mut take = |buffer: &mut Vec<u8>, upto: usize| {
            let (head, rest) = bytes.split_at(bytes.len().min(upto - buffer.len()));
            buffer.extend_from_slice(head);
            self.done += head.len() as u64;
            bytes = rest;
        };
        if buffer.len() < 8 {
            take(&mut buffer, 8);
        }
        let Some(length) = header_length(&buffer) else {
            return Ok(State::Header(buffer));
        };
        if let Err(error) = Header::check_length(length, self.file_len) {
            // The 8 bytes are no length: say what the file is, if that can be told.
            buffer.extend_from_slice(&bytes[..bytes.len().min(super::SNIFF_BYTES)]);
            return Err(match sniff(&buffer) {
                FileKind::Safetensors | FileKind::Unknown => StreamError::Header(error),
                kind => StreamError::Kind(kind),
            });
        }
        let end = 8 + length as usize;
        take(&mut buffer, end);
        if buffer.len() < end {
            return Ok(State::Header(buffer));
        }
        let header = Header::parse(&buffer[8..], self.file_len)?;
        drop(buffer);
        self.sink.header(&header).map_err(StreamError::Sink)?;
        let mut data = Data {
            header,
            index: 0,
            offset: 0,
            carry: [0; GRAIN],
            carried: 0,
        };
        self.push_data(&mut data, bytes)?;
        Ok(State::Data(data))
    }

    fn push_data(
        &mut self,
        data: &mut Data,
        mut bytes: &[u8],
    ) -> Result<(), StreamError<S::Error>> {
        let Data {
            header,
            index,
            offset,
            carry,
            carried,
        } = data;
        while !bytes.is_empty() {
            let Some(tensor) = header.tensors.get(*index) else {
                return Err(StreamError::Trailing {
                    expected: header.file_len,
                });
            };
            let left = tensor.byte_len() - *offset;
            if left == 0 {
                (*index, *offset) = (*index + 1, 0);
                continue;
            }
            let fits = usize::try_from(left).unwrap_or(usize::MAX);
            let taken = if tensor.dtype.float_bytes().is_none() {
                let skipped = bytes.len().min(fits);
                *offset += skipped as u64;
                skipped
            } else if *carried > 0 || bytes.len() < fits.min(GRAIN) {
                let grain = fits.min(GRAIN);
                let taken = bytes.len().min(grain - *carried);
                carry[*carried..*carried + taken].copy_from_slice(&bytes[..taken]);
                *carried += taken;
                if *carried == grain {
                    self.sink
                        .data(header, *index, *offset, &carry[..grain])
                        .map_err(StreamError::Sink)?;
                    *offset += grain as u64;
                    *carried = 0;
                }
                taken
            } else {
                let mut taken = bytes.len().min(fits).min(MAX_PIECE);
                if taken < fits {
                    taken -= taken % GRAIN;
                }
                self.sink
                    .data(header, *index, *offset, &bytes[..taken])
                    .map_err(StreamError::Sink)?;
                *offset += taken as u64;
                taken
            };
            self.done += taken as u64;
            bytes = &bytes[taken..];
        }
        Ok(())
    }
}

/// The length field, once it is there.
fn header_length(buffer: &[u8]) -> Option<u64> {
    buffer
        .first_chunk::<8>()
        .map(|length| u64::from_le_bytes(*length))
}
