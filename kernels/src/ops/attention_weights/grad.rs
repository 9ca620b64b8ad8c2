//! The gradient of attention's weights.

use super::super::Rule;
use super::super::check::Check;
use super::{Sizes, check_qkv};
use crate::error::GraphError;
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Lanes, Matrix, Real, matmul, row};

/// The gradient of [`super::AttentionWeights`] with respect to its packed queries, keys and values.
///
/// Operands: qkv `[B·T, 3·A·D]`, weights and their gradient `[B·A·T, T]`. Results: dqkv `[B·T, 3·A·D]`, its
/// values' part 0, and `[B·A·T]`, each row's `Σ w dw`. Appears in gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionWeightsGrad {
    /// A, the number of heads.
    pub heads: usize,
}

params! {
    struct Params { len: u32, tokens: u32, heads: u32, head: u32, scale: f32 }
}

static BACKWARD: Kernel = Kernel {
    name: "attention weights, backward",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("backward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Write,
    ],
};

impl AttentionWeightsGrad {
    fn sizes(&self, qkv: &TensorType, weights: &TensorType) -> Sizes {
        let batch = qkv.shape.rows() / weights.shape.columns();
        Sizes::new(self.heads, qkv, batch.max(1))
    }
}

impl Rule for AttentionWeightsGrad {
    const NAME: &'static str = "attention weights, backward";
    const KERNELS: &'static [&'static Kernel] = &[&BACKWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 3)?;
        let (rows, tokens) = check.matrix(1, "weights")?;
        let batch = (rows / tokens / self.heads.max(1)).max(1);
        let own = check_qkv(&check, 0, self.heads, batch)?;
        let shape = Shape::new(&[batch * self.heads * own, own]);
        check.exactly(1, "weights", DType::Real, shape)?;
        check.exactly(2, "dweights", DType::Real, shape)?;
        Ok(vec![inputs[0], TensorType::real([rows])])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let sizes = self.sizes(&context.inputs[0], &context.inputs[1]);
        let [qkv, weights, dweights] = [0, 1, 2].map(Operand::Input);
        let dispatch = |sums: bool, len: usize, read: Operand, out: Operand| Dispatch {
            kernel: &BACKWARD,
            constants: vec![("SUMS", f64::from(sums))],
            params: Params {
                len: len as u32,
                tokens: sizes.tokens as u32,
                heads: self.heads as u32,
                head: sizes.head as u32,
                scale: sizes.scale() as f32,
            }
            .bytes(),
            operands: vec![qkv, weights, dweights, read, out],
            workgroups: grid_1d(len, 64),
        };
        let (dqkv, sums) = (Operand::Output(0), Operand::Output(1));
        vec![
            dispatch(true, context.outputs[1].shape.len(), Operand::Unused, sums),
            dispatch(false, context.outputs[0].shape.len(), sums, dqkv),
        ]
    }

    fn scratch(&self, inputs: &[TensorType]) -> usize {
        inputs[1].shape.columns().pow(2)
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let sizes = self.sizes(&io.input_type(0), &io.input_type(1));
        let tokens = sizes.tokens;
        let (inputs, mut outputs, ds) = io.split_with_scratch(tokens * tokens);
        let (qkv, weights, dweights) = (inputs.real(0), inputs.real(1), inputs.real(2));
        let (dqkv, sums) = (outputs.real(), outputs.real());
        dqkv.fill(F::default());
        let scale = F::new(sizes.scale());
        for n in 0..sizes.batch * self.heads {
            let (b, a) = (n / self.heads, n % self.heads);
            for (i, ds) in ds.chunks_exact_mut(tokens).enumerate() {
                let at = (n * tokens + i) * tokens;
                let (w, dw) = (&weights[at..][..tokens], &dweights[at..][..tokens]);
                let sum = row::dot(w, dw);
                sums[n * tokens + i] = sum;
                let sum = F::Lanes::splat(sum);
                row::update(ds, [w, dw], |_, [w, dw]| w * (dw - sum));
            }
            let ds = Matrix::new(&*ds, tokens, tokens);
            let [q, k] = [0, 1].map(|part| sizes.matrix(qkv, [b, a, part]));
            let (start, stride) = sizes.part([b, a, 0]);
            matmul(ds, k, &mut dqkv[start..], stride, scale, false);
            let (start, stride) = sizes.part([b, a, 1]);
            matmul(ds.transposed(), q, &mut dqkv[start..], stride, scale, false);
        }
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        4.0 * inputs[0].shape.len() as f64 * inputs[1].shape.columns() as f64
    }
}
