//! The zip layout, read once from its start to its end.
//!
//! PyTorch writes data.pkl before the numbers, but the sizes of records behind them. So the end of data.pkl and of
//! the other small records is found by what follows them, and the size of a storage is what the pickle says. The
//! directory at the file's end must agree with all of it.

use super::directory;
use super::record::{DESCRIPTOR, DESCRIPTOR_BYTES, LOCAL, LOCAL_BYTES, Numbers, Record, Sizes};
use super::state_dict::Contents;
use super::storage::StorageReader;
use super::{MAX_PICKLE_BYTES, PytorchError};
use crate::checkpoint::{Sink, StreamError};

/// The records beside the numbers, of which only the first and the order of bytes say something here.
const SMALL: [&str; 6] = [
    "data.pkl",
    "byteorder",
    "version",
    ".format_version",
    ".storage_alignment",
    ".data/serialization_id",
];
/// The longest record that holds neither the pickle nor numbers, and the longest name.
const MAX_SMALL: usize = 4096;
/// The most bytes between a record's name and its data: PyTorch puts data at multiples of 64, or of a page.
const MAX_PADDING: usize = 1 << 16;
/// The longest directory.
const MAX_DIRECTORY: usize = 4 << 20;
/// Bytes that are looked through at a time for the end of a record.
const LOOK: usize = 1 << 16;

/// Reads a zip archive of `torch.save` from chunks of any length, without holding more than its pickle, its
/// directory and transposed matrices.
pub struct ArchiveStream<S: Sink> {
    sink: S,
    file_len: Option<u64>,
    /// Bytes taken so far.
    done: u64,
    state: State,
    /// Bytes of what is being collected.
    buffer: Vec<u8>,
    contents: Option<Contents>,
    /// Storages of the contents that have come.
    seen: Vec<bool>,
    records: Vec<Record>,
}

enum State {
    /// What a record, or the directory, begins with.
    Local,
    /// A record that is collected as a whole.
    Small(Record),
    Numbers(Record, StorageReader, crc32fast::Hasher),
    /// The sizes behind a storage, of these many bytes with this checksum.
    Descriptor(Record, u64, u32),
    /// The directory, which begins at this byte.
    Directory(u64),
    Ended,
}

impl<S: Sink> ArchiveStream<S> {
    /// `file_len`: length of the file in bytes where it is known, as it will be pushed.
    pub fn new(file_len: Option<u64>, sink: S) -> Self {
        Self {
            sink,
            file_len,
            done: 0,
            state: State::Local,
            buffer: Vec::new(),
            contents: None,
            seen: Vec::new(),
            records: Vec::new(),
        }
    }

