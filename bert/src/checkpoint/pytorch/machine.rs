//! The pickle machine: builds values, and runs nothing.

use std::collections::HashMap;

use super::operation::{Operation, read};
use super::value::{Global, Id, Rebuild, Storage, Tensor, Value};
use super::{MAX_OPERATIONS, PytorchError};
use crate::checkpoint::{MAX_NAME_BYTES, MAX_RANK};

/// A pickle on its way to its value.
#[derive(Default)]
pub struct Machine {
    values: Vec<Value>,
    storages: Vec<Storage>,
    /// Storages by their keys.
    keys: HashMap<String, usize>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    /// The operation that comes next, or is under way.
    at: usize,
    operations: usize,
}

impl Machine {
    /// For a pickle that begins at byte `at`.
    pub fn new(at: usize) -> Self {
        Self {
            at,
            ..Self::default()
        }
    }

    /// Where the next operation begins.
    pub fn at(&self) -> usize {
        self.at
    }

    /// A value.
    pub fn value(&self, id: Id) -> &Value {
        &self.values[id as usize]
    }

    /// The storages, in the order in which the pickle names them.
    pub fn storages(&self) -> &[Storage] {
        &self.storages
    }

    /// Goes on to the pickle's end, and gives its value; `None` where `bytes` end before it. Then it can be called
    /// again with more bytes behind the same ones.
    ///
    /// # Errors
    /// The first operation that a state dict does not need, or a bound that is passed.
    pub fn run(&mut self, bytes: &[u8]) -> Result<Option<Id>, PytorchError> {
        while let Some((operation, next)) = read(bytes, self.at)? {
            self.operations += 1;
            if self.operations > MAX_OPERATIONS {
                return Err(PytorchError::TooLong);
            }
            if let Operation::Stop = operation {
                let result = self.pop()?;
                self.at = next;
                return Ok(Some(result));
            }
            self.apply(operation)?;
            self.at = next;
        }
        Ok(None)
    }

    fn apply(&mut self, operation: Operation) -> Result<(), PytorchError> {
        match operation {
            Operation::Nothing | Operation::Stop => {}
            Operation::Mark => self.marks.push(self.stack.len()),
            Operation::Push(value) => self.push(value),
            Operation::Global(name) => self.global(name)?,
            Operation::StackGlobal => {
                let (name, module) = (self.pop()?, self.pop()?);
                let name = format!("{}.{}", self.name(module)?, self.name(name)?);
                self.global(name)?;
            }
            Operation::MarkedTuple => {
                let items = self.marked()?;
                self.push(Value::Tuple(items));
            }
            Operation::Tuple(count) => {
                let items = self.top(count)?;
                self.push(Value::Tuple(items));
            }
            Operation::Append => {
                let items = self.top(1)?;
                self.extend(items)?;
            }
            Operation::Appends => {
                let items = self.marked()?;
                self.extend(items)?;
            }
            Operation::SetItem => {
                let items = self.top(2)?;
                self.set(&items)?;
            }
            Operation::SetItems => {
                let items = self.marked()?;
                self.set(&items)?;
            }
            Operation::Put(number) => self.put(number)?,
            Operation::Memoize => self.put(self.memo.len() as u32)?,
            Operation::Get(number) => {
                let found = self.memo.get(&number).copied();
                let id = found.ok_or_else(|| self.malformed("a number that nothing was put at"))?;
                self.stack.push(id);
            }
            Operation::Persistent => {
                let id = self.pop()?;
                self.storage(id)?;
            }
            Operation::Reduce | Operation::NewObject => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let result = self.call(function, arguments)?;
                self.stack.push(result);
            }
            Operation::Build => {
                // A state dict's `_metadata`: versions of modules, which say nothing here.
                let (_, object) = (self.pop()?, self.last()?);
                if !matches!(self.value(object), Value::Dict(_)) {
                    return Err(self.called("the state of an object"));
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, value: Value) {
        let id = self.new_value(value);
        self.stack.push(id);
    }

    fn new_value(&mut self, value: Value) -> Id {
        self.values.push(value);
        // There are no more values than operations.
        (self.values.len() - 1) as Id
    }

    fn last(&self) -> Result<Id, PytorchError> {
        let above = self.marks.last().copied().unwrap_or(0);
        let last = self.stack.get(above..).and_then(<[Id]>::last).copied();
        last.ok_or_else(|| self.malformed("nothing is on the stack"))
    }

    fn pop(&mut self) -> Result<Id, PytorchError> {
        let id = self.last()?;
        self.stack.pop();
        Ok(id)
    }

    fn top(&mut self, count: usize) -> Result<Vec<Id>, PytorchError> {
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.pop()?);
        }
        items.reverse();
        Ok(items)
    }

