//! Some rows of a matrix.

use super::check::Check;
use super::{Block, GradientAt, Rule};
use crate::cpu::{self, Real, row};
use crate::error::GraphError;
use crate::gpu::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::graph::{Graph, Value};
use crate::tensor::TensorType;

/// `out[i] = x[rows[i]]`: x `[N, C]`, rows `[R]` (u32), result `[R, C]`. A row beyond x reads the
/// last one.
#[derive(Clone, Debug, PartialEq)]
pub struct GatherRows;

params! {
    struct Params { rows: u32, columns: u32, source_rows: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "gather rows",
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Write],
};

impl Rule for GatherRows {
    const NAME: &'static str = "gather rows";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        let (_, columns) = check.matrix(0, "x")?;
        Ok(vec![TensorType::real([check.indices(1, "rows")?, columns])])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let d = at.d_output(Self::NAME)?;
        let rows = graph.ty(at.inputs[0]).shape.rows();
        Ok(vec![
            at.want(0, || {
                graph.scatter_rows(d, at.inputs[1], Block::whole(rows), None)
            })?,
            None,
        ])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let out = context.outputs[0].shape;
        let params = Params {
            rows: out.rows() as u32,
            columns: out.columns() as u32,
            source_rows: context.inputs[0].shape.rows() as u32,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![],
            params: params.bytes(),
            operands: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)],
            workgroups: grid_1d(out.len(), 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let shape = inputs.ty(0).shape;
        let columns = shape.columns();
        let x = inputs.real(0);
        for (out, &row) in outputs.real().chunks_exact_mut(columns).zip(inputs.u32(1)) {
            let row = (row as usize).min(shape.rows() - 1);
            out.copy_from_slice(&x[row * columns..][..columns]);
        }
    }
}

/// `out[n] = Σ d[i]` over the i with `rows[i] = first + n`, zero where there is none: d `[R, C]`,
/// rows `[R]` (u32), result `[N, C]`. The gradient of a look-up; appears in gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterRows {
    /// Of the rows of the table that was looked up, the N whose gradient this is.
    pub block: Block,
    /// A row that is left zero, counted in the whole table: `torch.nn.Embedding`'s `padding_idx`.
    pub skip: Option<u32>,
}

params! {
    struct ScatterParams {
        rows: u32,
        columns: u32,
        target_rows: u32,
        first: u32,
        table_rows: u32,
        skip: u32,
    }
}

static SCATTER: Kernel = Kernel {
    name: "scatter rows",
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("backward.wgsl")
    ),
    params: ScatterParams::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Write],
};

impl Rule for ScatterRows {
    const NAME: &'static str = "scatter rows";
    const KERNELS: &'static [&'static Kernel] = &[&SCATTER];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        let (rows, columns) = check.matrix(0, "d")?;
        if check.indices(1, "rows")? != rows {
            return Err(check.shape(1, "rows", format!("[{rows}]")));
        }
        let Block { first, len, of } = self.block;
        if len == 0 || first + len > of {
            let message = format!("there are no rows {first} to {} of {of}", first + len);
            return Err(check.attribute(message));
        }
        Ok(vec![TensorType::real([len, columns])])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let (d, out) = (context.inputs[0].shape, context.outputs[0].shape);
        let params = ScatterParams {
            rows: d.rows() as u32,
            columns: d.columns() as u32,
            target_rows: self.block.len as u32,
            first: self.block.first as u32,
            table_rows: self.block.of as u32,
            skip: self.skip.unwrap_or(u32::MAX),
        };
        let dispatch = |clear: bool, threads: usize| Dispatch {
            kernel: &SCATTER,
            constants: vec![("CLEAR", f64::from(clear))],
            params: params.bytes(),
            operands: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)],
            workgroups: grid_1d(threads, 64),
        };
        vec![dispatch(true, out.len()), dispatch(false, d.len())]
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let columns = inputs.ty(0).shape.columns();
        let out = outputs.real();
        out.fill(F::default());
        for (d, &row) in inputs.real(0).chunks_exact(columns).zip(inputs.u32(1)) {
            let row = (row as usize).min(self.block.of - 1);
            if self.skip == Some(row as u32) || !self.block.contains(row) {
                continue;
            }
            let row = row - self.block.first;
            row::add(&mut out[row * columns..][..columns], d);
        }
    }
}

impl Graph {
    /// Adds the rows of `d` (`[R, C]`) up into a table of which this is `block` (`[N, C]`), row i
    /// at `rows[i]` of the whole table, but for `skip`.
    pub fn scatter_rows(
        &mut self,
        d: Value,
        rows: Value,
        block: Block,
        skip: Option<u32>,
    ) -> Result<Value, GraphError> {
        self.apply1(ScatterRows { block, skip }.into(), &[d, rows])
    }

    /// Takes `rows` (`[R]`, u32) of `x` (`[N, C]`) into `[R, C]`.
    pub fn gather_rows(&mut self, x: Value, rows: Value) -> Result<Value, GraphError> {
        self.apply1(GatherRows.into(), &[x, rows])
    }
}
