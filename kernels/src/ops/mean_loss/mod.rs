//! Losses that are computed number by number: of labels that do not exclude each other, and of scores.

use super::check::Check;
use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, TensorType};
use crate::twin::{self, Real, row};

/// Which loss of a number `x` against its target `y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// Binary cross-entropy of a logit, `log(1 + exp(x)) - x y`: PyTorch's `BCEWithLogitsLoss`.
    Binary,
    /// Squared error, `(x - y)²`: PyTorch's `MSELoss`.
    Squared,
}

impl Loss {
    /// The value of the shaders' `BINARY` constant.
    fn constant(self) -> f64 {
        f64::from(self == Self::Binary)
    }

    fn of<F: Real>(self, x: F, y: F) -> F {
        match self {
            Self::Binary => {
                let zero = F::default();
                // Not of x itself, whose exponential overflows.
                let far = if x > zero { -x } else { x };
                let above = if x > zero { x } else { zero };
                above - x * y + far.exp().ln_1p()
            }
            Self::Squared => (x - y) * (x - y),
        }
    }

    fn slope<F: Real>(self, x: F, y: F) -> F {
        match self {
            Self::Binary => F::new(1.0) / (F::new(1.0) + (-x).exp()) - y,
            Self::Squared => F::new(2.0) * (x - y),
        }
    }
}

/// `mean = Σ w f(x, y) / Σ w` over all numbers; 0 where no weight is. What has no weight (padding) may hold anything.
///
/// A number that has a weight and is not finite makes the mean NaN.
///
/// Operands: x, targets y and weights w, all of one shape. Results: mean `[1]`, Σ w `[1]`. Only the mean has a
/// gradient, and only with respect to x.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanLoss {
    /// Which loss.
    pub loss: Loss,
}

/// The gradient of [`MeanLoss`]: `dx = d w f'(x, y) / Σ w`.
///
/// Operands: x, y, w, Σ w `[1]`, d `[1]`; result of x's shape. Appears in gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanLossGrad {
    /// Which loss.
    pub loss: Loss,
}

params! {
    struct Params { len: u32 }
}

const READ: Access = Access::Read;
const WRITE: Access = Access::Write;

static FORWARD: Kernel = Kernel {
    name: "mean loss",
    variant: None,
    source: concat!(
        include_str!("../shared/finite.wgsl"),
        include_str!("../shared/reduce.wgsl"),
        include_str!("../cross_entropy/log_1p.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[READ, READ, READ, WRITE, WRITE],
};

static BACKWARD: Kernel = Kernel {
    name: "mean loss, backward",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("backward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[READ, READ, READ, READ, READ, WRITE],
};

/// x, y and w have one shape.
fn alike(check: &Check<'_>, inputs: &[TensorType]) -> Result<(), GraphError> {
    for (i, name) in ["x", "y", "w"].into_iter().enumerate() {
        check.exactly(i, name, DType::Real, inputs[0].shape)?;
    }
    Ok(())
}

impl Rule for MeanLoss {
    const NAME: &'static str = "mean loss";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 3)?;
        alike(&check, inputs)?;
        Ok(vec![TensorType::real([1]); 2])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let grad = MeanLossGrad { loss: self.loss };
        let (d, total) = (at.d_output(Self::NAME)?, at.outputs[1]);
        let inputs = [at.inputs[0], at.inputs[1], at.inputs[2], total, d];
        let dx = at.want(0, || graph.apply1(grad.into(), &inputs))?;
        Ok(vec![dx, None, None])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let len = context.inputs[0].shape.len();
        let (lanes, rows) = context.row_lanes(3 * len);
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![
                ("LANES", f64::from(lanes)),
                ("ROWS", f64::from(rows)),
                ("BINARY", self.loss.constant()),
            ],
            params: Params { len: len as u32 }.bytes(),
            operands: vec![
                Operand::Input(0),
                Operand::Input(1),
                Operand::Input(2),
                Operand::Output(0),
                Operand::Output(1),
            ],
            workgroups: [1, 1, 1],
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let (mean, total) = (outputs.real(), outputs.real());
        let (mut sum, mut weights) = (F::default(), F::default());
        let numbers = inputs.real(0).iter().zip(inputs.real(1));
        for ((&x, &y), &w) in numbers.zip(inputs.real(2)) {
            if w != F::default() {
                let loss = match row::all_finite(&[x]) {
                    true => self.loss.of(x, y),
                    false => F::new(f64::NAN),
                };
                sum += w * loss;
                weights += w;
            }
        }
        let none = weights == F::default();
        mean[0] = if none { weights } else { sum / weights };
        total[0] = weights;
    }
}

impl Rule for MeanLossGrad {
    const NAME: &'static str = "mean loss, backward";
    const KERNELS: &'static [&'static Kernel] = &[&BACKWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 5)?;
        alike(&check, inputs)?;
        check.vector(3, "total", 1)?;
        check.vector(4, "d", 1)?;
        Ok(vec![inputs[0]])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let len = context.inputs[0].shape.len();
        let mut operands: Vec<Operand> = (0..5).map(Operand::Input).collect();
        operands.push(Operand::Output(0));
        vec![Dispatch {
            kernel: &BACKWARD,
            constants: vec![("BINARY", self.loss.constant())],
            params: Params { len: len as u32 }.bytes(),
            operands,
            workgroups: grid_1d(len, 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let total = inputs.real(3)[0];
        let zero = F::default();
        let factor = match total == zero {
            true => zero,
            false => inputs.real(4)[0] / total,
        };
        let numbers = inputs.real(0).iter().zip(inputs.real(1));
        let numbers = numbers.zip(inputs.real(2));
        for (dx, ((&x, &y), &w)) in outputs.real().iter_mut().zip(numbers) {
            *dx = match w == zero {
                true => zero,
                false => factor * w * self.loss.slope(x, y),
            };
        }
    }
}

impl Graph {
    /// The mean of a loss of `x` against `targets`, each number with its weight, all of one shape; `[1]`.
    pub fn mean_loss(
        &mut self,
        loss: Loss,
        x: Value,
        targets: Value,
        weights: Value,
    ) -> Result<Value, GraphError> {
        let outputs = self.apply(MeanLoss { loss }.into(), &[x, targets, weights])?;
        Ok(outputs[0])
    }
}
