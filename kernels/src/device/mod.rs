//! One face for both executors.

mod check;

use std::rc::Rc;
use std::sync::Arc;

use crate::control::{Control, LocalBoxFuture};
use crate::cpu::{CpuParams, CpuProgram};
use crate::error::{DeviceError, RunError};
use crate::gpu::{Gpu, GpuParams, GpuProgram};
use crate::graph::Value;
use crate::plan::Plan;
use crate::tensor::{ParamSpec, Storage, Tensor};

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

#[derive(Debug)]
enum ParamsInner {
    F32(CpuParams<f32>),
    F64(CpuParams<f64>),
    Gpu(GpuParams),
}

/// Whether the device had room for an allocation.
pub type Ready = LocalBoxFuture<'static, Result<(), DeviceError>>;

/// Parameters at rest on a device.
#[derive(Debug)]
pub struct Params {
    inner: ParamsInner,
    specs: Vec<ParamSpec>,
}

impl Params {
    /// Allocates parameters, zeroed. The future resolves to an error if the device turned out to
    /// have no room; await it before trusting what was written.
    pub fn new(device: &Device, specs: &[ParamSpec]) -> Result<(Self, Ready), DeviceError> {
        let inner = match device {
            Device::Cpu(Precision::F32) => ParamsInner::F32(CpuParams::default()),
            Device::Cpu(Precision::F64) => ParamsInner::F64(CpuParams::default()),
            Device::Gpu(gpu) => ParamsInner::Gpu(GpuParams::new(gpu.clone())),
        };
        let mut params = Self {
            inner,
            specs: Vec::new(),
        };
        let ready = params.add(specs, false)?;
        Ok((params, ready))
    }

    /// Allocates more parameters, zeroed, in place of those of the same names. `packed` ones lie
    /// side by side, so that an optimiser goes over all of them at once; they rest in f32. Plans
    /// that were prepared before keep reading what they were prepared with.
    pub fn add(&mut self, specs: &[ParamSpec], packed: bool) -> Result<Ready, DeviceError> {
        let ready: Ready = match &mut self.inner {
            ParamsInner::F32(params) => {
                params.add(specs)?;
                Box::pin(async { Ok(()) })
            }
            ParamsInner::F64(params) => {
                params.add(specs)?;
                Box::pin(async { Ok(()) })
            }
            ParamsInner::Gpu(params) => params.add(specs, packed)?,
        };
        self.specs
            .retain(|known| specs.iter().all(|s| s.name != known.name));
        self.specs.extend_from_slice(specs);
        Ok(ready)
    }

    /// Frees parameters.
    pub fn remove(&mut self, names: &[String]) {
        for name in names {
            match &mut self.inner {
                ParamsInner::F32(params) => params.remove(name),
                ParamsInner::F64(params) => params.remove(name),
                ParamsInner::Gpu(params) => params.remove(name),
            }
        }
        self.specs.retain(|s| !names.contains(&s.name));
    }

    /// Gives a parameter another name, in place of the one that had it.
    pub fn rename(&mut self, from: &str, to: &str) {
        match &mut self.inner {
            ParamsInner::F32(params) => params.rename(from, to),
            ParamsInner::F64(params) => params.rename(from, to),
            ParamsInner::Gpu(params) => params.rename(from, to),
        }
        self.specs.retain(|s| s.name != to);
        for spec in self.specs.iter_mut().filter(|s| s.name == from) {
            spec.name = to.to_owned();
        }
    }

    /// Copies one parameter over another of the same shape and storage, on the device.
    pub fn copy(&mut self, from: &str, to: &str) {
        match &mut self.inner {
            ParamsInner::F32(params) => params.copy(from, to),
            ParamsInner::F64(params) => params.copy(from, to),
            ParamsInner::Gpu(params) => params.copy(from, to),
        }
    }

