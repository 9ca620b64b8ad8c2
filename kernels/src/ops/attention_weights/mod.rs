//! The weights of self-attention, written out: what the fused [`super::Attention`] never stores.

use super::Rule;
use super::attention::MAX_HEAD_SIZE;
use super::check::Check;
use super::mask::Mask;
use super::softmax::softmax_row;
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, Style, params};
use crate::tensor::TensorType;
use crate::twin::{self, Matrix, Real, matmul};

/// `w = softmax(q kᵀ / √D)` for every head, over the keys that each query sees; 0 elsewhere.
///
/// Operands: qkv `[B·T, 3·A·D]`, each row holding q, k and v, each `[A, D]`; lengths `[B]` (u32),
/// taken as at least 1. Result: `[B·A·T, T]`, a row for each query of each head of each sequence. To look at: it has
/// no gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionWeights {
    /// A, the number of heads.
    pub heads: usize,
    /// Which keys a query sees.
    pub mask: Mask,
}

params! {
    struct Params { tokens: u32, heads: u32, scale: f32, before: u32, after: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "attention weights",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("../shared/finite.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Write],
};

/// B, T, D and A of packed queries, keys and values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub batch: usize,
    pub tokens: usize,
    pub head: usize,
    pub heads: usize,
}

impl Sizes {
    /// Of a qkv whose shape was checked.
    pub fn new(heads: usize, qkv: &TensorType, batch: usize) -> Self {
        Self {
            batch,
            tokens: qkv.shape.rows() / batch,
            head: qkv.shape.columns() / (3 * heads),
            heads,
        }
    }

    /// `1 / √D`.
    pub fn scale(&self) -> f64 {
        1.0 / (self.head as f64).sqrt()
    }

    /// The part (0 = q, 1 = k, 2 = v) of head `a` of sequence `b`: where it begins, and its rows' distance.
    pub fn part(&self, [b, a, part]: [usize; 3]) -> (usize, usize) {
        let width = self.heads * self.head;
        let start = b * self.tokens * 3 * width + part * width + a * self.head;
        (start, 3 * width)
    }

    /// The same as a matrix of all its rows.
    pub fn matrix<'a, F>(&self, qkv: &'a [F], part: [usize; 3]) -> Matrix<'a, F> {
        let (start, stride) = self.part(part);
        Matrix::strided(&qkv[start..], self.tokens, self.head, stride)
    }

    /// Threads of a workgroup that has one for each query, and the workgroups.
    pub fn grid(&self, context: &DispatchContext<'_>) -> (u32, [u32; 3]) {
        let threads = match context.choice.capabilities.style {
            Style::Lanes => 4,
            Style::Tiles => 32,
        };
        let groups = [
            (self.tokens as u32).div_ceil(threads),
            self.heads as u32,
            self.batch as u32,
        ];
        (threads, groups)
    }
}

/// Checks packed queries, keys and values, operand `i`, of `batch` sequences; returns T.
pub(super) fn check_qkv(
    check: &Check<'_>,
    i: usize,
    heads: usize,
    batch: usize,
) -> Result<usize, GraphError> {
    let (rows, columns) = check.matrix(i, "qkv")?;
    if !rows.is_multiple_of(batch) {
        return Err(check.shape(i, "qkv", format!("rows in {batch} equal sequences")));
    }
    if heads == 0 || !columns.is_multiple_of(3 * heads) {
        return Err(check.shape(i, "qkv", format!("3 x {heads} equal heads")));
    }
    let head = columns / (3 * heads);
    if head > MAX_HEAD_SIZE {
        return Err(check.attribute(format!("head size {head} is over {MAX_HEAD_SIZE}")));
    }
    Ok(rows / batch)
}

impl Rule for AttentionWeights {
    const NAME: &'static str = "attention weights";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        let batch = check.indices(1, "lengths")?;
        let tokens = check_qkv(&check, 0, self.heads, batch)?;
        Ok(vec![TensorType::real([
            batch * self.heads * tokens,
            tokens,
        ])])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let batch = context.inputs[1].shape.len();
        let sizes = Sizes::new(self.heads, &context.inputs[0], batch);
        let (threads, workgroups) = sizes.grid(context);
        let [before, after] = self.mask.reach(sizes.tokens);
        let params = Params {
            tokens: sizes.tokens as u32,
            heads: self.heads as u32,
            scale: sizes.scale() as f32,
            before,
            after,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![("WG", f64::from(threads)), ("HEAD", sizes.head as f64)],
            params: params.bytes(),
            operands: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)],
            workgroups,
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let batch = io.input_type(1).shape.len();
        let sizes = Sizes::new(self.heads, &io.input_type(0), batch);
        let (inputs, mut outputs) = io.split();
        let (qkv, lengths) = (inputs.real(0), inputs.u32(1));
        let tokens = sizes.tokens;
        let heads = outputs.real().chunks_exact_mut(tokens * tokens);
        for (n, weights) in heads.enumerate() {
            let (b, a) = (n / self.heads, n % self.heads);
            let length = (lengths[b] as usize).clamp(1, tokens);
            let [q, k] = [0, 1].map(|part| sizes.matrix(qkv, [b, a, part]));
            let scale = F::new(sizes.scale());
            matmul(q, k.transposed(), weights, tokens, scale, false);
            for (i, row) in weights.chunks_exact_mut(tokens).enumerate() {
                let seen = self.mask.keys(i..i + 1, length);
                row[..seen.start].fill(F::default());
                row[seen.end..].fill(F::default());
                softmax_row(&mut row[seen]);
            }
        }
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        let tokens = inputs[0].shape.rows() / inputs[1].shape.len().max(1);
        2.0 / 3.0 * inputs[0].shape.len() as f64 * tokens as f64
    }
}

impl Graph {
    /// The attention weights of every head; see [`AttentionWeights`] for the shapes.
    pub fn attention_weights(
        &mut self,
        qkv: Value,
        lengths: Value,
        heads: usize,
        mask: Mask,
    ) -> Result<Value, GraphError> {
        self.apply1(AttentionWeights { heads, mask }.into(), &[qkv, lengths])
    }
}
