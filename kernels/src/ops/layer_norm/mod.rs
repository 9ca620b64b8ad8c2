//! Layer normalisation with the dropout and the residual sum before it.

mod grad;
mod input;

pub use grad::{LayerNormGrad, LayerNormParamGrad};
pub use input::NormInput;

use super::check::Check;
use super::columns::Width;
use super::dropout::Noise;
use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::TensorType;
use crate::twin::{self, Lanes, Real, row};

/// `y = (z - mean z) / √(var z + eps) · gamma + beta` over the last dimension, `z = dropout(x) +
/// residual` (Ba, Kiros, Hinton 2016, eq. 4).
///
/// Operands: those of [`NormInput`], gamma `[C]`, beta `[C]`; result `[R, C]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    /// What is normalised.
    pub input: NormInput,
    /// Added to the variance.
    pub eps: f64,
}

params! {
    struct Params {
        rows: u32,
        columns: u32,
        eps: f32,
        stream: u32,
        threshold: u32,
        scale: f32,
    }
}

const READ: Access = Access::Read;
const WRITE: Access = Access::Write;

/// A shader of one or four numbers at a time, after `shared/$width`.
macro_rules! kernel {
    ($name:expr, $params:ident, $bindings:expr, [$width:literal, $reduce:literal, $main:literal]) => {
        Kernel {
            name: $name,
            variant: None,
            source: concat!(
                include_str!(concat!("../shared/", $width)),
                include_str!("../shared/finite.wgsl"),
                include_str!(concat!("../shared/", $reduce)),
                include_str!("../dropout/noise.wgsl"),
                include_str!("z.wgsl"),
                include_str!($main)
            ),
            params: $params::FIELDS,
            bindings: $bindings,
        }
    };
}
use kernel;

static FORWARD: [Kernel; 2] = [
    kernel!(
        "layer norm",
        Params,
        &[READ, READ, READ, READ, READ, WRITE],
        ["one.wgsl", "reduce.wgsl", "forward.wgsl"]
    ),
    kernel!(
        "layer norm, four",
        Params,
        &[READ, READ, READ, READ, READ, WRITE],
        ["four.wgsl", "reduce.wgsl", "forward.wgsl"]
    ),
];

impl Rule for LayerNorm {
    const NAME: &'static str = "layer norm";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD[0], &FORWARD[1]];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let first = self.input.count();
        let check = Check::new(Self::NAME, inputs, first + 2)?;
        let [_, columns] = self.input.check(&check, Self::NAME)?;
        check.vector(first, "gamma", columns)?;
        check.vector(first + 1, "beta", columns)?;
        Ok(vec![inputs[0]])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let input = self.input;
        let first = input.count();
        let dy = at.d_output(Self::NAME)?;
        let mut inputs = at.inputs[..=first].to_vec();
        inputs.push(dy);
        let eps = self.eps;
        let outputs = graph.apply(LayerNormGrad { input, eps }.into(), &inputs)?;
        let [dz, figures, dropped] = outputs[..] else {
            unreachable!("the shape rule has three results")
        };
        let dx = if input.dropout.is_some() { dropped } else { dz };
        let mut gradients = vec![at.want(0, || Ok(dx))?];
        if input.residual {
            gradients.push(at.want(1, || Ok(dz))?);
        }
        gradients.resize(first, None);
        let (mut dgamma, mut dbeta) = (None, None);
        if at.wanted[first] || at.wanted[first + 1] {
            inputs[first] = figures;
            let outputs = graph.apply(LayerNormParamGrad { input }.into(), &inputs)?;
            dgamma = at.want(first, || Ok(outputs[0]))?;
            dbeta = at.want(first + 1, || Ok(outputs[1]))?;
        }
        gradients.extend([dgamma, dbeta]);
        Ok(gradients)
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let (rows, columns) = (shape.rows(), shape.columns());
        let width = Width::of(columns);
        let (lanes, group_rows) = context.row_lanes(3 * width.count(columns));
        let first = self.input.count();
        let noise = self.input.noise();
        let params = Params {
            rows: rows as u32,
            columns: columns as u32,
            eps: self.eps as f32,
            stream: noise.stream,
            threshold: noise.threshold,
            scale: noise.scale,
        };
        let mut constants = vec![("LANES", f64::from(lanes)), ("ROWS", f64::from(group_rows))];
        constants.extend(self.input.constants());
        let mut operands = self.input.bindings().to_vec();
        operands.extend([first, first + 1].map(Operand::Input));
        operands.push(Operand::Output(0));
        vec![Dispatch {
            kernel: width.of_two(&FORWARD),
            constants,
            params: params.bytes(),
            operands,
            workgroups: grid_1d(rows, group_rows),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let first = self.input.count();
        let columns = inputs.ty(0).shape.columns();
        let (gamma, beta) = (inputs.real(first), inputs.real(first + 1));
        for (r, y) in outputs.real().chunks_exact_mut(columns).enumerate() {
            self.input.row(&inputs, r, y);
            normalise(y, F::new(self.eps), gamma, beta);
        }
    }
}

/// Replaces a row by its layer norm; by NaN where its variance is not finite.
pub(super) fn normalise<F: Real>(z: &mut [F], eps: F, gamma: &[F], beta: &[F]) {
    let (mean, scale) = figures(z, eps);
    let (mean, scale) = (F::Lanes::splat(mean), F::Lanes::splat(scale));
    row::update(z, [gamma, beta], |z, [gamma, beta]| {
        (z - mean) * scale * gamma + beta
    });
}

/// A row's mean and `1/√(var + eps)`.
fn figures<F: Real>(z: &[F], eps: F) -> (F, F) {
    let count = F::new(z.len() as f64);
    let mean = row::sum(z) / count;
    let shift = F::Lanes::splat(mean);
    let variance = row::sum_of([z], |[z]| (z - shift) * (z - shift)) / count;
    // Of numbers whose squares overflow it would be 0, and the norm beta.
    let scale = match variance.f64().is_finite() {
        true => F::new(1.0) / (variance + eps).sqrt(),
        false => F::new(f64::NAN),
    };
    (mean, scale)
}

impl Graph {
    /// Normalises the rows of `x` (`[R, C]`), to which `residual` is added first. Before that,
    /// elements of `x` may be dropped at random: noise, and a seed (`[1]`, u32) that changes from
    /// run to run.
    pub fn layer_norm(
        &mut self,
        x: Value,
        dropout: Option<(Noise, Value)>,
        residual: Option<Value>,
        [gamma, beta]: [Value; 2],
        eps: f64,
    ) -> Result<Value, GraphError> {
        let input = NormInput {
            residual: residual.is_some(),
            dropout: dropout.map(|(noise, _)| noise),
        };
        let mut inputs = vec![x];
        inputs.extend(residual);
        inputs.extend(dropout.map(|(_, seed)| seed));
        inputs.extend([gamma, beta]);
        self.apply1(LayerNorm { input, eps }.into(), &inputs)
    }
}
