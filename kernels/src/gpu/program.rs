//! A plan prepared for the GPU: pipelines, bind groups and uniforms made once, anew only where the
//! shared memory or the choice of shaders has changed.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::arena::Need;
use super::bind::{Bound, Span};
use super::buffer::Buffer;
use super::device::Gpu;
use super::known::{Places, dispatches, products};
use super::params::GpuParams;
use super::profile;
use super::record::{Record, encode};
use super::signal::signal;
use crate::control::Control;
use crate::error::{DeviceError, RunError};
use crate::graph::Value;
use crate::plan::Plan;
use crate::tensor::{DType, Tensor};

/// A plan's dispatches with all that they bind.
pub struct GpuProgram {
    pub(super) gpu: Rc<Gpu>,
    pub(super) plan: Arc<Plan>,
    pub(super) places: Places,
    pub(super) need: Rc<Need>,
    pub(super) inputs: HashMap<Value, Buffer>,
    /// The choice of shaders, where it is not the device's own.
    forced: Option<&'static str>,
    pub(super) record: Record,
    pub(super) bound: Bound,
    /// Whether intermediate values are to be overwritten before the next run.
    poison: bool,
    /// Where each output begins in the read-back buffer.
    offsets: Vec<u64>,
    readback_size: u64,
    /// Absent while a read-back is in flight: one that was abandoned is still mapped.
    readback: Option<Buffer>,
}

impl Drop for GpuProgram {
    fn drop(&mut self) {
        // Nobody else holds it: from now on it asks for nothing.
        self.need = Need::of(&[], 0);
        self.gpu.trim();
    }
}

impl GpuProgram {
    /// Compiles shaders and allocates memory.
    pub async fn new(
        gpu: Rc<Gpu>,
        plan: Arc<Plan>,
        params: &GpuParams,
        forced: Option<&'static str>,
    ) -> Result<Self, RunError> {
        gpu.check_lost()?;
        let places = Places::of(&plan, params);
        if forced.is_none() {
            gpu.want(products(&plan, &places, &gpu.choice()));
        }
        let record = Record::new(&gpu, &plan, &places, forced).await?;
        let need = Need::of(plan.slots(), record.scratch());
        // A run under way keeps the memory that it began with.
        let own = gpu.clone();
        let _turn = own.turn.lock().await;
        gpu.reserve(&need).await?;
        // An output may be an input as it came.
        let usage = wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::COPY_DST
            | wgpu::BufferUsages::COPY_SRC;
        let types = plan.inputs().map(|(v, _)| plan.ty(v).gpu_bytes());
        let (inputs, check) = gpu.guarded("inputs", types.sum(), || {
            plan.inputs()
                .map(|(v, name)| Ok((v, gpu.buffer(name, plan.ty(v).gpu_bytes(), usage)?)))
                .collect::<Result<HashMap<_, _>, DeviceError>>()
        });
        check.await?;
        let mut program = Self {
            inputs: inputs?,
            gpu,
            places,
            need,
            forced,
            record,
            bound: Bound {
                version: 0,
                groups: Vec::new(),
            },
            poison: false,
            offsets: Vec::new(),
            readback_size: 0,
            readback: None,
            plan,
        };
        for &v in program.plan.outputs() {
            program.offsets.push(program.readback_size);
            program.readback_size += program.plan.ty(v).gpu_bytes();
        }
        program.bind().await?;
        Ok(program)
    }

    /// Asks for a plan's pipelines, which stay with the device.
    pub fn warm_up(gpu: &Gpu, plan: &Plan, params: &GpuParams) {
        let chosen = dispatches(plan, &Places::of(plan, params), &gpu.choice());
        let dispatches: Vec<_> = chosen.into_iter().map(|chosen| chosen.dispatch).collect();
        gpu.pipelines.start(&gpu.device, &dispatches);
    }

    /// Overwrites every intermediate value with NaN before the next run.
    pub fn poison(&mut self) {
        self.poison = true;
    }

    /// Dispatches of one run.
    pub fn dispatches(&self) -> usize {
        self.record.dispatches.len()
    }

    /// The variants by which its products are made.
    pub fn variants(&self) -> Vec<&'static str> {
        let kernels = self.record.dispatches.iter();
        let kernels = kernels.map(|recorded| recorded.chosen.dispatch.kernel);
        let mut found: Vec<_> = kernels.filter_map(|kernel| kernel.variant).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Follows what has changed since the last run: the choice of shaders, the arena.
    async fn refresh(&mut self) -> Result<(), RunError> {
        let stale = self.record.epoch != self.gpu.epoch();
        if stale {
            self.record = Record::new(&self.gpu, &self.plan, &self.places, self.forced).await?;
            self.need = Need::of(self.plan.slots(), self.record.scratch());
        }
        self.gpu.reserve(&self.need).await?;
        if stale || self.bound.version != self.gpu.arena.borrow().version() {
            self.bind().await?;
        }
        Ok(())
    }

