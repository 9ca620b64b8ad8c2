//! GPU memory that is counted, and given back when dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of GPU memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Held now.
    pub now: AtomicU64,
    /// The most that was held at a time.
    pub peak: AtomicU64,
}

/// A buffer; dropping it frees its memory at once (in a browser, dropping wgpu's does not).
#[derive(Debug)]
pub struct Buffer {
    inner: wgpu::Buffer,
    memory: Arc<Memory>,
}

impl Buffer {
    /// Whole vectors: shaders that read by vec4 must reach the last elements too.
    pub(super) fn rounded(bytes: u64) -> u64 {
        bytes.next_multiple_of(16).max(16)
    }

    pub(super) fn new(inner: wgpu::Buffer, memory: Arc<Memory>) -> Self {
        let before = memory.now.fetch_add(inner.size(), Ordering::Relaxed);
        memory
            .peak
            .fetch_max(before + inner.size(), Ordering::Relaxed);
        Self { inner, memory }
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
        self.memory
            .now
            .fetch_sub(self.inner.size(), Ordering::Relaxed);
        self.inner.destroy();
    }
}