    /// Copies elements of one parameter into another, on the device: of each part the first element
    /// in `from`, the first in `to`, and how many. Both rest in f32 and are not packed together.
    ///
    /// # Errors
    /// [`RunError::MissingParam`] if there is no such parameter, or a part lies beyond its end.
    pub fn copy_parts(
        &mut self,
        from: &str,
        to: &str,
        parts: &[(usize, usize, usize)],
    ) -> Result<(), RunError> {
        let has = |name: &str, mut ends: Box<dyn Iterator<Item = Option<usize>> + '_>| {
            let spec = self.specs.iter().find(|s| s.name == name);
            let len = spec
                .filter(|s| s.storage == Storage::F32 && from != to)
                .map(|s| s.shape.len());
            match len {
                Some(len) if ends.all(|end| end.is_some_and(|end| end <= len)) => Ok(()),
                _ => Err(RunError::MissingParam(name.to_owned())),
            }
        };
        has(from, Box::new(parts.iter().map(|p| p.0.checked_add(p.2))))?;
        has(to, Box::new(parts.iter().map(|p| p.1.checked_add(p.2))))?;
        match &mut self.inner {
            ParamsInner::F32(params) => params.copy_parts(from, to, parts),
            ParamsInner::F64(params) => params.copy_parts(from, to, parts),
            ParamsInner::Gpu(params) => params.copy_parts(from, to, parts),
        }
        Ok(())
    }

    /// The parameters, as they were asked for.
    pub fn specs(&self) -> &[ParamSpec] {
        &self.specs
    }

    /// Whether elements rest in the [`Storage`] that was asked for, so that
    /// [`Params::write_bytes`] takes them as they are; otherwise only [`Params::write`] works.
    pub fn takes_bytes(&self) -> bool {
        matches!(self.inner, ParamsInner::Gpu(_))
    }

    /// Writes numbers from element `offset` on, converting them to how the parameter rests. On a
    /// GPU, where it rests in f16, `offset` must be even, and so must the number of elements
    /// unless they reach the parameter's end.
    pub fn write(&mut self, name: &str, offset: usize, elements: &[f32]) {
        match &mut self.inner {
            ParamsInner::F32(params) => params.write(name, offset, elements),
            ParamsInner::F64(params) => params.write(name, offset, elements),
            ParamsInner::Gpu(params) => match params.get(name).map(|view| view.storage) {
                Some(Storage::F16) => {
                    let mut halves: Vec<half::f16> =
                        elements.iter().map(|&x| half::f16::from_f32(x)).collect();
                    // WebGPU copies whole words; the buffer is rounded up to one.
                    halves.resize(halves.len().next_multiple_of(2), half::f16::ZERO);
                    params.write(name, offset as u64 * 2, bytemuck::cast_slice(&halves));
                }
                _ => params.write(name, offset as u64 * 4, bytemuck::cast_slice(elements)),
            },
        }
    }

    /// Writes bytes as they rest on a GPU, from byte `offset` on; both multiples of 4.
    pub fn write_bytes(&mut self, name: &str, offset: u64, bytes: &[u8]) {
        if let ParamsInner::Gpu(params) = &self.inner {
            params.write(name, offset, bytes);
        }
    }

    /// Reads `count` numbers of a parameter back, from element `offset` on, in single precision.
    /// What was submitted before is seen.
    ///
    /// # Errors
    /// [`RunError::MissingParam`] if there is none of this name with that many elements.
    pub async fn read(
        &self,
        name: &str,
        offset: usize,
        count: usize,
    ) -> Result<Vec<f32>, RunError> {
        let known = self.specs.iter().find(|s| s.name == name);
        let fits = |s: &&ParamSpec| {
            offset
                .checked_add(count)
                .is_some_and(|e| e <= s.shape.len())
        };
        if known.filter(fits).is_none() {
            return Err(RunError::MissingParam(name.to_owned()));
        }
        let found = match &self.inner {
            ParamsInner::F32(params) => params.read(name, offset, count),
            ParamsInner::F64(params) => params.read(name, offset, count),
            ParamsInner::Gpu(params) => params.read(name, offset, count).await?,
        };
        found.ok_or_else(|| RunError::MissingParam(name.to_owned()))
    }

    /// Bytes of intermediate values that the plans of these parameters share, on the CPU; on a GPU
    /// all plans of the device share theirs, which [`Gpu::memory_in_use`] counts.
    pub fn shared_bytes(&self) -> u64 {
        match &self.inner {
            ParamsInner::F32(params) => params.arena_bytes(),
            ParamsInner::F64(params) => params.arena_bytes(),
            ParamsInner::Gpu(_) => 0,
        }
    }

    /// Bytes that the parameters take on their device.
    pub fn memory_bytes(&self) -> u64 {
        let elements = |bytes: u64| {
            self.specs
                .iter()
                .map(|s| s.shape.len() as u64 * bytes)
                .sum()
        };
        match self.inner {
            ParamsInner::F32(_) => elements(4),
            ParamsInner::F64(_) => elements(8),
            ParamsInner::Gpu(_) => self.specs.iter().map(ParamSpec::gpu_bytes).sum(),
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
    /// works; a plan that updates parameters in place ([`Plan::commit`]) should be cancelled
    /// instead, which leaves them untouched or updated, never in between.
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
