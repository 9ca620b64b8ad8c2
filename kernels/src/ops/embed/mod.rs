//! The sum of word, position and, where there are any, token-type embeddings.

use super::check::Check;
use super::layer_norm::normalise;
use super::{Block, GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::TensorType;
use crate::twin::{self, Inputs, Real};

/// `out[i] = word[ids[i]] + position[positions[i]] + kind[types[i]]`, or without the last term.
///
/// Operands: ids, positions and types, or without types, one after another `[3·N]` (u32); word
/// `[V, H]`, position `[P, H]`, kind `[S, H]`, or without kind; with `norm`, gamma `[H]` and beta
/// `[H]`. Result `[N, H]`. An id beyond its table reads the table's last row. The word table may come
/// as several blocks of rows, one below the other, of which none holds all that an adapter binds at
/// most.
#[derive(Clone, Debug, PartialEq)]
pub struct Embed {
    /// For each table its [`Lookup::padding`].
    pub padding: Vec<Option<u32>>,
    /// The layer norm of the sum, by what it adds to the variance; graphs record it as a node of its
    /// own, plans fuse it here.
    pub norm: Option<f64>,
}

/// One table of a sum of embeddings.
#[derive(Clone, Debug)]
pub struct Lookup {
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
        eps: f32,
    }
}

const READ: Access = Access::Read;

