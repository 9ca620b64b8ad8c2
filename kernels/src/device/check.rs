//! Whether a plan and parameters fit, asked once where they meet: the same answer on every executor.

use std::collections::HashMap;
use std::rc::Rc;

use super::{Device, Params, ParamsInner, Precision};
use crate::error::RunError;
use crate::graph::{Node, Value};
use crate::plan::{Place, Plan};
use crate::tensor::{DType, ParamSpec, Storage};

/// Refuses parameters on another device, missing ones, those of another shape than the plan reads or
/// stores, and those in f16 where an operation reads or writes f32.
pub(super) fn check(device: &Device, plan: &Plan, params: &Params) -> Result<(), RunError> {
    let same = match (device, &params.inner) {
        (Device::Cpu(precision), ParamsInner::F32(_)) => *precision == Precision::F32,
        (Device::Cpu(precision), ParamsInner::F64(_)) => *precision == Precision::F64,
        (Device::Gpu(gpu), ParamsInner::Gpu(params)) => Rc::ptr_eq(gpu, params.gpu()),
        _ => false,
    };
    if !same {
        return Err(RunError::OtherDevice);
    }
    let specs = params.specs().iter().map(|s| (s.name.as_str(), s));
    let meeting = Meeting {
        plan,
        specs: specs.collect(),
    };
    for step in plan.steps() {
        meeting.check(step)?;
    }
    for &value in plan.outputs() {
        meeting.spec(value)?;
    }
    Ok(())
}

/// A plan, and the parameters by their names.
struct Meeting<'a> {
    plan: &'a Plan,
    specs: HashMap<&'a str, &'a ParamSpec>,
}

impl<'a> Meeting<'a> {
    fn check(&self, step: &Node) -> Result<(), RunError> {
        let (op, count) = (&step.op, step.inputs.len());
        let reads = (0..).zip(&step.inputs);
        let reads = reads.map(|(i, &v)| (v, op.takes_f16(i, count), "reads"));
        let writes = step.outputs.iter().map(|&v| (v, false, "writes"));
        for (value, takes_f16, verb) in reads.chain(writes) {
            match self.spec(value)? {
                Some(spec) if spec.storage == Storage::F16 && !takes_f16 => {
                    let message = format!("rests in f16, and `{}` {verb} f32", op.name());
                    return Err(unfit(&spec.name, message));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The parameter that a value lies in, if it does; it has the value's shape.
    fn spec(&self, value: Value) -> Result<Option<&'a ParamSpec>, RunError> {
        let Place::Param(name) = self.plan.place(value) else {
            return Ok(None);
        };
        let Some(&spec) = self.specs.get(name.as_str()) else {
            return Err(RunError::MissingParam(name.clone()));
        };
        let ty = self.plan.ty(value);
        if ty.dtype != DType::Real {
            return Err(unfit(name, format!("cannot hold {}", ty.dtype.name())));
        }
        if ty.shape != spec.shape {
            let message = format!("has shape {}, and the plan needs {}", spec.shape, ty.shape);
            return Err(unfit(name, message));
        }
        Ok(Some(spec))
    }
}

fn unfit(name: &str, message: String) -> RunError {
    RunError::Param {
        name: name.to_owned(),
        message,
    }
}
