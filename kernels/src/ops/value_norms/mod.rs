//! How long each head's values are once the layer's output matrix has carried them.

use super::Rule;
use super::attention_weights::{Sizes, check_qkv};
use super::check::Check;
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::TensorType;
use crate::twin::{self, Matrix, Real, matmul, row};

/// `norm[b, a, t] = |on[a]| ‖W_a v[b, t, a]‖`, W_a being head a's columns of the output matrix (Kobayashi et al.
/// 2020): times an attention weight, what arrives of a token.
///
/// Operands: qkv `[B·T, 3·A·D]`, of which the values are read; W `[H, A·D]`; on `[A]`, 0 for a head that is
/// switched off. Result `[B, A·T]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueNorms {
    /// T.
    pub tokens: usize,
}

params! {
    struct Params { len: u32, tokens: u32, heads: u32, rows: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "value norms",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
};

impl ValueNorms {
    fn sizes(&self, qkv: &TensorType, on: &TensorType) -> Sizes {
        Sizes::new(on.shape.len(), qkv, qkv.shape.rows() / self.tokens)
    }
}

impl Rule for ValueNorms {
    const NAME: &'static str = "value norms";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 3)?;
        let (rows, columns) = check.matrix(0, "qkv")?;
        if self.tokens == 0 || !rows.is_multiple_of(self.tokens) {
            return Err(check.shape(0, "qkv", format!("rows in sequences of {}", self.tokens)));
        }
        let heads = inputs[2].shape.len();
        check.vector(2, "on", heads)?;
        let batch = rows / self.tokens;
        check_qkv(&check, 0, heads, batch)?;
        check.rows_of(1, "W", columns / 3)?;
        Ok(vec![TensorType::real([batch, heads * self.tokens])])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let sizes = self.sizes(&context.inputs[0], &context.inputs[2]);
        let len = context.outputs[0].shape.len();
        let params = Params {
            len: len as u32,
            tokens: self.tokens as u32,
            heads: sizes.heads as u32,
            rows: context.inputs[1].shape.rows() as u32,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![("HEAD", sizes.head as f64)],
            params: params.bytes(),
            operands: vec![
                Operand::Input(0),
                Operand::Input(1),
                Operand::Input(2),
                Operand::Output(0),
            ],
            workgroups: grid_1d(len, 64),
        }]
    }

    fn scratch(&self, inputs: &[TensorType]) -> usize {
        self.tokens * inputs[1].shape.rows()
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let sizes = self.sizes(&io.input_type(0), &io.input_type(2));
        let (rows, width) = (io.input_type(1).shape.rows(), sizes.heads * sizes.head);
        let (inputs, mut outputs, carried) = io.split_with_scratch(self.tokens * rows);
        let (qkv, w, on) = (inputs.real(0), inputs.real(1), inputs.real(2));
        let norms = outputs.real().chunks_exact_mut(self.tokens);
        for (n, norms) in norms.enumerate() {
            let (b, a) = (n / sizes.heads, n % sizes.heads);
            let values = sizes.matrix(qkv, [b, a, 2]);
            let own = Matrix::strided(&w[a * sizes.head..], rows, sizes.head, width);
            matmul(values, own.transposed(), carried, rows, F::new(1.0), false);
            for (norm, x) in norms.iter_mut().zip(carried.chunks_exact(rows)) {
                let size = row::dot(x, x).sqrt() * on[a];
                *norm = size.max(-size);
            }
        }
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        2.0 / 3.0 * inputs[0].shape.len() as f64 * inputs[1].shape.rows() as f64
    }
}

impl Graph {
    /// The norms of carried values of sequences of `tokens` tokens; see [`ValueNorms`] for the shapes.
    pub fn value_norms(
        &mut self,
        qkv: Value,
        matrix: Value,
        on: Value,
        tokens: usize,
    ) -> Result<Value, GraphError> {
        self.apply1(ValueNorms { tokens }.into(), &[qkv, matrix, on])
    }
}
