//! wgpu's callbacks as futures.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

struct Shared<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// The sending half of [`signal`].
pub(super) struct Signal<T>(Arc<Mutex<Shared<T>>>);

/// The receiving half of [`signal`].
pub(super) struct Wait<T>(Arc<Mutex<Shared<T>>>);

fn lock<T>(shared: &Mutex<Shared<T>>) -> MutexGuard<'_, Shared<T>> {
    shared
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl<T> Signal<T> {
    pub(super) fn done(self, value: T) {
        let mut shared = lock(&self.0);
        shared.value = Some(value);
        if let Some(waker) = shared.waker.take() {
            waker.wake();
        }
    }
}

impl<T> Wait<T> {
    /// Whether the value is there.
    pub(super) fn is_done(&self) -> bool {
        lock(&self.0).value.is_some()
    }
}

impl<T: Copy> Wait<T> {
    /// The value, if it is there.
    pub(super) fn peek(&self) -> Option<T> {
        lock(&self.0).value
    }
}

impl<T> Future for Wait<T> {
    type Output = T;
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut shared = lock(&self.0);
        match shared.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                shared.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Turns a wgpu callback into a future.
pub(super) fn signal<T>() -> (Signal<T>, Wait<T>) {
    let shared = Arc::new(Mutex::new(Shared {
        value: None,
        waker: None,
    }));
    (Signal(shared.clone()), Wait(shared))
}
