//! Parameters at rest in this executor's own precision, and the memory that their plans share.

use std::cell::RefCell;
use std::collections::HashMap;

use super::arena::{Arena, zeroed};
use crate::error::DeviceError;
use crate::tensor::ParamSpec;
use crate::twin::{Buffer, Real};

/// Parameters by name.
#[derive(Debug, Default)]
pub struct CpuParams<F> {
    pub(super) values: HashMap<String, Buffer<F>>,
    /// Borrowed while a plan is prepared; a run has all of this to itself.
    pub(super) arena: RefCell<Arena<F>>,
}

impl<F: Real> CpuParams<F> {
    /// Allocates parameters, zeroed, in place of those of the same names.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`]; then nothing has changed.
    pub fn add(&mut self, specs: &[ParamSpec]) -> Result<(), DeviceError> {
        self.arena.get_mut().trim();
        let zeros = |spec: &ParamSpec| {
            let mut dims = spec.shape.dims().iter();
            let len = dims.try_fold(1usize, |len, &dim| len.checked_mul(dim));
            // More than can be addressed has no room either.
            let zeros = zeroed(&spec.name, len.unwrap_or(usize::MAX))?;
            Ok((spec.name.clone(), Buffer::Real(zeros)))
        };
        let made: Result<Vec<_>, DeviceError> = specs.iter().map(zeros).collect();
        self.values.extend(made?);
        Ok(())
    }

    /// Bytes that the plans share.
    pub fn arena_bytes(&self) -> u64 {
        self.arena.borrow().bytes()
    }

    /// Frees a parameter.
    pub fn remove(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// Gives a parameter another name.
    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some(data) = self.values.remove(from) {
            self.values.insert(to.to_owned(), data);
        }
    }

    /// Copies one parameter over another of the same length.
    pub fn copy(&mut self, from: &str, to: &str) {
        if let Some(Buffer::Real(data)) = self.values.get(from) {
            let len = data.len();
            self.copy_parts(from, to, &[(0, 0, len)]);
        }
    }

    /// Copies elements of one parameter over those of another: from, to, how many.
    pub fn copy_parts(&mut self, from: &str, to: &str, parts: &[(usize, usize, usize)]) {
        // It leaves its place, so that the other can be borrowed.
        let Some((name, mut target)) = self.values.remove_entry(to) else {
            return;
        };
        if let (Some(Buffer::Real(source)), Buffer::Real(target)) =
            (self.values.get(from), &mut target)
        {
            for &(from, to, count) in parts {
                target[to..to + count].copy_from_slice(&source[from..from + count]);
            }
        }
        self.values.insert(name, target);
    }

    /// Elements from element `offset` on, in single precision.
    pub fn read(&self, name: &str, offset: usize, count: usize) -> Option<Vec<f32>> {
        match self.values.get(name)? {
            Buffer::Real(data) => {
                let range = data.get(offset..offset.checked_add(count)?)?;
                Some(range.iter().map(|x| x.f64() as f32).collect())
            }
            Buffer::U32(_) => None,
        }
    }

    /// Writes elements from element `offset` on.
    pub fn write(&mut self, name: &str, offset: usize, elements: &[f32]) {
        if let Some(Buffer::Real(data)) = self.values.get_mut(name) {
            for (to, &from) in data[offset..].iter_mut().zip(elements) {
                *to = F::new(f64::from(from));
            }
        }
    }
}
