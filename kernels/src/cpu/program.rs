//! A plan prepared for the CPU.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::arena::{Arena, Need, collect};
use super::params::CpuParams;
use crate::control::Control;
use crate::error::{DeviceError, RunError};
use crate::graph::{Node, Value};
use crate::plan::{Place, Plan};
use crate::tensor::{Tensor, TensorType};
use crate::twin::{Buffer, Io, Real};

/// Steps between two looks at the event loop.
const FLOPS_PER_BREATH: f64 = 5e8;

/// A plan prepared for a run; its memory is shared with the others of the same parameters.
#[derive(Debug)]
pub struct CpuProgram<F> {
    plan: Arc<Plan>,
    /// Each step's floating-point operations.
    flops: Vec<f64>,
    need: Rc<Need>,
    /// Whether intermediate values are to be overwritten before the next run.
    poison: bool,
    inputs: HashMap<Value, Buffer<F>>,
    /// The outputs of the step that runs; empty in between.
    outputs: Vec<(Buffer<F>, TensorType)>,
    /// The outputs of the last run, until they are read.
    found: Option<Vec<Tensor>>,
}

impl<F: Real> CpuProgram<F> {
    /// Allocates what the plan needs.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`]
    pub fn new(plan: Arc<Plan>, params: &CpuParams<F>) -> Result<Self, DeviceError> {
        let need = Need::of(&plan);
        params.arena.borrow_mut().reserve(&need)?;
        let steps = plan.steps().iter();
        let flops = steps.map(|step| step.op.flops(&plan.types_of(&step.inputs)));
        Ok(Self {
            flops: flops.collect(),
            need,
            poison: false,
            inputs: HashMap::new(),
            outputs: Vec::new(),
            found: None,
            plan,
        })
    }

    /// Overwrites every intermediate real number with NaN before the next run.
    pub fn poison(&mut self) {
        self.poison = true;
    }

    /// Runs every step, and keeps the outputs: the next run of any plan may overwrite their memory.
    pub async fn run(
        &mut self,
        params: &mut CpuParams<F>,
        inputs: Vec<(Value, Tensor)>,
        control: &Control,
    ) -> Result<(), RunError> {
        self.found = None;
        let CpuParams { values, arena } = params;
        let memory = &mut Memory {
            values,
            arena: arena.get_mut(),
        };
        memory.arena.reserve(&self.need)?;
        if std::mem::take(&mut self.poison) {
            memory.arena.poison(&self.need);
        }
        self.inputs.clear();
        for (value, tensor) in inputs {
            self.inputs.insert(value, buffer(tensor)?);
        }
        let done = self.steps(memory, control).await;
        let plan = self.plan.clone();
        if done.is_ok() {
            let outputs = plan.outputs().iter();
            let found: Result<_, RunError> =
                outputs.map(|&v| self.read(&plan, v, memory)).collect();
            self.found = Some(found?);
        }
        self.inputs.clear();
        done
    }

    async fn steps(
        &mut self,
        memory: &mut Memory<'_, F>,
        control: &Control,
    ) -> Result<(), RunError> {
        let plan = self.plan.clone();
        let mut since_breath = 0.0;
        let commit = plan.commit().unwrap_or(usize::MAX);
        for (i, step) in plan.steps().iter().enumerate() {
            if since_breath > FLOPS_PER_BREATH {
                control.breathe().await;
                since_breath = 0.0;
            }
            if i <= commit && control.is_cancelled() {
                return Err(RunError::Cancelled);
            }
            since_breath += self.flops[i];
            self.step(&plan, step, memory)?;
        }
        Ok(())
    }

    /// The outputs of the last run, once.
    ///
    /// # Errors
    /// [`RunError::Unread`] where there was none.
    pub fn outputs(&mut self) -> Result<Vec<Tensor>, RunError> {
        self.found.take().ok_or(RunError::Unread)
    }

