//! A classifier's last layer with its loss, as a step of training has it: few outputs, so that what
//! would be seven dispatches fits two.

use super::Rule;
use super::check::Check;
use super::columns::{Columns, Width};
use super::cross_entropy::row_loss;
use super::top_k::NO_TARGET;
use crate::error::GraphError;
use crate::graph::Value;
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Matrix, Real, matmul};

/// The most outputs that the shader has room for.
pub(crate) const MAX_OUTPUTS: usize = 16;

/// [`super::Linear`] and [`super::CrossEntropy`] over its results, with the gradient of the mean loss
/// with respect to them.
///
/// Operands: h `[R, K]`, w `[N, K]`, bias `[N]`, labels `[R]` (u32, [`NO_TARGET`] = ignored), d `[1]`
/// (the mean's gradient); N is at most 16. Results: each row's loss `[R]`, and the logits' gradient
/// `[R, N]`. Appears in plans only.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearCrossEntropy;

/// What a step takes from [`LinearCrossEntropy`]: the gradients of weight and bias, and the mean loss.
///
/// Operands: h `[R, K]`, the logits' gradient `[R, N]`, losses `[R]`, labels `[R]`. Results: dw `[N, K]`,
/// db `[N]`, and `[1]`, the mean of the losses of the rows that have a label, 0 if none has. Appears in
/// plans only.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearCrossEntropyGrad;

impl LinearCrossEntropy {
    const H: usize = 0;
    const WEIGHT: usize = 1;
    const BIAS: usize = 2;
    const LABELS: usize = 3;
    const D: usize = 4;

    /// Its operands in order, from those of the layer, the labels and the mean's gradient.
    pub(crate) fn operands([h, weight, bias]: [Value; 3], labels: Value, d: Value) -> Vec<Value> {
        vec![h, weight, bias, labels, d]
    }
}

impl LinearCrossEntropyGrad {
    const H: usize = 0;
    const DX: usize = 1;
    const LOSSES: usize = 2;
    const LABELS: usize = 3;

    /// Its operands in order; dx and losses are [`LinearCrossEntropy`]'s.
    pub(crate) fn operands(h: Value, dx: Value, losses: Value, labels: Value) -> Vec<Value> {
        vec![h, dx, losses, labels]
    }
}

params! {
    struct Params { inputs: u32 }
}

const READ: Access = Access::Read;
const WRITE: Access = Access::Write;

