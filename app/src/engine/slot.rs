//! A place for one thing that some hold for long: a newcomer takes its turn only when nobody does.

use async_lock::{Mutex, MutexGuard};
use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// The present thing, and one that has arrived and waits.
pub struct Slot<T> {
    present: Rc<Mutex<Option<T>>>,
    /// Whether there is one; the lock need not be taken to know it.
    has: Cell<bool>,
    arrived: RefCell<Option<T>>,
    holders: Rc<()>,
}

/// Keeps the present thing in its place until it is dropped.
pub struct Lease<T> {
    present: Rc<Mutex<Option<T>>>,
    _holder: Rc<()>,
}

/// Why there is no lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unleased {
    /// There is nothing to hold.
    Empty,
    /// Something else has arrived and waits for its turn.
    Arriving,
}

/// The thing itself, for as long as someone works on it.
pub struct Held<'a, T>(MutexGuard<'a, Option<T>>);

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("made only where there is one")
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("made only where there is one")
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            present: Rc::default(),
            has: Cell::new(false),
            arrived: RefCell::new(None),
            holders: Rc::default(),
        }
    }
}

impl<T> Slot<T> {
    /// Takes in what shall be here next. Returns what had arrived before and will never be here.
    pub fn arrive(&self, next: T) -> Option<T> {
        self.arrived.borrow_mut().replace(next)
    }

    /// Puts what has arrived in its place, unless someone holds the present thing: then it waits, and
    /// whoever gives up a lease calls this again. `settled` sees the new one in its place; returns
    /// what was there before.
    pub async fn settle(&self, settled: impl FnOnce(&mut T)) -> Option<T> {
        if self.arrived.borrow().is_none() || self.is_held() {
            return None;
        }
        let mut present = self.present.lock().await;
        // While this waited for the lock, someone may have come, or a newer thing.
        if self.is_held() {
            return None;
        }
        let next = self.arrived.borrow_mut().take()?;
        let earlier = present.replace(next);
        self.has.set(true);
        present.as_mut().map(settled);
        earlier
    }

    /// Whether someone holds the present thing.
    pub fn is_held(&self) -> bool {
        Rc::strong_count(&self.holders) > 1
    }

    /// Keeps the present thing where it is.
    ///
    /// # Errors
    /// There is none, or its time is over.
    pub fn lease(&self) -> Result<Lease<T>, Unleased> {
        if self.arrived.borrow().is_some() {
            return Err(Unleased::Arriving);
        }
        if !self.has.get() {
            return Err(Unleased::Empty);
        }
        Ok(Lease {
            present: self.present.clone(),
            _holder: self.holders.clone(),
        })
    }

    /// The present thing, once nobody works on it; `None` if there is none.
    pub async fn lock(&self) -> Option<Held<'_, T>> {
        let present = self.present.lock().await;
        present.is_some().then(|| Held(present))
    }

    /// The same if nobody works on it now.
    pub fn try_lock(&self) -> Option<Option<Held<'_, T>>> {
        let present = self.present.try_lock()?;
        Some(present.is_some().then(|| Held(present)))
    }
}

impl<T> Lease<T> {
    /// What is held, once nobody works on it.
    pub async fn lock(&self) -> Held<'_, T> {
        Held(self.present.lock().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pollster::block_on;
    use proptest::prelude::*;

    #[test]
    fn what_is_held_stays() {
        let slot = Slot::default();
        assert!(matches!(slot.lease(), Err(Unleased::Empty)));
        assert_eq!(slot.arrive(1), None);
        assert_eq!(block_on(slot.settle(|_| {})), None);
        let Ok(lease) = slot.lease() else {
            panic!("there is one to hold")
        };
        assert_eq!(slot.arrive(2), None);
        assert_eq!(block_on(slot.settle(|_| unreachable!())), None);
        assert_eq!(*block_on(lease.lock()), 1);
        assert!(matches!(slot.lease(), Err(Unleased::Arriving)));
        assert_eq!(slot.arrive(3), Some(2), "the newest is the one that counts");
        drop(lease);
        assert_eq!(block_on(slot.settle(|new| assert_eq!(*new, 3))), Some(1));
        assert_eq!(*block_on(slot.lock()).expect("it is there"), 3);
    }

    proptest! {
        /// Loads, leases and their ends in any order: a lease sees one thing from its start to its
        /// end, and whatever arrived last is there once nobody holds what was before.
        #[test]
        fn no_order_changes_what_is_held(acts in prop::collection::vec(0_u8..5, 0..60)) {
            let slot = Slot::default();
            let (mut leases, mut newest) = (Vec::new(), 0);
            for act in acts {
                match act {
                    0 => {
                        newest += 1;
                        slot.arrive(newest);
                    }
                    1 => if let Ok(lease) = slot.lease() {
                        let seen = *block_on(lease.lock());
                        leases.push((lease, seen));
                    },
                    2 => drop(leases.pop()),
                    3 => if !leases.is_empty() { drop(leases.remove(0)) },
                    _ => drop(block_on(slot.settle(|_| {}))),
                }
                for (lease, seen) in &leases {
                    prop_assert_eq!(*block_on(lease.lock()), *seen);
                }
            }
            leases.clear();
            block_on(slot.settle(|_| {}));
            let present = block_on(slot.lock()).map(|held| *held);
            prop_assert_eq!(present, (newest > 0).then_some(newest));
        }
    }
}
