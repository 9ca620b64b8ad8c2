//! Cancelling a run, and letting the caller's event loop breathe while it lasts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A boxed future that need not be `Send`: the engine's worker has one thread.
pub type LocalBoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A flag shared between the one who runs and the one who may want it to stop.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Asks the run to stop at its next check, between two steps of a plan.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`CancelToken::cancel`] has been called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a run asks between its steps: should it stop, and may others run first?
#[derive(Clone, Debug, Default)]
pub struct Control {
    cancel: CancelToken,
    yielder: Option<fn() -> LocalBoxFuture<'static, ()>>,
}

impl Control {
    /// `yielder` returns a future that resolves after the event loop has handled what waits.
    pub fn new(cancel: CancelToken, yielder: fn() -> LocalBoxFuture<'static, ()>) -> Self {
        Self {
            cancel,
            yielder: Some(yielder),
        }
    }

    /// Whether the run should stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Lets the event loop run, where there is one.
    pub async fn breathe(&self) {
        if let Some(yielder) = self.yielder {
            yielder().await;
        }
    }
}
