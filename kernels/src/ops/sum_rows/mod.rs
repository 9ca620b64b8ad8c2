//! The sum of a matrix's rows: the gradient of a bias.

use super::Rule;
use super::check::Check;
use crate::cpu::{self, Real, row};
use crate::error::GraphError;
use crate::gpu::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::graph::{Graph, Value};
use crate::tensor::TensorType;

/// `out[c] = Σ_r x[r, c]`: x `[R, C]`, result `[C]`. Appears in gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct SumRows;

params! {
    struct Params { rows: u32, columns: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "sum rows",
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Write],
};

impl Rule for SumRows {
    const NAME: &'static str = "sum rows";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let (_, columns) = Check::new(Self::NAME, inputs, 1)?.matrix(0, "x")?;
        Ok(vec![TensorType::real([columns])])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let params = Params {
            rows: shape.rows() as u32,
            columns: shape.columns() as u32,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![],
            params: params.bytes(),
            operands: vec![Operand::Input(0), Operand::Output(0)],
            workgroups: grid_1d(shape.columns(), 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let columns = io.input_type(0).shape.columns();
        let (x, out) = io.real(0, 0);
        out.fill(F::default());
        for x in x.chunks_exact(columns) {
            row::add(out, x);
        }
    }
}

impl Graph {
    /// The sum of the rows of `x` (`[R, C]`): `[C]`.
    pub fn sum_rows(&mut self, x: Value) -> Result<Value, GraphError> {
        self.apply1(SumRows.into(), &[x])
    }
}
