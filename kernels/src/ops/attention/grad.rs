//! The gradient of attention, weights computed again from the log-sum-exp.

use super::super::Rule;
use super::super::check::Check;
use super::super::dropout::Noise;
use super::super::mask::Mask;
use super::kernels::{self, Pass};
use super::{Sizes, seed};
use crate::error::GraphError;
use crate::shader::{Dispatch, DispatchContext, Kernel, Operand};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Lanes, Real, matmul, row};
use std::ops::Range;

/// The gradient of [`super::Attention`] with respect to its packed queries, keys and values.
///
/// Operands: qkv `[B·T, 3·A·D]`, lengths `[B]` (u32), log-sum-exp `[B, A, T]`, out and dout
/// `[B·T, A·D]`; with `dropout`, the run's seed `[1]` (u32). Results: dqkv `[B·T, 3·A·D]`, and `[B, A,
/// T]`, each query's `dout · out`. Appears in gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionGrad {
    /// A, the number of heads.
    pub heads: usize,
    /// As in the forward pass.
    pub dropout: Option<Noise>,
    /// As in the forward pass.
    pub mask: Mask,
}

impl Rule for AttentionGrad {
    const NAME: &'static str = "attention, backward";
    const KERNELS: &'static [&'static Kernel] = kernels::BACKWARD;

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 5 + usize::from(self.dropout.is_some()))?;
        let (rows, columns) = check.matrix(0, "qkv")?;
        let batch = check.indices(1, "lengths")?;
        let lse = Shape::new(&[batch, self.heads, rows / batch]);
        check.exactly(2, "log-sum-exp", DType::Real, lse)?;
        let out = Shape::new(&[rows, columns / 3]);
        check.exactly(3, "out", DType::Real, out)?;
        check.exactly(4, "dout", DType::Real, out)?;
        Ok(vec![inputs[0], inputs[2]])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let sizes = Sizes::new(self.heads, &context.inputs[0], &context.inputs[1]);
        let capabilities = &context.choice.capabilities;
        let seed = if self.dropout.is_some() {
            Operand::Input(5)
        } else {
            Operand::Unused
        };
        let [qkv, lengths, lse, out, dout] = [0, 1, 2, 3, 4].map(Operand::Input);
        let [dqkv, delta] = [0, 1].map(Operand::Output);
        let queries = vec![qkv, lengths, seed, lse, out, dout, dqkv, delta];
        let keys = vec![qkv, lengths, seed, lse, delta, dout, dqkv];
        let dispatch =
            |pass, operands| sizes.dispatch(pass, capabilities, self.dropout, self.mask, operands);
        vec![
            dispatch(Pass::QueriesBackward, queries),
            dispatch(Pass::KeysBackward, keys),
        ]
    }

    fn scratch(&self, inputs: &[TensorType]) -> usize {
        let tokens = Sizes::new(self.heads, &inputs[0], &inputs[1]).tokens;
        2 * tokens * tokens
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let sizes = Sizes::new(self.heads, &io.input_type(0), &io.input_type(1));
        let Sizes {
            tokens,
            head,
            heads,
            ..
        } = sizes;
        let (inputs, mut outputs, scratch) = io.split_with_scratch(2 * tokens * tokens);
        let (weights, ds) = scratch.split_at_mut(tokens * tokens);
        let (qkv, lengths, lse) = (inputs.real(0), inputs.u32(1), inputs.real(2));
        let (out, dout) = (inputs.real(3), inputs.real(4));
        let seed = seed(self.dropout, &inputs, 5);
        let (dqkv, delta) = (outputs.real(), outputs.real());
        dqkv.fill(F::default());
        let (width, scale, one) = (heads * head, F::new(sizes.scale()), F::new(1.0));
        let each = (0..lengths.len()).flat_map(|b| (0..heads).map(move |a| (b, a)));
        for (b, a) in each {
            let length = (lengths[b] as usize).clamp(1, tokens);
            for queries in sizes.blocks(self.mask) {
                let keys = self.mask.keys(queries.clone(), length);
                let part = |part: usize, rows| sizes.part(qkv, [b, a, part], rows);
                let weights = &mut weights[..queries.len() * keys.len()];
                let ds = &mut ds[..queries.len() * keys.len()];
                let (q, k) = (part(0, &queries), part(1, &keys));
                let dy = sizes.head_of(dout, [b, a], &queries);
                matmul(q, k.transposed(), weights, keys.len(), scale, false);
                let v = part(2, &keys).transposed();
                matmul(dy, v, ds, keys.len(), one, false);
                let rows = weights
                    .chunks_exact_mut(keys.len())
                    .zip(ds.chunks_exact_mut(keys.len()));
                for (i, (weights, ds)) in queries.clone().zip(rows) {
                    let query = (b * heads + a) * tokens + i;
                    let at = (b * tokens + i) * width + a * head;
                    let sum = row::dot(&out[at..][..head], &dout[at..][..head]);
                    delta[query] = sum;
                    let seen = self.mask.keys(i..i + 1, length);
                    let first = sizes.score([b, a, i, seen.start]);
                    let seen = seen.start - keys.start..seen.end - keys.start;
                    for row in [&mut *weights, &mut *ds] {
                        row[..seen.start].fill(F::default());
                        row[seen.end..].fill(F::default());
                    }
                    let (weights, ds) = (&mut weights[seen.clone()], &mut ds[seen]);
                    let (lse, sum) = (F::Lanes::splat(lse[query]), F::Lanes::splat(sum));
                    row::update(weights, [], |w, []| (w - lse).exp());
                    // Through the dropout of the weights, then through the softmax.
                    if let Some(noise) = self.dropout {
                        noise.apply(seed, first, ds);
                    }
                    row::update(ds, [weights], |ds, [w]| w * (ds - sum));
                    if let Some(noise) = self.dropout {
                        noise.apply(seed, first, weights);
                    }
                }
                let ds = twin::Matrix::new(&*ds, queries.len(), keys.len());
                let weights = twin::Matrix::new(&*weights, queries.len(), keys.len());
                let start = |part: usize, rows: &Range<usize>| {
                    (b * tokens + rows.start) * 3 * width + part * width + a * head
                };
                // Keys gather what all blocks of queries add.
                let (stride, add) = (3 * width, queries.start > 0);
                let dq = &mut dqkv[start(0, &queries)..];
                matmul(ds, k, dq, stride, scale, false);
                let dk = &mut dqkv[start(1, &keys)..];
                matmul(ds.transposed(), q, dk, stride, scale, add);
                let dv = &mut dqkv[start(2, &keys)..];
                matmul(weights.transposed(), dy, dv, stride, one, add);
            }
        }
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        let tokens = inputs[0].shape.rows() / inputs[1].shape.len().max(1);
        14.0 / 3.0 * inputs[0].shape.len() as f64 * tokens as f64
    }
}