    fn marked(&mut self) -> Result<Vec<Id>, PytorchError> {
        let mark = self.marks.pop();
        let mark = mark.ok_or_else(|| self.malformed("no mark is on the stack"))?;
        Ok(self.stack.split_off(mark))
    }

    fn extend(&mut self, items: Vec<Id>) -> Result<(), PytorchError> {
        let list = self.last()?;
        match &mut self.values[list as usize] {
            Value::List(list) => list.extend(items),
            _ => return Err(self.malformed("only lists can be appended to")),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<(), PytorchError> {
        let dict = self.last()?;
        let (pairs, rest) = items.as_chunks();
        match &mut self.values[dict as usize] {
            Value::Dict(dict) if rest.is_empty() => {
                dict.extend(pairs.iter().map(|[k, v]| (*k, *v)))
            }
            Value::Dict(_) => return Err(self.malformed("a key without a value")),
            _ => return Err(self.malformed("only dicts have items")),
        }
        Ok(())
    }

    fn put(&mut self, number: u32) -> Result<(), PytorchError> {
        let id = self.last()?;
        self.memo.insert(number, id);
        Ok(())
    }

    fn global(&mut self, name: String) -> Result<(), PytorchError> {
        match Global::find(&name) {
            Some(global) => self.push(Value::Global(global)),
            None => return Err(PytorchError::Global { name, at: self.at }),
        }
        Ok(())
    }

    /// `('storage', class, key, location, number of elements)`, in the legacy layout with a view behind.
    fn storage(&mut self, id: Id) -> Result<(), PytorchError> {
        let items = self.few(id)?;
        match items.first().map(|id| self.value(*id)) {
            Some(Value::Str(kind)) if **kind == *"storage" => {}
            Some(Value::Str(kind)) if **kind == *"module" => return Err(PytorchError::WholeModel),
            _ => return Err(self.malformed("what lies outside the pickle must be a storage")),
        }
        let (class, key, count, view) = match items[..] {
            [_, class, key, _, count] => (class, key, count, None),
            [_, class, key, _, count, view] => (class, key, count, Some(view)),
            _ => return Err(self.malformed("a storage is told by five or six values")),
        };
        let Value::Global(Global::Storage(dtype)) = *self.value(class) else {
            return Err(self.malformed("a storage without a class"));
        };
        let key = self.name(key)?.to_owned();
        if view.is_some_and(|view| !matches!(self.value(view), Value::None)) {
            let rule =
                "is a part of another storage, as only the first versions of PyTorch wrote it";
            return Err(PytorchError::Storage { key, rule });
        }
        let size = dtype.map_or(1, |dtype| dtype.bits() / 8);
        let bytes = self.count(count)?.checked_mul(size);
        let bytes = bytes.ok_or_else(|| self.malformed("a storage that cannot be counted"))?;
        let storage = Storage {
            key: key.clone(),
            dtype,
            bytes,
        };
        let index = match self.keys.get(&key) {
            Some(&index) if self.storages[index] == storage => index,
            Some(_) => return Err(self.malformed("two storages of the same key")),
            None => {
                self.storages.push(storage);
                self.keys.insert(key, self.storages.len() - 1);
                self.storages.len() - 1
            }
        };
        self.push(Value::Storage(index));
        Ok(())
    }

    /// What a call of Python would make, for the few functions that only put values together.
    fn call(&mut self, function: Id, arguments: Id) -> Result<Id, PytorchError> {
        let &Value::Global(function) = self.value(function) else {
            return Err(self.called("what is no function"));
        };
        let arguments = self.few(arguments)?;
        match (function, &arguments[..]) {
            (Global::OrderedDict, []) => Ok(self.new_value(Value::Dict(Vec::new()))),
            (Global::OrderedDict, [pairs]) => self.ordered_dict(*pairs),
            (Global::Size, [sizes]) => self.tuple(*sizes).map(|_| *sizes),
            (Global::RebuildTensor(how), _) => self.tensor(how, &arguments),
            (Global::RebuildParameter, [tensor, ..])
                if matches!(self.value(*tensor), Value::Tensor(_)) =>
            {
                Ok(*tensor)
            }
            (Global::RebuildFromType, [function, _, inner, _]) => match self.value(*function) {
                &Value::Global(Global::RebuildTensor(how)) => {
                    let inner = self.few(*inner)?;
                    self.tensor(how, &inner)
                }
                _ => Err(self.called(function_words(self.value(*function)))),
            },
            _ => Err(self.called(function.words())),
        }
    }

    /// Of a list of pairs, as Python 2 wrote it.
    fn ordered_dict(&mut self, pairs: Id) -> Result<Id, PytorchError> {
        let Value::List(pairs) = self.value(pairs) else {
            return Err(self.called(Global::OrderedDict.words()));
        };
        // One list may be given again and again.
        let operations = self.operations + pairs.len();
        if operations > MAX_OPERATIONS {
            return Err(PytorchError::TooLong);
        }
        let pair = |id: &Id| match self.value(*id) {
            Value::List(pair) | Value::Tuple(pair) => match pair[..] {
                [key, value] => Ok((key, value)),
                _ => Err(self.malformed("a key without a value")),
            },
            _ => Err(self.malformed("a dict of what are no pairs")),
        };
        let pairs = pairs.iter().map(pair).collect::<Result<_, _>>()?;
        self.operations = operations;
        Ok(self.new_value(Value::Dict(pairs)))
    }

    fn tensor(&mut self, how: Rebuild, arguments: &[Id]) -> Result<Id, PytorchError> {
        let (&[storage, offset, shape, strides], rest) = arguments
            .split_first_chunk::<4>()
            .ok_or_else(|| self.malformed("a tensor is told by four values or more"))?;
        let Value::Storage(storage) = *self.value(storage) else {
            return Err(self.malformed("a tensor without a storage"));
        };
        let stored = self.storages[storage].dtype;
        let dtype = match (how, rest, stored) {
            (Rebuild::V1, [], Some(dtype)) => dtype,
            (Rebuild::V2, [_, _] | [_, _, _], Some(dtype)) => dtype,
            (Rebuild::V3, [_, _, dtype] | [_, _, dtype, _], _) => match *self.value(*dtype) {
                Value::Global(Global::Dtype(dtype)) => dtype,
                _ => return Err(self.malformed("a tensor without a dtype")),
            },
            _ => return Err(self.malformed("a tensor with the wrong number of values")),
        };
        let tensor = Tensor {
            storage,
            dtype,
            offset: self.count(offset)?,
            shape: self.counts(shape)?,
            strides: self.counts(strides)?,
        };
        if tensor.shape.len() != tensor.strides.len() {
            return Err(self.malformed("a tensor with another number of strides than dimensions"));
        }
        Ok(self.new_value(Value::Tensor(Box::new(tensor))))
    }

    /// The numbers of a tuple, one for each dimension.
    fn counts(&self, id: Id) -> Result<Vec<u64>, PytorchError> {
        let items = self.tuple(id)?;
        if items.len() > MAX_RANK {
            return Err(self.malformed("a tensor of more than 4 dimensions"));
        }
        items.iter().map(|id| self.count(*id)).collect()
    }

    fn count(&self, id: Id) -> Result<u64, PytorchError> {
        match *self.value(id) {
            Value::Int(n) => u64::try_from(n).ok(),
            _ => None,
        }
        .ok_or_else(|| self.malformed("a whole number from 0 is expected"))
    }

    fn tuple(&self, id: Id) -> Result<&[Id], PytorchError> {
        match self.value(id) {
            Value::Tuple(items) => Ok(items),
            _ => Err(self.malformed("a tuple is expected")),
        }
    }

    /// The arguments of a call: few, since the same tuple may be given again and again.
    fn few(&self, id: Id) -> Result<Vec<Id>, PytorchError> {
        let items = self.tuple(id)?;
        match items.len() {
            0..=8 => Ok(items.to_vec()),
            _ => Err(self.malformed("a call with more than 8 arguments")),
        }
    }

    fn name(&self, id: Id) -> Result<&str, PytorchError> {
        match self.value(id) {
            Value::Str(text) if text.len() <= MAX_NAME_BYTES => Ok(text),
            _ => Err(self.malformed("a name of at most 512 bytes is expected")),
        }
    }

    fn malformed(&self, what: &'static str) -> PytorchError {
        PytorchError::Malformed { what, at: self.at }
    }

    fn called(&self, what: &str) -> PytorchError {
        PytorchError::Call {
            what: what.to_owned(),
            at: self.at,
        }
    }
}

fn function_words(value: &Value) -> &'static str {
    match value {
        Value::Global(global) => global.words(),
        _ => "what is no function",
    }
}
