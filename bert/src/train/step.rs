//! The plans of learning: a step, and an evaluation. Making them touches no device.

use kernels::ops::AdamW;
use kernels::{Graph, Plan, Tensor, TensorType, Value, gradients_of};

use super::graph::{LossGraph, Source};
use super::inputs::Inputs;
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
    /// What a text or word of each class counts; empty where all count alike.
    pub class_weights: Vec<f32>,
    pub optimiser: Optimiser,
    pub dropout: DropoutRates,
    /// λ of the penalty `λ/2 Σ w²` on the weights that are decayed.
    pub l2: f64,
}

/// The sum of a loss of a step's parts so far, `[1]`: one for each that a task has.
pub(super) fn parts_loss(term: usize) -> String {
    format!("loss of the parts/{term}")
}

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
    /// What each of the losses counts, `[1]`.
    shares: Vec<Value>,
    end: End,
}

enum End {
    Update(Update),
    /// How much of the sums is kept, and how much is added, `[2]`: of the gradients, and of each of the losses.
    Sum(Vec<Value>),
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
#[derive(Clone, Debug)]
pub(super) struct StepNumbers {
    pub rate: f64,
    /// t of AdamW, from 1.
    pub t: i32,
    /// Of the dropout.
    pub seed: u32,
    /// The row of the log.
    pub row: usize,
    /// Whether the batch is the first of the step's parts.
    pub first: bool,
    /// What share of the step it is, by each of its losses.
    pub shares: Vec<f64>,
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
            scales: trainable.scales.clone(),
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

    fn values(&self, optimiser: &Optimiser, numbers: &StepNumbers) -> Vec<(Value, Tensor)> {
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
        let weights = &settings.class_weights;
        let graph = LossGraph::new(config, layout, settings.task, source, dropout, weights);
        let mut graph = graph.expect(FITS);
        let (loss, losses) = (graph.loss, graph.losses());
        let g = &mut graph.graph;
        let number = |g: &mut Graph| g.input("share", TensorType::real([1]));
        let shares: Vec<Value> = losses.iter().map(|_| number(g)).collect();
        let weights: Vec<Value> = trainable
            .specs
            .iter()
            .map(|s| g.param(&s.name, s.shape).expect(FITS))
            .collect();
        let ends: Vec<_> = losses.iter().copied().zip(shares.iter().copied()).collect();
        let found = gradients_of(g, &ends, &weights).expect("every operation is differentiable");
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
                let mut stores = Vec::new();
                let mut numbers = Vec::new();
                let mut add = |values: &[Value], names: Vec<String>| {
                    let at = g.input("keep and share", TensorType::real([2]));
                    let sums = g.accumulate(values, at).expect(FITS);
                    stores.extend(sums.into_iter().zip(names));
                    numbers.push(at);
                };
                let names = trainable.specs.iter().map(|spec| sum(&spec.name));
                add(&found, names.collect());
                for (i, loss) in losses.iter().enumerate() {
                    add(&[*loss], vec![parts_loss(i)]);
                }
                (End::Sum(numbers), stores)
            }
        };
        for (found, spec) in found.iter().zip(&trainable.specs) {
            stores.push((*found, gradient(&spec.name)));
        }
        let plan = Plan::with_stores(g, &[], &stores);
        Self {
            graph,
            plan,
            shares,
            end,
        }
    }

    /// The values of a run.
    pub fn values(
        &self,
        config: &Config,
        optimiser: &Optimiser,
        inputs: &Inputs,
        numbers: &StepNumbers,
    ) -> Vec<(Value, Tensor)> {
        let mut values = self.graph.values(config, inputs, numbers.seed);
        let shares = self.shares.iter().zip(&numbers.shares);
        values.extend(shares.map(|(at, share)| (*at, Tensor::F64(vec![*share]))));
        match &self.end {
            End::Update(update) => values.extend(update.values(optimiser, numbers)),
            End::Sum(sums) => {
                let keep = if numbers.first { 0.0 } else { 1.0 };
                // The gradients are already of the losses' shares.
                let shares = [1.0].into_iter().chain(numbers.shares.iter().copied());
                let values_of = |(at, share): (&Value, f64)| (*at, Tensor::F64(vec![keep, share]));
                values.extend(sums.iter().zip(shares).map(values_of));
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
        let losses = 0..settings.task.losses();
        let losses = losses.map(|i| graph.param(&parts_loss(i), [1]).expect(FITS));
        let losses: Vec<Value> = losses.collect();
        let add = |all: Value, loss: &Value| graph.add(all, *loss).expect(FITS);
        let loss = losses[1..].iter().fold(losses[0], add);
        let (update, stores) = Update::record(&mut graph, settings, trainable, &sums, loss);
        let plan = Plan::with_stores(&graph, &[], &stores);
        Self { plan, update }
    }

    /// The values of a run.
    pub fn values(&self, optimiser: &Optimiser, numbers: &StepNumbers) -> Vec<(Value, Tensor)> {
        self.update.values(optimiser, numbers)
    }
}

/// What an evaluation gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Each row's logits.
    Logits,
    /// Each row's most probable columns, found on the device: a vocabulary's logits are too much
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
        let mut graph = LossGraph::new(config, layout, task, source, None, &[]).expect(FITS);
        let rows = match wanted {
            Wanted::Logits => graph.logits,
            Wanted::Best => graph.best().expect(FITS),
        };
        let outputs = [vec![rows], graph.losses(), graph.others()].concat();
        let plan = Plan::new(&graph.graph, &outputs);
        Self { graph, plan }
    }
}
