//! Multi-head self-attention over packed queries, keys and values.

mod grad;
mod kernels;

pub use grad::AttentionGrad;

use super::check::Check;
use super::dropout::Noise;
use super::mask::Mask;
use super::softmax::softmax_row;
use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Capabilities, Dispatch, DispatchContext, Kernel, Operand, params};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Inputs, Matrix, Real, matmul};
use kernels::{Choice, Pass};
use std::ops::Range;

/// The largest head size that the shaders' registers hold.
pub const MAX_HEAD_SIZE: usize = 128;

/// `out = softmax(q kᵀ / √D) v` for every head, over the keys that each query sees,
/// all within its sequence's length (Vaswani et al. 2017, eq. 1).
///
/// Operands: qkv `[B·T, 3·A·D]`, each row holding q, k and v, each `[A, D]`; lengths `[B]` (u32),
/// taken as at least 1; with `dropout`, the run's seed `[1]` (u32). Results: out `[B·T, A·D]`, and
/// `[B, A, T]`, the log-sum-exp of each query's scores, which is all that the backward pass needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// A, the number of heads.
    pub heads: usize,
    /// Dropout of the weights, after the softmax.
    pub dropout: Option<Noise>,
    /// Which keys a query sees.
    pub mask: Mask,
}

params! {
    struct Params {
        tokens: u32,
        heads: u32,
        scale: f32,
        before: u32,
        after: u32,
        stream: u32,
        threshold: u32,
        keep_scale: f32,
    }
}

/// The sizes of one use, and what all its shaders are told.
struct Sizes {
    batch: usize,
    tokens: usize,
    head: usize,
    heads: usize,
}

impl Sizes {
    fn new(heads: usize, qkv: &TensorType, lengths: &TensorType) -> Self {
        let batch = lengths.shape.len();
        let head = qkv.shape.columns() / (3 * heads);
        Self {
            batch,
            tokens: qkv.shape.rows() / batch,
            head,
            heads,
        }
    }

    fn scale(&self) -> f64 {
        1.0 / (self.head as f64).sqrt()
    }

    /// A use of one of the shaders.
    fn dispatch(
        &self,
        pass: Pass,
        capabilities: &Capabilities,
        dropout: Option<Noise>,
        mask: Mask,
        operands: Vec<Operand>,
    ) -> Dispatch {
        let choice = Choice::of(pass, (self.head, mask != Mask::ALL), capabilities);
        let [before, after] = mask.reach(self.tokens);
        let params = Params {
            tokens: self.tokens as u32,
            heads: self.heads as u32,
            scale: self.scale() as f32,
            before,
            after,
            stream: dropout.map_or(0, |n| n.stream),
            threshold: dropout.map_or(0, |n| n.threshold()),
            keep_scale: dropout.map_or(1.0, |n| n.scale() as f32),
        };
        Dispatch {
            kernel: choice.kernel,
            constants: vec![
                ("WG", f64::from(choice.threads)),
                ("HEAD", self.head as f64),
                ("DROPOUT", f64::from(dropout.is_some())),
                ("MASKED", f64::from(mask != Mask::ALL)),
            ],
            params: params.bytes(),
            operands,
            workgroups: [
                (self.tokens as u32).div_ceil(choice.tokens),
                self.heads as u32,
                self.batch as u32,
            ],
        }
    }

    /// The part (0 = q, 1 = k, 2 = v) of some tokens of head `a` of sequence `b`.
    fn part<'a, F>(
        &self,
        qkv: &'a [F],
        [b, a, part]: [usize; 3],
        rows: &Range<usize>,
    ) -> Matrix<'a, F> {
        let width = self.heads * self.head;
        let start = (b * self.tokens + rows.start) * 3 * width + part * width + a * self.head;
        Matrix::strided(&qkv[start..], rows.len(), self.head, 3 * width)
    }

    /// Queries that go together on the CPU: all of them, or a few where not all see the same keys.
    fn blocks(&self, mask: Mask) -> impl Iterator<Item = Range<usize>> + use<> {
        let tokens = self.tokens;
        let step = if mask == Mask::ALL { tokens } else { 32 };
        let blocks = (0..tokens).step_by(step);
        blocks.map(move |first| first..(first + step).min(tokens))
    }

    /// The index of a score of query `i` of head `a` of sequence `b`, as dropout counts them.
    fn score(&self, [b, a, i, j]: [usize; 4]) -> u32 {
        (((b * self.heads + a) * self.tokens + i) * self.tokens + j) as u32
    }

    /// Some tokens of head `a` of sequence `b` in a tensor `[B T, A D]`.
    fn head_of<'a, F>(&self, x: &'a [F], [b, a]: [usize; 2], rows: &Range<usize>) -> Matrix<'a, F> {
        let width = self.heads * self.head;
        let start = (b * self.tokens + rows.start) * width + a * self.head;
        Matrix::strided(&x[start..], rows.len(), self.head, width)
    }
}

/// The run's seed, operand `i` where there is dropout.
fn seed<F: Real>(dropout: Option<Noise>, inputs: &Inputs<'_, F>, i: usize) -> u32 {
    if dropout.is_some() {
        inputs.u32(i)[0]
    } else {
        0
    }
}