    /// Uploads the inputs and submits the dispatches, piece by piece; the last one also copies the
    /// outputs to where they are read. A cancel is heard up to the first dispatch that cannot be
    /// repeated.
    pub async fn submit_all(
        &mut self,
        inputs: Vec<(Value, Tensor)>,
        control: &Control,
    ) -> Result<(), RunError> {
        let gpu = self.gpu.clone();
        gpu.check_lost()?;
        // One run at a time: they share their memory.
        let _turn = gpu.turn.lock().await;
        self.refresh().await?;
        gpu.read_many_stamps().await?;
        if self.readback.is_none() && self.readback_size > 0 {
            let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
            self.readback = Some(gpu.buffer("read-back", self.readback_size, usage)?);
        }
        for (value, tensor) in &inputs {
            // Values that the plan does not read are welcome, and ignored.
            if let Some(buffer) = self.inputs.get(value) {
                gpu.queue.write_buffer(buffer, 0, &bytes(tensor));
            }
        }
        if std::mem::take(&mut self.poison) {
            self.overwrite();
        }
        let Record { commit, .. } = self.record;
        let count = self.dispatches();
        let mut done = 0;
        loop {
            if done <= commit && control.is_cancelled() {
                return Err(RunError::Cancelled);
            }
            gpu.room().await?;
            if done <= commit && control.is_cancelled() {
                return Err(RunError::Cancelled);
            }
            // A piece ends before the dispatch from which on there is no return.
            let end = if done < commit {
                commit.min(count)
            } else {
                count
            };
            let mut length = match count {
                0 => 0,
                _ => gpu.submissions.pace.piece(&self.record.costs, done, end),
            };
            if gpu.is_profiled() {
                length = length.min(profile::MOST);
            }
            self.launch(done..done + length)?;
            done += length;
            if done >= count {
                break;
            }
            control.breathe().await;
        }
        // What only computes is of no use to one who has cancelled.
        if commit >= done && control.is_cancelled() {
            return Err(RunError::Cancelled);
        }
        Ok(())
    }

    /// Lays NaN over every intermediate value.
    fn overwrite(&self) {
        let arena = self.gpu.arena.borrow();
        let lay = |rank: usize, len: usize| {
            let nan = vec![f32::NAN; len];
            let bytes = bytemuck::cast_slice(&nan);
            self.gpu.queue.write_buffer(arena.buffer(rank), 0, bytes);
        };
        for (i, slot) in self.plan.slots().iter().enumerate() {
            lay(self.need.rank(i), slot.len);
        }
        let scratch = self.record.scratch();
        if scratch > 0 {
            lay(self.need.scratch(), scratch);
        }
    }

    fn launch(&self, part: Range<usize>) -> Result<(), RunError> {
        let gpu = &self.gpu;
        let recorded = &self.record.dispatches[part.clone()];
        let queries = match gpu.is_profiled() && !recorded.is_empty() {
            true => {
                let names = recorded.iter().map(|r| r.chosen.dispatch.kernel.name);
                Some(gpu.queries(names.collect())?)
            }
            false => None,
        };
        let last = part.end == self.dispatches();
        let outputs = match last {
            true => self.outputs()?,
            false => Vec::new(),
        };
        let groups = &self.bound.groups[part.clone()];
        gpu.launch(&self.record.costs, part, |encoder| {
            encode(encoder, recorded, groups, queries.as_ref());
            let arena = gpu.arena.borrow();
            for (span, [to, size]) in &outputs {
                let Some(readback) = &self.readback else {
                    break;
                };
                let wgpu::BindingResource::Buffer(from) = self.binding(span, &arena) else {
                    unreachable!("every value lies in a buffer");
                };
                encoder.copy_buffer_to_buffer(from.buffer, from.offset, readback, *to, *size);
            }
        })?;
        if let Some(queries) = queries {
            gpu.keep_stamps(queries);
        }
        Ok(())
    }

    /// Where each output lies, with the first byte and the bytes of its place in the read-back buffer.
    fn outputs(&self) -> Result<Vec<(Span, [u64; 2])>, RunError> {
        let outputs = self.plan.outputs().iter().zip(&self.offsets);
        outputs
            .map(|(&v, &to)| Ok((self.find(v)?, [to, self.plan.ty(v).gpu_bytes()])))
            .collect()
    }

    /// Reads the outputs of the last run back, in one piece.
    ///
    /// # Errors
    /// The device failed, in this run or in one before that nobody has read.
    pub async fn read(&mut self) -> Result<Vec<Tensor>, RunError> {
        let Some(readback) = self.readback.take() else {
            return Err(RunError::Unread);
        };
        let (signal, wait) = signal();
        readback
            .slice(..)
            .map_async(wgpu::MapMode::Read, move |result| signal.done(result));
        self.gpu.wait_natively();
        let mapped = self.gpu.hear(wait).await;
        let mapped = mapped.map_err(|error| self.gpu.unreadable(&error));
        // What could not be computed must not be read.
        self.gpu.settle().await?;
        mapped?;
        let outputs = {
            let view = readback
                .slice(..)
                .get_mapped_range()
                .map_err(|error| self.gpu.unreadable(&error))?;
            let cut = |(&v, &offset): (&Value, &u64)| {
                let ty = self.plan.ty(v);
                let range = offset as usize..(offset + ty.gpu_bytes()) as usize;
                match ty.dtype {
                    DType::Real => Tensor::F32(bytemuck::pod_collect_to_vec(&view[range])),
                    DType::U32 => Tensor::U32(bytemuck::pod_collect_to_vec(&view[range])),
                }
            };
            let outputs = self.plan.outputs().iter().zip(&self.offsets);
            outputs.map(cut).collect()
        };
        readback.unmap();
        self.readback = Some(readback);
        Ok(outputs)
    }
}

fn bytes(tensor: &Tensor) -> Vec<u8> {
    match tensor {
        Tensor::F32(v) => bytemuck::cast_slice(v).to_vec(),
        Tensor::U32(v) => bytemuck::cast_slice(v).to_vec(),
        Tensor::F64(v) => v.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect(),
    }
}
