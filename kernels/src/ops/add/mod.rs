//! The sum of two tensors: gradients that meet.

use super::check::Check;
use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, TensorType};
use crate::twin::{self, Real};

/// `c = a + b`, all of one shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Add;

params! {
    struct Params { len: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "add",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Write],
};

impl Rule for Add {
    const NAME: &'static str = "add";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        check.exactly(0, "a", DType::Real, inputs[0].shape)?;
        check.exactly(1, "b", DType::Real, inputs[0].shape)?;
        Ok(vec![inputs[0]])
    }

    fn gradient(
        &self,
        _graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let d = at.d_output(Self::NAME)?;
        (0..2).map(|i| at.want(i, || Ok(d))).collect()
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let len = context.inputs[0].shape.len();
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![],
            params: Params { len: len as u32 }.bytes(),
            operands: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)],
            workgroups: grid_1d(len, 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let terms = [inputs.real(0), inputs.real(1)];
        twin::row::update(outputs.real(), terms, |_, [a, b]| a + b);
    }
}

impl Graph {
    /// `a + b`, element by element.
    pub fn add(&mut self, a: Value, b: Value) -> Result<Value, GraphError> {
        self.apply1(Add.into(), &[a, b])
    }
}
