//! wgpu's callbacks as futures.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

type MapResult = Result<(), wgpu::BufferAsyncError>;

#[derive(Default)]
struct Shared {
    result: Option<MapResult>,
    waker: Option<Waker>,
}

/// The sending half of [`signal`].
pub(super) struct Signal(Arc<Mutex<Shared>>);

impl Signal {
    pub(super) fn done(self, result: MapResult) {
        let mut shared = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        shared.result = Some(result);
        if let Some(waker) = shared.waker.take() {
            waker.wake();
        }
    }
}

/// The receiving half of [`signal`].
pub(super) struct Wait(Arc<Mutex<Shared>>);

impl Future for Wait {
    type Output = MapResult;
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<MapResult> {
        let mut shared = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        match shared.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                shared.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Turns a wgpu callback into a future.
pub(super) fn signal() -> (Signal, Wait) {
    let shared = Arc::new(Mutex::new(Shared::default()));
    (Signal(shared.clone()), Wait(shared))
}
