//! The plans of learning: a step, and an evaluation. Making them touches no device.

use kernels::ops::AdamW;
use kernels::{Graph, Plan, Tensor, TensorType, Value, gradients};

use super::graph::{Inputs, LossGraph, Source};
use super::weights::{Trainable, first_moment, gradient, second_moment, sum};
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

/// The sum of the losses of a step's parts so far, `[1]`.
pub(super) const PARTS_LOSS: &str = "loss of the parts";

/// What a plan does with the gradients of its examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// They are all of the step's: it is taken with them.
    Whole,
    /// Adds them to those of the step's other parts.
    One,
}

/// Forward, loss and backward, and what follows: clipping and AdamW, or a sum.
pub(super) struct StepPlan {
    pub graph: LossGraph,
    pub plan: Plan,
    one: Value,
    end: End,
}

enum End {
    Update(Update),
    /// How much of the sums is kept, and how much is added, `[2]`.
    Sum(Value),
}

/// Clipping and AdamW over the sums of a step's parts.
pub(super) struct UpdatePlan {
    pub plan: Plan,
    update: Update,
}

/// The inputs of an update.
struct Update {
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
    /// Whether the batch is the first of the step's parts, and what share of the step it is.
    pub part: (bool, f64),
}

impl Update {
    /// Records it; returns what is to be stored.
    fn record(
        graph: &mut Graph,
        settings: &Settings,
        trainable: &Trainable,
        gradients: &[Value],
        loss: Value,
    ) -> (Self, Vec<(Value, String)>) {
        let schedule = graph.input("schedule", TensorType::real([3]));
        let row = graph.input("row of the log", TensorType::u32([1]));
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
        let update = graph.adamw(gradients, schedule, adamw, Some([loss, row]));
        let update = update.expect(FITS);
        let mut stores = vec![(update.report, LOG.to_owned())];
        for (i, spec) in trainable.specs.iter().enumerate() {
            stores.push((update.weights[i], spec.name.clone()));
            stores.push((update.first[i], first_moment(&spec.name)));
            stores.push((update.second[i], second_moment(&spec.name)));
        }
        (Self { schedule, row }, stores)
    }

    fn values(&self, optimiser: &Optimiser, numbers: StepNumbers) -> Vec<(Value, Tensor)> {
        let correction = |beta: f64| 1.0 - beta.powi(numbers.t);
        let (one, two) = (correction(optimiser.beta1), correction(optimiser.beta2));
        vec![
            (self.schedule, Tensor::F64(vec![numbers.rate, one, two])),
            (self.row, Tensor::U32(vec![numbers.row as u32])),
        ]
    }
}

impl StepPlan {
    pub fn new(
        config: &Config,
        layout: &Layout,
        settings: &Settings,
        trainable: &Trainable,
        source: Source,
        part: Part,
    ) -> Self {
        let dropout = Some(settings.dropout);
        let mut graph = LossGraph::new(config, layout, settings.task, source, dropout).expect(FITS);
        let loss = graph.loss;
        let g = &mut graph.graph;
        let one = g.input("one", TensorType::real([1]));
        let weights: Vec<Value> = trainable
            .specs
            .iter()
            .map(|s| g.param(&s.name, s.shape).expect(FITS))
            .collect();
        let found = gradients(g, loss, one, &weights).expect("every operation is differentiable");
        let found: Vec<Value> = found
            .into_iter()
            .map(|v| v.expect("only what the loss needs is trained"))
            .collect();
        let (end, mut stores) = match part {
            Part::Whole => {
                let (update, stores) = Update::record(g, settings, trainable, &found, loss);
                (End::Update(update), stores)
            }
            Part::One => {
                let numbers = g.input("keep and share", TensorType::real([2]));
                let all = [&found[..], &[loss]].concat();
                let sums = g.accumulate(&all, numbers).expect(FITS);
                let names = trainable.specs.iter().map(|spec| sum(&spec.name));
                let names = names.chain([PARTS_LOSS.to_owned()]);
                (End::Sum(numbers), sums.into_iter().zip(names).collect())
            }
        };
        for (found, spec) in found.iter().zip(&trainable.specs) {
            stores.push((*found, gradient(&spec.name)));
        }
        let plan = Plan::with_stores(g, &[], &stores);
        Self {
            graph,
            plan,
            one,
            end,
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
        values.push((self.one, Tensor::F64(vec![1.0])));
        match &self.end {
            End::Update(update) => values.extend(update.values(optimiser, numbers)),
            End::Sum(at) => {
                let (first, share) = numbers.part;
                let keep = if first { 0.0 } else { 1.0 };
                values.push((*at, Tensor::F64(vec![keep, share])));
            }
        }
        values
    }
}

impl UpdatePlan {
    pub fn new(settings: &Settings, trainable: &Trainable) -> Self {
        let mut graph = Graph::new();
        let specs = trainable.specs.iter();
        let sums = specs.map(|spec| graph.param(&sum(&spec.name), spec.shape).expect(FITS));
        let sums: Vec<Value> = sums.collect();
        let loss = graph.param(PARTS_LOSS, [1]).expect(FITS);
        let (update, stores) = Update::record(&mut graph, settings, trainable, &sums, loss);
        let plan = Plan::with_stores(&graph, &[], &stores);
        Self { plan, update }
    }

    /// The values of a run.
    pub fn values(&self, optimiser: &Optimiser, numbers: StepNumbers) -> Vec<(Value, Tensor)> {
        self.update.values(optimiser, numbers)
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
