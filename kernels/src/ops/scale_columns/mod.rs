//! A matrix with each column times a number of its own.

use super::check::Check;
use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::TensorType;
use crate::twin::{self, Real, row};

/// `y[r, c] = x[r, c] scale[c]`: x and y `[R, C]` or `[C]`, scale `[C]`. With zeros it switches off attention
/// heads, whose contexts are columns. The scale is not learned: it has no gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleColumns;

params! {
    struct Params { len: u32, columns: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "scale columns",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Write],
};

impl Rule for ScaleColumns {
    const NAME: &'static str = "scale columns";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        let shape = inputs[0].shape;
        match shape.dims().len() {
            1 => check.vector(0, "x", shape.len())?,
            _ => check.matrix(0, "x").map(drop)?,
        }
        check.vector(1, "scale", shape.columns())?;
        Ok(vec![inputs[0]])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let d = at.d_output(Self::NAME)?;
        Ok(vec![
            at.want(0, || graph.scale_columns(d, at.inputs[1]))?,
            None,
        ])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let params = Params {
            len: shape.len() as u32,
            columns: shape.columns() as u32,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![],
            params: params.bytes(),
            operands: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)],
            workgroups: grid_1d(shape.len(), 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let scale = inputs.real(1);
        let rows = inputs.real(0).chunks_exact(scale.len());
        for (x, y) in rows.zip(outputs.real().chunks_exact_mut(scale.len())) {
            row::update(y, [x, scale], |_, [x, scale]| x * scale);
        }
    }
}

impl Graph {
    /// Each column of x (`[R, C]`, or `[C]`) times its number in `scale` (`[C]`).
    pub fn scale_columns(&mut self, x: Value, scale: Value) -> Result<Value, GraphError> {
        self.apply1(ScaleColumns.into(), &[x, scale])
    }
}
