//! A training run: epochs over a training set, an evaluation after each, the best one kept.

use kernels::{Control, ParamSpec};

use super::epoch::Evaluation;
use super::event::{Best, Ending, Event, Progress, RunState, TrainError};
use super::inputs::{Batch, Inputs, Targets};
use super::learner::{FEATURE_ROOM, Learner};
use super::settle::{Settling, round_epochs};
use super::texts::Texts;
use super::{Recipe, Task};
use crate::config::HeadKind;
use crate::data::{self, Random, batches};
use crate::model::TokenBatch;
use crate::model::{Model, NotFinite, all_finite};
use crate::tokenizer::Tokenizer;

/// Texts that go through a frozen encoder at a time.
pub(super) const FEATURE_BATCH: usize = 16;
/// Steps between two looks at what they found, unless told otherwise.
pub(super) const REPORT_EVERY: usize = 8;

/// What a run does next.
pub(super) enum Stage {
    /// Computing the features of the texts from this one on, in the order of their lengths.
    Features(usize),
    Train,
    Evaluate(Box<Evaluation>),
    /// The loss was no number at this step, which is to be told.
    Diverged(usize),
    Over,
}

/// A run that is driven step by step: between two calls of [`Training::advance`] it rests, so
/// that pausing it is not calling, and the model can be asked what it thinks by then.
pub struct Training {
    pub(super) learner: Learner,
    pub(super) recipe: Recipe,
    pub(super) task: Task,
    /// The names of classes, labels or tags.
    pub(super) labels: Vec<String>,
    pub(super) texts: Texts,
    /// Places of the texts, the longest first.
    pub(super) by_length: Vec<usize>,
    pub(super) stage: Stage,
    /// The epoch under way or finished last, from 1.
    pub(super) epoch: usize,
    pub(super) step: usize,
    /// Texts for which the numbers may have overflowed before anything was learned: those of the first
    /// step, or of the evaluation that failed.
    pub(super) suspects: Vec<usize>,
    /// What is left of the epoch, last batch first.
    pub(super) queue: Vec<data::Batch>,
    /// Number and learning rate of the steps that were taken and whose loss is not read yet.
    pub(super) unread: Vec<(usize, f64)>,
    pub(super) report_every: usize,
    /// Of the epoch's steps.
    pub(super) losses: Vec<f64>,
    pub(super) best: Option<Best>,
    /// How far the loss has settled, and the highest rate of these features, where it is to settle.
    pub(super) settling: Settling,
    pub(super) highest_rate: f64,
    /// Where the run stood when it was evaluated last.
    pub(super) evaluated: RunState,
}

impl Training {
    /// How many steps are taken between two looks at their losses, 1 to [`Learner::REPORTS`]; 8
    /// unless told otherwise. A look waits for the device; an epoch's end always looks.
    pub fn set_report_every(&mut self, steps: usize) {
        self.report_every = steps.clamp(1, Learner::REPORTS);
    }

    /// Steps of the whole run; where the loss is to settle, the most.
    pub fn steps(&self) -> usize {
        self.recipe.epochs * self.epoch_steps()
    }

    /// What learns, for looking at gradients and dispatches.
    pub fn learner(&self) -> &Learner {
        &self.learner
    }

    /// The parameters that learn, for [`Model::read`].
    pub fn trainable(&self) -> Vec<ParamSpec> {
        self.learner.specs().to_vec()
    }

    /// The name under which the best weights of a trainable parameter lie on the device, for
    /// [`Model::read`]: those of the best epoch, or before the first one has ended those of the
    /// start.
    pub fn best_weight_name(&self, name: &str) -> String {
        self.learner.kept_name(name)
    }

    pub(super) fn epoch_steps(&self) -> usize {
        self.texts.train().div_ceil(self.recipe.batch)
    }

    /// Does the next piece of work: a batch of features, a step, or a batch of an epoch's
    /// evaluation. One that is cancelled is done again by the next call, with the same result;
    /// cancel, rather than drop, a call that is under way.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] where the numbers overflow with the weights that were there before,
    /// cancelled, or the device failed.
    pub async fn advance(
        &mut self,
        model: &mut Model,
        control: &Control,
    ) -> Result<Event, TrainError> {
        match self.stage {
            Stage::Features(first) => self.features(model, first, control).await,
            Stage::Train if self.is_finished() => {
                self.learner.restore(model)?;
                self.stage = Stage::Over;
                Ok(self.done())
            }
            Stage::Train => self.train_step(model, control).await,
            Stage::Evaluate(_) => self.evaluate(model, control).await,
            Stage::Diverged(step) => {
                self.learner.restore(model)?;
                self.check_suspects(model, control).await?;
                self.stage = Stage::Over;
                Ok(Event::Diverged {
                    step,
                    try_rate: self.recipe.learning_rate / 4.0,
                })
            }
            Stage::Over => Ok(self.done()),
        }
    }

