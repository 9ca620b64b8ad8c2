//! GPU memory that is counted, and given back when dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A buffer; dropping it frees its memory at once (in a browser, dropping wgpu's does not).
#[derive(Debug)]
pub struct Buffer {
    inner: wgpu::Buffer,
    counter: Arc<AtomicU64>,
}

impl Buffer {
    pub(super) fn new(inner: wgpu::Buffer, counter: Arc<AtomicU64>) -> Self {
        counter.fetch_add(inner.size(), Ordering::Relaxed);
        Self { inner, counter }
    }
}

impl std::ops::Deref for Buffer {
    type Target = wgpu::Buffer;
    fn deref(&self) -> &wgpu::Buffer {
        &self.inner
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.counter.fetch_sub(self.inner.size(), Ordering::Relaxed);
        self.inner.destroy();
    }
}
