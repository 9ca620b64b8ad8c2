//! What is known of a plan's steps when their shaders are chosen.

use std::rc::Rc;

use super::buffer::Buffer;
use super::device::Gpu;
use super::kernel::{DispatchContext, Pack};
use super::params::GpuParams;
use super::tuning::Tuning;
use crate::graph::{Node, Value};
use crate::ops::gemm::Product;
use crate::plan::{Place, Plan};
use crate::tensor::{Storage, TensorType};

/// What a step's operation is told.
pub(super) struct Known {
    pub inputs: Vec<TensorType>,
    storage: Vec<Storage>,
    outputs: Vec<TensorType>,
    packs: Vec<Option<Pack>>,
}

impl Known {
    pub fn of(plan: &Plan, step: &Node, params: &GpuParams) -> Self {
        let storage = |&v: &Value| storage(plan, v, params);
        Self {
            inputs: plan.types_of(&step.inputs),
            storage: step.inputs.iter().map(storage).collect(),
            outputs: plan.types_of(&step.outputs),
            packs: packs(plan, step, params),
        }
    }

    pub fn context<'a>(&'a self, gpu: &'a Gpu, tuning: &'a Tuning) -> DispatchContext<'a> {
        DispatchContext {
            capabilities: gpu.capabilities(),
            tuning,
            inputs: &self.inputs,
            storage: &self.storage,
            outputs: &self.outputs,
            packs: &self.packs,
        }
    }
}

/// The matrix products of a plan.
pub(super) fn products(gpu: &Gpu, plan: &Plan, params: &GpuParams) -> Vec<Product> {
    let of_step = |step: &Node| {
        let known = Known::of(plan, step, params);
        step.op.products(&known.context(gpu, &gpu.tuning()))
    };
    plan.steps().iter().flat_map(of_step).collect()
}

/// How a value rests: only parameters may rest in f16.
fn storage(plan: &Plan, value: Value, params: &GpuParams) -> Storage {
    match plan.place(value) {
        Place::Param(name) => params.get(name).map_or(Storage::F32, |view| view.storage),
        _ => Storage::F32,
    }
}

/// Where each of a step's inputs lies among the packed parameters.
fn packs(plan: &Plan, step: &Node, params: &GpuParams) -> Vec<Option<Pack>> {
    let mut buffers: Vec<*const Buffer> = Vec::new();
    let mut pack = |v: &Value| {
        let Place::Param(name) = plan.place(*v) else {
            return None;
        };
        let view = params.get(name)?;
        let pointer = Rc::as_ptr(&view.buffer);
        let buffer = buffers
            .iter()
            .position(|p| *p == pointer)
            .unwrap_or_else(|| {
                buffers.push(pointer);
                buffers.len() - 1
            });
        let len = view.buffer.size() as usize / 4;
        Some(Pack {
            buffer,
            first: view.offset as usize / 4,
            len,
        })
    };
    step.inputs.iter().map(&mut pack).collect()
}
