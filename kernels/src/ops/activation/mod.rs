//! Activation functions, element by element.

use super::{GradientAt, Rule};
use crate::cpu::{self, Real};
use crate::error::GraphError;
use crate::gpu::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::graph::{Graph, Value};
use crate::tensor::{DType, TensorType};

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
}

impl Function {
    /// The value of the shaders' `ACTIVATION` constant.
    pub(crate) fn constant(function: Option<Self>) -> f64 {
        match function {
            None => 0.0,
            Some(Function::Gelu) => 1.0,
            Some(Function::GeluTanh) => 2.0,
            Some(Function::Tanh) => 3.0,
            Some(Function::Relu) => 4.0,
        }
    }

    /// The derivative at `x`.
    pub fn slope<F: Real>(self, x: F) -> F {
        let (half, one) = (F::new(0.5), F::new(1.0));
        match self {
            Function::Gelu => {
                let density = F::new(
                    0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2,
                );
                let below = half * (one + (x * F::new(std::f64::consts::FRAC_1_SQRT_2)).erf());
                below + x * density * (-half * x * x).exp()
            }
            Function::GeluTanh => {
                let scale = F::new((2.0 / std::f64::consts::PI).sqrt());
                let t = (scale * (x + F::new(0.044715) * x * x * x)).tanh();
                let inner = scale * (one + F::new(3.0 * 0.044715) * x * x);
                half * (one + t) + half * x * (one - t * t) * inner
            }
            Function::Tanh => one - x.tanh() * x.tanh(),
            Function::Relu => {
                if x > F::default() {
                    one
                } else {
                    F::default()
                }
            }
        }
    }

    /// The function's value at `x`.
    pub fn apply<F: Real>(self, x: F) -> F {
        let (half, one) = (F::new(0.5), F::new(1.0));
        match self {
            Function::Gelu => {
                half * x * (one + (x * F::new(std::f64::consts::FRAC_1_SQRT_2)).erf())
            }
            Function::GeluTanh => {
                let scale = F::new((2.0 / std::f64::consts::PI).sqrt());
                half * x * (one + (scale * (x + F::new(0.044715) * x * x * x)).tanh())
            }
            Function::Tanh => x.tanh(),
            Function::Relu => x.max(F::default()),
        }
    }
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
    source: concat!(
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

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        for (y, &x) in outputs.real().iter_mut().zip(inputs.real(0)) {
            *y = self.function.apply(x);
        }
    }
}

/// `dx = dy f'(x)`: operands x and dy, all of one shape. Appears in gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationGrad {
    /// Which function.
    pub function: Function,
}

static BACKWARD: Kernel = Kernel {
    name: "activation, backward",
    source: concat!(
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

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let terms = inputs.real(0).iter().zip(inputs.real(1));
        for (dx, (&x, &dy)) in outputs.real().iter_mut().zip(terms) {
            *dx = dy * self.function.slope(x);
        }
    }
}

impl Graph {
    /// Applies a function to every element of `x`.
    pub fn activation(&mut self, x: Value, function: Function) -> Result<Value, GraphError> {
        self.apply1(Activation { function }.into(), &[x])
    }
}
