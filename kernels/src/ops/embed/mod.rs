//! The sum of word, position and, where there are any, token-type embeddings.

use super::check::Check;
use super::{Block, GradientAt, Rule};
use crate::cpu::{self, Real};
use crate::error::GraphError;
use crate::gpu::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::graph::{Graph, Value};
use crate::tensor::TensorType;

/// `out[i] = word[ids[i]] + position[positions[i]] + kind[types[i]]`, or without the last term.
///
/// Operands: ids `[N]`, positions `[N]`, types `[N]` (u32), word `[V, H]`, position `[P, H]`,
/// kind `[S, H]`, or without types and kind; result `[N, H]`. An id beyond its table reads the
/// table's last row. The word table may come as several blocks of rows, one below the other, of
/// which none holds all that an adapter binds at most.
#[derive(Clone, Debug, PartialEq)]
pub struct Embed {
    /// For each table its [`Lookup::padding`].
    pub padding: Vec<Option<u32>>,
}

/// One table of a sum of embeddings.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Which rows `[N]`, u32.
    pub rows: Value,
    /// The table `[V, H]`; of the first look-up, one or more blocks of its rows.
    pub blocks: Vec<Value>,
    /// A row that gets no gradient here, as `torch.nn.Embedding`'s `padding_idx` (where the table
    /// is read elsewhere too, by a tied decoder, it gets one there).
    pub padding: Option<u32>,
}

params! {
    struct Params {
        rows: u32,
        columns: u32,
        words: u32,
        first: u32,
        block: u32,
        positions: u32,
        kinds: u32,
    }
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

impl Embed {
    /// The word table's blocks, and where the other tables begin among the operands.
    fn words(&self, inputs: &[TensorType]) -> (Vec<Block>, usize) {
        let tables = self.padding.len();
        let others = inputs.len() - (tables - 1);
        let rows = inputs[tables..others].iter().map(|ty| ty.shape.rows());
        (Block::all(rows), others)
    }
}

impl Rule for Embed {
    const NAME: &'static str = "embed";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let tables = self.padding.len();
        let check = Check::new(Self::NAME, inputs, inputs.len().max(2 * tables))?;
        if !(2..=3).contains(&tables) {
            return Err(check.attribute(format!("sums 2 or 3 tables, got {tables}")));
        }
        let rows = check.indices(0, "ids")?;
        let (_, columns) = check.matrix(tables, "word table")?;
        let others = inputs.len() - (tables - 1);
        for i in tables..others {
            check.rows_of(i, "word table", columns)?;
        }
        let operands = [("positions", "position table"), ("types", "type table")];
        for (i, (operand, table)) in (1..tables).zip(operands) {
            if check.indices(i, operand)? != rows {
                return Err(check.shape(i, operand, format!("[{rows}]")));
            }
            check.rows_of(others + i - 1, table, columns)?;
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
        let types: Vec<TensorType> = at.inputs.iter().map(|&v| graph.ty(v)).collect();
        let (words, others) = self.words(&types);
        let blocks = words.into_iter().map(|block| (0, block));
        let rest = (1..tables).map(|i| (i, Block::whole(types[others + i - 1].shape.rows())));
        for (operand, (i, block)) in (tables..).zip(blocks.chain(rest)) {
            let skip = self.padding[i];
            let table = at.want(operand, || graph.scatter_rows(d, at.inputs[i], block, skip))?;
            gradients.push(table);
        }
        Ok(gradients)
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let out = context.outputs[0].shape;
        let tables = self.padding.len();
        let (words, position) = self.words(context.inputs);
        let rows = |i: usize| context.inputs[i].shape.rows() as u32;
        // Every binding must have a buffer: without types, the positions stand in, unread.
        let types = tables - 1;
        let kind = position + types - 1;
        // Each row of the result is made by the one dispatch whose block has its word.
        let dispatch = |(word, block): (usize, Block)| {
            let params = Params {
                rows: out.rows() as u32,
                columns: out.columns() as u32,
                words: block.of as u32,
                first: block.first as u32,
                block: block.len as u32,
                positions: rows(position),
                kinds: rows(kind),
            };
            let inputs = [0, 1, types, word, position, kind];
            let mut operands: Vec<Operand> = inputs.map(Operand::Input).to_vec();
            operands.push(Operand::Output(0));
            Dispatch {
                kernel: &FORWARD,
                constants: vec![
                    ("KINDS", f64::from(tables == 3)),
                    ("HALF_WORD", context.is_f16(word)),
                    ("HALF_POSITION", context.is_f16(position)),
                    ("HALF_KIND", context.is_f16(kind)),
                ],
                params: params.bytes(),
                operands,
                workgroups: grid_1d(out.len(), 64),
            }
        };
        (tables..).zip(words).map(dispatch).collect()
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let tables = self.padding.len();
        let types: Vec<TensorType> = (0..inputs.count()).map(|i| inputs.ty(i)).collect();
        let (words, others) = self.words(&types);
        let columns = types[tables].shape.columns();
        let row = |table: usize, row: usize| &inputs.real(table)[row * columns..][..columns];
        for (i, out) in outputs.real().chunks_exact_mut(columns).enumerate() {
            let id = (inputs.u32(0)[i] as usize).min(words[0].of - 1);
            let word = words.iter().position(|block| block.contains(id));
            let word = word.expect("the blocks make up the table");
            out.copy_from_slice(row(tables + word, id - words[word].first));
            // The words, the types, then the positions: the order of the reference.
            for table in (1..tables).rev() {
                let operand = others + table - 1;
                let last = types[operand].shape.rows() - 1;
                let row = row(operand, (inputs.u32(table)[i] as usize).min(last));
                cpu::row::add(out, row);
            }
        }
    }
}

impl Graph {
    /// Sums the embeddings of ids, positions and, where there is a third look-up, token types
    /// (`[N]` each, tables `[V, H]`, `[P, H]`, `[S, H]`) into `[N, H]`.
    pub fn embed(&mut self, lookups: &[Lookup]) -> Result<Value, GraphError> {
        if lookups.iter().skip(1).any(|l| l.blocks.len() != 1) {
            let message = "only the first table may lie in several blocks".to_owned();
            let op = Embed::NAME;
            return Err(GraphError::Attribute { op, message });
        }
        let operands: Vec<Value> = lookups
            .iter()
            .map(|l| l.rows)
            .chain(lookups.iter().flat_map(|l| l.blocks.iter().copied()))
            .collect();
        let padding = lookups.iter().map(|l| l.padding).collect();
        self.apply1(Embed { padding }.into(), &operands)
    }
}
