//! A parameter's numbers in f32, however they rest.

use super::check::Check;
use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, TensorType};
use crate::twin::{self, Real};

/// `y = x`, resting in f32.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy;

params! {
    struct Params { len: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "copy",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Write],
};

impl Rule for Copy {
    const NAME: &'static str = "copy";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 1)?;
        check.exactly(0, "x", DType::Real, inputs[0].shape)?;
        Ok(vec![inputs[0]])
    }

    fn gradient(
        &self,
        _graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        Ok(vec![at.want(0, || at.d_output(Self::NAME))?])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let len = context.inputs[0].shape.len();
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![("HALF", context.is_f16(0))],
            params: Params { len: len as u32 }.bytes(),
            operands: vec![Operand::Input(0), Operand::Output(0)],
            workgroups: grid_1d(len, 64),
        }]
    }

    fn takes_f16(&self, _i: usize, _count: usize) -> bool {
        true
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (x, y) = io.real(0, 0);
        y.copy_from_slice(x);
    }
}

impl Graph {
    /// The same numbers, resting in f32.
    pub fn copy(&mut self, x: Value) -> Result<Value, GraphError> {
        self.apply1(Copy.into(), &[x])
    }
}
