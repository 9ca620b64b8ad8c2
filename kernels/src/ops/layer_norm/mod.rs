//! Layer normalisation with the residual sum before it.

mod grad;

pub use grad::{LayerNormGrad, LayerNormParamGrad};

use super::check::Check;
use super::{GradientAt, Rule};
use crate::cpu::{self, Inputs, Lanes, Real, row};
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
        for (r, y) in outputs.real().chunks_exact_mut(columns).enumerate() {
            sum_row(&inputs, self.residual, r, y);
            let (mean, scale) = figures(y, self.eps);
            let (mean, scale) = (F::Lanes::splat(mean), F::Lanes::splat(scale));
            row::update(y, [gamma, beta], |z, [gamma, beta]| {
                (z - mean) * scale * gamma + beta
            });
        }
    }
}

/// Writes row `r` of `z = x + residual` to `z`.
fn sum_row<F: Real>(inputs: &Inputs<'_, F>, residual: bool, r: usize, z: &mut [F]) {
    let range = r * z.len()..(r + 1) * z.len();
    z.copy_from_slice(&inputs.real(0)[range.clone()]);
    if residual {
        row::add(z, &inputs.real(1)[range]);
    }
}

/// A row's mean and `1/√(var + eps)`.
fn figures<F: Real>(z: &[F], eps: f64) -> (F, F) {
    let count = F::new(z.len() as f64);
    let mean = row::sum(z) / count;
    let shift = F::Lanes::splat(mean);
    let variance = row::sum_of([z], |[z]| (z - shift) * (z - shift)) / count;
    (mean, F::new(1.0) / (variance + F::new(eps)).sqrt())
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
