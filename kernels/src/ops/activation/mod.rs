//! Activation functions, element by element.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, TensorType};
use crate::twin::{self, Lanes, Real, row};

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `x/2 (1 + erf(x/√2))`
    Gelu,
    /// `x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))`
    GeluTanh,
    /// Hyperbolic tangent.
    Tanh,
    /// `max(x, 0)`
    Relu,
    /// `x σ(x)`, with the logistic function `σ(x) = 1/(1 + exp(-x))`; also called swish.
    Silu,
    /// `x σ(1.702 x)`: a simple form of GELU.
    QuickGelu,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 6] = [
        Self::Gelu,
        Self::GeluTanh,
        Self::Tanh,
        Self::Relu,
        Self::Silu,
        Self::QuickGelu,
    ];

    /// The value of the shaders' `ACTIVATION` constant.
    pub(crate) fn constant(function: Option<Self>) -> f64 {
        match function {
            None => 0.0,
            Some(Function::Gelu) => 1.0,
            Some(Function::GeluTanh) => 2.0,
            Some(Function::Tanh) => 3.0,
            Some(Function::Relu) => 4.0,
            Some(Function::Silu) => 5.0,
            Some(Function::QuickGelu) => 6.0,
        }
    }

    /// Replaces every number of `y` by the function's value there.
    pub(crate) fn apply<F: Real>(self, y: &mut [F]) {
        let (half, one) = (splat::<F>(0.5), splat::<F>(1.0));
        match self {
            Function::Gelu => row::update(y, [], |x, []| x * share_below::<F>(x)),
            Function::GeluTanh => row::update(y, [], |x, []| {
                half * x * (one + tanh_argument::<F>(x).tanh())
            }),
            Function::Tanh => row::update(y, [], |x, []| x.tanh()),
            // Not `max`, which may drop a NaN.
            Function::Relu => row::update(y, [], |x, []| {
                let zero = splat::<F>(0.0);
                x.below(zero, zero, x)
            }),
            Function::Silu => row::update(y, [], |x, []| x * logistic::<F>(x)),
            Function::QuickGelu => {
                row::update(y, [], |x, []| x * logistic::<F>(splat::<F>(QUICK) * x));
            }
        }
    }

    /// Multiplies every number of `d` by the function's slope at the same place of `x`.
    pub(crate) fn slope<F: Real>(self, x: &[F], d: &mut [F]) {
        let (half, one, zero) = (splat::<F>(0.5), splat::<F>(1.0), splat::<F>(0.0));
        match self {
            Function::Gelu => {
                let density = splat::<F>(0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2);
                row::update(d, [x], |d, [x]| {
                    d * (share_below::<F>(x) + x * density * (-half * x * x).exp())
                });
            }
            Function::GeluTanh => {
                let (scale, cubic) = (splat::<F>(TANH_SCALE), splat::<F>(3.0 * TANH_CUBIC));
                row::update(d, [x], |d, [x]| {
                    let t = tanh_argument::<F>(x).tanh();
                    let inner = scale * (one + cubic * x * x);
                    d * (half * (one + t) + half * x * (one - t * t) * inner)
                });
            }
            Function::Tanh => row::update(d, [x], |d, [x]| {
                let t = x.tanh();
                d * (one - t * t)
            }),
            Function::Relu => row::update(d, [x], |d, [x]| zero.below(x, d, zero)),
            Function::Silu => row::update(d, [x], |d, [x]| d * logistic_slope::<F>(x)),
            Function::QuickGelu => {
                row::update(d, [x], |d, [x]| {
                    d * logistic_slope::<F>(splat::<F>(QUICK) * x)
                });
            }
        }
    }
}

/// √(2/π)
const TANH_SCALE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
const TANH_CUBIC: f64 = 0.044715;

#[inline(always)]
fn splat<F: Real>(x: f64) -> F::Lanes {
    F::Lanes::splat(F::new(x))
}

