//! The sum of word, position and, where there are any, token-type embeddings.

use super::check::Check;
use super::{GradientAt, Rule};
use crate::cpu::{self, Real};
use crate::error::GraphError;
use crate::gpu::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::graph::{Graph, Value};
use crate::tensor::TensorType;

/// `out[i] = word[ids[i]] + position[positions[i]] + kind[types[i]]`, or without the last term.
///
/// Operands: ids `[N]`, positions `[N]`, types `[N]` (u32), word `[V, H]`, position `[P, H]`,
/// kind `[S, H]`, or without types and kind; result `[N, H]`. An id beyond its table reads the
/// table's last row.
#[derive(Clone, Debug, PartialEq)]
pub struct Embed {
    /// For each table its [`Lookup::padding`].
    pub padding: Vec<Option<u32>>,
}

/// One table of a sum of embeddings.
#[derive(Clone, Copy, Debug)]
pub struct Lookup {
    /// Which rows `[N]`, u32.
    pub rows: Value,
    /// The table `[V, H]`.
    pub table: Value,
    /// A row that gets no gradient here, as `torch.nn.Embedding`'s `padding_idx` (where the table
    /// is read elsewhere too, by a tied decoder, it gets one there).
    pub padding: Option<u32>,
}

params! {
    struct Params { rows: u32, columns: u32, words: u32, positions: u32, kinds: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "embed",
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Write,
    ],
};

impl Rule for Embed {
    const NAME: &'static str = "embed";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let tables = self.padding.len();
        let check = Check::new(Self::NAME, inputs, 2 * tables)?;
        if !(2..=3).contains(&tables) {
            return Err(check.attribute(format!("sums 2 or 3 tables, got {tables}")));
        }
        let rows = check.indices(0, "ids")?;
        let (_, columns) = check.matrix(tables, "word table")?;
        let others = [("positions", "position table"), ("types", "type table")];
        for (i, (operand, table)) in (1..tables).zip(others) {
            if check.indices(i, operand)? != rows {
                return Err(check.shape(i, operand, format!("[{rows}]")));
            }
            check.rows_of(tables + i, table, columns)?;
        }
        Ok(vec![TensorType::real([rows, columns])])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let d = at.d_output(Self::NAME)?;
        let tables = self.padding.len();
        let mut gradients = vec![None; tables];
        for (i, &skip) in self.padding.iter().enumerate() {
            let rows = graph.ty(at.inputs[tables + i]).shape.rows();
            let table = at.want(tables + i, || {
                graph.scatter_rows(d, at.inputs[i], rows, skip)
            })?;
            gradients.push(table);
        }
        Ok(gradients)
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let out = context.outputs[0].shape;
        let tables = self.padding.len();
        let rows = |i: usize| context.inputs[i].shape.rows() as u32;
        // Every binding must have a buffer: without types, the positions stand in, unread.
        let kind = tables - 1;
        let params = Params {
            rows: out.rows() as u32,
            columns: out.columns() as u32,
            words: rows(tables),
            positions: rows(tables + 1),
            kinds: rows(tables + kind),
        };
        let inputs = [0, 1, kind, tables, tables + 1, tables + kind];
        let mut operands: Vec<Operand> = inputs.map(Operand::Input).to_vec();
        operands.push(Operand::Output(0));
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![
                ("KINDS", f64::from(tables == 3)),
                ("HALF_WORD", context.is_f16(tables)),
                ("HALF_POSITION", context.is_f16(tables + 1)),
                ("HALF_KIND", context.is_f16(tables + kind)),
            ],
            params: params.bytes(),
            operands,
            workgroups: grid_1d(out.len(), 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let tables = self.padding.len();
        let columns = inputs.ty(tables).shape.columns();
        let row = |table: usize, id: u32| {
            let last = inputs.ty(table).shape.rows() - 1;
            &inputs.real(table)[(id as usize).min(last) * columns..][..columns]
        };
        for (i, out) in outputs.real().chunks_exact_mut(columns).enumerate() {
            out.copy_from_slice(row(tables, inputs.u32(0)[i]));
            // The words, the types, then the positions: the order of the reference.
            for table in (1..tables).rev() {
                let row = row(tables + table, inputs.u32(table)[i]);
                out.iter_mut().zip(row).for_each(|(out, &x)| *out += x);
            }
        }
    }
}

impl Graph {
    /// Sums the embeddings of ids, positions and, where there is a third look-up, token types
    /// (`[N]` each, tables `[V, H]`, `[P, H]`, `[S, H]`) into `[N, H]`.
    pub fn embed(&mut self, lookups: &[Lookup]) -> Result<Value, GraphError> {
        let operands: Vec<Value> = lookups
            .iter()
            .map(|l| l.rows)
            .chain(lookups.iter().map(|l| l.table))
            .collect();
        let padding = lookups.iter().map(|l| l.padding).collect();
        self.apply1(Embed { padding }.into(), &operands)
    }
}