    fn step(
        &mut self,
        plan: &Plan,
        step: &Node,
        memory: &mut Memory<'_, F>,
    ) -> Result<(), RunError> {
        // Outputs leave their places while the step runs, so that inputs can be borrowed; a plan
        // never gives an output the slot of one of its own step's inputs.
        let mut outputs = std::mem::take(&mut self.outputs);
        let mut scratch = std::mem::take(&mut memory.arena.scratch);
        for &v in &step.outputs {
            let place = memory.place_mut(plan, &self.need, v)?;
            outputs.push((
                std::mem::replace(place, Buffer::U32(Vec::new())),
                plan.ty(v),
            ));
        }
        let inputs = step.inputs.iter();
        let inputs: Result<Vec<_>, RunError> = inputs
            .map(|&v| Ok((self.find(plan, v, memory)?, plan.ty(v))))
            .collect();
        let done = inputs.map(|inputs| {
            let io = &mut Io {
                inputs,
                outputs: &mut outputs,
                scratch: &mut scratch,
            };
            F::run(&step.op, io);
        });
        for (&v, (buffer, _)) in step.outputs.iter().zip(outputs.drain(..)) {
            *memory.place_mut(plan, &self.need, v)? = buffer;
        }
        self.outputs = outputs;
        memory.arena.scratch = scratch;
        done
    }

    fn find<'a>(
        &'a self,
        plan: &Plan,
        value: Value,
        memory: &'a Memory<'_, F>,
    ) -> Result<&'a Buffer<F>, RunError> {
        match plan.place(value) {
            Place::Slot(slot) => Ok(memory.arena.slot(&self.need, *slot)),
            Place::Param(name) => memory
                .values
                .get(name)
                .ok_or_else(|| RunError::MissingParam(name.clone())),
            Place::Input(name) => self.inputs.get(&value).ok_or_else(|| RunError::Input {
                name: name.clone(),
                message: "was not given".to_owned(),
            }),
            Place::Nowhere => unreachable!("the plan keeps every value that its steps read"),
        }
    }

    fn read(&self, plan: &Plan, v: Value, memory: &Memory<'_, F>) -> Result<Tensor, RunError> {
        const WHAT: &str = "the outputs";
        let len = plan.ty(v).shape.len();
        Ok(match self.find(plan, v, memory)? {
            Buffer::U32(data) => Tensor::U32(collect(WHAT, len, data.iter().copied())?),
            Buffer::Real(data) if size_of::<F>() == 4 => {
                Tensor::F32(collect(WHAT, len, data.iter().map(|x| x.f64() as f32))?)
            }
            Buffer::Real(data) => Tensor::F64(collect(WHAT, len, data.iter().map(|x| x.f64()))?),
        })
    }
}

/// Where a run finds everything but its inputs.
struct Memory<'a, F> {
    values: &'a mut HashMap<String, Buffer<F>>,
    arena: &'a mut Arena<F>,
}

impl<F: Real> Memory<'_, F> {
    fn place_mut(
        &mut self,
        plan: &Plan,
        need: &Need,
        value: Value,
    ) -> Result<&mut Buffer<F>, RunError> {
        match plan.place(value) {
            Place::Slot(slot) => Ok(self.arena.slot_mut(need, *slot)),
            Place::Param(name) => self
                .values
                .get_mut(name)
                .ok_or_else(|| RunError::MissingParam(name.clone())),
            Place::Input(_) | Place::Nowhere => unreachable!("steps write to slots and parameters"),
        }
    }
}

fn buffer<F: Real>(tensor: Tensor) -> Result<Buffer<F>, DeviceError> {
    const WHAT: &str = "the inputs";
    Ok(match tensor {
        Tensor::U32(v) => Buffer::U32(v),
        Tensor::F32(v) => {
            let numbers = v.iter().map(|&x| F::new(f64::from(x)));
            Buffer::Real(collect(WHAT, v.len(), numbers)?)
        }
        Tensor::F64(v) => Buffer::Real(collect(WHAT, v.len(), v.iter().map(|&x| F::new(x)))?),
    })
}