/// The share of a normal distribution that lies below `x`: `(1 + erf(x/√2)) / 2`.
#[inline(always)]
fn share_below<F: Real>(x: F::Lanes) -> F::Lanes {
    splat::<F>(0.5) * (splat::<F>(1.0) + (x * splat::<F>(FRAC_1_SQRT_2)).erf())
}

/// The factor of [`Function::QuickGelu`].
const QUICK: f64 = 1.702;

#[inline(always)]
fn logistic<F: Real>(x: F::Lanes) -> F::Lanes {
    let one = splat::<F>(1.0);
    one / (one + (splat::<F>(0.0) - x).exp())
}

/// The slope of `x σ(x)`, which is that of `x σ(k x)` at `x / k` too.
#[inline(always)]
fn logistic_slope<F: Real>(x: F::Lanes) -> F::Lanes {
    let (s, one) = (logistic::<F>(x), splat::<F>(1.0));
    s * (one + x * (one - s))
}

#[inline(always)]
fn tanh_argument<F: Real>(x: F::Lanes) -> F::Lanes {
    splat::<F>(TANH_SCALE) * (x + splat::<F>(TANH_CUBIC) * x * x * x)
}

/// `y = f(x)`; x and y have the same shape. Plans move it into the product before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// Which function.
    pub function: Function,
}

params! {
    struct Params { len: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "activation",
    variant: None,
    source: concat!(
        include_str!("../shared/finite.wgsl"),
        include_str!("../shared/grid.wgsl"),
        include_str!("functions.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Write],
};

impl Rule for Activation {
    const NAME: &'static str = "activation";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = super::check::Check::new(Self::NAME, inputs, 1)?;
        check.exactly(0, "x", DType::Real, inputs[0].shape)?;
        Ok(vec![inputs[0]])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let grad = ActivationGrad {
            function: self.function,
        };
        let inputs = [at.inputs[0], at.d_output(Self::NAME)?];
        Ok(vec![at.want(0, || graph.apply1(grad.into(), &inputs))?])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let len = context.inputs[0].shape.len();
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![("ACTIVATION", Function::constant(Some(self.function)))],
            params: Params { len: len as u32 }.bytes(),
            operands: vec![Operand::Input(0), Operand::Output(0)],
            workgroups: grid_1d(len, 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let y = outputs.real();
        y.copy_from_slice(inputs.real(0));
        self.function.apply(y);
    }
}

/// `dx = dy f'(x)`: operands x and dy, all of one shape. Appears in gradients only; plans move it into the
/// product before it.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationGrad {
    /// Which function.
    pub function: Function,
}

static BACKWARD: Kernel = Kernel {
    name: "activation, backward",
    variant: None,
    source: concat!(
        include_str!("../shared/finite.wgsl"),
        include_str!("../shared/grid.wgsl"),
        include_str!("functions.wgsl"),
        include_str!("backward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Write],
};

impl Rule for ActivationGrad {
    const NAME: &'static str = "activation, backward";
    const KERNELS: &'static [&'static Kernel] = &[&BACKWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = super::check::Check::new(Self::NAME, inputs, 2)?;
        check.exactly(1, "dy", DType::Real, inputs[0].shape)?;
        Ok(vec![inputs[0]])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let len = context.inputs[0].shape.len();
        vec![Dispatch {
            kernel: &BACKWARD,
            constants: vec![("ACTIVATION", Function::constant(Some(self.function)))],
            params: Params { len: len as u32 }.bytes(),
            operands: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)],
            workgroups: grid_1d(len, 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let dx = outputs.real();
        dx.copy_from_slice(inputs.real(1));
        self.function.slope(inputs.real(0), dx);
    }
}

impl Graph {
    /// Applies a function to every element of `x`.
    pub fn activation(&mut self, x: Value, function: Function) -> Result<Value, GraphError> {
        self.apply1(Activation { function }.into(), &[x])
    }
}
