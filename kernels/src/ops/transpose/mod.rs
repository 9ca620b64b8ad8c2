//! Rows become columns, block by block.

use super::check::Check;
use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::TensorType;
use crate::twin::{self, Real};

/// `y[b, c, r] = x[b, r, c]`: x `[B·R, C]` in blocks of R rows, result `[B·C, R]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Transpose {
    /// R, which divides the rows of x.
    pub rows: usize,
}

params! {
    struct Params { len: u32, rows: u32, columns: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "transpose",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Write],
};

impl Rule for Transpose {
    const NAME: &'static str = "transpose";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 1)?;
        let (rows, columns) = check.matrix(0, "x")?;
        if self.rows == 0 || !rows.is_multiple_of(self.rows) {
            let message = format!("blocks of {} rows do not make up {rows}", self.rows);
            return Err(check.attribute(message));
        }
        Ok(vec![TensorType::real([
            rows / self.rows * columns,
            self.rows,
        ])])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let dx = at.want(0, || {
            let columns = graph.ty(at.inputs[0]).shape.columns();
            graph.transpose(at.d_output(Self::NAME)?, columns)
        })?;
        Ok(vec![dx])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let params = Params {
            len: shape.len() as u32,
            rows: self.rows as u32,
            columns: shape.columns() as u32,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![],
            params: params.bytes(),
            operands: vec![Operand::Input(0), Operand::Output(0)],
            workgroups: grid_1d(shape.len(), 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let columns = inputs.ty(0).shape.columns();
        let block = self.rows * columns;
        let blocks = inputs.real(0).chunks_exact(block);
        for (x, y) in blocks.zip(outputs.real().chunks_exact_mut(block)) {
            for (r, row) in x.chunks_exact(columns).enumerate() {
                for (c, value) in row.iter().enumerate() {
                    y[c * self.rows + r] = *value;
                }
            }
        }
    }
}

impl Graph {
    /// Rows become columns in blocks of `rows` rows: x `[B·rows, C]`, result `[B·C, rows]`.
    pub fn transpose(&mut self, x: Value, rows: usize) -> Result<Value, GraphError> {
        self.apply1(Transpose { rows }.into(), &[x])
    }
}
