//! Matrix products whose second factor is not transposed: the gradients of a linear layer.

use super::check::Check;
use super::{GradientAt, Rule};
use crate::cpu::{self, Matrix, Real, matmul};
use crate::error::GraphError;
use crate::gpu::{Access, Dispatch, DispatchContext, Kernel, Operand, Style, params};
use crate::graph::{Graph, Value};
use crate::tensor::TensorType;

/// `c = a b`, or `aᵀ b`: a `[M, K]` (or `[K, M]`), b `[K, N]`; result `[M, N]`.
#[derive(Clone, Debug, PartialEq)]
pub struct MatMul {
    /// Whether the first factor is transposed.
    pub transpose_a: bool,
}

params! {
    struct Tiled { m: u32, n: u32, k: u32 }
}

params! {
    struct Lanes { m: u32, n4: u32, k: u32 }
}

static TILED: Kernel = Kernel {
    name: "matmul, tiled",
    source: include_str!("tiled.wgsl"),
    params: Tiled::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Write],
};

static LANES: Kernel = Kernel {
    name: "matmul, lanes",
    source: include_str!("lanes.wgsl"),
    params: Lanes::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Read, Access::Write],
};

impl MatMul {
    /// M, K, N.
    fn sizes(&self, a: &TensorType, b: &TensorType) -> [usize; 3] {
        let (m, k) = (a.shape.rows(), a.shape.columns());
        let [m, k] = if self.transpose_a { [k, m] } else { [m, k] };
        [m, k, b.shape.columns()]
    }
}

impl Rule for MatMul {
    const NAME: &'static str = "matmul";
    const KERNELS: &'static [&'static Kernel] = &[&TILED, &LANES];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        check.matrix(0, "a")?;
        let (rows, _) = check.matrix(1, "b")?;
        let [m, k, n] = self.sizes(&inputs[0], &inputs[1]);
        if rows != k {
            return Err(check.shape(1, "b", format!("[{k}, N]")));
        }
        Ok(vec![TensorType::real([m, n])])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let d = at.d_output(Self::NAME)?;
        let (a, b) = (at.inputs[0], at.inputs[1]);
        let da = at.want(0, || match self.transpose_a {
            true => graph.linear(b, d, None),
            false => graph.linear(d, b, None),
        })?;
        let db = at.want(1, || graph.matmul(a, d, !self.transpose_a))?;
        Ok(vec![da, db])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let [m, k, n] = self.sizes(&context.inputs[0], &context.inputs[1]);
        let constants = vec![
            ("TRANSPOSE_A", f64::from(self.transpose_a)),
            ("HALF", context.is_f16(1)),
        ];
        let (a, b, c) = (Operand::Input(0), Operand::Input(1), Operand::Output(0));
        let tiles = |length: usize, tile: usize| length.div_ceil(tile) as u32;
        let lanes = context.capabilities.style == Style::Lanes && n.is_multiple_of(4);
        vec![if lanes {
            Dispatch {
                kernel: &LANES,
                constants,
                params: Lanes {
                    m: m as u32,
                    n4: n as u32 / 4,
                    k: k as u32,
                }
                .bytes(),
                operands: vec![a, b, b, c],
                workgroups: [tiles(n, 16), tiles(m, 8), 1],
            }
        } else {
            Dispatch {
                kernel: &TILED,
                constants,
                params: Tiled {
                    m: m as u32,
                    n: n as u32,
                    k: k as u32,
                }
                .bytes(),
                operands: vec![a, b, c],
                workgroups: [tiles(n, 64), tiles(m, 64), 1],
            }
        }]
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let [m, k, n] = self.sizes(&inputs.ty(0), &inputs.ty(1));
        let a = match self.transpose_a {
            true => Matrix::new(inputs.real(0), k, m).transposed(),
            false => Matrix::new(inputs.real(0), m, k),
        };
        let b = Matrix::new(inputs.real(1), k, n);
        matmul(a, b, outputs.real(), n, F::new(1.0), false);
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        let [m, k, n] = self.sizes(&inputs[0], &inputs[1]);
        2.0 * m as f64 * k as f64 * n as f64
    }
}

impl Graph {
    /// `a b`, or `aᵀ b`: a `[M, K]` (or `[K, M]`), b `[K, N]`; result `[M, N]`.
    pub fn matmul(&mut self, a: Value, b: Value, transpose_a: bool) -> Result<Value, GraphError> {
        self.apply1(MatMul { transpose_a }.into(), &[a, b])
    }
}
