//! The gradients of a layer norm.

use super::super::Rule;
use super::super::check::Check;
use super::super::columns::{self, Columns, Width};
use super::super::sum_rows::Sum;
use super::{NormInput, READ, WRITE, figures, kernel};
use crate::error::GraphError;
use crate::shader::{Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Lanes, Real, row};

/// The gradient of a layer norm with respect to `z = dropout(x) + residual`, and to x.
///
/// Operands: those of [`NormInput`], gamma `[C]`, dy `[R, C]`. Results: dz `[R, C]`; `[R, 2]`, each row's
/// mean and `1/√(var + eps)`; dx `[R, C]`, or without dropout, where it is dz, `[1]` that nothing is
/// written to (every binding that a shader may write needs memory of its own). Appears in gradients
/// only.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNormGrad {
    /// What is normalised.
    pub input: NormInput,
    /// Added to the variance.
    pub eps: f64,
}

/// The gradients of a layer norm's gamma and beta.
///
/// Operands: those of [`NormInput`], each row's mean and `1/√(var + eps)` `[R, 2]`, dy `[R, C]`. Results:
/// dgamma `[C]`, dbeta `[C]`, and what a GPU's first stage makes of chunks of rows for each, which no one else
/// reads. Appears in gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNormParamGrad {
    /// What is normalised.
    pub input: NormInput,
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

params! {
    struct ParamsParams {
        rows: u32,
        columns: u32,
        chunk: u32,
        stream: u32,
        threshold: u32,
        scale: f32,
    }
}

static BACKWARD: [Kernel; 2] = [
    kernel!(
        "layer norm, backward",
        Params,
        &[READ, READ, READ, READ, READ, WRITE, WRITE, WRITE],
        ["one.wgsl", "reduce.wgsl", "backward.wgsl"]
    ),
    kernel!(
        "layer norm, backward, four",
        Params,
        &[READ, READ, READ, READ, READ, WRITE, WRITE, WRITE],
        ["four.wgsl", "reduce.wgsl", "backward.wgsl"]
    ),
];

static PARAMS_BACKWARD: [Kernel; 2] = [
    kernel!(
        "layer norm, parameters backward",
        ParamsParams,
        &[READ, READ, READ, READ, READ, WRITE, WRITE],
        ["one.wgsl", "columns.wgsl", "params_backward.wgsl"]
    ),
    kernel!(
        "layer norm, parameters backward, four",
        ParamsParams,
        &[READ, READ, READ, READ, READ, WRITE, WRITE],
        ["four.wgsl", "columns.wgsl", "params_backward.wgsl"]
    ),
];

impl Rule for LayerNormGrad {
    const NAME: &'static str = "layer norm, backward";
    const KERNELS: &'static [&'static Kernel] = &[&BACKWARD[0], &BACKWARD[1]];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let first = self.input.count();
        let check = Check::new(Self::NAME, inputs, first + 2)?;
        let [rows, columns] = self.input.check(&check, Self::NAME)?;
        check.vector(first, "gamma", columns)?;
        check.exactly(first + 1, "dy", DType::Real, inputs[0].shape)?;
        let dx = match self.input.dropout {
            Some(_) => inputs[0],
            None => TensorType::real([1]),
        };
        Ok(vec![inputs[0], TensorType::real([rows, 2]), dx])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let width = Width::of(shape.columns());
        let (lanes, rows) = context.row_lanes(3 * width.count(shape.columns()));
        let first = self.input.count();
        let noise = self.input.noise();
        let params = Params {
            rows: shape.rows() as u32,
            columns: shape.columns() as u32,
            eps: self.eps as f32,
            stream: noise.stream,
            threshold: noise.threshold,
            scale: noise.scale,
        };
        let mut constants = vec![("LANES", f64::from(lanes)), ("ROWS", f64::from(rows))];
        constants.extend(self.input.constants());
        let mut operands = self.input.bindings().to_vec();
        operands.extend([first, first + 1].map(Operand::Input));
        operands.extend([0, 1, 2].map(Operand::Output));
        vec![Dispatch {
            kernel: width.of_two(&BACKWARD),
            constants,
            params: params.bytes(),
            operands,
            workgroups: grid_1d(shape.rows(), rows),
        }]
    }

    fn scratch(&self, inputs: &[TensorType]) -> usize {
        inputs[0].shape.columns()
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let columns = io.input_type(0).shape.columns();
        let (inputs, mut outputs, g) = io.split_with_scratch(columns);
        let first = self.input.count();
        let count = F::new(columns as f64);
        let (gamma, dy) = (inputs.real(first), inputs.real(first + 1));
        let (dz, each_figures, dx) = (outputs.real(), outputs.real(), outputs.real());
        for (r, dz) in dz.chunks_exact_mut(columns).enumerate() {
            let dy = &dy[r * columns..][..columns];
            row::update(g, [dy, gamma], |_, [dy, gamma]| dy * gamma);
            // First z, then n, its normalised form, at last the gradient.
            self.input.row(&inputs, r, dz);
            let (mean, s) = figures(dz, F::new(self.eps));
            let (shift, scale) = (F::Lanes::splat(mean), F::Lanes::splat(s));
            row::update(dz, [], |z, []| (z - shift) * scale);
            let mean_g = F::Lanes::splat(row::sum(g) / count);
            let mean_gn = F::Lanes::splat(row::dot(g, dz) / count);
            row::update(dz, [g], |n, [g]| scale * (g - mean_g - n * mean_gn));
            each_figures[2 * r..][..2].copy_from_slice(&[mean, s]);
            if self.input.dropout.is_some() {
                let dx = &mut dx[r * columns..][..columns];
                dx.copy_from_slice(dz);
                self.input.drop(&inputs, r, dx);
            }
        }
    }
}

