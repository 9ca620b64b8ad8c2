//! Where time goes: how long the dispatches of each shader take, by the GPU's own clock.

use std::collections::HashMap;

use super::buffer::Buffer;
use super::device::Gpu;
use crate::error::DeviceError;

/// The most dispatches that a query set holds, two timestamps each (WebGPU's limit is 4096 queries).
pub(super) const MOST: usize = 2048;
/// Submissions whose timestamps are kept on the device before they are read.
const PENDING: usize = 64;

/// What the dispatches of one shader took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelTime {
    /// The shader.
    pub kernel: &'static str,
    /// How often it ran.
    pub dispatches: usize,
    /// All of them together.
    pub microseconds: f64,
    /// The longest one, in microseconds.
    pub longest: f64,
}

/// Timestamps of a submission: two for each dispatch.
struct Stamps {
    kernels: Vec<&'static str>,
    buffer: Buffer,
}

/// What was measured so far.
#[derive(Default)]
pub(super) struct Profile {
    pending: Vec<Stamps>,
    times: HashMap<&'static str, KernelTime>,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Profile").finish_non_exhaustive()
    }
}

/// Where the dispatches of a submission leave their timestamps.
pub(super) struct Queries {
    set: wgpu::QuerySet,
    resolved: Buffer,
    stamps: Stamps,
}

impl Queries {
    /// The timestamps before and after dispatch `i`.
    pub fn writes(&self, i: usize) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.set,
            beginning_of_pass_write_index: Some(2 * i as u32),
            end_of_pass_write_index: Some(2 * i as u32 + 1),
        }
    }

    /// Lays the timestamps where they can be read.
    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        let count = 2 * self.stamps.kernels.len() as u32;
        encoder.resolve_query_set(&self.set, 0..count, &self.resolved, 0);
        let bytes = u64::from(count) * 8;
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.stamps.buffer, 0, bytes);
    }
}

impl Gpu {
    /// Whether the adapter grants timestamps.
    pub fn has_timestamps(&self) -> bool {
        let timestamps = wgpu::Features::TIMESTAMP_QUERY;
        self.device.features().contains(timestamps)
    }

    /// Measures every dispatch from now on, which makes runs a little slower. Returns `false`, and
    /// does nothing, where the adapter grants no timestamps.
    pub fn start_profile(&self) -> bool {
        if self.has_timestamps() {
            *self.profile.borrow_mut() = Some(Profile::default());
        }
        self.has_timestamps()
    }

    /// Ends measuring and returns the time of each shader's dispatches, the longest first.
    ///
    /// # Errors
    /// The device failed.
    pub async fn take_profile(&self) -> Result<Vec<KernelTime>, DeviceError> {
        self.settle().await?;
        self.read_stamps().await?;
        let profile = self.profile.borrow_mut().take().unwrap_or_default();
        let mut times: Vec<KernelTime> = profile.times.into_values().collect();
        times.sort_by(|a, b| b.microseconds.total_cmp(&a.microseconds));
        Ok(times)
    }

    pub(super) fn is_profiled(&self) -> bool {
        self.profile.borrow().is_some()
    }

    /// Room for the timestamps of dispatches of these shaders, at most [`MOST`].
    ///
    /// # Errors
    /// A buffer that the adapter does not allow.
    pub(super) fn queries(&self, kernels: Vec<&'static str>) -> Result<Queries, DeviceError> {
        let count = 2 * kernels.len() as u32;
        let bytes = u64::from(count) * 8;
        let set = self.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("profile"),
            ty: wgpu::QueryType::Timestamp,
            count,
        });
        let resolve = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let read = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        Ok(Queries {
            set,
            resolved: self.buffer("profile", bytes, resolve)?,
            stamps: Stamps {
                kernels,
                buffer: self.buffer("profile", bytes, read)?,
            },
        })
    }

    /// Microseconds between the first and the last timestamp of what was submitted.
    ///
    /// # Errors
    /// The device failed.
    pub(super) async fn read_stamped(&self, queries: Queries) -> Result<f64, DeviceError> {
        let bytes = self.map(&queries.stamps.buffer).await?;
        let count = 2 * queries.stamps.kernels.len();
        let stamps: Vec<u64> = bytemuck::pod_collect_to_vec(&bytes[..8 * count]);
        let ticks = stamps[count - 1].saturating_sub(stamps[0]);
        Ok(ticks as f64 * f64::from(self.queue.get_timestamp_period()) / 1e3)
    }

    /// Keeps the timestamps of what was submitted, to be read later.
    pub(super) fn keep_stamps(&self, queries: Queries) {
        if let Some(profile) = &mut *self.profile.borrow_mut() {
            profile.pending.push(queries.stamps);
        }
    }

    /// Reads timestamps where many wait to be read.
    ///
    /// # Errors
    /// The device failed.
    pub(super) async fn read_many_stamps(&self) -> Result<(), DeviceError> {
        let count = self
            .profile
            .borrow()
            .as_ref()
            .map_or(0, |p| p.pending.len());
        if count >= PENDING {
            self.read_stamps().await?;
        }
        Ok(())
    }

    async fn read_stamps(&self) -> Result<(), DeviceError> {
        let pending = match &mut *self.profile.borrow_mut() {
            Some(profile) => std::mem::take(&mut profile.pending),
            None => return Ok(()),
        };
        let microseconds = f64::from(self.queue.get_timestamp_period()) / 1e3;
        for Stamps { kernels, buffer } in pending {
            let bytes = self.map(&buffer).await?;
            let stamps: Vec<u64> = bytemuck::pod_collect_to_vec(&bytes[..16 * kernels.len()]);
            if let Some(profile) = &mut *self.profile.borrow_mut() {
                for (&kernel, pair) in kernels.iter().zip(stamps.chunks_exact(2)) {
                    // A clock that was set back meanwhile counts as none.
                    let lasted = pair[1].saturating_sub(pair[0]) as f64 * microseconds;
                    let time = profile.times.entry(kernel).or_insert(KernelTime {
                        kernel,
                        dispatches: 0,
                        microseconds: 0.0,
                        longest: 0.0,
                    });
                    time.dispatches += 1;
                    time.microseconds += lasted;
                    time.longest = time.longest.max(lasted);
                }
            }
        }
        Ok(())
    }
}
