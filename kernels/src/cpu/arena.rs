//! The memory that all plans of the same parameters share: one runs at a time, so the slots of one
//! may lie where those of another do. Of each element type, buffer i is as large as the largest i-th
//! largest slot of any plan.

use std::rc::{Rc, Weak};

use crate::error::DeviceError;
use crate::plan::Plan;
use crate::tensor::DType;
use crate::twin::{Buffer, Real};

/// What one plan needs.
#[derive(Debug)]
pub(super) struct Need {
    /// Elements of the slots of each [`kind`], falling.
    lens: [Vec<usize>; 2],
    /// For each slot, its buffer among those of its kind.
    places: Vec<(usize, usize)>,
    /// Numbers that a step works in beside its operands.
    scratch: usize,
}

impl Need {
    pub fn of(plan: &Plan) -> Rc<Self> {
        let slots = plan.slots();
        let mut order: Vec<usize> = (0..slots.len()).collect();
        order.sort_by_key(|&slot| std::cmp::Reverse(slots[slot].len));
        let mut lens = [Vec::new(), Vec::new()];
        let mut places = vec![(0, 0); slots.len()];
        for slot in order {
            let kind = kind(slots[slot].dtype);
            places[slot] = (kind, lens[kind].len());
            lens[kind].push(slots[slot].len);
        }
        let steps = plan.steps().iter();
        let scratch = steps.map(|step| step.op.scratch(&plan.types_of(&step.inputs)));
        Rc::new(Self {
            lens,
            places,
            scratch: scratch.max().unwrap_or(0),
        })
    }
}

fn kind(dtype: DType) -> usize {
    match dtype {
        DType::Real => 0,
        DType::U32 => 1,
    }
}

/// The buffers, and who needs them.
#[derive(Debug, Default)]
pub(super) struct Arena<F> {
    buffers: [Vec<Buffer<F>>; 2],
    pub scratch: Vec<F>,
    needs: Vec<Weak<Need>>,
}

impl<F: Real> Arena<F> {
    /// The memory of a plan's slot.
    pub fn slot(&self, need: &Need, slot: usize) -> &Buffer<F> {
        let (kind, rank) = need.places[slot];
        &self.buffers[kind][rank]
    }

    pub fn slot_mut(&mut self, need: &Need, slot: usize) -> &mut Buffer<F> {
        let (kind, rank) = need.places[slot];
        &mut self.buffers[kind][rank]
    }

    /// Lays NaN over the real numbers that a plan may work in.
    pub fn poison(&mut self, need: &Need) {
        for buffer in &mut self.buffers[0][..need.lens[0].len()] {
            if let Buffer::Real(data) = buffer {
                data.fill(F::new(f64::NAN));
            }
        }
        self.scratch.fill(F::new(f64::NAN));
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        let buffers = self.buffers.iter().flatten().map(|buffer| match buffer {
            Buffer::Real(data) => data.len() * size_of::<F>(),
            Buffer::U32(data) => data.len() * size_of::<u32>(),
        });
        (buffers.sum::<usize>() + self.scratch.len() * size_of::<F>()) as u64
    }

    /// Elements of each buffer that the plans which are still there need, and of the scratch.
    fn wanted(&mut self) -> ([Vec<usize>; 2], usize) {
        self.needs.retain(|need| need.strong_count() > 0);
        let (mut wanted, mut scratch) = ([Vec::new(), Vec::new()], 0);
        for need in self.needs.iter().filter_map(Weak::upgrade) {
            scratch = need.scratch.max(scratch);
            for (wanted, lens) in wanted.iter_mut().zip(&need.lens) {
                wanted.resize(wanted.len().max(lens.len()), 0);
                for (wanted, &len) in wanted.iter_mut().zip(lens) {
                    *wanted = len.max(*wanted);
                }
            }
        }
        (wanted, scratch)
    }

    /// Frees what is not of the size that is wanted now: what only plans needed that are gone, and
    /// what is too small.
    fn free(&mut self, (wanted, scratch): &([Vec<usize>; 2], usize)) {
        for (buffers, wanted) in self.buffers.iter_mut().zip(wanted) {
            buffers.truncate(wanted.len());
            for (buffer, &len) in buffers.iter_mut().zip(wanted) {
                if buffer.len() != len {
                    *buffer = Buffer::U32(Vec::new());
                }
            }
        }
        if self.scratch.len() != *scratch {
            self.scratch = Vec::new();
        }
    }

    /// Frees what only plans needed that are gone.
    pub fn trim(&mut self) {
        let wanted = self.wanted();
        self.free(&wanted);
    }

    /// Makes room for a plan's slots, among those of all that are prepared.
    ///
    /// # Errors
    /// No memory: then all of the arena is freed, to be made again for who needs less.
    pub fn reserve(&mut self, need: &Rc<Need>) -> Result<(), DeviceError> {
        if !self.needs.iter().any(|n| n.as_ptr() == Rc::as_ptr(need)) {
            self.needs.push(Rc::downgrade(need));
        }
        let wanted = self.wanted();
        // What is too small goes before what is larger comes.
        self.free(&wanted);
        let made = self.fill(wanted);
        if made.is_err() {
            (self.buffers, self.scratch) = Default::default();
        }
        made
    }

    fn fill(&mut self, (wanted, scratch): ([Vec<usize>; 2], usize)) -> Result<(), DeviceError> {
        const WHAT: &str = "intermediate values";
        for (kind, (buffers, wanted)) in self.buffers.iter_mut().zip(wanted).enumerate() {
            buffers.resize_with(wanted.len(), || Buffer::U32(Vec::new()));
            for (buffer, len) in buffers.iter_mut().zip(wanted) {
                match kind {
                    _ if buffer.len() == len && len > 0 => {}
                    0 => *buffer = Buffer::Real(zeroed(WHAT, len)?),
                    _ => *buffer = Buffer::U32(zeroed(WHAT, len)?),
                }
            }
        }
        if self.scratch.len() != scratch {
            self.scratch = zeroed(WHAT, scratch)?;
        }
        Ok(())
    }
}

/// An empty vector with room for `len` elements.
///
/// # Errors
/// There is none.
pub(super) fn room<T>(what: &str, len: usize) -> Result<Vec<T>, DeviceError> {
    let mut made = Vec::new();
    made.try_reserve_exact(len)
        .map_err(|_| DeviceError::OutOfMemory {
            what: what.to_owned(),
            bytes: (len as u64).saturating_mul(size_of::<T>() as u64),
        })?;
    Ok(made)
}

/// `len` zeros.
///
/// # Errors
/// There is no room for them.
pub(super) fn zeroed<T: Clone + Default>(what: &str, len: usize) -> Result<Vec<T>, DeviceError> {
    let mut made = room(what, len)?;
    made.resize(len, T::default());
    Ok(made)
}

/// So many elements of an iterator.
///
/// # Errors
/// There is no room for them.
pub(super) fn collect<T>(
    what: &str,
    len: usize,
    elements: impl Iterator<Item = T>,
) -> Result<Vec<T>, DeviceError> {
    let mut made = room(what, len)?;
    made.extend(elements.take(len));
    Ok(made)
}
