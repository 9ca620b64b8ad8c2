//! Heads over a frozen encoder: its features are computed once, and every size and seed settles on rows of them.

use kernels::Control;

use super::super::event::TrainError;
use super::super::graph::CLASSIFIER;
use super::super::learner::{FEATURE_ROOM, Learner};
use super::super::run::FEATURE_BATCH;
use super::super::settle::{Scale, Settling, round_epochs};
use super::super::texts::Texts;
use super::super::weights::{first_moment, second_moment};
use super::super::{Method, Recipe, Task};
use super::judge::Judge;
use super::setup::Place;
use crate::config::HeadKind;
use crate::data::{self, Random, batches};
use crate::model::{DropoutRates, Model};

/// The features on the device, and the head that learns from them.
pub(super) struct Heads {
    learner: Learner,
    recipe: Recipe,
    outputs: usize,
    /// Places of the texts, the longest first.
    by_length: Vec<usize>,
    /// Texts whose features are there.
    done: usize,
    /// Known once all of them are.
    scale: Option<Scale>,
}

/// A head that settles.
pub(super) struct HeadRun {
    pub place: Place,
    /// The texts that it learns from.
    rows: Vec<usize>,
    queue: Vec<data::Batch>,
    settling: Settling,
    epoch: usize,
    /// Of the round's steps.
    losses: Vec<f64>,
    /// Of the last steps that were read.
    pub recent: f64,
    pub steps: usize,
    pub diverged: bool,
    pub judge: Judge,
}

impl HeadRun {
    pub fn new(place: Place, rows: Vec<usize>, judge: Judge) -> Self {
        Self {
            place,
            rows,
            queue: Vec::new(),
            settling: Settling::default(),
            epoch: 0,
            losses: Vec::new(),
            recent: 0.0,
            steps: 0,
            diverged: false,
            judge,
        }
    }

    /// Whether nothing more is to be learned.
    pub fn is_over(&self, heads: &Heads) -> bool {
        let most = self.epoch == heads.recipe.epochs && self.queue.is_empty();
        self.diverged || self.settling.is_over() || most
    }
}

impl Heads {
    /// Room for the features of all texts.
    pub async fn new(
        model: &mut Model,
        texts: &Texts,
        recipe: Recipe,
        outputs: usize,
    ) -> Result<Self, TrainError> {
        let task = Task::Head {
            kind: HeadKind::Classes,
            outputs,
            pooling: recipe.pooling,
        };
        let none = DropoutRates {
            hidden: 0.0,
            attention: 0.0,
            classifier: 0.0,
        };
        let room = recipe.batch.min(texts.train());
        let (method, optimiser) = (Method::Head, recipe.optimiser);
        let learner = Learner::new(model, task, method, optimiser, none, room, recipe.seed);
        let mut learner = learner.await?;
        learner.reserve_features(model, texts.len()).await?;
        Ok(Self {
            learner,
            recipe,
            outputs,
            by_length: texts.by_length(),
            done: 0,
            scale: None,
        })
    }

    /// Whether the features are there.
    pub fn are_ready(&self) -> bool {
        self.scale.is_some()
    }

    /// Computes those of the next texts; how many are there then.
    pub async fn read(
        &mut self,
        model: &mut Model,
        texts: &Texts,
        control: &Control,
    ) -> Result<usize, TrainError> {
        let total = texts.len();
        let last = (self.done + FEATURE_BATCH).min(total);
        let places = &self.by_length[self.done..last];
        let limit = model.config().max_tokens();
        let batch_of = |places: &[usize]| {
            let tokens = texts.longest_of(places).next_multiple_of(16).min(limit);
            texts.batch(places, tokens)
        };
        let batch = batch_of(places);
        let (pooling, room) = (self.recipe.pooling, FEATURE_BATCH.min(total));
        self.learner
            .add_features(model, pooling, places, room, &batch.texts, control)
            .await?;
        if last == total {
            let bad = self.learner.features_not_finite(model, control).await?;
            if let Some(place) = bad {
                self.learner.end_features(model);
                let batch = batch_of(&[place]);
                let error = model.not_finite(&batch.texts, "pooling", control).await?;
                return Err(error.into());
            }
            self.learner.end_features(model);
            let scale = self.learner.feature_scale(model, texts.train()).await?;
            self.scale = Some(scale);
        }
        self.done = last;
        Ok(last)
    }

