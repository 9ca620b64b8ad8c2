//! The gradients of a layer norm.

use super::super::Rule;
use super::super::check::Check;
use super::{figures, sum_row};
use crate::cpu::{self, Lanes, Real, row};
use crate::error::GraphError;
use crate::gpu::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, Shape, TensorType};

/// The gradient of a layer norm with respect to `z = x + residual`.
///
/// Operands: x `[R, C]`, residual `[R, C]` (if `residual`), gamma `[C]`, dy `[R, C]`. Results: dz
/// `[R, C]`, and `[R, 2]`, each row's mean and `1/√(var + eps)`. Appears in gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNormGrad {
    /// Whether there is a residual operand.
    pub residual: bool,
    /// Added to the variance.
    pub eps: f64,
}

/// The gradients of a layer norm's gamma and beta.
///
/// Operands: x `[R, C]`, residual `[R, C]` (if `residual`), each row's mean and `1/√(var + eps)`
/// `[R, 2]`, dy `[R, C]`. Results: dgamma `[C]`, dbeta `[C]`. Appears in gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNormParamGrad {
    /// Whether there is a residual operand.
    pub residual: bool,
}

params! {
    struct Params { rows: u32, columns: u32, eps: f32 }
}

params! {
    struct ParamsParams { rows: u32, columns: u32 }
}

const READ: Access = Access::Read;
const WRITE: Access = Access::Write;

static BACKWARD: Kernel = Kernel {
    name: "layer norm, backward",
    source: concat!(
        include_str!("../shared/reduce.wgsl"),
        include_str!("backward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[READ, READ, READ, READ, WRITE, WRITE],
};

static PARAMS_BACKWARD: Kernel = Kernel {
    name: "layer norm, parameters backward",
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("params_backward.wgsl")
    ),
    params: ParamsParams::FIELDS,
    bindings: &[READ, READ, READ, READ, WRITE, WRITE],
};

impl Rule for LayerNormGrad {
    const NAME: &'static str = "layer norm, backward";
    const KERNELS: &'static [&'static Kernel] = &[&BACKWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let first = usize::from(self.residual) + 1;
        let check = Check::new(Self::NAME, inputs, first + 2)?;
        let (rows, columns) = check.matrix(0, "x")?;
        for i in (1..first).chain([first + 1]) {
            check.exactly(i, "residual or dy", DType::Real, inputs[0].shape)?;
        }
        check.vector(first, "gamma", columns)?;
        Ok(vec![inputs[0], TensorType::real([rows, 2])])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let (lanes, rows) = context.row_lanes(3 * shape.columns());
        let first = usize::from(self.residual) + 1;
        let params = Params {
            rows: shape.rows() as u32,
            columns: shape.columns() as u32,
            eps: self.eps as f32,
        };
        vec![Dispatch {
            kernel: &BACKWARD,
            constants: vec![
                ("LANES", f64::from(lanes)),
                ("ROWS", f64::from(rows)),
                ("RESIDUAL", f64::from(self.residual)),
            ],
            params: params.bytes(),
            operands: vec![
                Operand::Input(0),
                if self.residual {
                    Operand::Input(1)
                } else {
                    Operand::Unused
                },
                Operand::Input(first),
                Operand::Input(first + 1),
                Operand::Output(0),
                Operand::Output(1),
            ],
            workgroups: grid_1d(shape.rows(), rows),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let columns = io.input_type(0).shape.columns();
        let (inputs, mut outputs, g) = io.split_with_scratch(columns);
        let first = usize::from(self.residual) + 1;
        let count = F::new(columns as f64);
        let (gamma, dy) = (inputs.real(first), inputs.real(first + 1));
        let (dz, each_figures) = (outputs.real(), outputs.real());
        for (r, dz) in dz.chunks_exact_mut(columns).enumerate() {
            let dy = &dy[r * columns..][..columns];
            row::update(g, [dy, gamma], |_, [dy, gamma]| dy * gamma);
            // First z, then n, its normalised form, at last the gradient.
            sum_row(&inputs, self.residual, r, dz);
            let (mean, s) = figures(dz, self.eps);
            let (shift, scale) = (F::Lanes::splat(mean), F::Lanes::splat(s));
            row::update(dz, [], |z, []| (z - shift) * scale);
            let mean_g = F::Lanes::splat(row::sum(g) / count);
            let mean_gn = F::Lanes::splat(row::dot(g, dz) / count);
            row::update(dz, [g], |n, [g]| scale * (g - mean_g - n * mean_gn));
            each_figures[2 * r..][..2].copy_from_slice(&[mean, s]);
        }
    }
}

impl Rule for LayerNormParamGrad {
    const NAME: &'static str = "layer norm, parameters backward";
    const KERNELS: &'static [&'static Kernel] = &[&PARAMS_BACKWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let first = usize::from(self.residual) + 1;
        let check = Check::new(Self::NAME, inputs, first + 2)?;
        let (rows, columns) = check.matrix(0, "x")?;
        for i in (1..first).chain([first + 1]) {
            check.exactly(i, "residual or dy", DType::Real, inputs[0].shape)?;
        }
        check.exactly(first, "figures", DType::Real, Shape::new(&[rows, 2]))?;
        Ok(vec![TensorType::real([columns]); 2])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let first = usize::from(self.residual) + 1;
        let params = ParamsParams {
            rows: shape.rows() as u32,
            columns: shape.columns() as u32,
        };
        vec![Dispatch {
            kernel: &PARAMS_BACKWARD,
            constants: vec![("RESIDUAL", f64::from(self.residual))],
            params: params.bytes(),
            operands: vec![
                Operand::Input(0),
                if self.residual {
                    Operand::Input(1)
                } else {
                    Operand::Unused
                },
                Operand::Input(first),
                Operand::Input(first + 1),
                Operand::Output(0),
                Operand::Output(1),
            ],
            workgroups: grid_1d(shape.columns(), 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let columns = io.input_type(0).shape.columns();
        let (inputs, mut outputs, z) = io.split_with_scratch(columns);
        let first = usize::from(self.residual) + 1;
        let (figures, dy) = (inputs.real(first), inputs.real(first + 1));
        let (dgamma, dbeta) = (outputs.real(), outputs.real());
        dgamma.fill(F::default());
        dbeta.fill(F::default());
        for (r, dy) in dy.chunks_exact(columns).enumerate() {
            let (mean, s) = (figures[2 * r], figures[2 * r + 1]);
            sum_row(&inputs, self.residual, r, z);
            let (mean, s) = (F::Lanes::splat(mean), F::Lanes::splat(s));
            row::update(dgamma, [dy, z], |dgamma, [dy, z]| {
                dgamma + dy * ((z - mean) * s)
            });
            row::add(dbeta, dy);
        }
    }
}
