//! From a pickle's value to tensors, and to where their numbers lie.

use std::collections::{HashMap, HashSet};

use super::machine::Machine;
use super::value::{Id, Tensor, Value};
use super::{MAX_TRANSPOSED, PytorchError};
use crate::checkpoint::header::checked_shape;
use crate::checkpoint::{MAX_NAME_BYTES, TensorInfo};

/// Keys under which trainers put a state dict beside what else they save.
const CONTAINERS: [&str; 3] = ["state_dict", "model_state_dict", "model"];

/// All of a file but its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// In the pickle's order.
    pub tensors: Vec<TensorInfo>,
    /// In the order in which the pickle names them.
    pub storages: Vec<StorageInfo>,
    /// The storages by their keys.
    pub places: HashMap<String, usize>,
}

/// A run of numbers, and the tensors that are views of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageInfo {
    pub key: String,
    pub bytes: u64,
    /// Bytes of an element, where it has a type.
    pub element: Option<u64>,
    pub views: Vec<View>,
}

/// Where the numbers of a tensor of floats lie in its storage; there are some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Index among the tensors.
    pub tensor: usize,
    /// First byte.
    pub begin: u64,
    /// Rows and columns of a matrix that lies column by column.
    pub transposed: Option<[usize; 2]>,
}

impl Contents {
    /// Reads a whole pickle.
    ///
    /// # Errors
    /// It is none of a state dict, or bytes are missing or left over.
    pub fn of_pickle(bytes: &[u8]) -> Result<Self, PytorchError> {
        let mut machine = Machine::new(0);
        let malformed = |what| PytorchError::Malformed {
            what,
            at: bytes.len(),
        };
        let result = machine.run(bytes)?;
        let result = result.ok_or_else(|| malformed("its end is missing"))?;
        match machine.at() == bytes.len() {
            true => Self::new(&machine, result),
            false => Err(malformed("it goes on after its end")),
        }
    }

    /// Takes the tensors out of a pickle's value.
    ///
    /// # Errors
    /// There are none, or one that cannot be read, by name.
    pub fn new(machine: &Machine, result: Id) -> Result<Self, PytorchError> {
        let entries = find_dict(machine, result)?;
        let storages = machine.storages().iter().map(|storage| StorageInfo {
            key: storage.key.clone(),
            bytes: storage.bytes,
            element: storage.dtype.map(|dtype| dtype.bits() / 8),
            views: Vec::new(),
        });
        let storages: Vec<_> = storages.collect();
        let places = (storages.iter().enumerate()).map(|(i, storage)| (storage.key.clone(), i));
        let mut contents = Self {
            tensors: Vec::new(),
            places: places.collect(),
            storages,
        };
        let mut names = HashSet::new();
        for &(key, value) in entries {
            let Value::Tensor(tensor) = machine.value(value) else {
                continue;
            };
            let name = match machine.value(key) {
                Value::Str(name) if name.len() <= MAX_NAME_BYTES => name.to_string(),
                Value::Str(name) => {
                    let rule = "its name is longer than 512 bytes";
                    let name = name.chars().take(100).collect();
                    return Err(PytorchError::Tensor { name, rule });
                }
                _ => continue,
            };
            let added = match names.insert(name.clone()) {
                true => contents.add(&name, tensor),
                false => Err("the name stands twice"),
            };
            added.map_err(|rule| PytorchError::Tensor { name, rule })?;
        }
        for storage in &contents.storages {
            contents.check_held(storage)?;
        }
        Ok(contents)
    }

    fn add(&mut self, name: &str, tensor: &Tensor) -> Result<(), &'static str> {
        let too_large = "has more elements than can be counted";
        let (shape, bytes) = checked_shape(&tensor.shape, tensor.dtype).ok_or(too_large)?;
        let storage = &mut self.storages[tensor.storage];
        let index = self.tensors.len();
        if let (Some(size), true) = (tensor.dtype.float_bytes(), bytes > 0) {
            let begin = (tensor.offset.checked_mul(size as u64)).ok_or(too_large)?;
            let end = begin.checked_add(bytes).ok_or(too_large)?;
            let transposed = transposed(&shape, &tensor.strides)?;
            if end > storage.bytes {
                return Err("reaches beyond the end of its storage");
            }
            storage.views.push(View {
                tensor: index,
                begin,
                transposed,
            });
        }
        self.tensors.push(TensorInfo {
            name: name.to_owned(),
            dtype: tensor.dtype,
            shape,
        });
        Ok(())
    }

    fn check_held(&self, storage: &StorageInfo) -> Result<(), PytorchError> {
        let mut held = 0u64;
        for view in storage
            .views
            .iter()
            .filter(|view| view.transposed.is_some())
        {
            let tensor = &self.tensors[view.tensor];
            held = held.saturating_add(tensor.byte_len());
            if held > MAX_TRANSPOSED {
                return Err(PytorchError::Tensor {
                    name: tensor.name.clone(),
                    rule: "lies column by column, and is too large to be turned here",
                });
            }
        }
        Ok(())
    }
}

/// The dict that holds tensors: the value itself, or one that a trainer put into it.
fn find_dict(machine: &Machine, result: Id) -> Result<&[(Id, Id)], PytorchError> {
    let dict = |id: Id| match machine.value(id) {
        Value::Dict(entries) => Some(&entries[..]),
        _ => None,
    };
    let has_tensors = |entries: &&[(Id, Id)]| {
        (entries.iter()).any(|(_, value)| matches!(machine.value(*value), Value::Tensor(_)))
    };
    let outer = dict(result).ok_or(PytorchError::NoTensors)?;
    let inner = CONTAINERS.into_iter().filter_map(|container| {
        let named = |key: Id| matches!(machine.value(key), Value::Str(key) if **key == *container);
        let (_, value) = outer.iter().find(|(key, _)| named(*key))?;
        dict(*value)
    });
    (inner.chain([outer]).find(has_tensors)).ok_or(PytorchError::NoTensors)
}

/// Rows and columns where a matrix lies column by column; `None` for what lies row by row.
fn transposed(shape: &[usize], strides: &[u64]) -> Result<Option<[usize; 2]>, &'static str> {
    // Dimensions of one element may have any stride.
    let (mut row_by_row, mut step) = (true, 1);
    for (&size, &stride) in shape.iter().zip(strides).rev() {
        row_by_row &= size == 1 || stride == step;
        step *= size as u64;
    }
    match *shape {
        _ if row_by_row => Ok(None),
        [rows, columns] if *strides == [1, rows as u64] => Ok(Some([rows, columns])),
        _ => Err("lies neither row by row nor, as a matrix, column by column"),
    }
}
