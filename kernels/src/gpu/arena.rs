//! The memory that all prepared plans of a device share: one runs at a time, so the slots of one may
//! lie where those of another do. Buffer i is as large as the largest i-th largest slot of any plan.

use std::rc::{Rc, Weak};

use super::buffer::Buffer;
use super::device::Gpu;
use crate::error::DeviceError;
use crate::plan::Slot;

/// What a plan needs: the bytes of its slots, and of the scratch memory of its shaders, falling.
#[derive(Debug)]
pub(super) struct Need {
    bytes: Vec<u64>,
    /// For each slot, its buffer; then that of the scratch memory, if there is any.
    ranks: Vec<usize>,
}

impl Need {
    /// Of some slots, and so many numbers of scratch memory.
    pub fn of(slots: &[Slot], scratch: usize) -> Rc<Self> {
        let mut lengths: Vec<usize> = slots.iter().map(|slot| slot.len).collect();
        lengths.extend((scratch > 0).then_some(scratch));
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&slot| std::cmp::Reverse(lengths[slot]));
        let mut ranks = vec![0; lengths.len()];
        for (rank, &slot) in order.iter().enumerate() {
            ranks[slot] = rank;
        }
        let bytes = order.iter().map(|&slot| lengths[slot] as u64 * 4);
        Rc::new(Self {
            bytes: bytes.collect(),
            ranks,
        })
    }

    /// The buffer of the scratch memory, where some was asked for.
    pub fn scratch(&self) -> usize {
        self.ranks.last().copied().unwrap_or(0)
    }

    /// The buffer of a slot.
    pub fn rank(&self, slot: usize) -> usize {
        self.ranks[slot]
    }
}

/// The buffers, and who needs them.
#[derive(Debug, Default)]
pub(super) struct Arena {
    buffers: Vec<Buffer>,
    needs: Vec<Weak<Need>>,
    version: u64,
}

impl Arena {
    /// Changes whenever a buffer does: what was bound before must be bound anew.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn buffer(&self, rank: usize) -> &Buffer {
        &self.buffers[rank]
    }

    /// Whether a plan's slots have room.
    fn fits(&self, need: &Need) -> bool {
        let mut buffers = self.buffers.iter();
        need.bytes
            .iter()
            .all(|&bytes| buffers.next().is_some_and(|buffer| buffer.size() >= bytes))
    }

    /// The bytes of each buffer that the plans which are still there need.
    fn wanted(&mut self) -> Vec<u64> {
        self.needs.retain(|need| need.strong_count() > 0);
        let mut wanted: Vec<u64> = Vec::new();
        for need in self.needs.iter().filter_map(Weak::upgrade) {
            wanted.resize(wanted.len().max(need.bytes.len()), 0);
            for (wanted, &bytes) in wanted.iter_mut().zip(&need.bytes) {
                *wanted = bytes.max(*wanted);
            }
        }
        wanted
    }

    /// Frees all from the first buffer on that is larger than anyone needs.
    fn trim(&mut self) {
        let wanted = self.wanted();
        let fits = |(i, buffer): (usize, &Buffer)| {
            let bytes = wanted.get(i).copied().unwrap_or(0);
            buffer.size() <= Buffer::rounded(bytes)
        };
        let keep = self.buffers.iter().enumerate().take_while(|&b| fits(b));
        let keep = keep.count();
        if keep < self.buffers.len() {
            self.buffers.truncate(keep);
            self.version += 1;
        }
    }
}

impl Gpu {
    /// Makes room for a plan's slots, among those of all that are prepared. Whoever calls it holds
    /// [`Gpu::turn`].
    ///
    /// # Errors
    /// No memory: then all of the arena is freed, to be made again for who needs less.
    pub(super) async fn reserve(&self, need: &Rc<Need>) -> Result<(), DeviceError> {
        let (made, check) = {
            let mut arena = self.arena.borrow_mut();
            let known = arena.needs.iter().any(|n| n.as_ptr() == Rc::as_ptr(need));
            if !known {
                arena.needs.push(Rc::downgrade(need));
            }
            arena.trim();
            if arena.fits(need) {
                return Ok(());
            }
            arena.version += 1;
            let wanted = arena.wanted();
            // What is too small goes before what is larger comes.
            let mut kept: Vec<Option<Buffer>> = std::mem::take(&mut arena.buffers)
                .into_iter()
                .zip(wanted.iter().map(Some).chain(std::iter::repeat(None)))
                .map(|(buffer, wanted)| {
                    let fits = wanted.is_some_and(|&bytes| buffer.size() >= bytes);
                    fits.then_some(buffer)
                })
                .collect();
            kept.resize_with(wanted.len(), || None);
            let usage = wgpu::BufferUsages::STORAGE
                | wgpu::BufferUsages::COPY_DST
                | wgpu::BufferUsages::COPY_SRC;
            let total = wanted.iter().sum();
            let (made, check) = self.guarded("intermediate values", total, || {
                let make = |(kept, &bytes): (Option<Buffer>, &u64)| match kept {
                    Some(buffer) => Ok(buffer),
                    None => self.buffer("intermediate values", bytes, usage),
                };
                kept.into_iter().zip(&wanted).map(make).collect()
            });
            let made: Result<Vec<Buffer>, DeviceError> = made;
            (made.map(|buffers| arena.buffers = buffers), check)
        };
        let made = match made {
            Ok(()) => check.await,
            Err(error) => Err(error),
        };
        if made.is_err() {
            let mut arena = self.arena.borrow_mut();
            arena.buffers.clear();
            arena.version += 1;
        }
        made
    }

    /// Frees what only a plan needed that is gone; later, where a run is under way.
    pub(super) fn trim(&self) {
        if let Some(_turn) = self.turn.try_lock() {
            self.arena.borrow_mut().trim();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::DType;

    #[test]
    fn the_largest_slots_share_the_first_buffer() {
        let slot = |len| Slot {
            dtype: DType::Real,
            len,
        };
        let need = Need::of(&[slot(3), slot(9), slot(5)], 0);
        assert_eq!(need.bytes, [36, 20, 12]);
        assert_eq!([0, 1, 2].map(|i| need.rank(i)), [2, 0, 1]);
        let need = Need::of(&[slot(3), slot(9)], 5);
        assert_eq!(need.bytes, [36, 20, 12]);
        assert_eq!([need.rank(0), need.rank(1), need.scratch()], [2, 0, 1]);
    }
}