impl Rule for LayerNormParamGrad {
    const NAME: &'static str = "layer norm, parameters backward";
    const KERNELS: &'static [&'static Kernel] = &[&PARAMS_BACKWARD[0], &PARAMS_BACKWARD[1]];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let first = self.input.count();
        let check = Check::new(Self::NAME, inputs, first + 2)?;
        let [rows, columns] = self.input.check(&check, Self::NAME)?;
        check.exactly(first, "figures", DType::Real, Shape::new(&[rows, 2]))?;
        check.exactly(first + 1, "dy", DType::Real, inputs[0].shape)?;
        let (sum, parts) = (TensorType::real([columns]), columns::parts(inputs[0].shape));
        Ok(vec![sum, sum, parts, parts])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let style = context.choice.capabilities.style;
        let first = self.input.count();
        let noise = self.input.noise();
        let chunk = columns::chunk(style, shape.rows());
        let params = ParamsParams {
            rows: shape.rows() as u32,
            columns: shape.columns() as u32,
            chunk: chunk as u32,
            stream: noise.stream,
            threshold: noise.threshold,
            scale: noise.scale,
        };
        let width = Width::of(shape.columns());
        let columns = Columns::choose(context, chunk, width);
        let mut constants = columns.constants();
        constants.extend(self.input.constants());
        let mut operands = self.input.bindings().to_vec();
        operands.extend([first, first + 1].map(Operand::Input));
        let sums = [0, 1].map(|i| Sum {
            x: Operand::Input(first + 1),
            shape,
            out: Operand::Output(i),
            parts: Operand::Output(2 + i),
        });
        operands.extend(sums.map(|sum| sum.made_first(style)));
        let mut dispatches = vec![Dispatch {
            kernel: width.of_two(&PARAMS_BACKWARD),
            constants,
            params: params.bytes(),
            operands,
            workgroups: columns.stage(
                width.count(shape.columns()),
                shape.rows().div_ceil(chunk),
                1,
            ),
        }];
        dispatches.extend(Sum::second(context, &sums));
        dispatches
    }

    fn scratch(&self, inputs: &[TensorType]) -> usize {
        inputs[0].shape.columns()
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let columns = io.input_type(0).shape.columns();
        let (inputs, mut outputs, z) = io.split_with_scratch(columns);
        let first = self.input.count();
        let (figures, dy) = (inputs.real(first), inputs.real(first + 1));
        let (dgamma, dbeta) = (outputs.real(), outputs.real());
        dgamma.fill(F::default());
        dbeta.fill(F::default());
        for (r, dy) in dy.chunks_exact(columns).enumerate() {
            let (mean, s) = (figures[2 * r], figures[2 * r + 1]);
            self.input.row(&inputs, r, z);
            let (mean, s) = (F::Lanes::splat(mean), F::Lanes::splat(s));
            row::update(dgamma, [dy, z], |dgamma, [dy, z]| {
                dgamma + dy * ((z - mean) * s)
            });
            row::add(dbeta, dy);
        }
    }
}
