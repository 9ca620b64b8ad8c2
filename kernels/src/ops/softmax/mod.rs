//! Softmax over the last dimension.

use super::check::Check;
use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, TensorType};
use crate::twin::{self, Lanes, Real, row};

/// `y = exp(x - max x) / Σ exp(x - max x)`, row by row: x and y `[R, C]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax;

params! {
    struct Params { rows: u32, columns: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "softmax",
    variant: None,
    source: concat!(
        include_str!("../shared/reduce.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Write],
};

impl Rule for Softmax {
    const NAME: &'static str = "softmax";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        Check::new(Self::NAME, inputs, 1)?.matrix(0, "x")?;
        Ok(vec![inputs[0]])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let inputs = [at.outputs[0], at.d_output(Self::NAME)?];
        Ok(vec![
            at.want(0, || graph.apply1(SoftmaxGrad.into(), &inputs))?,
        ])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let (lanes, rows) = context.row_lanes(3 * shape.columns());
        let params = Params {
            rows: shape.rows() as u32,
            columns: shape.columns() as u32,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![("LANES", f64::from(lanes)), ("ROWS", f64::from(rows))],
            params: params.bytes(),
            operands: vec![Operand::Input(0), Operand::Output(0)],
            workgroups: grid_1d(shape.rows(), rows),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let columns = io.input_type(0).shape.columns();
        let (x, y) = io.real(0, 0);
        for (x, y) in x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)) {
            y.copy_from_slice(x);
            softmax_row(y);
        }
    }
}

/// `dx = y (dy - Σ y dy)`, row by row: operands y (the softmax) and dy, all `[R, C]`. Appears in
/// gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct SoftmaxGrad;

static BACKWARD: Kernel = Kernel {
    name: "softmax, backward",
    variant: None,
    source: concat!(
        include_str!("../shared/reduce.wgsl"),
        include_str!("backward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Write],
};

impl Rule for SoftmaxGrad {
    const NAME: &'static str = "softmax, backward";
    const KERNELS: &'static [&'static Kernel] = &[&BACKWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        check.matrix(0, "y")?;
        check.exactly(1, "dy", DType::Real, inputs[0].shape)?;
        Ok(vec![inputs[0]])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let (lanes, rows) = context.row_lanes(2 * shape.columns());
        let params = Params {
            rows: shape.rows() as u32,
            columns: shape.columns() as u32,
        };
        vec![Dispatch {
            kernel: &BACKWARD,
            constants: vec![("LANES", f64::from(lanes)), ("ROWS", f64::from(rows))],
            params: params.bytes(),
            operands: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)],
            workgroups: grid_1d(shape.rows(), rows),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let columns = io.input_type(0).shape.columns();
        let (inputs, mut outputs) = io.split();
        let rows = inputs
            .real(0)
            .chunks_exact(columns)
            .zip(inputs.real(1).chunks_exact(columns));
        for ((y, dy), dx) in rows.zip(outputs.real().chunks_exact_mut(columns)) {
            let sum = F::Lanes::splat(row::dot(y, dy));
            row::update(dx, [y, dy], |_, [y, dy]| y * (dy - sum));
        }
    }
}

/// Replaces a row by its softmax; returns the row's log-sum-exp.
pub(crate) fn softmax_row<F: Real>(x: &mut [F]) -> F {
    let largest = row::largest(x);
    let shift = F::Lanes::splat(largest);
    row::update(x, [], |x, []| (x - shift).exp());
    let sum = row::sum(x);
    let scale = F::Lanes::splat(F::new(1.0) / sum);
    row::update(x, [], |x, []| x * scale);
    largest + sum.ln()
}

impl Graph {
    /// The softmax of every row of `x` (`[R, C]`).
    pub fn softmax(&mut self, x: Value) -> Result<Value, GraphError> {
        self.apply1(Softmax.into(), &[x])
    }
}
