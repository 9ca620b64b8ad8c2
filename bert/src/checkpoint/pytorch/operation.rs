//! The operations of a pickle, as far as state dicts need them.

use super::PytorchError;
use super::value::Value;

/// The longest line of text, in bytes.
const MAX_LINE: usize = 1024;

/// One operation with its arguments.
#[derive(Debug)]
pub enum Operation {
    /// The protocol's number, or the length of what follows.
    Nothing,
    Stop,
    Mark,
    Push(Value),
    /// `module.name`.
    Global(String),
    /// The same, both from the stack.
    StackGlobal,
    /// A tuple of all above the mark.
    MarkedTuple,
    /// A tuple of this many values.
    Tuple(usize),
    Append,
    Appends,
    SetItem,
    SetItems,
    Put(u32),
    Get(u32),
    /// Put at the next free number.
    Memoize,
    /// What lies outside the pickle: a storage.
    Persistent,
    Reduce,
    NewObject,
    Build,
}

/// Reads the operation at byte `at`, and tells where the next one begins; `None` where `bytes` end before it does.
///
/// # Errors
/// An operation that state dicts do not need, or a broken argument.
pub fn read(bytes: &[u8], at: usize) -> Result<Option<(Operation, usize)>, PytorchError> {
    let mut arguments = Arguments {
        bytes,
        next: at + 1,
        at,
    };
    let Some(&byte) = bytes.get(at) else {
        return Ok(None);
    };
    let operation = operation(byte, &mut arguments)?;
    Ok(operation.map(|operation| (operation, arguments.next)))
}

fn operation(byte: u8, from: &mut Arguments) -> Result<Option<Operation>, PytorchError> {
    use Operation as Op;
    let push = |value| Ok(Some(Op::Push(value)));
    let number = |n: Option<u32>| n.map(|n| Op::Push(Value::Int(n.into())));
    Ok(match byte {
        b'.' => Some(Op::Stop),
        b'(' => Some(Op::Mark),
        b'N' => return push(Value::None),
        0x88 => return push(Value::Bool(true)),
        0x89 => return push(Value::Bool(false)),
        b')' => return push(Value::Tuple(Vec::new())),
        b']' => return push(Value::List(Vec::new())),
        b'}' => return push(Value::Dict(Vec::new())),
        b't' => Some(Op::MarkedTuple),
        0x85..=0x87 => Some(Op::Tuple(usize::from(byte - 0x84))),
        b'a' => Some(Op::Append),
        b'e' => Some(Op::Appends),
        b's' => Some(Op::SetItem),
        b'u' => Some(Op::SetItems),
        b'Q' => Some(Op::Persistent),
        b'R' => Some(Op::Reduce),
        0x81 => Some(Op::NewObject),
        b'b' => Some(Op::Build),
        0x93 => Some(Op::StackGlobal),
        0x94 => Some(Op::Memoize),
        0x80 => from.array::<1>().map(|_| Op::Nothing),
        0x95 => from.array::<8>().map(|_| Op::Nothing),
        b'q' => from.byte().map(Op::Put),
        b'r' => from.word().map(Op::Put),
        b'h' => from.byte().map(Op::Get),
        b'j' => from.word().map(Op::Get),
        b'K' => number(from.byte()),
        b'M' => number(from.array().map(|two| u16::from_le_bytes(two).into())),
        b'J' => (from.array()).map(|four| Op::Push(Value::Int(i32::from_le_bytes(four).into()))),
        0x8a => from.long()?.map(|n| Op::Push(Value::Int(n))),
        b'G' => from.array::<8>().map(|_| Op::Push(Value::Float)),
        b'X' | b'T' => match from.word() {
            Some(length) => from.text(length)?,
            None => None,
        },
        0x8c | b'U' => match from.byte() {
            Some(length) => from.text(length)?,
            None => None,
        },
        b'c' => match (from.line()?, from.line()?) {
            (Some(module), Some(name)) => Some(Op::Global(format!("{module}.{name}"))),
            _ => None,
        },
        _ => return Err(PytorchError::Operation { byte, at: from.at }),
    })
}

/// The bytes behind an operation; `None` where they are not all there.
struct Arguments<'a> {
    bytes: &'a [u8],
    next: usize,
    /// Where the operation stands.
    at: usize,
}

impl<'a> Arguments<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.next..)?.get(..count)?;
        self.next += count;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N).and_then(|bytes| bytes.try_into().ok())
    }

    fn byte(&mut self) -> Option<u32> {
        self.array::<1>().map(|[byte]| byte.into())
    }

    fn word(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A whole number of any length, little endian.
    fn long(&mut self) -> Result<Option<i64>, PytorchError> {
        let Some(bytes) = self.byte().and_then(|length| self.take(length as usize)) else {
            return Ok(None);
        };
        if bytes.len() > 8 {
            return Err(self.malformed("a whole number of more than 64 bits"));
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut whole = [if negative { 0xff } else { 0 }; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        Ok(Some(i64::from_le_bytes(whole)))
    }

    fn text(&mut self, length: u32) -> Result<Option<Operation>, PytorchError> {
        if length as usize > super::MAX_PICKLE_BYTES {
            return Err(self.malformed("a text longer than the pickle may be"));
        }
        let Some(bytes) = self.take(length as usize) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes).map_err(|_| self.malformed("a text not in UTF-8"))?;
        Ok(Some(Operation::Push(Value::Str(text.into()))))
    }

    fn line(&mut self) -> Result<Option<&'a str>, PytorchError> {
        let rest = &self.bytes[self.next.min(self.bytes.len())..];
        let Some(length) = rest.iter().take(MAX_LINE).position(|byte| *byte == b'\n') else {
            return match rest.len() < MAX_LINE {
                true => Ok(None),
                false => Err(self.malformed("a name of more than 1024 bytes")),
            };
        };
        self.next += length + 1;
        std::str::from_utf8(&rest[..length])
            .map(Some)
            .map_err(|_| self.malformed("a name not in UTF-8"))
    }

    fn malformed(&self, what: &'static str) -> PytorchError {
        PytorchError::Malformed { what, at: self.at }
    }
}