    fn is_finished(&self) -> bool {
        (self.epoch == self.recipe.epochs || self.settling.is_over())
            && self.queue.is_empty()
            && self.unread.is_empty()
    }

    fn done(&self) -> Event {
        Event::Done {
            best_epoch: self.best.map_or(0, |best| best.epoch),
            ending: match (self.recipe.settles, self.settling.is_over()) {
                (false, _) => Ending::Epochs,
                (true, true) => Ending::Settled,
                (true, false) => Ending::Unsettled,
            },
        }
    }

    /// Ends the run: frees what it held, after returning to the best weights there were.
    ///
    /// # Errors
    /// When these are no longer there.
    pub fn finish(self, model: &mut Model) -> Result<(), TrainError> {
        let stopped = match self.stage {
            Stage::Over => false,
            Stage::Diverged(_) => true,
            _ => self.best.is_some(),
        };
        let restored = match stopped {
            true => self.learner.restore(model),
            false => Ok(()),
        };
        self.learner.end(model);
        Ok(restored?)
    }

    /// The logits of a text as the model stands now, for a try while it learns.
    ///
    /// # Errors
    /// [`TrainError::Data`] in a run that learns no classes;
    /// [`TrainError::NotFinite`] where the numbers overflow.
    pub async fn classify(
        &mut self,
        model: &mut Model,
        tokenizer: &Tokenizer,
        text: &str,
        pair: Option<&str>,
        control: &Control,
    ) -> Result<Vec<f32>, TrainError> {
        if !matches!(
            self.task,
            Task::Head {
                kind: HeadKind::Classes,
                ..
            }
        ) {
            let message = "this run learns no classes: ask the model itself";
            return Err(TrainError::Data(message.to_owned()));
        }
        let limit = limit(model, &self.recipe);
        let encoding = tokenizer.encode(text, pair, limit);
        let tokens = encoding.ids.len().next_multiple_of(16).min(limit);
        let batch = Batch {
            texts: TokenBatch {
                tokens,
                ids: vec![encoding.ids],
                types: vec![encoding.type_ids],
            },
            targets: Targets::Classes(vec![0]),
        };
        let inputs = Inputs::Texts(batch.clone());
        let (mut rows, _) = self.learner.evaluate(model, &inputs, control).await?;
        let logits = rows.swap_remove(0);
        match all_finite(&logits) {
            true => Ok(logits),
            false => Err(model
                .not_finite(&batch.texts, "classifier", control)
                .await?
                .into()),
        }
    }

    /// Refuses a model whose encoder overflows with the weights that were there before: no learning
    /// rate would help it.
    async fn check_suspects(&self, model: &mut Model, control: &Control) -> Result<(), TrainError> {
        if self.suspects.is_empty() {
            return Ok(());
        }
        let tokens = self.texts.longest_of(&self.suspects);
        let batch = self.texts.batch(&self.suspects, tokens);
        match model.part_not_finite(&batch.texts, control).await? {
            Some(part) => Err(NotFinite { part }.into()),
            None => Ok(()),
        }
    }

    async fn features(
        &mut self,
        model: &mut Model,
        first: usize,
        control: &Control,
    ) -> Result<Event, TrainError> {
        let total = self.texts.len();
        let last = (first + FEATURE_BATCH).min(total);
        // In the order of their lengths, so that little of a batch is padding.
        let places = &self.by_length[first..last];
        let limit = model.config().max_tokens();
        let batch_of = |places: &[usize]| {
            let tokens = self.texts.longest_of(places);
            self.texts
                .batch(places, tokens.next_multiple_of(16).min(limit))
        };
        let batch = batch_of(places);
        let (pooling, room) = (self.recipe.pooling, FEATURE_BATCH.min(total));
        self.learner
            .add_features(model, pooling, places, room, &batch.texts, control)
            .await?;
        self.stage = if last == total {
            let bad = self.learner.features_not_finite(model, control).await?;
            self.learner.end_features(model);
            if let Some(place) = bad {
                let batch = batch_of(&[place]);
                return Err(model
                    .not_finite(&batch.texts, "pooling", control)
                    .await?
                    .into());
            }
            if self.recipe.settles {
                self.suit_features(model).await?;
            }
            Stage::Train
        } else {
            Stage::Features(last)
        };
        Ok(Event::Features { done: last, total })
    }

    pub(super) fn inputs(&self, batch: &data::Batch) -> Inputs {
        if self.task.has_features(self.recipe.method) {
            return self.texts.features(&batch.examples);
        }
        Inputs::Texts(self.texts.batch(&batch.examples, batch.tokens))
    }

