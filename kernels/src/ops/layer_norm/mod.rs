//! Layer normalisation with the residual sum before it.

mod grad;

pub use grad::{LayerNormGrad, LayerNormParamGrad};

use super::check::Check;
use super::{GradientAt, Rule};
use crate::cpu::{self, Real};
use crate::error::GraphError;
use crate::gpu::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::graph::{Graph, Value};
use crate::tensor::{DType, TensorType};

/// `y = (z - mean z) / √(var z + eps) · gamma + beta` over the last dimension, `z = x + residual`
/// (Ba, Kiros, Hinton 2016, eq. 4).
///
/// Operands: x `[R, C]`, residual `[R, C]` (if `residual`), gamma `[C]`, beta `[C]`; result `[R, C]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    /// Whether there is a residual operand.
    pub residual: bool,
    /// Added to the variance.
    pub eps: f64,
}

params! {
    struct Params { rows: u32, columns: u32, eps: f32 }
}

static FORWARD: Kernel = Kernel {
    name: "layer norm",
    source: concat!(
        include_str!("../shared/reduce.wgsl"),
        include_str!("forward.wgsl")
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

impl Rule for LayerNorm {
    const NAME: &'static str = "layer norm";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let first = usize::from(self.residual) + 1;
        let check = Check::new(Self::NAME, inputs, first + 2)?;
        let (_, columns) = check.matrix(0, "x")?;
        if self.residual {
            check.exactly(1, "residual", DType::Real, inputs[0].shape)?;
        }
        check.vector(first, "gamma", columns)?;
        check.vector(first + 1, "beta", columns)?;
        Ok(vec![inputs[0]])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let residual = self.residual;
        let first = usize::from(residual) + 1;
        let dy = at.d_output(Self::NAME)?;
        let mut inputs = at.inputs[..=first].to_vec();
        inputs.push(dy);
        let grad = LayerNormGrad {
            residual,
            eps: self.eps,
        };
        let outputs = graph.apply(grad.into(), &inputs)?;
        let (dz, figures) = (outputs[0], outputs[1]);
        let mut gradients: Vec<_> = (0..first)
            .map(|i| at.want(i, || Ok(dz)))
            .collect::<Result<_, _>>()?;
        let (mut dgamma, mut dbeta) = (None, None);
        if at.wanted[first] || at.wanted[first + 1] {
            inputs[first] = figures;
            let outputs = graph.apply(LayerNormParamGrad { residual }.into(), &inputs)?;
            dgamma = at.want(first, || Ok(outputs[0]))?;
            dbeta = at.want(first + 1, || Ok(outputs[1]))?;
        }
        gradients.extend([dgamma, dbeta]);
        Ok(gradients)
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let (rows, columns) = (shape.rows(), shape.columns());
        let (lanes, group_rows) = context.row_lanes(3 * columns);
        let first = usize::from(self.residual) + 1;
        let residual = if self.residual {
            Operand::Input(1)
        } else {
            Operand::Unused
        };
        let params = Params {
            rows: rows as u32,
            columns: columns as u32,
            eps: self.eps as f32,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![
                ("LANES", f64::from(lanes)),
                ("ROWS", f64::from(group_rows)),
                ("RESIDUAL", f64::from(self.residual)),
            ],
            params: params.bytes(),
            operands: vec![
                Operand::Input(0),
                residual,
                Operand::Input(first),
                Operand::Input(first + 1),
                Operand::Output(0),
            ],
            workgroups: grid_1d(rows, group_rows),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let first = usize::from(self.residual) + 1;
        let columns = inputs.ty(0).shape.columns();
        let (gamma, beta) = (inputs.real(first), inputs.real(first + 1));
        let count = F::new(columns as f64);
        for (r, y) in outputs.real().chunks_exact_mut(columns).enumerate() {
            let row = r * columns..(r + 1) * columns;
            y.copy_from_slice(&inputs.real(0)[row.clone()]);
            if self.residual {
                for (y, &r) in y.iter_mut().zip(&inputs.real(1)[row]) {
                    *y += r;
                }
            }
            let mean = y.iter().copied().sum::<F>() / count;
            let variance = y.iter().map(|&z| (z - mean) * (z - mean)).sum::<F>() / count;
            let scale = F::new(1.0) / (variance + F::new(self.eps)).sqrt();
            for (c, y) in y.iter_mut().enumerate() {
                *y = (*y - mean) * scale * gamma[c] + beta[c];
            }
        }
    }
}

impl Graph {
    /// Normalises the rows of `x` (`[R, C]`), to which `residual` is added first.
    pub fn layer_norm(
        &mut self,
        x: Value,
        residual: Option<Value>,
        gamma: Value,
        beta: Value,
        eps: f64,
    ) -> Result<Value, GraphError> {
        let mut inputs = vec![x];
        inputs.extend(residual);
        inputs.extend([gamma, beta]);
        self.apply1(
            LayerNorm {
                residual: residual.is_some(),
                eps,
            }
            .into(),
            &inputs,
        )
    }
}
