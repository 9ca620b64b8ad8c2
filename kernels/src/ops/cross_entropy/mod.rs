//! The mean cross-entropy of rows that have a label.

use super::check::Check;
use super::top_k::NO_TARGET;
use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Lanes, Real, row};

/// `mean = Σ (lse(x_r) - x_r[label_r]) / count` over the rows whose label is not [`NO_TARGET`]; 0
/// if none has one, as a batch without masks should not stop a run.
///
/// A loss is computed as `(max - x[label]) + log(1 + Σ exp(x - max))`, where the sum leaves the
/// largest logits out: a row that is nearly certain has a loss smaller than the rounding of its
/// logits, and made of many terms that would each vanish beside the 1.
///
/// A row that has a label and a logit that is not finite has a loss of NaN, and so has the mean.
///
/// With weights `w` it is `Σ w_r (lse(x_r) - x_r[label_r]) / Σ w_r` over the same rows, as `torch`'s `cross_entropy` with
/// class weights, and the count is the sum of the weights.
///
/// Operands: logits `[R, V]`, labels `[R]` (u32), with weights those of the rows `[R]`, none below 0. Results: mean `[1]`,
/// each row's loss `[R]`, log-sum-exp `[R]`, count `[1]`. Only the mean has a gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossEntropy {
    /// Whether rows have weights.
    pub weighted: bool,
}

/// The gradient of the mean cross-entropy with respect to the logits.
///
/// Operands: logits `[R, V]`, labels `[R]`, losses `[R]`, log-sum-exp `[R]`, count `[1]`, d `[1]`, with weights those of
/// the rows `[R]`; result `[R, V]`. At the label it is `exp(-loss) - 1`, for the same reason. Appears in gradients
/// only.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossEntropyGrad {
    /// Whether rows have weights.
    pub weighted: bool,
}

/// Threads of a workgroup that makes a part of the gradient.
const THREADS: usize = 64;
/// Columns that each of them makes.
const EACH: usize = 8;
/// Workgroups in one dimension of a grid, at most; the shader has the same number.
const FOLD: usize = 65_535;

impl CrossEntropyGrad {
    // The places of its operands.
    pub(crate) const LOGITS: usize = 0;
    pub(crate) const LABELS: usize = 1;
    const LOSSES: usize = 2;
    const LSE: usize = 3;
    const COUNT: usize = 4;
    pub(crate) const D: usize = 5;
    const WEIGHTS: usize = 6;
}

params! {
    struct Params { rows: u32, columns: u32 }
}

params! {
    struct MeanParams { rows: u32 }
}

const READ: Access = Access::Read;
const WRITE: Access = Access::Write;