static FORWARD: Kernel = Kernel {
    name: "linear and cross-entropy",
    variant: None,
    source: concat!(
        include_str!("../shared/finite.wgsl"),
        include_str!("../shared/reduce.wgsl"),
        include_str!("../cross_entropy/labels.wgsl"),
        include_str!("../cross_entropy/log_1p.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[READ, READ, READ, READ, READ, WRITE, WRITE],
};

static BACKWARD: Kernel = Kernel {
    name: "linear and cross-entropy, backward",
    variant: None,
    source: concat!(
        include_str!("../shared/one.wgsl"),
        include_str!("../shared/columns.wgsl"),
        include_str!("../cross_entropy/labels.wgsl"),
        include_str!("backward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[READ, READ, READ, READ, WRITE, WRITE, WRITE],
};

impl Rule for LinearCrossEntropy {
    const NAME: &'static str = "linear and cross-entropy";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 5)?;
        let (rows, columns) = check.matrix(Self::H, "h")?;
        let outputs = check.rows_of(Self::WEIGHT, "weight", columns)?;
        if outputs > MAX_OUTPUTS {
            let message = format!("{outputs} outputs are more than {MAX_OUTPUTS}");
            return Err(check.attribute(message));
        }
        check.vector(Self::BIAS, "bias", outputs)?;
        check.exactly(Self::LABELS, "labels", DType::U32, Shape::new(&[rows]))?;
        check.vector(Self::D, "d", 1)?;
        Ok(vec![
            TensorType::real([rows]),
            TensorType::real([rows, outputs]),
        ])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let (h, outputs) = (
            context.inputs[Self::H].shape,
            context.inputs[Self::WEIGHT].shape.rows(),
        );
        let (lanes, group_rows) = context.row_lanes(outputs * h.columns());
        let operands = (0..5).map(Operand::Input);
        let params = Params {
            inputs: h.columns() as u32,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![
                ("LANES", f64::from(lanes)),
                ("ROWS", f64::from(group_rows)),
                ("SAMPLES", h.rows() as f64),
                ("OUTPUTS", outputs as f64),
                ("HALF", context.is_f16(Self::WEIGHT)),
            ],
            params: params.bytes(),
            operands: operands.chain([0, 1].map(Operand::Output)).collect(),
            workgroups: grid_1d(h.rows(), group_rows),
        }]
    }

    fn takes_f16(&self, i: usize, _count: usize) -> bool {
        i == Self::WEIGHT
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let (rows, columns) = (
            inputs.ty(Self::H).shape.rows(),
            inputs.ty(Self::H).shape.columns(),
        );
        let n = inputs.ty(Self::WEIGHT).shape.rows();
        let labels = inputs.u32(Self::LABELS);
        let (losses, dx) = (outputs.real(), outputs.real());
        for row in dx.chunks_exact_mut(n) {
            row.copy_from_slice(inputs.real(Self::BIAS));
        }
        let h = Matrix::new(inputs.real(Self::H), rows, columns);
        let w = Matrix::new(inputs.real(Self::WEIGHT), n, columns).transposed();
        matmul(h, w, dx, n, F::new(1.0), true);
        let labelled = labels.iter().filter(|&&l| l != NO_TARGET).count();
        let scale = inputs.real(Self::D)[0] / F::new(labelled.max(1) as f64);
        for (r, row) in dx.chunks_exact_mut(n).enumerate() {
            let (loss, lse) = row_loss(row, labels[r]);
            losses[r] = loss;
            if labels[r] == NO_TARGET {
                row.fill(F::default());
                continue;
            }
            row.iter_mut().for_each(|x| *x = (*x - lse).exp() * scale);
            let hit = (labels[r] as usize).min(n - 1);
            row[hit] = ((-loss).exp() - F::new(1.0)) * scale;
        }
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        2.0 * inputs[Self::H].shape.len() as f64 * inputs[Self::WEIGHT].shape.rows() as f64
    }
}

impl Rule for LinearCrossEntropyGrad {
    const NAME: &'static str = "linear and cross-entropy, backward";
    const KERNELS: &'static [&'static Kernel] = &[&BACKWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 4)?;
        let (rows, columns) = check.matrix(Self::H, "h")?;
        let (_, outputs) = check.matrix(Self::DX, "dx")?;
        check.exactly(Self::DX, "dx", DType::Real, Shape::new(&[rows, outputs]))?;
        check.vector(Self::LOSSES, "losses", rows)?;
        check.exactly(Self::LABELS, "labels", DType::U32, Shape::new(&[rows]))?;
        Ok(vec![
            TensorType::real([outputs, columns]),
            TensorType::real([outputs]),
            TensorType::real([1]),
        ])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let (h, outputs) = (
            context.inputs[Self::H].shape,
            context.inputs[Self::DX].shape.columns(),
        );
        let columns = Columns::choose(context, h.rows(), Width::One);
        let operands = (0..4).map(Operand::Input);
        let params = Params {
            inputs: h.columns() as u32,
        };
        let mut constants = columns.constants();
        constants.extend([("SAMPLES", h.rows() as f64), ("OUTPUTS", outputs as f64)]);
        vec![Dispatch {
            kernel: &BACKWARD,
            constants,
            params: params.bytes(),
            operands: operands.chain([0, 1, 2].map(Operand::Output)).collect(),
            workgroups: columns.workgroups(outputs * h.columns() + outputs + 1),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let (rows, columns) = (
            inputs.ty(Self::H).shape.rows(),
            inputs.ty(Self::H).shape.columns(),
        );
        let n = inputs.ty(Self::DX).shape.columns();
        let (dw, db, mean) = (outputs.real(), outputs.real(), outputs.real());
        let h = Matrix::new(inputs.real(Self::H), rows, columns);
        let dx = Matrix::new(inputs.real(Self::DX), rows, n).transposed();
        matmul(dx, h, dw, columns, F::new(1.0), false);
        for (c, db) in db.iter_mut().enumerate() {
            *db = inputs
                .real(Self::DX)
                .iter()
                .skip(c)
                .step_by(n)
                .copied()
                .sum();
        }
        let labelled = inputs
            .u32(Self::LABELS)
            .iter()
            .filter(|&&l| l != NO_TARGET)
            .count();
        let sum: F = inputs.real(Self::LOSSES).iter().copied().sum();
        mean[0] = sum / F::new(labelled.max(1) as f64);
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        2.0 * inputs[Self::H].shape.len() as f64 * inputs[Self::DX].shape.columns() as f64
    }
}
