//! The mean of each sequence's tokens.

use super::check::Check;
use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::TensorType;
use crate::twin::{self, Real, row};

/// `out[b] = mean of x[b, t] over t < lengths[b]`: x `[B·T, C]`, lengths `[B]` (u32, taken as at least
/// 1); result `[B, C]`.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanTokens;

/// The gradient of [`MeanTokens`]: d `[B, C]`, lengths `[B]`; result `[B·T, C]`. Appears in gradients
/// only.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanTokensGrad {
    /// T.
    pub tokens: usize,
}

params! {
    struct Params { batch: u32, tokens: u32, columns: u32 }
}

static KERNEL: Kernel = Kernel {
    name: "mean of tokens",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Write],
};

fn dispatch(context: &DispatchContext<'_>, tokens: usize, backward: bool) -> Vec<Dispatch> {
    let (batch, out) = (context.inputs[1].shape.len(), context.outputs[0].shape);
    let params = Params {
        batch: batch as u32,
        tokens: tokens as u32,
        columns: out.columns() as u32,
    };
    vec![Dispatch {
        kernel: &KERNEL,
        constants: vec![("BACKWARD", f64::from(backward))],
        params: params.bytes(),
        operands: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)],
        workgroups: grid_1d(out.len(), 64),
    }]
}

impl Rule for MeanTokens {
    const NAME: &'static str = "mean of tokens";
    const KERNELS: &'static [&'static Kernel] = &[&KERNEL];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        let (rows, columns) = check.matrix(0, "x")?;
        let batch = check.indices(1, "lengths")?;
        if !rows.is_multiple_of(batch) {
            return Err(check.shape(0, "x", format!("rows in {batch} equal sequences")));
        }
        Ok(vec![TensorType::real([batch, columns])])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let inputs = [at.d_output(Self::NAME)?, at.inputs[1]];
        let tokens = graph.ty(at.inputs[0]).shape.rows() / graph.ty(at.inputs[1]).shape.len();
        let dx = at.want(0, || {
            graph.apply1(MeanTokensGrad { tokens }.into(), &inputs)
        })?;
        Ok(vec![dx, None])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let tokens = context.inputs[0].shape.rows() / context.inputs[1].shape.len();
        dispatch(context, tokens, false)
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let (lengths, columns) = (inputs.u32(1), inputs.ty(0).shape.columns());
        let tokens = inputs.ty(0).shape.rows() / lengths.len();
        let out = outputs.real();
        for ((b, out), &length) in out.chunks_exact_mut(columns).enumerate().zip(lengths) {
            let length = (length as usize).clamp(1, tokens);
            let x = &inputs.real(0)[b * tokens * columns..][..length * columns];
            out.fill(F::default());
            for x in x.chunks_exact(columns) {
                row::add(out, x);
            }
            let length = F::new(length as f64);
            out.iter_mut().for_each(|out| *out /= length);
        }
    }
}

impl Rule for MeanTokensGrad {
    const NAME: &'static str = "mean of tokens, backward";
    const KERNELS: &'static [&'static Kernel] = &[];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        let (batch, columns) = check.matrix(0, "d")?;
        if check.indices(1, "lengths")? != batch {
            return Err(check.shape(1, "lengths", format!("[{batch}]")));
        }
        Ok(vec![TensorType::real([batch * self.tokens, columns])])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        dispatch(context, self.tokens, true)
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let (lengths, columns) = (inputs.u32(1), inputs.ty(0).shape.columns());
        for (row, dx) in outputs.real().chunks_exact_mut(columns).enumerate() {
            let (b, t) = (row / self.tokens, row % self.tokens);
            let length = (lengths[b] as usize).clamp(1, self.tokens);
            for (dx, &d) in dx.iter_mut().zip(&inputs.real(0)[b * columns..]) {
                *dx = if t < length {
                    d / F::new(length as f64)
                } else {
                    F::default()
                };
            }
        }
    }
}

impl Graph {
    /// The mean of each sequence's tokens: x `[B·T, C]`, lengths `[B]` (u32); result `[B, C]`.
    pub fn mean_tokens(&mut self, x: Value, lengths: Value) -> Result<Value, GraphError> {
        self.apply1(MeanTokens.into(), &[x, lengths])
    }
}