static FORWARD: Kernel = Kernel {
    name: "cross-entropy",
    variant: None,
    source: concat!(
        include_str!("../shared/finite.wgsl"),
        include_str!("../shared/reduce.wgsl"),
        include_str!("labels.wgsl"),
        include_str!("log_1p.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[READ, READ, WRITE, WRITE],
};

static MEAN: Kernel = Kernel {
    name: "cross-entropy, mean",
    variant: None,
    source: concat!(
        include_str!("../shared/reduce.wgsl"),
        include_str!("labels.wgsl"),
        include_str!("mean.wgsl")
    ),
    params: MeanParams::FIELDS,
    bindings: &[READ, READ, READ, WRITE, WRITE],
};

static BACKWARD: Kernel = Kernel {
    name: "cross-entropy, backward",
    variant: None,
    source: concat!(
        include_str!("../shared/reduce.wgsl"),
        include_str!("labels.wgsl"),
        include_str!("backward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[READ, READ, READ, READ, READ, READ, READ, WRITE],
};

impl Rule for CrossEntropy {
    const NAME: &'static str = "cross-entropy";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD, &MEAN];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2 + usize::from(self.weighted))?;
        let (rows, _) = check.matrix(0, "logits")?;
        check.exactly(1, "labels", DType::U32, Shape::new(&[rows]))?;
        if self.weighted {
            check.vector(2, "weights", rows)?;
        }
        let (scalar, row) = (TensorType::real([1]), TensorType::real([rows]));
        Ok(vec![scalar, row, row, scalar])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let d = at.d_output(Self::NAME)?;
        let [_, losses, lse, count] = at.outputs[..] else {
            unreachable!("the shape rule has four results")
        };
        let weighted = self.weighted;
        let mut inputs = vec![at.inputs[0], at.inputs[1], losses, lse, count, d];
        inputs.extend(at.inputs.get(2));
        let dx = at.want(0, || {
            graph.apply1(CrossEntropyGrad { weighted }.into(), &inputs)
        })?;
        Ok([vec![dx], vec![None; at.inputs.len() - 1]].concat())
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let rows = shape.rows() as u32;
        let (lanes, group_rows) = context.row_lanes(2 * shape.columns());
        let (mean_lanes, _) = context.row_lanes(2 * shape.rows());
        vec![
            Dispatch {
                kernel: &FORWARD,
                constants: vec![("LANES", f64::from(lanes)), ("ROWS", f64::from(group_rows))],
                params: Params {
                    rows,
                    columns: shape.columns() as u32,
                }
                .bytes(),
                operands: vec![
                    Operand::Input(0),
                    Operand::Input(1),
                    Operand::Output(1),
                    Operand::Output(2),
                ],
                workgroups: grid_1d(shape.rows(), group_rows),
            },
            Dispatch {
                kernel: &MEAN,
                constants: vec![
                    ("LANES", f64::from(mean_lanes)),
                    ("WEIGHTED", f64::from(self.weighted)),
                ],
                params: MeanParams { rows }.bytes(),
                operands: vec![
                    Operand::Output(1),
                    Operand::Input(1),
                    weights(self.weighted, 2),
                    Operand::Output(0),
                    Operand::Output(3),
                ],
                workgroups: [1, 1, 1],
            },
        ]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let columns = inputs.ty(0).shape.columns();
        let labels = inputs.u32(1);
        let (mean, losses, lse, count) = (
            outputs.real(),
            outputs.real(),
            outputs.real(),
            outputs.real(),
        );
        let mut sum = F::default();
        let mut labelled = F::default();
        for (r, row) in inputs.real(0).chunks_exact(columns).enumerate() {
            (losses[r], lse[r]) = row_loss(row, labels[r]);
            let weight = weight(&inputs, self.weighted, (2, r));
            if labels[r] != NO_TARGET && weight != F::default() {
                sum += weight * losses[r];
                labelled += weight;
            }
        }
        mean[0] = match labelled == F::default() {
            true => F::default(),
            false => sum / labelled,
        };
        count[0] = labelled;
    }
}

impl Rule for CrossEntropyGrad {
    const NAME: &'static str = "cross-entropy, backward";
    const KERNELS: &'static [&'static Kernel] = &[&BACKWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 6 + usize::from(self.weighted))?;
        let (rows, _) = check.matrix(Self::LOGITS, "logits")?;
        check.exactly(Self::LABELS, "labels", DType::U32, Shape::new(&[rows]))?;
        check.vector(Self::LOSSES, "losses", rows)?;
        check.vector(Self::LSE, "log-sum-exp", rows)?;
        check.vector(Self::COUNT, "count", 1)?;
        check.vector(Self::D, "d", 1)?;
        if self.weighted {
            check.vector(Self::WEIGHTS, "weights", rows)?;
        }
        Ok(vec![inputs[0]])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let operands = vec![
            Operand::Input(Self::LOGITS),
            Operand::Input(Self::LABELS),
            Operand::Input(Self::LOSSES),
            Operand::Input(Self::LSE),
            Operand::Input(Self::COUNT),
            Operand::Input(Self::D),
            weights(self.weighted, Self::WEIGHTS),
            Operand::Output(0),
        ];
        // Short rows share a workgroup.
        let lanes = shape.columns().div_ceil(EACH).next_power_of_two();
        let lanes = lanes.min(THREADS);
        let rows = THREADS / lanes;
        let columns = lanes * EACH;
        let groups = shape.rows().div_ceil(rows);
        vec![Dispatch {
            kernel: &BACKWARD,
            constants: vec![
                ("LANES", lanes as f64),
                ("ROWS", rows as f64),
                ("COLUMNS", columns as f64),
                ("WEIGHTED", f64::from(self.weighted)),
            ],
            params: Params {
                rows: shape.rows() as u32,
                columns: shape.columns() as u32,
            }
            .bytes(),
            operands,
            workgroups: [
                shape.columns().div_ceil(columns),
                groups.min(FOLD),
                groups.div_ceil(FOLD),
            ]
            .map(|count| count as u32),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let columns = inputs.ty(0).shape.columns();
        let (losses, lse) = (inputs.real(Self::LOSSES), inputs.real(Self::LSE));
        let labels = inputs.u32(Self::LABELS);
        let (count, d) = (inputs.real(Self::COUNT)[0], inputs.real(Self::D)[0]);
        let rows = inputs.real(Self::LOGITS).chunks_exact(columns);
        for (r, (x, dx)) in rows
            .zip(outputs.real().chunks_exact_mut(columns))
            .enumerate()
        {
            let weight = weight(&inputs, self.weighted, (Self::WEIGHTS, r));
            if labels[r] == NO_TARGET || weight == F::default() {
                dx.fill(F::default());
                continue;
            }
            let scale = d * (weight / count);
            let (lse, factor) = (F::Lanes::splat(lse[r]), F::Lanes::splat(scale));
            row::update(dx, [x], |_, [x]| (x - lse).exp() * factor);
            let hit = &mut dx[(labels[r] as usize).min(columns - 1)];
            *hit = ((-losses[r]).exp() - F::new(1.0)) * scale;
        }
    }
}

/// Where the rows' weights are.
fn weights(weighted: bool, operand: usize) -> Operand {
    match weighted {
        true => Operand::Input(operand),
        false => Operand::Unused,
    }
}

/// A row's weight.
fn weight<F: Real>(
    inputs: &twin::Inputs<'_, F>,
    weighted: bool,
    (operand, row): (usize, usize),
) -> F {
    match weighted {
        true => inputs.real(operand)[row],
        false => F::new(1.0),
    }
}

/// A row's loss, 0 where its label is [`NO_TARGET`], and its log-sum-exp; NaN where a logit is not
/// finite.
pub(super) fn row_loss<F: Real>(x: &[F], label: u32) -> (F, F) {
    let largest = row::largest(x);
    let all = F::Lanes::splat;
    let (top, zero, one) = (all(largest), all(F::default()), all(F::new(1.0)));
    let rest = row::sum_of([x], |[x]| x.below(top, (x - top).exp(), zero));
    let ties = row::sum_of([x], |[x]| x.below(top, zero, one)).max(F::new(1.0));
    let log = match row::all_finite(x) {
        true => ties.ln() + (rest / ties).ln_1p(),
        false => F::new(f64::NAN),
    };
    let loss = match label {
        NO_TARGET => F::default(),
        label => (largest - x[(label as usize).min(x.len() - 1)]) + log,
    };
    (loss, largest + log)
}

/// The results of [`Graph::cross_entropy`].
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropyValues {
    /// `[1]`: the mean over the rows that have a label.
    pub mean: Value,
    /// `[R]`: each row's loss, 0 where it has no label.
    pub losses: Value,
}

impl Graph {
    /// The mean cross-entropy of `logits` (`[R, V]`) against `labels` (`[R]`, u32, [`NO_TARGET`] =
    /// ignored), with `weights` (`[R]`) of the rows where some count more than others.
    pub fn cross_entropy(
        &mut self,
        logits: Value,
        labels: Value,
        weights: Option<Value>,
    ) -> Result<CrossEntropyValues, GraphError> {
        let weighted = weights.is_some();
        let inputs: Vec<Value> = [logits, labels].into_iter().chain(weights).collect();
        let outputs = self.apply(CrossEntropy { weighted }.into(), &inputs)?;
        Ok(CrossEntropyValues {
            mean: outputs[0],
            losses: outputs[1],
        })
    }
}