    /// Takes the next bytes of the file, any number of them.
    ///
    /// # Errors
    /// The first fault; after it, every push says [`StreamError::Ended`].
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), StreamError<S::Error>> {
        while !bytes.is_empty() {
            // Whatever leaves this function early leaves the stream ended.
            let state = std::mem::replace(&mut self.state, State::Ended);
            self.state = match state {
                State::Ended => return Err(StreamError::Ended),
                State::Local => self.local(&mut bytes)?,
                State::Small(record) => self.small(record, &mut bytes)?,
                State::Numbers(record, reader, crc) => {
                    self.numbers(record, reader, crc, &mut bytes)?
                }
                State::Descriptor(mut record, length, crc) => {
                    match self.collect(&mut bytes, DESCRIPTOR_BYTES) {
                        false => State::Descriptor(record, length, crc),
                        true if !self.buffer.starts_with(DESCRIPTOR) => {
                            return Err(record.refused("is longer than its storage").into());
                        }
                        true => {
                            record.sizes = descriptor(&self.buffer);
                            self.end_record(record, length, crc)?
                        }
                    }
                }
                State::Directory(begin) => {
                    self.collect(&mut bytes, MAX_DIRECTORY);
                    if self.buffer.len() == MAX_DIRECTORY {
                        return Err(PytorchError::Directory("it is longer than 4 MiB").into());
                    }
                    State::Directory(begin)
                }
            };
        }
        Ok(())
    }

    /// Ends the stream and gives the sink back.
    ///
    /// # Errors
    /// Bytes or storages are missing, the directory says something else than what stood before it, or a push failed.
    pub fn finish(self) -> Result<S, StreamError<S::Error>> {
        let truncated = PytorchError::Truncated { got: self.done };
        let begin = match self.state {
            State::Directory(begin) => begin,
            State::Ended => return Err(StreamError::Ended),
            _ => return Err(truncated.into()),
        };
        if self.file_len.is_some_and(|length| self.done < length) {
            return Err(truncated.into());
        }
        let contents = self.contents.ok_or(PytorchError::NoPickle)?;
        directory::check(&self.buffer, begin, &self.records)?;
        if let Some(missing) = self.seen.iter().position(|seen| !seen) {
            return Err(PytorchError::Storage {
                key: contents.storages[missing].key.clone(),
                rule: "is not in the archive",
            }
            .into());
        }
        Ok(self.sink)
    }

    /// Bytes taken so far and bytes in all, 0 where that is not known.
    pub fn progress(&self) -> (u64, u64) {
        (self.done, self.file_len.unwrap_or(0))
    }

    /// The sink, to look at while the stream goes on.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    /// Collects bytes until there are `upto`; whether there are.
    fn collect(&mut self, bytes: &mut &[u8], upto: usize) -> bool {
        let missing = upto.saturating_sub(self.buffer.len());
        let (head, rest) = bytes.split_at(bytes.len().min(missing));
        self.buffer.extend_from_slice(head);
        self.done += head.len() as u64;
        *bytes = rest;
        self.buffer.len() >= upto
    }

    fn local(&mut self, bytes: &mut &[u8]) -> Result<State, StreamError<S::Error>> {
        if !self.collect(bytes, LOCAL.len()) {
            return Ok(State::Local);
        }
        if self.buffer.starts_with(directory::ENTRY) {
            return Ok(State::Directory(self.done - LOCAL.len() as u64));
        }
        if !self.buffer.starts_with(LOCAL) {
            return Err(PytorchError::Directory("there is something else in between").into());
        }
        if !self.collect(bytes, LOCAL_BYTES) {
            return Ok(State::Local);
        }
        let (name, padding) = Record::tail_lens(&self.buffer);
        if name > MAX_SMALL || padding > MAX_PADDING {
            return Err(PytorchError::Directory("a record has too long a name").into());
        }
        let end = LOCAL_BYTES + name + padding;
        if !self.collect(bytes, end) {
            return Ok(State::Local);
        }
        let record = Record::local(&self.buffer[..LOCAL_BYTES + name], self.done - end as u64)?;
        self.buffer.clear();
        self.begin_record(record)
    }

    fn begin_record(&mut self, record: Record) -> Result<State, StreamError<S::Error>> {
        let root = self.records.first().map(Record::root);
        if root.is_some_and(|root| root != record.root()) {
            return Err(record.refused("is in another folder than the first").into());
        }
        let twice = "is there twice";
        let Some(key) = record.file().strip_prefix("data/") else {
            return match record.file() {
                file if !SMALL.contains(&file) => {
                    // The code of a module that was scripted, for one.
                    Err(record.refused("is none that a state dict has").into())
                }
                _ if (self.records.iter()).any(|other| other.name == record.name) => {
                    Err(record.refused(twice).into())
                }
                _ => Ok(State::Small(record)),
            };
        };
        let contents = self.contents.as_ref().ok_or(PytorchError::NoPickle)?;
        let index = contents.places.get(key).copied();
        let index = index.ok_or_else(|| record.refused("belongs to no tensor"))?;
        if self.seen[index] {
            return Err(record.refused(twice).into());
        }
        let storage = &contents.storages[index];
        if !record.sizes_follow() && u64::from(record.sizes.stored) != storage.bytes {
            let error = record.refused("has another length than its storage");
            return Err(error.into());
        }
        self.seen[index] = true;
        let reader = StorageReader::new(storage, &contents.tensors);
        self.numbers(record, reader, crc32fast::Hasher::new(), &mut &[][..])
    }

    fn numbers(
        &mut self,
        record: Record,
        mut reader: StorageReader,
        mut crc: crc32fast::Hasher,
        bytes: &mut &[u8],
    ) -> Result<State, StreamError<S::Error>> {
        let tensors = self.contents.as_ref().map_or(&[][..], |all| &all.tensors);
        let taken = reader.push(bytes, tensors, &mut self.sink)?;
        crc.update(&bytes[..taken]);
        self.done += taken as u64;
        *bytes = &bytes[taken..];
        if !reader.done() {
            return Ok(State::Numbers(record, reader, crc));
        }
        let (length, crc) = (reader.bytes(), crc.finalize());
        match record.sizes_follow() {
            true => Ok(State::Descriptor(record, length, crc)),
            false => Ok(self.end_record(record, length, crc)?),
        }
    }

    fn small(
        &mut self,
        mut record: Record,
        bytes: &mut &[u8],
    ) -> Result<State, StreamError<S::Error>> {
        let limit = match record.file() {
            "data.pkl" => MAX_PICKLE_BYTES,
            _ => MAX_SMALL,
        };
        let length = if record.sizes_follow() {
            let (looked, from) = (self.buffer.len(), *bytes);
            let most = limit + DESCRIPTOR_BYTES;
            self.collect(bytes, (looked + LOOK).min(most));
            let Some(length) = find_end(&self.buffer, looked) else {
                return match self.buffer.len() == most {
                    true => Err(record.refused("is longer than it may be").into()),
                    false => Ok(State::Small(record)),
                };
            };
            // What was collected beyond the record is given back; it came just now.
            let beyond = self.buffer.len() - length - DESCRIPTOR_BYTES;
            *bytes = &from[from.len() - bytes.len() - beyond..];
            self.done -= beyond as u64;
            record.sizes = descriptor(&self.buffer[length..]);
            length
        } else {
            let length = record.sizes.stored as usize;
            if length > limit {
                return Err(record.refused("is longer than it may be").into());
            }
            if !self.collect(bytes, length) {
                return Ok(State::Small(record));
            }
            length
        };
        let mut data = std::mem::take(&mut self.buffer);
        data.truncate(length);
        let data = inflated(&record, data)?;
        let state = self.end_record(record, length as u64, crc32fast::hash(&data))?;
        self.read_small(data)?;
        Ok(state)
    }

    fn end_record(&mut self, record: Record, length: u64, crc: u32) -> Result<State, PytorchError> {
        record.check(length, crc)?;
        self.records.push(record);
        self.buffer.clear();
        Ok(State::Local)
    }

    /// Acts on the data of the last record, which is small.
    fn read_small(&mut self, data: Vec<u8>) -> Result<(), StreamError<S::Error>> {
        let Some(record) = self.records.last() else {
            return Ok(());
        };
        match record.file() {
            "byteorder" if data != b"little" => Err(PytorchError::BigEndian.into()),
            "data.pkl" => {
                let contents = Contents::of_pickle(&data)?;
                self.sink
                    .header(&contents.tensors)
                    .map_err(StreamError::Sink)?;
                self.seen = vec![false; contents.storages.len()];
                self.contents = Some(contents);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// The pickle, which some tools deflate.
fn inflated(record: &Record, data: Vec<u8>) -> Result<Vec<u8>, PytorchError> {
    if !record.is_deflated() {
        return Ok(data);
    }
    let length = record.sizes.inflated as usize;
    if length > MAX_PICKLE_BYTES {
        return Err(PytorchError::TooLong);
    }
    miniz_oxide::inflate::decompress_to_vec_with_limit(&data, length)
        .ok()
        .filter(|inflated| inflated.len() == length)
        .ok_or_else(|| record.refused("cannot be inflated to the length that it gives"))
}

/// Where a record ends whose sizes stand behind it: before a descriptor that gives just this size. `looked` bytes
/// were looked through before.
fn find_end(bytes: &[u8], looked: usize) -> Option<usize> {
    let first = looked.saturating_sub(DESCRIPTOR_BYTES - 1);
    let ends = bytes.get(first..)?.windows(DESCRIPTOR_BYTES).enumerate();
    let mut ends = ends.map(|(i, window)| (first + i, window));
    let found = ends.find(|(at, window)| {
        window.starts_with(DESCRIPTOR) && descriptor(window).stored as usize == *at
    });
    found.map(|(at, _)| at)
}

fn descriptor(bytes: &[u8]) -> Sizes {
    Numbers(bytes).sizes(DESCRIPTOR.len())
}
