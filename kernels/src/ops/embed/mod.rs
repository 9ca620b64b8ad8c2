//! The sum of word, position and token-type embeddings.

use super::check::Check;
use super::{GradientAt, Rule};
use crate::cpu::{self, Real};
use crate::error::GraphError;
use crate::gpu::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::graph::{Graph, Value};
use crate::tensor::TensorType;

/// `out[i] = word[ids[i]] + position[positions[i]] + kind[types[i]]`.
///
/// Operands: ids `[N]`, positions `[N]`, types `[N]` (u32), word `[V, H]`, position `[P, H]`,
/// kind `[S, H]`; result `[N, H]`. An id beyond its table reads the table's last row.
#[derive(Clone, Debug, PartialEq)]
pub struct Embed {
    /// The padding token: its row of the word table gets no gradient here, as in
    /// `torch.nn.Embedding` (a tied decoder still gives it one).
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
        let check = Check::new(Self::NAME, inputs, 6)?;
        let rows = check.indices(0, "ids")?;
        for (i, operand) in [(1, "positions"), (2, "types")] {
            if check.indices(i, operand)? != rows {
                return Err(check.shape(i, operand, format!("[{rows}]")));
            }
        }
        let (_, columns) = check.matrix(3, "word table")?;
        check.rows_of(4, "position table", columns)?;
        check.rows_of(5, "type table", columns)?;
        Ok(vec![TensorType::real([rows, columns])])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let d = at.d_output(Self::NAME)?;
        let mut gradients = vec![None; 3];
        for (i, skip) in [self.padding, None, None].into_iter().enumerate() {
            let rows = graph.ty(at.inputs[3 + i]).shape.rows();
            let table = at.want(3 + i, || graph.scatter_rows(d, at.inputs[i], rows, skip))?;
            gradients.push(table);
        }
        Ok(gradients)
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let out = context.outputs[0].shape;
        let rows = |i: usize| context.inputs[i].shape.rows() as u32;
        let params = Params {
            rows: out.rows() as u32,
            columns: out.columns() as u32,
            words: rows(3),
            positions: rows(4),
            kinds: rows(5),
        };
        let mut operands: Vec<Operand> = (0..6).map(Operand::Input).collect();
        operands.push(Operand::Output(0));
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![
                ("HALF_WORD", context.is_f16(3)),
                ("HALF_POSITION", context.is_f16(4)),
                ("HALF_KIND", context.is_f16(5)),
            ],
            params: params.bytes(),
            operands,
            workgroups: grid_1d(out.len(), 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let columns = inputs.ty(3).shape.columns();
        let row = |table: usize, id: u32| {
            let last = inputs.ty(table).shape.rows() - 1;
            &inputs.real(table)[(id as usize).min(last) * columns..][..columns]
        };
        for (i, out) in outputs.real().chunks_exact_mut(columns).enumerate() {
            let word = row(3, inputs.u32(0)[i]);
            let position = row(4, inputs.u32(1)[i]);
            let kind = row(5, inputs.u32(2)[i]);
            for (c, out) in out.iter_mut().enumerate() {
                *out = word[c] + kind[c] + position[c];
            }
        }
    }
}

impl Graph {
    /// Sums the embeddings of ids, positions and token types (`[N]` each), looked up in their
    /// tables (`[V, H]`, `[P, H]`, `[S, H]`), into `[N, H]`; see [`Embed::padding`].
    pub fn embed(
        &mut self,
        [ids, positions, types]: [Value; 3],
        [word, position, kind]: [Value; 3],
        padding: Option<u32>,
    ) -> Result<Value, GraphError> {
        self.apply1(
            Embed { padding }.into(),
            &[ids, positions, types, word, position, kind],
        )
    }
}
