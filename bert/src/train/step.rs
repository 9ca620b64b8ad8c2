//! The plans of learning: a step, and an evaluation. Making them touches no device.

use kernels::ops::AdamW;
use kernels::{Plan, Tensor, TensorType, Value, gradients};

use super::graph::{Inputs, LossGraph, Source};
use super::weights::{Trainable, first_moment, gradient, second_moment};
use super::{Optimiser, Task};
use crate::config::Config;
use crate::model::DropoutRates;
use crate::model::Layout;

/// The log of losses and gradient norms on the device, `[LOG_ROWS, 2]`.
pub(super) const LOG: &str = "training log";
/// Steps that the log holds.
pub(super) const LOG_ROWS: usize = 64;

/// Shapes were checked when the layout was made from the checkpoint.
const FITS: &str = "the layout checked every shape";

/// What all steps of a run have in common.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub task: Task,
    pub optimiser: Optimiser,
    pub dropout: DropoutRates,
    /// λ of the penalty `λ/2 Σ w²` on the weights that are decayed.
    pub l2: f64,
}

/// Forward, loss, backward, clipping and AdamW in one plan.
pub(super) struct StepPlan {
    pub graph: LossGraph,
    pub plan: Plan,
    one: Value,
    schedule: Value,
    row: Value,
}

/// What a step gets beside its batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepNumbers {
    pub rate: f64,
    /// t of AdamW, from 1.
    pub t: i32,
    /// Of the dropout.
    pub seed: u32,
    /// The row of the log.
    pub row: usize,
}

impl StepPlan {
    pub fn new(
        config: &Config,
        layout: &Layout,
        settings: &Settings,
        trainable: &Trainable,
        source: Source,
    ) -> Self {
        let dropout = Some(settings.dropout);
        let mut graph = LossGraph::new(config, layout, settings.task, source, dropout).expect(FITS);
        let g = &mut graph.graph;
        let one = g.input("one", TensorType::real([1]));
        let schedule = g.input("schedule", TensorType::real([3]));
        let row = g.input("row of the log", TensorType::u32([1]));
        let weights: Vec<Value> = trainable
            .specs
            .iter()
            .map(|s| g.param(&s.name, s.shape).expect(FITS))
            .collect();
        let found =
            gradients(g, graph.loss, one, &weights).expect("every operation is differentiable");
        let found: Vec<Value> = found
            .into_iter()
            .map(|v| v.expect("only what the loss needs is trained"))
            .collect();
        let optimiser = &settings.optimiser;
        let adamw = AdamW {
            decayed: trainable.decayed,
            beta1: optimiser.beta1,
            beta2: optimiser.beta2,
            eps: optimiser.eps,
            weight_decay: optimiser.weight_decay,
            l2: settings.l2,
            max_norm: optimiser.max_norm,
            log: Some(LOG_ROWS),
        };
        let update = g.adamw(&found, schedule, adamw, Some([graph.loss, row]));
        let update = update.expect(FITS);
        let mut stores = vec![(update.report, LOG.to_owned())];
        for (i, spec) in trainable.specs.iter().enumerate() {
            stores.push((found[i], gradient(&spec.name)));
            stores.push((update.weights[i], spec.name.clone()));
            stores.push((update.first[i], first_moment(&spec.name)));
            stores.push((update.second[i], second_moment(&spec.name)));
        }
        let plan = Plan::with_stores(g, &[], &stores);
        Self {
            graph,
            plan,
            one,
            schedule,
            row,
        }
    }

    /// The values of a run.
    pub fn values(
        &self,
        config: &Config,
        optimiser: &Optimiser,
        inputs: &Inputs,
        numbers: StepNumbers,
    ) -> Vec<(Value, Tensor)> {
        let mut values = self.graph.values(config, inputs, numbers.seed);
        let correction = |beta: f64| 1.0 - beta.powi(numbers.t);
        let (one, two) = (correction(optimiser.beta1), correction(optimiser.beta2));
        values.push((self.one, Tensor::F64(vec![1.0])));
        values.push((self.schedule, Tensor::F64(vec![numbers.rate, one, two])));
        values.push((self.row, Tensor::U32(vec![numbers.row as u32])));
        values
    }
}

/// What an evaluation gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Each row's logits.
    Logits,
    /// Each row's most probable column, found on the device: a vocabulary's logits are too much
    /// to read back.
    Best,
}

/// A forward pass with its loss and without dropout.
pub(super) struct EvaluationPlan {
    pub graph: LossGraph,
    pub plan: Plan,
}

impl EvaluationPlan {
    pub fn new(
        config: &Config,
        layout: &Layout,
        task: Task,
        source: Source,
        wanted: Wanted,
    ) -> Self {
        let mut graph = LossGraph::new(config, layout, task, source, None).expect(FITS);
        let rows = match wanted {
            Wanted::Logits => graph.logits,
            Wanted::Best => graph.best().expect(FITS),
        };
        let plan = Plan::new(&graph.graph, &[rows, graph.loss]);
        Self { graph, plan }
    }
}
