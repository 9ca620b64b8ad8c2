//! The push parser: chunks of any length in, pieces of tensors out.

use super::pieces::Pieces;
use super::{FileKind, Header, Sink, StreamError, TensorInfo, sniff};

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
    /// The tensor whose bytes come next.
    index: usize,
    pieces: Pieces,
}

impl Data {
    fn new(header: Header) -> Self {
        let first = header.tensors.first();
        Self {
            pieces: Pieces::new(first.map_or(0, TensorInfo::byte_len)),
            index: 0,
            header,
        }
    }
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
        self.sink
            .header(&header.tensors)
            .map_err(StreamError::Sink)?;
        let mut data = Data::new(header);
        self.push_data(&mut data, bytes)?;
        Ok(State::Data(data))
    }

    fn push_data(
        &mut self,
        data: &mut Data,
        mut bytes: &[u8],
    ) -> Result<(), StreamError<S::Error>> {
        let tensors = &data.header.tensors;
        while !bytes.is_empty() {
            if data.pieces.left() == 0 {
                data.index += 1;
                let Some(tensor) = tensors.get(data.index) else {
                    return Err(StreamError::Trailing {
                        expected: data.header.file_len,
                    });
                };
                data.pieces = Pieces::new(tensor.byte_len());
                continue;
            }
            let index = data.index;
            let wanted = tensors[index].dtype.float_bytes().is_some();
            let taken = data.pieces.push(bytes, |offset, piece| match wanted {
                true => self.sink.data(tensors, index, offset, piece),
                false => Ok(()),
            });
            let taken = taken.map_err(StreamError::Sink)?;
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
