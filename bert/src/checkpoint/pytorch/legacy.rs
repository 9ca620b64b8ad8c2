//! The layout before zip: pickles one after another, then each storage behind its number of elements.

use super::machine::Machine;
use super::state_dict::Contents;
use super::storage::StorageReader;
use super::value::{Id, Value};
use super::{MAX_PICKLE_BYTES, PytorchError};
use crate::checkpoint::{Sink, StreamError};

/// The first pickle: the number by which PyTorch knows its files.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
/// The second pickle: the version of the layout.
const PROTOCOL: i64 = 1001;
/// Bytes of pickles that are taken at a time.
const STEP: usize = 1 << 16;

/// Reads a legacy file of `torch.save` from chunks of any length, without holding more than its pickles and
/// transposed matrices.
pub struct LegacyStream<S: Sink> {
    sink: S,
    file_len: Option<u64>,
    /// Bytes taken so far.
    done: u64,
    state: State,
}

enum State {
    Pickles(Box<Pickles>),
    Numbers(Box<Numbers>),
    Ended,
}

/// The pickles, while they arrive.
struct Pickles {
    buffer: Vec<u8>,
    machine: Machine,
    /// What the pickles before this one said.
    said: Said,
}

enum Said {
    Nothing,
    Magic,
    Protocol,
    LittleEndian,
    Contents(Contents),
}

/// The storages, while they arrive.
struct Numbers {
    contents: Contents,
    /// The storages, in the file's order.
    order: Vec<usize>,
    /// Those that came.
    index: usize,
    count: Vec<u8>,
    reader: Option<StorageReader>,
}

impl<S: Sink> LegacyStream<S> {
    /// `file_len`: length of the file in bytes where it is known, as it will be pushed.
    pub fn new(file_len: Option<u64>, sink: S) -> Self {
        Self {
            sink,
            file_len,
            done: 0,
            state: State::Pickles(Box::new(Pickles {
                buffer: Vec::new(),
                machine: Machine::default(),
                said: Said::Nothing,
            })),
        }
    }

    /// Takes the next bytes of the file, any number of them.
    ///
    /// # Errors
    /// The first fault; after it, every push says [`StreamError::Ended`].
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), StreamError<S::Error>> {
        // Whatever leaves this function early leaves the stream ended.
        let mut state = std::mem::replace(&mut self.state, State::Ended);
        while !bytes.is_empty() {
            state = match state {
                State::Ended => return Err(StreamError::Ended),
                State::Pickles(mut pickles) => match pickles.push(&mut bytes)? {
                    None => {
                        self.done = pickles.buffer.len() as u64;
                        State::Pickles(pickles)
                    }
                    Some(numbers) => {
                        self.done = pickles.machine.at() as u64;
                        let tensors = &numbers.contents.tensors;
                        self.sink.header(tensors).map_err(StreamError::Sink)?;
                        State::Numbers(Box::new(numbers))
                    }
                },
                State::Numbers(mut numbers) => {
                    let taken = numbers.push(bytes, self.done, &mut self.sink)?;
                    self.done += taken as u64;
                    bytes = &bytes[taken..];
                    State::Numbers(numbers)
                }
            };
        }
        self.state = state;
        Ok(())
    }

    /// Ends the stream and gives the sink back.
    ///
    /// # Errors
    /// [`PytorchError::Truncated`] if bytes are missing, [`StreamError::Ended`] if a push failed.
    pub fn finish(self) -> Result<S, StreamError<S::Error>> {
        match self.state {
            State::Ended => Err(StreamError::Ended),
            State::Numbers(numbers) if numbers.done() => Ok(self.sink),
            _ => Err(PytorchError::Truncated { got: self.done }.into()),
        }
    }

    /// Bytes taken so far and bytes in all, 0 where that is not known.
    pub fn progress(&self) -> (u64, u64) {
        (self.done, self.file_len.unwrap_or(0))
    }

    /// The sink, to look at while the stream goes on.
    pub fn sink(&self) -> &S {
        &self.sink
    }
}

