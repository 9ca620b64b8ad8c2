//! A plan prepared for the CPU.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Buffer, Io, Real};
use crate::control::Control;
use crate::error::RunError;
use crate::graph::{Node, Value};
use crate::plan::{Place, Plan};
use crate::tensor::{DType, ParamSpec, Tensor, TensorType};

/// Steps between two looks at the event loop.
const FLOPS_PER_BREATH: f64 = 5e8;

/// Parameters in this executor's own precision.
#[derive(Debug, Default)]
pub struct CpuParams<F> {
    values: HashMap<String, Buffer<F>>,
}

impl<F: Real> CpuParams<F> {
    /// Allocates parameters, zeroed.
    pub fn add(&mut self, specs: &[ParamSpec]) {
        let zeros = |s: &ParamSpec| Buffer::Real(vec![F::default(); s.shape.len()]);
        self.values
            .extend(specs.iter().map(|s| (s.name.clone(), zeros(s))));
    }

    /// Frees a parameter.
    pub fn remove(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// Gives a parameter another name.
    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some(data) = self.values.remove(from) {
            self.values.insert(to.to_owned(), data);
        }
    }

    /// Copies one parameter over another of the same length.
    pub fn copy(&mut self, from: &str, to: &str) {
        if let Some(data) = self.values.get(from).cloned() {
            self.values.insert(to.to_owned(), data);
        }
    }

    /// Elements from element `offset` on, in single precision.
    pub fn read(&self, name: &str, offset: usize, count: usize) -> Option<Vec<f32>> {
        match self.values.get(name)? {
            Buffer::Real(data) => {
                let range = data.get(offset..offset.checked_add(count)?)?;
                Some(range.iter().map(|x| x.f64() as f32).collect())
            }
            Buffer::U32(_) => None,
        }
    }

    /// Writes elements from element `offset` on.
    pub fn write(&mut self, name: &str, offset: usize, elements: &[f32]) {
        if let Some(Buffer::Real(data)) = self.values.get_mut(name) {
            for (to, &from) in data[offset..].iter_mut().zip(elements) {
                *to = F::new(f64::from(from));
            }
        }
    }
}

/// A plan with its memory.
#[derive(Debug)]
pub struct CpuProgram<F> {
    plan: Arc<Plan>,
    /// Each step's floating-point operations.
    flops: Vec<f64>,
    slots: Vec<Buffer<F>>,
    inputs: HashMap<Value, Buffer<F>>,
    /// The outputs of the step that runs; empty in between.
    outputs: Vec<(Buffer<F>, TensorType)>,
    /// What a step may need beside its operands.
    scratch: Vec<F>,
}

impl<F: Real> CpuProgram<F> {
    /// Allocates what the plan needs.
    pub fn new(plan: Arc<Plan>) -> Self {
        let slots = plan
            .slots()
            .iter()
            .map(|s| zeroed(s.dtype, s.len))
            .collect();
        let steps = plan.steps().iter();
        let flops = steps.map(|step| step.op.flops(&plan.types_of(&step.inputs)));
        Self {
            flops: flops.collect(),
            slots,
            inputs: HashMap::new(),
            outputs: Vec::new(),
            scratch: Vec::new(),
            plan,
        }
    }

    /// Overwrites every intermediate real number with NaN.
    pub fn poison(&mut self) {
        for slot in &mut self.slots {
            if let Buffer::Real(data) = slot {
                data.fill(F::new(f64::NAN));
            }
        }
        self.scratch.fill(F::new(f64::NAN));
    }

    /// Runs every step.
    pub async fn run(
        &mut self,
        params: &mut CpuParams<F>,
        inputs: Vec<(Value, Tensor)>,
        control: &Control,
    ) -> Result<(), RunError> {
        self.inputs = inputs.into_iter().map(|(v, t)| (v, buffer(t))).collect();
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
            self.step(&plan, step, params)?;
        }
        Ok(())
    }

    /// The outputs of the last run.
    pub fn outputs(&self, params: &CpuParams<F>) -> Result<Vec<Tensor>, RunError> {
        self.plan
            .outputs()
            .iter()
            .map(|&v| self.read(&self.plan, v, params))
            .collect()
    }

    fn step(
        &mut self,
        plan: &Plan,
        step: &Node,
        params: &mut CpuParams<F>,
    ) -> Result<(), RunError> {
        // Outputs leave their places while the step runs, so that inputs can be borrowed; a plan
        // never gives an output the slot of one of its own step's inputs.
        let mut outputs = std::mem::take(&mut self.outputs);
        let mut scratch = std::mem::take(&mut self.scratch);
        for &v in &step.outputs {
            let place = self.place_mut(plan, v, params)?;
            outputs.push((
                std::mem::replace(place, Buffer::U32(Vec::new())),
                plan.ty(v),
            ));
        }
        let inputs = step.inputs.iter();
        let inputs: Result<Vec<_>, RunError> = inputs
            .map(|&v| Ok((self.find(plan, v, params)?, plan.ty(v))))
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
            *self.place_mut(plan, v, params)? = buffer;
        }
        (self.outputs, self.scratch) = (outputs, scratch);
        done
    }

    fn place_mut<'a>(
        &'a mut self,
        plan: &Plan,
        value: Value,
        params: &'a mut CpuParams<F>,
    ) -> Result<&'a mut Buffer<F>, RunError> {
        match plan.place(value) {
            Place::Slot(slot) => Ok(&mut self.slots[*slot]),
            Place::Param(name) => params
                .values
                .get_mut(name)
                .ok_or_else(|| RunError::MissingParam(name.clone())),
            Place::Input(_) | Place::Nowhere => unreachable!("steps write to slots and parameters"),
        }
    }

    fn find<'a>(
        &'a self,
        plan: &Plan,
        value: Value,
        params: &'a CpuParams<F>,
    ) -> Result<&'a Buffer<F>, RunError> {
        match plan.place(value) {
            Place::Slot(slot) => Ok(&self.slots[*slot]),
            Place::Param(name) => params
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

    fn read(&self, plan: &Plan, v: Value, params: &CpuParams<F>) -> Result<Tensor, RunError> {
        let len = plan.ty(v).shape.len();
        Ok(match self.find(plan, v, params)? {
            Buffer::U32(data) => Tensor::U32(data[..len].to_vec()),
            Buffer::Real(data) if size_of::<F>() == 4 => {
                Tensor::F32(data[..len].iter().map(|x| x.f64() as f32).collect())
            }
            Buffer::Real(data) => Tensor::F64(data[..len].iter().map(|x| x.f64()).collect()),
        })
    }
}

fn zeroed<F: Real>(dtype: DType, len: usize) -> Buffer<F> {
    match dtype {
        DType::Real => Buffer::Real(vec![F::default(); len]),
        DType::U32 => Buffer::U32(vec![0; len]),
    }
}

fn buffer<F: Real>(tensor: Tensor) -> Buffer<F> {
    match tensor {
        Tensor::U32(v) => Buffer::U32(v),
        Tensor::F32(v) => Buffer::Real(v.into_iter().map(|x| F::new(f64::from(x))).collect()),
        Tensor::F64(v) => Buffer::Real(v.into_iter().map(F::new).collect()),
    }
}
