//! Some rows of a matrix.

use super::check::Check;
use super::dropout::Noise;
use super::{Block, GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Real, row};

/// `out[i] = x[rows[i]]`: x `[N, C]`, rows `[R]` (u32), result `[R, C]`. A row beyond x reads the
/// last one. With `dropout` there is a third operand, the run's seed `[1]` (u32).
#[derive(Clone, Debug, PartialEq)]
pub struct GatherRows {
    /// What is dropped of the result; graphs record it as a node of its own, plans fuse it here.
    pub dropout: Option<Noise>,
}

params! {
    struct Params {
        rows: u32,
        columns: u32,
        source_rows: u32,
        stream: u32,
        threshold: u32,
        scale: f32,
    }
}

static FORWARD: Kernel = Kernel {
    name: "gather rows",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("../dropout/noise.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
};

impl Rule for GatherRows {
    const NAME: &'static str = "gather rows";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2 + usize::from(self.dropout.is_some()))?;
        let (_, columns) = check.matrix(0, "x")?;
        if let Some(noise) = self.dropout {
            check.exactly(2, "seed", DType::U32, Shape::new(&[1]))?;
            noise.check(Self::NAME)?;
        }
        Ok(vec![TensorType::real([check.indices(1, "rows")?, columns])])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        if self.dropout.is_some() {
            let message = "gradients are taken before plans fuse dropout".to_owned();
            let op = Self::NAME;
            return Err(GraphError::Attribute { op, message });
        }
        let d = at.d_output(Self::NAME)?;
        let rows = graph.ty(at.inputs[0]).shape.rows();
        Ok(vec![
            at.want(0, || {
                let count = graph.ty(d).shape.rows();
                let links = graph.links(at.inputs[1], 0, count, rows)?;
                let block = Block::whole(rows);
                graph.scatter_rows(d, at.inputs[1], links, 0, block, None)
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
            stream: self.dropout.map_or(0, |n| n.stream),
            threshold: self.dropout.map_or(0, |n| n.threshold()),
            scale: self.dropout.map_or(1.0, |n| n.scale() as f32),
        };
        let seed = match self.dropout {
            Some(_) => Operand::Input(2),
            None => Operand::Unused,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![("DROPOUT", f64::from(self.dropout.is_some()))],
            params: params.bytes(),
            operands: vec![
                Operand::Input(0),
                Operand::Input(1),
                seed,
                Operand::Output(0),
            ],
            workgroups: grid_1d(out.len(), 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let shape = inputs.ty(0).shape;
        let columns = shape.columns();
        let x = inputs.real(0);
        let out = outputs.real();
        for (out, &row) in out.chunks_exact_mut(columns).zip(inputs.u32(1)) {
            let row = (row as usize).min(shape.rows() - 1);
            out.copy_from_slice(&x[row * columns..][..columns]);
        }
        if let Some(noise) = self.dropout {
            noise.apply(inputs.u32(2)[0], 0, out);
        }
    }
}

/// `out[n] = Σ d[i]` over the i with `rows[part·R + i] = first + n`, zero where there is none: d
/// `[R, C]`, rows `[P·R]` (u32), and, for a table of more than a few rows, their links
/// ([`LinkRows`](super::LinkRows)); result `[N, C]`. The gradient of a look-up; appears in gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterRows {
    /// Which of P look-ups, whose rows lie one after another.
    pub part: usize,
    /// Of the rows of the table that was looked up, the N whose gradient this is.
    pub block: Block,
    /// A row that is left zero, counted in the whole table: `torch.nn.Embedding`'s `padding_idx`.
    pub skip: Option<u32>,
}

params! {
    struct ScatterParams {
        rows: u32,
        columns: u32,
        offset: u32,
        target_rows: u32,
        first: u32,
        table_rows: u32,
        skip: u32,
    }
}

/// The uses of [`SCATTER`], the value of its `USE` constant.
#[derive(Clone, Copy)]
enum Use {
    Scatter = 0,
    Clear = 1,
    Collect = 2,
}

static SCATTER: Kernel = Kernel {
    name: "scatter rows",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("backward.wgsl")
    ),
    params: ScatterParams::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
};

/// A table of no more rows is searched for in every look-up.
const FEW: usize = 4;

impl Rule for ScatterRows {
    const NAME: &'static str = "scatter rows";
    const KERNELS: &'static [&'static Kernel] = &[&SCATTER];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let linked = self.block.of > FEW;
        let check = Check::new(Self::NAME, inputs, 2 + usize::from(linked))?;
        let (rows, columns) = check.matrix(0, "d")?;
        if linked {
            check.exactly(2, "links", DType::U32, Shape::new(&[2 * rows]))?;
        }
        let all = check.indices(1, "rows")?;
        if !all.is_multiple_of(rows) || self.part >= all / rows {
            let parts = self.part + 1;
            return Err(check.shape(1, "rows", format!("{parts} times [{rows}]")));
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
            offset: (self.part * d.rows()) as u32,
            target_rows: self.block.len as u32,
            first: self.block.first as u32,
            table_rows: self.block.of as u32,
            skip: self.skip.unwrap_or(u32::MAX),
        };
        let dispatch = |what: Use, threads: usize| Dispatch {
            kernel: &SCATTER,
            constants: vec![("USE", f64::from(what as u32))],
            params: params.bytes(),
            operands: vec![
                Operand::Input(0),
                Operand::Input(1),
                match self.block.of > FEW {
                    true => Operand::Input(2),
                    false => Operand::Unused,
                },
                Operand::Output(0),
            ],
            workgroups: grid_1d(threads, 64),
        };
        if self.block.of <= FEW {
            return vec![dispatch(Use::Collect, out.len())];
        }
        vec![
            dispatch(Use::Clear, out.len()),
            dispatch(Use::Scatter, d.len()),
        ]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let columns = inputs.ty(0).shape.columns();
        let out = outputs.real();
        out.fill(F::default());
        let d = inputs.real(0).chunks_exact(columns);
        let rows = &inputs.u32(1)[self.part * d.len()..];
        for (d, &row) in d.zip(rows) {
            let row = (row as usize).min(self.block.of - 1);
            if self.skip == Some(row as u32) || !self.block.contains(row) {
                continue;
            }
            let row = row - self.block.first;
            row::add(&mut out[row * columns..][..columns], d);
        }
    }

    /// A sum an element; of a table of a few rows each looks through all look-ups.
    fn flops(&self, inputs: &[TensorType]) -> f64 {
        let d = inputs[0].shape;
        let searched = if self.block.of > FEW {
            1
        } else {
            self.block.len
        };
        8.0 * (d.len() * searched) as f64
    }
}

impl Graph {
    /// The links of look-ups for [`Graph::scatter_rows`]; `None` for a table of so few rows that they do not matter.
    pub(crate) fn links(
        &mut self,
        rows: Value,
        part: usize,
        count: usize,
        table: usize,
    ) -> Result<Option<Value>, GraphError> {
        (table > FEW)
            .then(|| self.link_rows(rows, part, count, table))
            .transpose()
    }

    /// Adds the rows of `d` (`[R, C]`) up into a table of which this is `block` (`[N, C]`), row i
    /// at `rows[part·R + i]` of the whole table, but for `skip`.
    pub(crate) fn scatter_rows(
        &mut self,
        d: Value,
        rows: Value,
        links: Option<Value>,
        part: usize,
        block: Block,
        skip: Option<u32>,
    ) -> Result<Value, GraphError> {
        let operands: Vec<Value> = [d, rows].into_iter().chain(links).collect();
        self.apply1(ScatterRows { part, block, skip }.into(), &operands)
    }

    /// Takes `rows` (`[R]`, u32) of `x` (`[N, C]`) into `[R, C]`.
    pub fn gather_rows(&mut self, x: Value, rows: Value) -> Result<Value, GraphError> {
        self.apply1(GatherRows { dropout: None }.into(), &[x, rows])
    }
}
