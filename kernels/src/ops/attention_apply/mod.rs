//! Values summed by written-out attention weights.

use super::attention_weights::{Sizes, check_qkv};
use super::check::Check;
use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Matrix, Real, matmul};

/// `out = w v` for every head: with [`super::AttentionWeights`] before it, [`super::Attention`] in two steps.
///
/// Operands: weights `[B·A·T, T]`; qkv `[B·T, 3·A·D]`, of which the values are read. Result: `[B·T, A·D]`.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionApply {
    /// A, the number of heads.
    pub heads: usize,
}

/// A gradient of [`AttentionApply`]: operands weights, qkv and dout `[B·T, A·D]`; result the gradient of
/// the weights `[B·A·T, T]`, or of qkv `[B·T, 3·A·D]`, 0 but for the values. Appears in gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionApplyGrad {
    /// A, the number of heads.
    pub heads: usize,
    /// Whether the gradient is the weights', else qkv's.
    pub of_weights: bool,
}

params! {
    struct Params { len: u32, tokens: u32, heads: u32, head: u32 }
}

const READ: Access = Access::Read;

static KERNEL: Kernel = Kernel {
    name: "attention apply",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[READ, READ, READ, Access::Write],
};

/// The sizes of checked operands weights and qkv.
fn sizes(heads: usize, weights: &TensorType, qkv: &TensorType) -> Sizes {
    Sizes::new(heads, qkv, qkv.shape.rows() / weights.shape.columns())
}

/// Checks weights and qkv.
fn check_operands(check: &Check<'_>, heads: usize) -> Result<(), GraphError> {
    let (rows, tokens) = check.matrix(0, "weights")?;
    let batch = (rows / tokens / heads.max(1)).max(1);
    let own = check_qkv(check, 1, heads, batch)?;
    let shape = Shape::new(&[batch * heads * own, own]);
    check.exactly(0, "weights", DType::Real, shape)
}

fn dispatch(
    context: &DispatchContext<'_>,
    heads: usize,
    mode: u8,
    operands: [Operand; 3],
) -> Vec<Dispatch> {
    let sizes = sizes(heads, &context.inputs[0], &context.inputs[1]);
    let len = context.outputs[0].shape.len();
    let params = Params {
        len: len as u32,
        tokens: sizes.tokens as u32,
        heads: heads as u32,
        head: sizes.head as u32,
    };
    let [weights, qkv, dout] = operands;
    vec![Dispatch {
        kernel: &KERNEL,
        constants: vec![("MODE", f64::from(mode))],
        params: params.bytes(),
        operands: vec![weights, qkv, dout, Operand::Output(0)],
        workgroups: grid_1d(len, 64),
    }]
}

/// Head `n` of all sequences' heads: its weights.
fn weights_of<F>(weights: &[F], sizes: Sizes, n: usize) -> Matrix<'_, F> {
    let tokens = sizes.tokens;
    Matrix::new(&weights[n * tokens * tokens..], tokens, tokens)
}

/// Where the rows of head `a` of sequence `b` begin in `[B·T, A·D]`, and their distance.
fn context_of(sizes: Sizes, [b, a]: [usize; 2]) -> (usize, usize) {
    let width = sizes.heads * sizes.head;
    (b * sizes.tokens * width + a * sizes.head, width)
}

impl Rule for AttentionApply {
    const NAME: &'static str = "attention apply";
    const KERNELS: &'static [&'static Kernel] = &[&KERNEL];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        check_operands(&check, self.heads)?;
        let (rows, columns) = check.matrix(1, "qkv")?;
        Ok(vec![TensorType::real([rows, columns / 3])])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let inputs = [at.inputs[0], at.inputs[1], at.d_output(Self::NAME)?];
        let mut want = |i: usize| {
            let heads = self.heads;
            let of_weights = i == 0;
            let grad = AttentionApplyGrad { heads, of_weights };
            at.want(i, || graph.apply1(grad.into(), &inputs))
        };
        Ok(vec![want(0)?, want(1)?])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let [weights, qkv] = [0, 1].map(Operand::Input);
        dispatch(context, self.heads, 0, [weights, qkv, Operand::Unused])
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let sizes = sizes(self.heads, &io.input_type(0), &io.input_type(1));
        let (inputs, mut outputs) = io.split();
        let (weights, qkv, out) = (inputs.real(0), inputs.real(1), outputs.real());
        for n in 0..sizes.batch * self.heads {
            let (b, a) = (n / self.heads, n % self.heads);
            let (start, stride) = context_of(sizes, [b, a]);
            let values = sizes.matrix(qkv, [b, a, 2]);
            let one = F::new(1.0);
            let weights = weights_of(weights, sizes, n);
            matmul(weights, values, &mut out[start..], stride, one, false);
        }
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        2.0 / 3.0 * inputs[1].shape.len() as f64 * inputs[0].shape.columns() as f64
    }
}

impl Rule for AttentionApplyGrad {
    const NAME: &'static str = "attention apply, backward";
    const KERNELS: &'static [&'static Kernel] = &[];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 3)?;
        check_operands(&check, self.heads)?;
        let (rows, columns) = check.matrix(1, "qkv")?;
        let context = Shape::new(&[rows, columns / 3]);
        check.exactly(2, "dout", DType::Real, context)?;
        Ok(vec![inputs[usize::from(!self.of_weights)]])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let [weights, qkv, dout] = [0, 1, 2].map(Operand::Input);
        match self.of_weights {
            true => dispatch(context, self.heads, 1, [Operand::Unused, qkv, dout]),
            false => dispatch(context, self.heads, 2, [weights, Operand::Unused, dout]),
        }
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let sizes = sizes(self.heads, &io.input_type(0), &io.input_type(1));
        let (inputs, mut outputs) = io.split();
        let (weights, qkv, dout) = (inputs.real(0), inputs.real(1), inputs.real(2));
        let (out, one) = (outputs.real(), F::new(1.0));
        if !self.of_weights {
            out.fill(F::default());
        }
        for n in 0..sizes.batch * self.heads {
            let (b, a) = (n / self.heads, n % self.heads);
            let (start, stride) = context_of(sizes, [b, a]);
            let dout = Matrix::strided(&dout[start..], sizes.tokens, sizes.head, stride);
            if self.of_weights {
                let values = sizes.matrix(qkv, [b, a, 2]).transposed();
                let each = sizes.tokens * sizes.tokens;
                let out = &mut out[n * each..][..each];
                matmul(dout, values, out, sizes.tokens, one, false);
            } else {
                let (start, stride) = sizes.part([b, a, 2]);
                let weights = weights_of(weights, sizes, n).transposed();
                matmul(weights, dout, &mut out[start..], stride, one, false);
            }
        }
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        2.0 / 3.0 * inputs[1].shape.len() as f64 * inputs[0].shape.columns() as f64
    }
}

impl Graph {
    /// The contexts of every head by these weights; see [`AttentionApply`] for the shapes.
    pub fn attention_apply(
        &mut self,
        weights: Value,
        qkv: Value,
        heads: usize,
    ) -> Result<Value, GraphError> {
        self.apply1(AttentionApply { heads }.into(), &[weights, qkv])
    }
}
