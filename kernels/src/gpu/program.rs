//! A plan prepared for the GPU: pipelines, bind groups and uniforms made once.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::buffer::Buffer;
use super::device::Gpu;
use super::kernel::{Dispatch, Operand};
use super::known::{Known, products};
use super::params::{GpuParams, View};
use super::signal::signal;
use super::tuning::tune;
use crate::control::Control;
use crate::error::{DeviceError, RunError};
use crate::graph::{Node, Value};
use crate::plan::{Place, Plan};
use crate::tensor::{DType, Tensor};

/// A software adapter gets its work in pieces of this size, so that no single command buffer
/// trips the driver's watchdog and a cancel is heard.
const FLOPS_PER_SUBMIT: f64 = 1e9;

struct Recorded {
    pipeline: Rc<wgpu::ComputePipeline>,
    group: wgpu::BindGroup,
    workgroups: [u32; 3],
    flops: f64,
}

/// A plan's dispatches with all that they bind.
pub struct GpuProgram {
    gpu: Rc<Gpu>,
    plan: Arc<Plan>,
    recorded: Vec<Recorded>,
    /// The first dispatch that cannot be repeated; none where that is more than there are.
    commit: usize,
    inputs: HashMap<Value, Buffer>,
    slots: Vec<Buffer>,
    /// Where each output begins in the read-back buffer.
    offsets: Vec<u64>,
    readback_size: u64,
    /// Absent while a read-back is in flight: one that was abandoned is still mapped.
    readback: Option<Buffer>,
}

impl GpuProgram {
    /// Compiles shaders and allocates memory.
    pub async fn new(gpu: Rc<Gpu>, plan: Arc<Plan>, params: &GpuParams) -> Result<Self, RunError> {
        gpu.check_lost()?;
        if gpu.runs_trials() {
            tune(&gpu, &products(&gpu, &plan, params)).await?;
        }
        let total = plan.slots().iter().map(|s| s.len as u64 * 4).sum();
        let (program, check) = gpu.guarded("a plan", total, || Self::build(&gpu, plan, params));
        check.await?;
        program
    }

    /// Asks for a plan's pipelines, which stay with the device.
    pub fn warm_up(gpu: &Gpu, plan: &Plan, params: &GpuParams) {
        for step in plan.steps() {
            let known = Known::of(plan, step, params);
            for dispatch in step.op.dispatch(&known.context(gpu, &gpu.tuning())) {
                gpu.pipeline(&dispatch);
            }
        }
    }

    fn build(gpu: &Rc<Gpu>, plan: Arc<Plan>, params: &GpuParams) -> Result<Self, RunError> {
        let storage = wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::COPY_DST
            | wgpu::BufferUsages::COPY_SRC;
        let slots = plan
            .slots()
            .iter()
            .map(|s| gpu.buffer("intermediate values", s.len as u64 * 4, storage))
            .collect::<Result<Vec<_>, _>>()?;
        let inputs = plan
            .inputs()
            .map(|(v, name)| Ok((v, gpu.buffer(name, plan.ty(v).gpu_bytes(), storage)?)))
            .collect::<Result<HashMap<_, _>, DeviceError>>()?;
        let mut program = Self {
            gpu: gpu.clone(),
            recorded: Vec::new(),
            commit: usize::MAX,
            inputs,
            slots,
            offsets: Vec::new(),
            readback_size: 0,
            readback: None,
            plan: plan.clone(),
        };
        program.record(params)?;
        for &v in plan.outputs() {
            program.offsets.push(program.readback_size);
            program.readback_size += plan.ty(v).gpu_bytes();
        }
        Ok(program)
    }