    /// Begins the next epoch.
    fn begin(&mut self, model: &Model) {
        self.epoch += 1;
        self.texts.begin(self.epoch);
        let mut random = Random::new(self.recipe.seed, self.epoch as u64);
        let lengths = match self.task.has_features(self.recipe.method) {
            // Features have no length: one shuffle of all.
            true => vec![1; self.texts.train()],
            false => self.texts.lengths(0..self.texts.train()),
        };
        let limit = model.config().max_tokens();
        self.queue = batches(&lengths, self.recipe.batch, limit, &mut random);
    }

    /// Texts of an evaluation's batch: of features, which are small, many.
    fn evaluation_size(&self) -> usize {
        match self.task.has_features(self.recipe.method) {
            true => FEATURE_ROOM.max(self.recipe.batch),
            false => self.recipe.part(),
        }
    }

    /// Takes rate and penalty for the features that are there now.
    async fn suit_features(&mut self, model: &mut Model) -> Result<(), TrainError> {
        let scale = self
            .learner
            .feature_scale(model, self.texts.train())
            .await?;
        self.highest_rate = scale.rate(self.recipe.learning_rate);
        if let Some(c) = self.recipe.optimiser.penalty_c {
            let l2 = scale.l2(c, self.texts.train(), self.task.outputs());
            self.learner.set_l2(l2);
        }
        Ok(())
    }

    /// Whether an evaluation follows the epoch that ends: every epoch, or every round where the loss
    /// is to settle.
    fn ends_round(&mut self) -> bool {
        if !self.recipe.settles {
            return true;
        }
        let ends = self.epoch.is_multiple_of(round_epochs(self.epoch_steps()));
        if ends {
            let mean = self.losses.iter().sum::<f64>() / self.losses.len().max(1) as f64;
            self.settling.round(mean);
        }
        ends || self.epoch == self.recipe.epochs
    }

    /// Whether the losses are to be read now.
    fn is_report_due(&self) -> bool {
        let count = self.unread.len();
        count >= self.report_every || (count > 0 && self.queue.is_empty())
    }

    async fn train_step(
        &mut self,
        model: &mut Model,
        control: &Control,
    ) -> Result<Event, TrainError> {
        // A report that is due before the step is one whose reading failed.
        if !self.is_report_due() {
            if self.queue.is_empty() {
                self.begin(model);
            }
            let Some(batch) = self.queue.last() else {
                unreachable!("an epoch has a batch")
            };
            let parts: Vec<Inputs> = batch
                .examples
                .chunks(self.recipe.part())
                .map(|examples| {
                    self.inputs(&data::Batch {
                        examples: examples.to_vec(),
                        ..*batch
                    })
                })
                .collect();
            if self.step == 0 {
                self.suspects.clone_from(&batch.examples);
            }
            let rate = match self.recipe.settles {
                true => self.settling.rate(self.highest_rate),
                false => self.recipe.rate(self.step, self.steps()),
            };
            // Where this fails, the batch was not learned, and comes again.
            match (&parts[..], self.recipe.accumulation) {
                ([inputs], 1) => self.learner.step(model, inputs, rate, control).await?,
                (parts, _) => {
                    let step = self.learner.step_in_parts(model, parts, rate, control);
                    step.await?;
                }
            }
            self.queue.pop();
            self.step += 1;
            self.unread.push((self.step, rate));
        }
        if !self.is_report_due() {
            return Ok(Event::Steps(Vec::new()));
        }
        self.report(model).await
    }

    /// Reads the losses of the last steps.
    async fn report(&mut self, model: &mut Model) -> Result<Event, TrainError> {
        let reports = self.learner.reports(model).await?;
        let (steps, epoch) = (self.steps(), self.epoch);
        let mut found = Vec::with_capacity(reports.len());
        for ((step, rate), report) in self.unread.drain(..).zip(reports) {
            if !report.loss.is_finite() || !report.norm.is_finite() {
                self.stage = Stage::Diverged(step);
                if step > 1 {
                    self.suspects.clear();
                }
                break;
            }
            self.losses.push(report.loss);
            found.push(Progress {
                step,
                steps,
                epoch,
                loss: report.loss,
                rate,
                norm: report.norm,
            });
        }
        if matches!(self.stage, Stage::Train) && self.queue.is_empty() && self.ends_round() {
            let limit = model.config().max_tokens();
            let head = match self.task {
                Task::Head { kind, outputs, .. } => Some((kind, &self.labels[..], outputs)),
                _ => None,
            };
            let size = self.evaluation_size();
            let evaluation = Evaluation::new(&self.texts, head, size, limit);
            self.stage = Stage::Evaluate(Box::new(evaluation));
        }
        Ok(Event::Steps(found))
    }
}

/// The most tokens of a text.
pub(super) fn limit(model: &Model, recipe: &Recipe) -> usize {
    recipe.max_tokens.min(model.config().max_tokens())
}
