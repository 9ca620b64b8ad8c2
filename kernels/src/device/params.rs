//! Parameters at rest on a device.

use super::{Device, Precision};
use crate::control::LocalBoxFuture;
use crate::cpu::CpuParams;
use crate::error::{DeviceError, RunError};
use crate::gpu::GpuParams;
use crate::tensor::{ParamSpec, Storage};

#[derive(Debug)]
pub(super) enum ParamsInner {
    F32(CpuParams<f32>),
    F64(CpuParams<f64>),
    Gpu(GpuParams),
}

/// Whether the device had room for an allocation.
pub type Ready = LocalBoxFuture<'static, Result<(), DeviceError>>;

/// Parameters at rest on a device.
#[derive(Debug)]
pub struct Params {
    pub(super) inner: ParamsInner,
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
    ///
    /// # Errors
    /// [`RunError::MissingParam`].
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), RunError> {
        self.spec(from)?;
        if from == to {
            return Ok(());
        }
        match &mut self.inner {
            ParamsInner::F32(params) => params.rename(from, to),
            ParamsInner::F64(params) => params.rename(from, to),
            ParamsInner::Gpu(params) => params.rename(from, to),
        }
        self.specs.retain(|s| s.name != to);
        for spec in self.specs.iter_mut().filter(|s| s.name == from) {
            spec.name = to.to_owned();
        }
        Ok(())
    }

    /// Copies one parameter over another of the same shape and storage, on the device.
    ///
    /// # Errors
    /// [`RunError::MissingParam`]; [`RunError::Param`] where they are not alike.
    pub fn copy(&mut self, from: &str, to: &str) -> Result<(), RunError> {
        let (source, target) = (self.spec(from)?, self.spec(to)?);
        if (source.shape, source.storage) != (target.shape, target.storage) {
            let message = format!("and `{from}` differ in shape or storage");
            return Err(refused(to, message));
        }
        if from == to {
            return Ok(());
        }
        match &mut self.inner {
            ParamsInner::F32(params) => params.copy(from, to),
            ParamsInner::F64(params) => params.copy(from, to),
            ParamsInner::Gpu(params) => params.copy(from, to),
        }
        Ok(())
    }

    /// Copies elements of one parameter into another, on the device: of each part the first element
    /// in `from`, the first in `to`, and how many. Both rest in f32 and are not packed together.
    ///
    /// # Errors
    /// [`RunError::MissingParam`]; [`RunError::Param`] where a part lies beyond an end, or one of them rests in f16.
    pub fn copy_parts(
        &mut self,
        from: &str,
        to: &str,
        parts: &[(usize, usize, usize)],
    ) -> Result<(), RunError> {
        if from == to {
            return Err(refused(to, "cannot be copied into itself"));
        }
        for name in [from, to] {
            if self.spec(name)?.storage != Storage::F32 {
                return Err(refused(name, "rests in f16"));
            }
        }
        for &(first, second, count) in parts {
            self.part(from, first, count)?;
            self.part(to, second, count)?;
        }
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
    ///
    /// # Errors
    /// [`RunError::MissingParam`]; [`RunError::Param`] where they do not fit.
    pub fn write(&mut self, name: &str, offset: usize, elements: &[f32]) -> Result<(), RunError> {
        let spec = self.part(name, offset, elements.len())?;
        let (storage, end) = (spec.storage, spec.shape.len());
        match &mut self.inner {
            ParamsInner::F32(params) => params.write(name, offset, elements),
            ParamsInner::F64(params) => params.write(name, offset, elements),
            ParamsInner::Gpu(params) if storage == Storage::F16 => {
                let last = offset + elements.len();
                if !offset.is_multiple_of(2) || (!last.is_multiple_of(2) && last != end) {
                    return Err(refused(name, "is written by whole words, two numbers each"));
                }
                let mut halves: Vec<half::f16> =
                    elements.iter().map(|&x| half::f16::from_f32(x)).collect();
                // WebGPU copies whole words; the buffer is rounded up to one.
                halves.resize(halves.len().next_multiple_of(2), half::f16::ZERO);
                params.write(name, offset as u64 * 2, bytemuck::cast_slice(&halves));
            }
            ParamsInner::Gpu(params) => {
                params.write(name, offset as u64 * 4, bytemuck::cast_slice(elements));
            }
        }
        Ok(())
    }

    /// Writes bytes as they rest on a GPU, from byte `offset` on; both multiples of 4. The last word of a parameter
    /// in f16 may have one number.
    ///
    /// # Errors
    /// [`RunError::MissingParam`]; [`RunError::Param`] where they do not fit, or this is no GPU
    /// ([`Params::takes_bytes`]).
    pub fn write_bytes(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), RunError> {
        let spec = self.spec(name)?;
        let size = (spec.shape.len() as u64 * spec.storage.bytes() as u64).next_multiple_of(4);
        let length = bytes.len() as u64;
        let fits = offset.checked_add(length).is_some_and(|end| end <= size);
        if !fits || !offset.is_multiple_of(4) || !length.is_multiple_of(4) {
            let message =
                format!("of {size} bytes does not take {length} of them from byte {offset} on");
            return Err(refused(name, message));
        }
        match &self.inner {
            ParamsInner::Gpu(params) => params.write(name, offset, bytes),
            _ => return Err(refused(name, "takes numbers here, not bytes")),
        }
        Ok(())
    }

    /// Reads `count` numbers of a parameter back, from element `offset` on, in single precision.
    /// What was submitted before is seen.
    ///
    /// # Errors
    /// [`RunError::MissingParam`]; [`RunError::Param`] where it has not that many elements.
    pub async fn read(
        &self,
        name: &str,
        offset: usize,
        count: usize,
    ) -> Result<Vec<f32>, RunError> {
        self.part(name, offset, count)?;
        let found = match &self.inner {
            ParamsInner::F32(params) => params.read(name, offset, count),
            ParamsInner::F64(params) => params.read(name, offset, count),
            ParamsInner::Gpu(params) => params.read(name, offset, count).await?,
        };
        found.ok_or_else(|| RunError::MissingParam(name.to_owned()))
    }

    fn spec(&self, name: &str) -> Result<&ParamSpec, RunError> {
        let found = self.specs.iter().find(|s| s.name == name);
        found.ok_or_else(|| RunError::MissingParam(name.to_owned()))
    }

    /// The parameter, if it has `count` elements from `offset` on.
    fn part(&self, name: &str, offset: usize, count: usize) -> Result<&ParamSpec, RunError> {
        let spec = self.spec(name)?;
        let len = spec.shape.len();
        match offset.checked_add(count) {
            Some(end) if end <= len => Ok(spec),
            _ => Err(refused(
                name,
                format!("has {len} elements, not {count} from element {offset} on"),
            )),
        }
    }

    /// Bytes of intermediate values that the plans of these parameters share, on the CPU; on a GPU
    /// all plans of the device share theirs, which [`Gpu::memory_in_use`](crate::gpu::Gpu::memory_in_use) counts.
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

fn refused(name: &str, message: impl Into<String>) -> RunError {
    RunError::Param {
        name: name.to_owned(),
        message: message.into(),
    }
}