static FORWARD: Kernel = Kernel {
    name: "embed",
    variant: None,
    source: concat!(
        include_str!("../shared/finite.wgsl"),
        include_str!("../shared/reduce.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[READ, READ, READ, READ, READ, READ, Access::Write],
};

impl Embed {
    /// The word table's blocks, operands 1 and up, and where the other tables begin among the
    /// operands.
    fn words(&self, inputs: &[TensorType]) -> (Vec<Block>, usize) {
        let norm = if self.norm.is_some() { 2 } else { 0 };
        let others = inputs.len() - norm - (self.padding.len() - 1);
        let rows = inputs[1..others].iter().map(|ty| ty.shape.rows());
        (Block::all(rows), others)
    }

    /// The sum of row `i` of `n`.
    fn row<F: Real>(&self, inputs: &Inputs<'_, F>, [i, n]: [usize; 2], out: &mut [F]) {
        let types: Vec<TensorType> = (0..inputs.count()).map(|i| inputs.ty(i)).collect();
        let (words, others) = self.words(&types);
        let columns = out.len();
        let row = |operand: usize, row: usize| &inputs.real(operand)[row * columns..][..columns];
        let at = |table: usize| inputs.u32(0)[table * n + i] as usize;
        let id = at(0).min(words[0].of - 1);
        let word = words.iter().position(|block| block.contains(id));
        let word = word.expect("the blocks make up the table");
        out.copy_from_slice(row(1 + word, id - words[word].first));
        // The words, the types, then the positions: the order of the reference.
        for table in (1..self.padding.len()).rev() {
            let operand = others + table - 1;
            let last = types[operand].shape.rows() - 1;
            let row = row(operand, at(table).min(last));
            twin::row::add(out, row);
        }
    }
}

impl Rule for Embed {
    const NAME: &'static str = "embed";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let tables = self.padding.len();
        let norm = if self.norm.is_some() { 2 } else { 0 };
        let check = Check::new(Self::NAME, inputs, inputs.len().max(1 + tables + norm))?;
        if !(2..=3).contains(&tables) {
            return Err(check.attribute(format!("sums 2 or 3 tables, got {tables}")));
        }
        let all = check.indices(0, "rows")?;
        if !all.is_multiple_of(tables) {
            return Err(check.shape(0, "rows", format!("[{tables} N]")));
        }
        let (_, columns) = check.matrix(1, "word table")?;
        let tables = inputs.len() - norm;
        for i in 1..tables {
            check.rows_of(i, "table", columns)?;
        }
        for i in tables..inputs.len() {
            check.vector(i, "gamma or beta", columns)?;
        }
        let rows = all / self.padding.len();
        Ok(vec![TensorType::real([rows, columns])])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        if self.norm.is_some() {
            let message = "gradients are taken before plans fuse norms".to_owned();
            let op = Self::NAME;
            return Err(GraphError::Attribute { op, message });
        }
        let d = at.d_output(Self::NAME)?;
        let types: Vec<TensorType> = at.inputs.iter().map(|&v| graph.ty(v)).collect();
        let (words, others) = self.words(&types);
        let blocks = words.into_iter().map(|block| (0, block));
        let rest =
            (1..self.padding.len()).map(|i| (i, Block::whole(types[others + i - 1].shape.rows())));
        let count = graph.ty(d).shape.rows();
        // The blocks of one table have the same links.
        let mut links: Vec<Option<Value>> = vec![None; self.padding.len()];
        let mut gradients = vec![None];
        for (operand, (i, block)) in (1..).zip(blocks.chain(rest)) {
            let skip = self.padding[i];
            let rows = at.inputs[0];
            let gradient = at.want(operand, || {
                if links[i].is_none() {
                    links[i] = graph.links(rows, i, count, block.of)?;
                }
                graph.scatter_rows(d, rows, links[i], i, block, skip)
            })?;
            gradients.push(gradient);
        }
        Ok(gradients)
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let out = context.outputs[0].shape;
        let tables = self.padding.len();
        let (words, position) = self.words(context.inputs);
        let rows = |i: usize| context.inputs[i].shape.rows() as u32;
        // Every binding must have a buffer: without types, the positions stand in, unread.
        let kind = position + tables - 2;
        let gamma_beta = match self.norm {
            Some(_) => [kind + 1, kind + 2].map(Operand::Input),
            None => [Operand::Unused; 2],
        };
        let (lanes, group_rows) = context.row_lanes(3 * out.columns());
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
                eps: self.norm.unwrap_or(0.0) as f32,
            };
            let mut operands: Vec<Operand> = [0, word, position, kind].map(Operand::Input).to_vec();
            operands.extend(gamma_beta);
            operands.push(Operand::Output(0));
            Dispatch {
                kernel: &FORWARD,
                constants: vec![
                    ("LANES", f64::from(lanes)),
                    ("ROWS", f64::from(group_rows)),
                    ("KINDS", f64::from(tables == 3)),
                    ("NORM", f64::from(self.norm.is_some())),
                    ("HALF_WORD", context.is_f16(word)),
                    ("HALF_POSITION", context.is_f16(position)),
                    ("HALF_KIND", context.is_f16(kind)),
                ],
                params: params.bytes(),
                operands,
                workgroups: grid_1d(out.rows(), group_rows),
            }
        };
        (1..).zip(words).map(dispatch).collect()
    }

    fn takes_f16(&self, i: usize, count: usize) -> bool {
        let norm = if self.norm.is_some() { 2 } else { 0 };
        (1..count - norm).contains(&i)
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let n = inputs.ty(0).shape.len() / self.padding.len();
        let columns = inputs.ty(1).shape.columns();
        let norm = self.norm.map(|eps| {
            let first = inputs.count() - 2;
            (eps, inputs.real(first), inputs.real(first + 1))
        });
        for (i, out) in outputs.real().chunks_exact_mut(columns).enumerate() {
            self.row(&inputs, [i, n], out);
            if let Some((eps, gamma, beta)) = norm {
                normalise(out, F::new(eps), gamma, beta);
            }
        }
    }
}

impl Graph {
    /// Sums the embeddings of ids, positions and, where there is a third look-up, token types, which
    /// `rows` holds one after another (`[2·N]` or `[3·N]`, u32; tables `[V, H]`, `[P, H]`, `[S, H]`),
    /// into `[N, H]`.
    pub fn embed(&mut self, rows: Value, lookups: &[Lookup]) -> Result<Value, GraphError> {
        if lookups.iter().skip(1).any(|l| l.blocks.len() != 1) {
            let message = "only the first table may lie in several blocks".to_owned();
            let op = Embed::NAME;
            return Err(GraphError::Attribute { op, message });
        }
        let mut operands = vec![rows];
        operands.extend(lookups.iter().flat_map(|l| l.blocks.iter().copied()));
        let padding = lookups.iter().map(|l| l.padding).collect();
        self.apply1(
            Embed {
                padding,
                norm: None,
            }
            .into(),
            &operands,
        )
    }
}