impl Rule for Attention {
    const NAME: &'static str = "attention";
    const KERNELS: &'static [&'static Kernel] = kernels::FORWARD;

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2 + usize::from(self.dropout.is_some()))?;
        let (rows, columns) = check.matrix(0, "qkv")?;
        let batch = check.indices(1, "lengths")?;
        if !rows.is_multiple_of(batch) {
            return Err(check.shape(0, "qkv", format!("rows in {batch} equal sequences")));
        }
        if self.heads == 0 || !columns.is_multiple_of(3 * self.heads) {
            return Err(check.shape(0, "qkv", format!("3 x {} equal heads", self.heads)));
        }
        let head = columns / (3 * self.heads);
        if head > MAX_HEAD_SIZE {
            return Err(check.attribute(format!("head size {head} is over {MAX_HEAD_SIZE}")));
        }
        if let Some(noise) = self.dropout {
            check.exactly(2, "seed", DType::U32, Shape::new(&[1]))?;
            noise.check(Self::NAME)?;
        }
        let lse = TensorType::real([batch, self.heads, rows / batch]);
        Ok(vec![TensorType::real([rows, columns / 3]), lse])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let d = at.d_output(Self::NAME)?;
        let grad = AttentionGrad {
            heads: self.heads,
            dropout: self.dropout,
            mask: self.mask,
        };
        let mut inputs = vec![at.inputs[0], at.inputs[1], at.outputs[1], at.outputs[0], d];
        inputs.extend(at.inputs.get(2));
        let mut gradients = vec![None; at.inputs.len()];
        gradients[0] = at.want(0, || Ok(graph.apply(grad.into(), &inputs)?[0]))?;
        Ok(gradients)
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let sizes = Sizes::new(self.heads, &context.inputs[0], &context.inputs[1]);
        let operands = vec![
            Operand::Input(0),
            Operand::Input(1),
            if self.dropout.is_some() {
                Operand::Input(2)
            } else {
                Operand::Unused
            },
            Operand::Output(0),
            Operand::Output(1),
        ];
        vec![sizes.dispatch(
            Pass::Forward,
            &context.choice.capabilities,
            self.dropout,
            self.mask,
            operands,
        )]
    }

    fn scratch(&self, inputs: &[TensorType]) -> usize {
        let tokens = Sizes::new(self.heads, &inputs[0], &inputs[1]).tokens;
        tokens * tokens
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let sizes = Sizes::new(self.heads, &io.input_type(0), &io.input_type(1));
        let Sizes {
            batch,
            tokens,
            head,
            heads,
        } = sizes;
        let (inputs, mut outputs, scores) = io.split_with_scratch(tokens * tokens);
        let (qkv, lengths) = (inputs.real(0), inputs.u32(1));
        let seed = seed(self.dropout, &inputs, 2);
        let (out, lse) = (outputs.real(), outputs.real());
        let (width, scale) = (heads * head, F::new(sizes.scale()));
        for (b, a) in (0..batch).flat_map(|b| (0..heads).map(move |a| (b, a))) {
            let length = (lengths[b] as usize).clamp(1, tokens);
            for queries in sizes.blocks(self.mask) {
                let keys = self.mask.keys(queries.clone(), length);
                let part = |part: usize, rows| sizes.part(qkv, [b, a, part], rows);
                let scores = &mut scores[..queries.len() * keys.len()];
                let (q, k) = (part(0, &queries), part(1, &keys));
                matmul(q, k.transposed(), scores, keys.len(), scale, false);
                for (i, row) in queries.clone().zip(scores.chunks_exact_mut(keys.len())) {
                    let seen = self.mask.keys(i..i + 1, length);
                    let first = sizes.score([b, a, i, seen.start]);
                    let seen = seen.start - keys.start..seen.end - keys.start;
                    row[..seen.start].fill(F::default());
                    row[seen.end..].fill(F::default());
                    lse[(b * heads + a) * tokens + i] = softmax_row(&mut row[seen.clone()]);
                    if let Some(noise) = self.dropout {
                        noise.apply(seed, first, &mut row[seen]);
                    }
                }
                let out = &mut out[(b * tokens + queries.start) * width + a * head..];
                let weights = Matrix::new(&*scores, queries.len(), keys.len());
                matmul(weights, part(2, &keys), out, width, F::new(1.0), false);
            }
        }
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        let tokens = inputs[0].shape.rows() / inputs[1].shape.len().max(1);
        4.0 / 3.0 * inputs[0].shape.len() as f64 * tokens as f64
    }
}

impl Graph {
    /// Self-attention of `heads` heads; see [`Attention`] for the shapes. `dropout` holds the
    /// noise and the run's seed (`[1]`, u32). Returns the output and the log-sum-exp.
    pub fn attention(
        &mut self,
        qkv: Value,
        lengths: Value,
        heads: usize,
        mask: Mask,
        dropout: Option<(Noise, Value)>,
    ) -> Result<(Value, Value), GraphError> {
        let mut inputs = vec![qkv, lengths];
        inputs.extend(dropout.map(|(_, seed)| seed));
        let op = Attention {
            heads,
            dropout: dropout.map(|(noise, _)| noise),
            mask,
        };
        let outputs = self.apply(op.into(), &inputs)?;
        Ok((outputs[0], outputs[1]))
    }
}
