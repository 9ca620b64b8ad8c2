//! Runs that change the encoder: so many steps from its own weights, or from random ones, and back.

use kernels::{Control, RunError};

use super::super::event::TrainError;
use super::super::inputs::Inputs;
use super::super::learner::Learner;
use super::super::run::REPORT_EVERY;
use super::super::texts::Texts;
use super::super::{Method, Recipe, Task};
use super::heads::mean;
use super::judge::Judge;
use super::setup::Place;
use crate::config::HeadKind;
use crate::data::{self, Random, batches};
use crate::model::{DropoutRates, Model, fresh_numbers};

/// The stream of the seed that random weights are drawn from.
const WEIGHTS: u64 = 0xf4e5;
/// The stream of the seed that batches are drawn from; an epoch adds its number.
const BATCHES: u64 = 0xba7c_0000;

pub(super) struct WholeRun {
    pub place: Place,
    recipe: Recipe,
    learner: Learner,
    /// The texts that it learns from.
    rows: Vec<usize>,
    queue: Vec<data::Batch>,
    epoch: usize,
    pub step: usize,
    /// Steps whose loss is not read yet.
    unread: usize,
    /// The losses that were read last.
    pub recent: Vec<f64>,
    pub diverged: bool,
    pub judge: Judge,
}

/// A learner of a whole model, or of its last layers, whose own weights are remembered.
pub(super) async fn learner(
    model: &mut Model,
    recipe: &Recipe,
    outputs: usize,
    room: usize,
    seed: u64,
) -> Result<Learner, RunError> {
    let task = Task::Head {
        kind: HeadKind::Classes,
        outputs,
        pooling: recipe.pooling,
    };
    let dropout = DropoutRates {
        hidden: recipe.dropout,
        attention: recipe.dropout,
        classifier: recipe.dropout,
    };
    // From random weights too: those of the model are to come back.
    let method = match recipe.method {
        Method::Scratch => Method::All,
        method => method,
    };
    Learner::new(model, task, method, recipe.optimiser, dropout, room, seed).await
}

impl WholeRun {
    pub async fn new(
        model: &mut Model,
        recipe: &Recipe,
        place: Place,
        rows: Vec<usize>,
        judge: Judge,
        outputs: usize,
    ) -> Result<Self, TrainError> {
        let room = recipe.batch.min(rows.len());
        let learner = learner(model, recipe, outputs, room, place.seed).await?;
        if recipe.method == Method::Scratch {
            let mut random = Random::new(place.seed, WEIGHTS);
            let deviation = model.config().initializer_range;
            for spec in learner.specs() {
                let numbers = fresh_numbers(&spec.name, spec.shape.len(), deviation, &mut random);
                model.params_mut().write(&spec.name, 0, &numbers)?;
            }
        }
        Ok(Self {
            place,
            recipe: *recipe,
            learner,
            rows,
            queue: Vec::new(),
            epoch: 0,
            step: 0,
            unread: 0,
            recent: Vec::new(),
            diverged: false,
            judge,
        })
    }

    /// Takes a step of so many, and now and then reads what the last ones found.
    pub async fn learn(
        &mut self,
        model: &mut Model,
        texts: &Texts,
        steps: usize,
        control: &Control,
    ) -> Result<(), TrainError> {
        // What is to be read already is what could not be read the last time.
        if self.unread < REPORT_EVERY && self.step < steps {
            let size = self.recipe.batch.min(self.rows.len());
            if self.queue.is_empty() {
                self.epoch += 1;
                let stream = BATCHES + self.epoch as u64;
                let mut random = Random::new(self.place.seed, stream);
                let all = texts.lengths(0..texts.train());
                let lengths: Vec<usize> = self.rows.iter().map(|&row| all[row]).collect();
                let limit = model.config().max_tokens();
                self.queue = batches(&lengths, size, limit, &mut random);
            }
            let Some(batch) = self.queue.last() else {
                return Ok(());
            };
            let places: Vec<usize> = batch.examples.iter().map(|&i| self.rows[i]).collect();
            let inputs = Inputs::Texts(texts.batch(&places, batch.tokens));
            let rate = self.recipe.rate(self.step, steps);
            // One that is cancelled comes again.
            self.learner.step(model, &inputs, rate, control).await?;
            self.queue.pop();
            self.step += 1;
            self.unread += 1;
        }
        if self.unread < REPORT_EVERY && self.step < steps {
            return Ok(());
        }
        let reports = self.learner.reports(model).await?;
        self.unread = 0;
        let found = reports.iter().map(|report| report.loss);
        self.recent.extend(found);
        let old = self.recent.len().saturating_sub(Learner::REPORTS);
        self.recent.drain(..old);
        self.diverged |= self.recent.iter().any(|loss| !loss.is_finite());
        Ok(())
    }

    /// Whether nothing more is to be learned.
    pub fn is_over(&self, steps: usize) -> bool {
        self.diverged || (self.step >= steps && self.unread == 0)
    }

    /// Judges the next test texts.
    pub async fn judge(
        &mut self,
        model: &mut Model,
        texts: &Texts,
        control: &Control,
    ) -> Result<(), TrainError> {
        let Some(batch) = self.judge.batch() else {
            return Ok(());
        };
        let inputs = Inputs::Texts(texts.batch(&batch.examples, batch.tokens));
        let found = self.learner.evaluate(model, &inputs, control).await?;
        self.judge.count(texts, &found.0);
        Ok(())
    }

    /// The mean of the losses that were read last.
    pub fn loss(&self) -> f64 {
        mean(&self.recent)
    }

    /// Brings the model's own weights back, and frees the rest.
    pub fn end(self, model: &mut Model) -> Result<(), RunError> {
        let restored = self.learner.restore(model);
        self.learner.end(model);
        restored
    }
}
