//! Parameters at rest on the GPU.

use std::collections::HashMap;
use std::rc::Rc;

use super::buffer::Buffer;
use super::device::Gpu;
use crate::control::LocalBoxFuture;
use crate::error::{DeviceError, RunError};
use crate::tensor::{ParamSpec, Storage};

/// Where a parameter lies.
#[derive(Clone, Debug)]
pub struct View {
    /// The buffer, alone or with other parameters.
    pub buffer: Rc<Buffer>,
    /// First byte.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
    /// How its elements rest.
    pub storage: Storage,
}

/// Whether the driver had room for an allocation.
pub type Check = LocalBoxFuture<'static, Result<(), DeviceError>>;

/// Every parameter's place.
#[derive(Debug)]
pub struct GpuParams {
    gpu: Rc<Gpu>,
    views: HashMap<String, View>,
}

impl GpuParams {
    /// No parameters yet.
    pub fn new(gpu: Rc<Gpu>) -> Self {
        Self {
            gpu,
            views: HashMap::new(),
        }
    }

    /// The device they rest on.
    pub fn gpu(&self) -> &Rc<Gpu> {
        &self.gpu
    }

    /// Allocates parameters, zeroed, replacing those of the same names. `packed` ones share as few
    /// buffers as the adapter's limits allow, in order, so that one dispatch can go over all;
    /// they must rest in f32.
    pub fn add(&mut self, specs: &[ParamSpec], packed: bool) -> Result<Check, DeviceError> {
        let align = u64::from(self.gpu.device.limits().min_storage_buffer_offset_alignment);
        let limit = self.gpu.capabilities().max_tensor();
        // Runs of parameters, each to become one buffer: (total bytes, offset of each).
        let mut runs: Vec<(u64, Vec<(usize, u64)>)> = Vec::new();
        for (i, spec) in specs.iter().enumerate() {
            let bytes = spec.gpu_bytes();
            match runs.last_mut() {
                Some((total, members))
                    if packed && total.next_multiple_of(align) + bytes <= limit =>
                {
                    let offset = total.next_multiple_of(align);
                    members.push((i, offset));
                    *total = offset + bytes;
                }
                _ => runs.push((bytes, vec![(i, 0)])),
            }
        }
        let usage = wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::COPY_DST
            | wgpu::BufferUsages::COPY_SRC;
        let gpu = self.gpu.clone();
        let total = runs.iter().map(|(bytes, _)| bytes).sum();
        let (buffers, check) = gpu.guarded("the parameters", total, || {
            let label = |members: &[(usize, u64)]| specs[members[0].0].name.clone();
            let make =
                |(bytes, members): &(u64, Vec<_>)| gpu.buffer(&label(members), *bytes, usage);
            runs.iter().map(make).collect::<Result<Vec<_>, _>>()
        });
        for (buffer, (_, members)) in buffers?.into_iter().zip(runs) {
            let buffer = Rc::new(buffer);
            for (i, offset) in members {
                let spec = &specs[i];
                let (size, storage) = (spec.gpu_bytes(), spec.storage);
                let view = View {
                    buffer: buffer.clone(),
                    offset,
                    size,
                    storage,
                };
                self.views.insert(spec.name.clone(), view);
            }
        }
        Ok(check)
    }

    /// Frees a parameter, and its buffer with the last that lies there.
    pub fn remove(&mut self, name: &str) {
        self.views.remove(name);
    }

    /// Gives a parameter another name.
    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some(view) = self.views.remove(from) {
            self.views.insert(to.to_owned(), view);
        }
    }

    /// Copies one parameter over another of the same length and storage.
    pub fn copy(&self, from: &str, to: &str) {
        if let (Some(from), Some(to)) = (self.views.get(from), self.views.get(to)) {
            let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
            let size = from.size.min(to.size);
            encoder.copy_buffer_to_buffer(&from.buffer, from.offset, &to.buffer, to.offset, size);
            self.gpu.queue.submit([encoder.finish()]);
        }
    }

    /// Copies elements of one parameter into another, both in f32 and in buffers of their own: from,
    /// to, how many. One command buffer does it all.
    pub fn copy_parts(&self, from: &str, to: &str, parts: &[(usize, usize, usize)]) {
        let (Some(from), Some(to)) = (self.views.get(from), self.views.get(to)) else {
            return;
        };
        let bytes = |elements: usize| elements as u64 * Storage::F32.bytes() as u64;
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        for &(first, place, count) in parts {
            let (first, place) = (from.offset + bytes(first), to.offset + bytes(place));
            encoder.copy_buffer_to_buffer(&from.buffer, first, &to.buffer, place, bytes(count));
        }
        self.gpu.queue.submit([encoder.finish()]);
    }

    /// Writes bytes as they rest, from byte `offset` on; both must be multiples of 4.
    pub fn write(&self, name: &str, offset: u64, bytes: &[u8]) {
        if let Some(view) = self.views.get(name) {
            self.gpu
                .queue
                .write_buffer(&view.buffer, view.offset + offset, bytes);
        }
    }

    /// Elements from element `offset` on, through a buffer of their own.
    pub async fn read(
        &self,
        name: &str,
        offset: usize,
        count: usize,
    ) -> Result<Option<Vec<f32>>, RunError> {
        let Some(view) = self.views.get(name) else {
            return Ok(None);
        };
        // Copies are of whole words: an odd half begins one element early, or ends one late.
        let size = view.storage.bytes() as u64;
        let (begin, end) = (offset as u64 * size, (offset + count) as u64 * size);
        let first = begin & !3;
        let length = (end - first).next_multiple_of(4);
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let staging = self.gpu.buffer("read-back", length, usage)?;
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&view.buffer, view.offset + first, &staging, 0, length);
        self.gpu.queue.submit([encoder.finish()]);
        let bytes = self.gpu.map(&staging).await?;
        let wanted = &bytes[(begin - first) as usize..(end - first) as usize];
        Ok(Some(match view.storage {
            Storage::F32 => bytemuck::pod_collect_to_vec(wanted),
            Storage::F16 => bytemuck::pod_collect_to_vec::<u8, half::f16>(wanted)
                .into_iter()
                .map(half::f16::to_f32)
                .collect(),
        }))
    }

    /// Where a parameter lies.
    pub fn get(&self, name: &str) -> Option<&View> {
        self.views.get(name)
    }
}
