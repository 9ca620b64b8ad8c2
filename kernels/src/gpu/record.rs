//! The dispatches of a plan by one choice of shaders, compiled.

use std::rc::Rc;

use super::buffer::Buffer;
use super::device::Gpu;
use super::known::{Chosen, Places, dispatches};
use super::pace::Costs;
use super::profile::Queries;
use crate::error::{DeviceError, RunError};
use crate::graph::{Node, Value};
use crate::plan::{Place, Plan};
use crate::shader::Choice;
use crate::shader::Operand;

/// A dispatch with its shader.
pub(super) struct Recorded {
    pub chosen: Chosen,
    pub pipeline: wgpu::ComputePipeline,
    /// Where its `Params` begin among the uniforms.
    pub uniform: u64,
}

/// The dispatches by one choice of shaders.
pub(super) struct Record {
    /// [`Gpu::epoch`] of the choice.
    pub epoch: u64,
    pub dispatches: Vec<Recorded>,
    /// The first dispatch that cannot be repeated; more than there are where there is none.
    pub commit: usize,
    pub costs: Rc<Costs>,
    pub uniforms: Buffer,
}

impl Record {
    /// Chooses and compiles a plan's shaders. A variant that the driver does not take is left out, and
    /// another takes its place.
    pub async fn new(
        gpu: &Rc<Gpu>,
        plan: &Plan,
        places: &Places,
        forced: Option<&'static str>,
    ) -> Result<Self, RunError> {
        loop {
            let epoch = gpu.epoch();
            let choice = Choice {
                forced,
                ..gpu.choice()
            };
            let chosen = dispatches(plan, places, &choice);
            let dispatches: Vec<_> = chosen.iter().map(|c| c.dispatch.clone()).collect();
            match gpu.pipelines.compile(&gpu.device, &dispatches).await {
                Ok(pipelines) => {
                    return Self::recorded(gpu, plan, places, epoch, chosen, pipelines);
                }
                Err(unusable) => {
                    gpu.check_lost()?;
                    let rejected = DeviceError::Rejected {
                        what: unusable.kernel.name.to_owned(),
                        message: unusable.message.clone(),
                    };
                    if forced.is_some() || !gpu.leave_out_unusable(&unusable) {
                        return Err(rejected.into());
                    }
                }
            }
        }
    }

    fn recorded(
        gpu: &Rc<Gpu>,
        plan: &Plan,
        places: &Places,
        epoch: u64,
        chosen: Vec<Chosen>,
        pipelines: Vec<wgpu::ComputePipeline>,
    ) -> Result<Self, RunError> {
        let align = gpu.device.limits().min_uniform_buffer_offset_alignment as usize;
        let mut bytes: Vec<u8> = Vec::new();
        let mut work = Vec::with_capacity(chosen.len());
        let first = plan
            .commit()
            .and_then(|step| chosen.iter().position(|c| c.step >= step));
        let mut dispatches = Vec::with_capacity(chosen.len());
        for (chosen, pipeline) in chosen.into_iter().zip(pipelines) {
            bytes.resize(bytes.len().next_multiple_of(align), 0);
            let uniform = bytes.len() as u64;
            bytes.extend(&chosen.dispatch.params);
            let step = &plan.steps()[chosen.step];
            let moved = chosen.dispatch.operands.iter();
            let moved = moved.map(|&operand| moved_bytes(plan, places, step, operand));
            work.push(gpu.submissions.pace.work(chosen.flops, moved.sum()));
            dispatches.push(Recorded {
                chosen,
                pipeline,
                uniform,
            });
        }
        bytes.resize(bytes.len().next_multiple_of(4).max(16), 0);
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let uniforms = gpu.buffer("uniforms", bytes.len() as u64, usage)?;
        gpu.queue.write_buffer(&uniforms, 0, &bytes);
        Ok(Self {
            epoch,
            dispatches,
            commit: first.unwrap_or(usize::MAX),
            costs: Costs::new(work),
            uniforms,
        })
    }
}

impl Record {
    /// The most numbers of scratch memory that a dispatch asks for.
    pub fn scratch(&self) -> usize {
        let operands = self.dispatches.iter();
        let operands = operands.flat_map(|recorded| &recorded.chosen.dispatch.operands);
        operands.map(Operand::scratch).max().unwrap_or(0)
    }
}

/// Bytes that a dispatch reads or writes of an operand, at most.
fn moved_bytes(plan: &Plan, places: &Places, step: &Node, operand: Operand) -> u64 {
    let pack = |v: Value| match plan.place(v) {
        Place::Param(name) => places.get(name).map_or(0, |lying| lying.pack_bytes()),
        _ => 0,
    };
    match operand {
        Operand::Input(i) => plan.ty(step.inputs[i]).gpu_bytes(),
        Operand::Output(i) => plan.ty(step.outputs[i]).gpu_bytes(),
        Operand::InputPack(i) => pack(step.inputs[i]),
        Operand::OutputPack(i) => pack(step.outputs[i]),
        Operand::Scratch(len) => 4 * len as u64,
        Operand::Unused => 0,
    }
}

/// Records dispatches: in one pass, or each in a pass of its own with its timestamps.
pub(super) fn encode(
    encoder: &mut wgpu::CommandEncoder,
    recorded: &[Recorded],
    groups: &[wgpu::BindGroup],
    queries: Option<&Queries>,
) {
    let dispatch = |pass: &mut wgpu::ComputePass<'_>, i: usize| {
        pass.set_pipeline(&recorded[i].pipeline);
        pass.set_bind_group(0, &groups[i], &[]);
        let [x, y, z] = recorded[i].chosen.dispatch.workgroups;
        pass.dispatch_workgroups(x, y, z);
    };
    match queries {
        None => {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            (0..recorded.len()).for_each(|i| dispatch(&mut pass, i));
        }
        Some(queries) => {
            for (i, recorded) in recorded.iter().enumerate() {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: Some(recorded.chosen.dispatch.kernel.name),
                    timestamp_writes: Some(queries.writes(i)),
                });
                dispatch(&mut pass, i);
            }
            queries.resolve(encoder);
        }
    }
}