    /// Begins a head: zero weights (the minimum does not depend on them), the penalty for so many texts.
    pub fn begin(&mut self, model: &mut Model, texts: usize) -> Result<(), TrainError> {
        let params = model.params_mut();
        for spec in self.learner.specs().to_vec() {
            let zeros = vec![0.0; spec.shape.len()];
            for name in [
                spec.name.clone(),
                first_moment(&spec.name),
                second_moment(&spec.name),
            ] {
                params.write(&name, 0, &zeros)?;
            }
        }
        self.learner.taken = 0;
        if let (Some(c), Some(scale)) = (self.recipe.optimiser.penalty_c, self.scale) {
            self.learner.set_l2(scale.l2(c, texts, self.outputs));
        }
        Ok(())
    }

    /// Takes steps to the round's end, no more than are reported at a time, and reads what they found.
    pub async fn learn(
        &mut self,
        model: &mut Model,
        texts: &Texts,
        run: &mut HeadRun,
        control: &Control,
    ) -> Result<(), TrainError> {
        let size = self.recipe.batch.min(run.rows.len());
        let epoch_steps = run.rows.len().div_ceil(size);
        let highest = self.recipe.learning_rate;
        let highest = self.scale.map_or(highest, |scale| scale.rate(highest));
        let rate = run.settling.rate(highest);
        let round = round_epochs(epoch_steps) * epoch_steps;
        let mut room = Learner::REPORTS.min(round - run.losses.len());
        while room > 0 && !(run.queue.is_empty() && run.epoch == self.recipe.epochs) {
            if run.queue.is_empty() {
                run.epoch += 1;
                let mut random = Random::new(run.place.seed, run.epoch as u64);
                // Features have no length: one shuffle of all.
                let lengths = vec![1; run.rows.len()];
                run.queue = batches(&lengths, size, 1, &mut random);
            }
            let Some(batch) = run.queue.last() else { break };
            let rows: Vec<usize> = batch.examples.iter().map(|&i| run.rows[i]).collect();
            let inputs = texts.features(&rows);
            // One that is cancelled comes again.
            self.learner.step(model, &inputs, rate, control).await?;
            run.queue.pop();
            run.steps += 1;
            room -= 1;
        }
        let reports = self.learner.reports(model).await?;
        let found: Vec<f64> = reports.iter().map(|report| report.loss).collect();
        run.diverged = found.iter().any(|loss| !loss.is_finite());
        if !found.is_empty() {
            run.recent = mean(&found);
        }
        run.losses.extend(found);
        if run.losses.len() >= round {
            run.settling.round(mean(&run.losses));
            run.losses.clear();
        }
        Ok(())
    }

    /// Judges the next test texts.
    pub async fn judge(
        &mut self,
        model: &mut Model,
        texts: &Texts,
        run: &mut HeadRun,
        control: &Control,
    ) -> Result<(), TrainError> {
        let Some(batch) = run.judge.batch() else {
            return Ok(());
        };
        let inputs = texts.features(&batch.examples);
        let found = self.learner.evaluate(model, &inputs, control).await?;
        run.judge.count(texts, &found.0);
        Ok(())
    }

    /// Frees features and head.
    pub fn end(self, model: &mut Model) {
        self.learner.end(model);
    }
}

/// How many features are judged at a time.
pub(super) const JUDGED: usize = FEATURE_ROOM;

/// The names of a head's parameters.
pub(super) fn classifier_names() -> [String; 2] {
    ["weight", "bias"].map(|part| format!("{CLASSIFIER}.{part}"))
}

pub(super) fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len().max(1) as f64
}
