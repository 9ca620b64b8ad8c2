//! One face for both executors.

mod check;
mod params;

use std::rc::Rc;
use std::sync::Arc;

use crate::control::Control;
use crate::cpu::CpuProgram;
use crate::error::RunError;
use crate::gpu::{Gpu, GpuProgram};
use crate::graph::Value;
use crate::plan::Plan;
use crate::tensor::Tensor;

use params::ParamsInner;
pub use params::{Params, Ready};

/// The CPU executor's number type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Single precision: the fallback where there is no GPU.
    F32,
    /// Double precision: the tests' oracle.
    F64,
}

/// Where plans run.
#[derive(Clone, Debug)]
pub enum Device {
    /// This thread.
    Cpu(Precision),
    /// A GPU.
    Gpu(Rc<Gpu>),
}

impl Device {
    /// Bytes of the largest tensor that plans here may have: what the adapter binds at a time. This
    /// thread has no limit of its own.
    pub fn max_tensor_bytes(&self) -> u64 {
        match self {
            Device::Cpu(_) => u64::MAX,
            Device::Gpu(gpu) => gpu.capabilities().max_tensor(),
        }
    }
}

enum Program {
    F32(CpuProgram<f32>),
    F64(CpuProgram<f64>),
    Gpu(GpuProgram),
}

/// A plan prepared for a device.
pub struct Executable {
    program: Program,
    plan: Arc<Plan>,
}

impl Executable {
    /// Compiles shaders and allocates memory for `plan` beside `params`, which must be on the
    /// same device.
    ///
    /// # Errors
    /// [`RunError::OtherDevice`], [`RunError::MissingParam`] and [`RunError::Param`] where plan and
    /// parameters do not fit, or the device failed.
    pub async fn new(device: &Device, plan: Plan, params: &Params) -> Result<Self, RunError> {
        Self::forced(device, plan, params, None).await
    }

    /// The same with every product made by one variant of its shaders, on a GPU.
    pub(crate) async fn forced(
        device: &Device,
        plan: Plan,
        params: &Params,
        forced: Option<&'static str>,
    ) -> Result<Self, RunError> {
        check::check(device, &plan, params)?;
        let plan = Arc::new(plan);
        let program = match (device, &params.inner) {
            (_, ParamsInner::F32(p)) => Program::F32(CpuProgram::new(plan.clone(), p)?),
            (_, ParamsInner::F64(p)) => Program::F64(CpuProgram::new(plan.clone(), p)?),
            (Device::Gpu(gpu), ParamsInner::Gpu(params)) => {
                Program::Gpu(GpuProgram::new(gpu.clone(), plan.clone(), params, forced).await?)
            }
            (Device::Cpu(_), ParamsInner::Gpu(_)) => return Err(RunError::OtherDevice),
        };
        Ok(Self { program, plan })
    }

    /// Asks for the shaders that a plan will need, without waiting for them: the driver compiles
    /// while, say, weights arrive.
    pub fn warm_up(device: &Device, plan: &Plan, params: &Params) {
        if let (Device::Gpu(gpu), ParamsInner::Gpu(params)) = (device, &params.inner) {
            GpuProgram::warm_up(gpu, plan, params);
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Overwrites every intermediate value with NaN, so that a test sees what a run leaves out.
    #[doc(hidden)]
    pub fn poison(&mut self) {
        match &mut self.program {
            Program::F32(program) => program.poison(),
            Program::F64(program) => program.poison(),
            Program::Gpu(program) => program.poison(),
        }
    }

    /// GPU dispatches, or CPU steps, of one run.
    pub fn dispatches(&self) -> usize {
        match &self.program {
            Program::Gpu(program) => program.dispatches(),
            _ => self.plan.steps().len(),
        }
    }

    /// The variants of shaders by which its products are made, on a GPU.
    pub(crate) fn variants(&self) -> Vec<&'static str> {
        match &self.program {
            Program::Gpu(program) => program.variants(),
            _ => Vec::new(),
        }
    }

    /// Runs the plan and reads its outputs: [`Executable::submit`], then [`Executable::read`].
    pub async fn run(
        &mut self,
        params: &mut Params,
        inputs: Vec<(Value, Tensor)>,
        control: &Control,
    ) -> Result<Vec<Tensor>, RunError> {
        self.submit(params, inputs, control).await?;
        self.read(params).await
    }

    /// Runs the plan; `inputs` must hold every value that the plan's inputs name. On a GPU this
    /// returns once the work is submitted. If the future is dropped half-way, the next run still
    /// works; a plan that updates parameters in place should be cancelled instead, which leaves them untouched or updated, never in between.
    pub async fn submit(
        &mut self,
        params: &mut Params,
        inputs: Vec<(Value, Tensor)>,
        control: &Control,
    ) -> Result<(), RunError> {
        self.check(&inputs)?;
        match (&mut self.program, &mut params.inner) {
            (Program::F32(program), ParamsInner::F32(p)) => program.run(p, inputs, control).await,
            (Program::F64(program), ParamsInner::F64(p)) => program.run(p, inputs, control).await,
            (Program::Gpu(program), ParamsInner::Gpu(_)) => {
                program.submit_all(inputs, control).await
            }
            _ => Err(RunError::OtherDevice),
        }
    }

    /// The outputs of the last run, in the plan's order; to be read once.
    pub async fn read(&mut self, params: &Params) -> Result<Vec<Tensor>, RunError> {
        if self.plan.outputs().is_empty() {
            return Ok(Vec::new());
        }
        match (&mut self.program, &params.inner) {
            (Program::F32(program), ParamsInner::F32(_)) => program.outputs(),
            (Program::F64(program), ParamsInner::F64(_)) => program.outputs(),
            (Program::Gpu(program), ParamsInner::Gpu(_)) => program.read().await,
            _ => Err(RunError::OtherDevice),
        }
    }

    fn check(&self, inputs: &[(Value, Tensor)]) -> Result<(), RunError> {
        for (value, name) in self.plan.inputs() {
            let error = |message: String| {
                Err(RunError::Input {
                    name: name.to_owned(),
                    message,
                })
            };
            let Some((_, tensor)) = inputs.iter().find(|(v, _)| *v == value) else {
                return error("was not given".to_owned());
            };
            let ty = self.plan.ty(value);
            let is_u32 = matches!(tensor, Tensor::U32(_));
            if is_u32 != (ty.dtype == crate::tensor::DType::U32) {
                return error(format!("must hold {}", ty.dtype.name()));
            }
            if tensor.len() != ty.shape.len() {
                let (found, want) = (tensor.len(), ty.shape);
                return error(format!("has {found} elements, its shape is {want}"));
            }
        }
        Ok(())
    }
}