impl Pickles {
    /// Takes bytes; the numbers come next once all pickles are there.
    fn push(&mut self, bytes: &mut &[u8]) -> Result<Option<Numbers>, PytorchError> {
        let room = MAX_PICKLE_BYTES - self.buffer.len();
        if room == 0 {
            return Err(PytorchError::TooLong);
        }
        let from = *bytes;
        let (head, rest) = from.split_at(from.len().min(room).min(STEP));
        self.buffer.extend_from_slice(head);
        *bytes = rest;
        if let Said::Nothing = self.said {
            if !self.buffer.starts_with(MAGIC) {
                return match MAGIC.starts_with(&self.buffer) {
                    true => Ok(None),
                    false => Err(PytorchError::NotTorch),
                };
            }
            self.said = Said::Magic;
            self.machine = Machine::new(MAGIC.len());
        }
        while let Some(result) = self.machine.run(&self.buffer)? {
            let at = self.machine.at();
            let said = std::mem::replace(&mut self.said, Said::Nothing);
            self.said = match said {
                Said::Contents(contents) => {
                    let order = order(&self.machine, result, &contents)?;
                    // What was taken beyond the pickles is given back; it came just now.
                    let beyond = self.buffer.len() - at;
                    *bytes = &from[from.len() - rest.len() - beyond..];
                    return Ok(Some(Numbers {
                        contents,
                        order,
                        index: 0,
                        count: Vec::new(),
                        reader: None,
                    }));
                }
                said => after(said, &self.machine, result)?,
            };
            self.machine = Machine::new(at);
        }
        Ok(None)
    }
}

/// What is known after one more pickle.
fn after(said: Said, machine: &Machine, result: Id) -> Result<Said, PytorchError> {
    match (said, machine.value(result)) {
        (Said::Magic, Value::Int(PROTOCOL)) => Ok(Said::Protocol),
        (Said::Protocol, Value::Dict(facts)) => {
            let key = |key: Id| matches!(machine.value(key), Value::Str(key) if **key == *"little_endian");
            let fact = facts.iter().find(|(name, _)| key(*name));
            match fact.map(|(_, fact)| machine.value(*fact)) {
                Some(Value::Bool(true)) => Ok(Said::LittleEndian),
                _ => Err(PytorchError::BigEndian),
            }
        }
        (Said::LittleEndian, _) => Contents::new(machine, result).map(Said::Contents),
        _ => Err(PytorchError::NotTorch),
    }
}

/// The storages in the file's order, which the last pickle tells by their keys.
fn order(machine: &Machine, keys: Id, contents: &Contents) -> Result<Vec<usize>, PytorchError> {
    let Value::List(keys) = machine.value(keys) else {
        return Err(PytorchError::NotTorch);
    };
    let mut listed = vec![false; contents.storages.len()];
    let mut order = Vec::new();
    for key in keys {
        let Value::Str(key) = machine.value(*key) else {
            return Err(PytorchError::NotTorch);
        };
        let refused = |rule| PytorchError::Storage {
            key: key.chars().take(100).collect(),
            rule,
        };
        let place = *contents
            .places
            .get(&**key)
            .ok_or_else(|| refused("belongs to no tensor"))?;
        if std::mem::replace(&mut listed[place], true) {
            return Err(refused("is listed twice"));
        }
        order.push(place);
    }
    match listed.iter().position(|listed| !listed) {
        None => Ok(order),
        Some(missing) => Err(PytorchError::Storage {
            key: contents.storages[missing].key.clone(),
            rule: "is not in the file",
        }),
    }
}

impl Numbers {
    fn done(&self) -> bool {
        self.index == self.order.len()
    }

    /// Takes bytes, which begin at byte `at` of the file, and tells how many.
    fn push<S: Sink>(
        &mut self,
        bytes: &[u8],
        at: u64,
        sink: &mut S,
    ) -> Result<usize, StreamError<S::Error>> {
        let Some(&place) = self.order.get(self.index) else {
            return Err(PytorchError::Trailing { end: at }.into());
        };
        let storage = &self.contents.storages[place];
        let Some(reader) = &mut self.reader else {
            let taken = bytes.len().min(8 - self.count.len());
            self.count.extend_from_slice(&bytes[..taken]);
            if let Some(count) = self.count.first_chunk() {
                let count = u64::from_le_bytes(*count);
                let element = storage.element.unwrap_or(1);
                if count.checked_mul(element) != Some(storage.bytes) {
                    return Err(PytorchError::Storage {
                        key: storage.key.clone(),
                        rule: "has another length than the pickle says",
                    }
                    .into());
                }
                self.count.clear();
                self.reader = Some(StorageReader::new(storage, &self.contents.tensors));
                self.end_storage();
            }
            return Ok(taken);
        };
        let taken = reader.push(bytes, &self.contents.tensors, sink)?;
        self.end_storage();
        Ok(taken)
    }

    fn end_storage(&mut self) {
        if self.reader.as_ref().is_some_and(StorageReader::done) {
            self.reader = None;
            self.index += 1;
        }
    }
}