    /// Makes every dispatch's pipeline, bind group and uniform.
    fn record(&mut self, params: &GpuParams) -> Result<(), RunError> {
        let plan = self.plan.clone();
        let mut dispatches: Vec<(&Node, Dispatch, f64)> = Vec::new();
        for (i, step) in plan.steps().iter().enumerate() {
            if plan.commit() == Some(i) {
                self.commit = dispatches.len();
            }
            let known = Known::of(&plan, step, params);
            let made = step
                .op
                .dispatch(&known.context(&self.gpu, &self.gpu.tuning()));
            let flops = step.op.flops(&known.inputs) / made.len() as f64;
            dispatches.extend(made.into_iter().map(|d| (step, d, flops)));
        }
        let align = self.gpu.device.limits().min_uniform_buffer_offset_alignment as usize;
        let mut bytes: Vec<u8> = Vec::new();
        let ranges: Vec<(u64, u64)> = dispatches
            .iter()
            .map(|(_, d, _)| {
                bytes.resize(bytes.len().next_multiple_of(align), 0);
                let start = bytes.len() as u64;
                bytes.extend(&d.params);
                (start, d.params.len() as u64)
            })
            .collect();
        bytes.resize(bytes.len().next_multiple_of(4).max(16), 0);
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let uniforms = self.gpu.buffer("uniforms", bytes.len() as u64, usage)?;
        self.gpu.queue.write_buffer(&uniforms, 0, &bytes);
        for ((step, dispatch, flops), (offset, size)) in dispatches.into_iter().zip(ranges) {
            let pipeline = self.gpu.pipeline(&dispatch);
            let uniform = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &uniforms,
                offset,
                size: std::num::NonZeroU64::new(size),
            });
            let mut entries = vec![wgpu::BindGroupEntry {
                binding: 0,
                resource: uniform,
            }];
            for (i, &operand) in dispatch.operands.iter().enumerate() {
                let resource = self.resolve(step, operand, params)?;
                entries.push(wgpu::BindGroupEntry {
                    binding: i as u32 + 1,
                    resource,
                });
            }
            let group = self
                .gpu
                .device
                .create_bind_group(&wgpu::BindGroupDescriptor {
                    label: Some(dispatch.kernel.name),
                    layout: &pipeline.get_bind_group_layout(0),
                    entries: &entries,
                });
            let workgroups = dispatch.workgroups;
            self.recorded.push(Recorded {
                pipeline,
                group,
                workgroups,
                flops,
            });
        }
        // The bind groups keep the uniforms alive; destroying the buffer would not.
        self.slots.push(uniforms);
        Ok(())
    }

    fn resolve<'a>(
        &'a self,
        step: &Node,
        operand: Operand,
        params: &'a GpuParams,
    ) -> Result<wgpu::BindingResource<'a>, RunError> {
        let pack = |v: Value| match self.plan.place(v) {
            Place::Param(name) => Ok(view(name, params)?.buffer.as_entire_binding()),
            _ => unreachable!("only parameters are packed"),
        };
        match operand {
            Operand::Input(i) => self.find(step.inputs[i], params),
            Operand::Output(i) => self.find(step.outputs[i], params),
            Operand::InputPack(i) => pack(step.inputs[i]),
            Operand::OutputPack(i) => pack(step.outputs[i]),
            Operand::Unused => Ok(self.gpu.unused.as_entire_binding()),
        }
    }

    fn find<'a>(
        &'a self,
        v: Value,
        params: &'a GpuParams,
    ) -> Result<wgpu::BindingResource<'a>, RunError> {
        match self.plan.place(v) {
            Place::Slot(slot) => Ok(self.slots[*slot].as_entire_binding()),
            Place::Input(_) => Ok(self.inputs[&v].as_entire_binding()),
            Place::Param(name) => Ok(view(name, params)?.binding()),
            Place::Nowhere => unreachable!("the plan keeps every value that its steps touch"),
        }
    }

    /// Overwrites every intermediate value with NaN.
    pub fn poison(&self) {
        for (slot, buffer) in self.plan.slots().iter().zip(&self.slots) {
            self.gpu
                .queue
                .write_buffer(buffer, 0, bytemuck::cast_slice(&vec![f32::NAN; slot.len]));
        }
    }

    /// Dispatches of one run.
    pub fn dispatches(&self) -> usize {
        self.recorded.len()
    }

    /// Uploads the inputs and submits the dispatches. A cancel is heard up to the first that
    /// cannot be repeated.
    pub async fn submit_all(
        &mut self,
        inputs: Vec<(Value, Tensor)>,
        control: &Control,
    ) -> Result<(), RunError> {
        self.gpu.check_lost()?;
        for (value, tensor) in &inputs {
            // Values that the plan does not read are welcome, and ignored.
            if let Some(buffer) = self.inputs.get(value) {
                self.gpu.queue.write_buffer(buffer, 0, &bytes(tensor));
            }
        }
        let software = self.gpu.info().software;
        let mut done = 0;
        while done < self.recorded.len() {
            if done <= self.commit && control.is_cancelled() {
                return Err(RunError::Cancelled);
            }
            let mut rest = &self.recorded[done..];
            if software {
                // A piece ends before the dispatch from which on there is no return.
                let before = self.commit.saturating_sub(done);
                if (1..rest.len()).contains(&before) {
                    rest = &rest[..before];
                }
                rest = &rest[..piece(rest)];
            }
            self.submit(rest);
            done += rest.len();
            if software && done < self.recorded.len() {
                self.gpu.finished().await?;
                control.breathe().await;
            }
        }
        // What only computes is of no use to one who has cancelled.
        if self.commit >= done && control.is_cancelled() {
            return Err(RunError::Cancelled);
        }
        Ok(())
    }

    fn submit(&self, dispatches: &[Recorded]) {
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for d in dispatches {
                pass.set_pipeline(&d.pipeline);
                pass.set_bind_group(0, &d.group, &[]);
                let [x, y, z] = d.workgroups;
                pass.dispatch_workgroups(x, y, z);
            }
        }
        self.gpu.queue.submit([encoder.finish()]);
    }

    /// Reads the outputs of the last run back, in one piece.
    pub async fn read(&mut self, params: &GpuParams) -> Result<Vec<Tensor>, RunError> {
        let readback = match self.readback.take() {
            Some(buffer) => buffer,
            None => {
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                self.gpu.buffer("read-back", self.readback_size, usage)?
            }
        };
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        for (&v, &offset) in self.plan.outputs().iter().zip(&self.offsets) {
            let size = self.plan.ty(v).gpu_bytes();
            let wgpu::BindingResource::Buffer(from) = self.find(v, params)? else {
                unreachable!("every value lies in a buffer");
            };
            encoder.copy_buffer_to_buffer(from.buffer, from.offset, &readback, offset, size);
        }
        self.gpu.queue.submit([encoder.finish()]);
        let (signal, wait) = signal();
        readback
            .slice(..)
            .map_async(wgpu::MapMode::Read, move |result| signal.done(result));
        self.gpu.wait_natively();
        let failed = |message: String| {
            RunError::from(match self.gpu.lost() {
                Some(reason) => DeviceError::Lost(reason),
                None => DeviceError::Rejected {
                    what: "read-back".to_owned(),
                    message,
                },
            })
        };
        wait.await.map_err(|e| failed(e.to_string()))?;
        let outputs = {
            let view = readback
                .slice(..)
                .get_mapped_range()
                .map_err(|e| failed(e.to_string()))?;
            let cut = |(&v, &offset): (&Value, &u64)| {
                let ty = self.plan.ty(v);
                let range = offset as usize..(offset + ty.gpu_bytes()) as usize;
                match ty.dtype {
                    DType::Real => Tensor::F32(bytemuck::pod_collect_to_vec(&view[range])),
                    DType::U32 => Tensor::U32(bytemuck::pod_collect_to_vec(&view[range])),
                }
            };
            self.plan
                .outputs()
                .iter()
                .zip(&self.offsets)
                .map(cut)
                .collect()
        };
        readback.unmap();
        self.readback = Some(readback);
        Ok(outputs)
    }
}

fn view<'a>(name: &str, params: &'a GpuParams) -> Result<&'a View, RunError> {
    params
        .get(name)
        .ok_or_else(|| RunError::MissingParam(name.to_owned()))
}

/// How many dispatches fit one submission.
fn piece(dispatches: &[Recorded]) -> usize {
    let mut flops = 0.0;
    let fits = |d: &&Recorded| {
        flops += d.flops;
        flops <= FLOPS_PER_SUBMIT
    };
    dispatches.iter().take_while(fits).count().max(1)
}

fn bytes(tensor: &Tensor) -> Vec<u8> {
    match tensor {
        Tensor::F32(v) => bytemuck::cast_slice(v).to_vec(),
        Tensor::U32(v) => bytemuck::cast_slice(v).to_vec(),
        Tensor::F64(v) => v.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect(),
    }
}
