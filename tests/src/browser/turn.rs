//! Who may run beside whom: scenarios that compute on the processor, two at a time; one on a software
//! GPU, which takes all cores, alone.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static MACHINE: RwLock<()> = RwLock::new(());

/// A scenario's right to run, until it is dropped.
pub enum Turn {
    Beside {
        _held: RwLockReadGuard<'static, ()>,
    },
    Alone {
        _held: RwLockWriteGuard<'static, ()>,
    },
}

impl Turn {
    /// Waits for it.
    pub fn take(alone: bool) -> Self {
        // A scenario that failed leaves nothing behind that the next could stumble over.
        if alone {
            let _held = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
            Self::Alone { _held }
        } else {
            let _held = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
            Self::Beside { _held }
        }
    }
}
