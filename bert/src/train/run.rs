//! A training run: epochs over a training set, an evaluation after each, the best one kept.

use kernels::{Control, DeviceError, RunError};
use serde::{Deserialize, Serialize};

use super::graph::{Batch, Inputs};
use super::learner::Learner;
use super::{DropoutRates, Method, Recipe, Task};
use crate::data::{self, Example, Random, batches};
use crate::metrics::{Confusion, Metrics};
use crate::model::Model;
use crate::probe::{self, ProbeError};
use crate::tokenizer::Tokenizer;

/// Texts that go through a frozen encoder at a time.
const FEATURE_BATCH: usize = 16;

/// Why a run cannot begin, or stopped.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// Settings that make no sense.
    #[error("the recipe cannot be run: {}", .0.join("; "))]
    Recipe(Vec<String>),
    /// Too little to learn from.
    #[error("{0}")]
    Data(String),
    /// The pooler was asked for, and the checkpoint has none.
    #[error("this checkpoint has no pooler; choose [CLS] or mean pooling")]
    NoPooler,
    /// The tokenizer belongs to another model.
    #[error(transparent)]
    Vocabulary(ProbeError),
    /// The device failed, or the run was cancelled between two steps.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl From<DeviceError> for TrainError {
    fn from(error: DeviceError) -> Self {
        Self::Run(error.into())
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps taken.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// The epoch, from 1.
    pub epoch: usize,
    /// The mean loss of the step's batch, before the step.
    pub loss: f64,
    /// The learning rate of the step.
    pub rate: f64,
    /// The gradients' global norm before clipping.
    pub norm: f64,
}

/// What an epoch came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The mean of its steps' losses.
    pub train_loss: f64,
    /// The mean loss on the validation set.
    pub validation_loss: f64,
    /// Figures on the validation set.
    pub validation: Metrics,
    /// Truth against prediction on the validation set.
    pub confusion: Confusion,
    /// Whether it is the best so far: the highest accuracy, then the lowest loss.
    pub best: bool,
}

/// What happened in one [`Training::advance`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Texts went through the frozen encoder.
    Features {
        /// Texts done.
        done: usize,
        /// Texts in all.
        total: usize,
    },
    /// A step was taken.
    Step(Progress),
    /// An epoch ended.
    Epoch(EpochReport),
    /// The run is over; the model has the best epoch's weights.
    Done {
        /// That epoch, from 1.
        best_epoch: usize,
    },
    /// The loss is no longer a number; the model has the best weights there were.
    Diverged {
        /// The step at which it happened, from 1.
        step: usize,
        /// A learning rate to try instead.
        try_rate: f64,
    },
}

/// A text as the model reads it.
struct Encoded {
    ids: Vec<u32>,
    types: Vec<u32>,
    label: u32,
}

enum Stage {
    /// Computing the features of the texts from this one on.
    Features(usize),
    Train,
    Over,
}

/// A run that is driven step by step: between two calls of [`Training::advance`] it rests, so
/// that pausing it is not calling, and the model can be asked what it thinks by then.
pub struct Training {
    learner: Learner,
    recipe: Recipe,
    classes: usize,
    /// Training texts first, then the validation texts.
    texts: Vec<Encoded>,
    train: usize,
    stage: Stage,
    epoch: usize,
    step: usize,
    /// What is left of the epoch, last batch first.
    queue: Vec<data::Batch>,
    losses: Vec<f64>,
    /// Accuracy, loss and number of the best epoch.
    best: Option<(f64, f64, usize)>,
}

impl Training {
    /// Prepares a run of classification. The model's weights change as it goes on.
    pub async fn start(
        model: &mut Model,
        tokenizer: &Tokenizer,
        train: &[Example],
        validation: &[Example],
        classes: usize,
        recipe: Recipe,
    ) -> Result<Self, TrainError> {
        let problems = recipe.problems();
        if !problems.is_empty() {
            return Err(TrainError::Recipe(problems));
        }
        probe::check_vocabulary(tokenizer, model.config()).map_err(TrainError::Vocabulary)?;
        if train.is_empty() || validation.is_empty() || classes < 2 {
            let (t, v) = (train.len(), validation.len());
            let message = format!(
                "there are {classes} classes, {t} texts to learn from and {v} to check with: at \
                         least 2, 1 and 1 are needed"
            );
            return Err(TrainError::Data(message));
        }
        if recipe.pooling == super::Pooling::Pooler && !model.heads().pooler {
            return Err(TrainError::NoPooler);
        }
        let limit = recipe
            .max_tokens
            .min(model.config().max_position_embeddings);
        let encode = |example: &Example| {
            let encoding = tokenizer.encode(&example.text, example.pair.as_deref(), limit);
            Encoded {
                ids: encoding.ids,
                types: encoding.type_ids,
                label: example.label as u32,
            }
        };
        let texts: Vec<Encoded> = train.iter().chain(validation).map(encode).collect();
        let dropout = DropoutRates {
            hidden: recipe.dropout,
            attention: recipe.dropout,
            classifier: recipe.dropout,
        };
        let task = Task::Classify {
            classes,
            pooling: recipe.pooling,
        };
        let batch = recipe.batch.min(train.len());
        let recipe = Recipe { batch, ..recipe };
        let mut learner = Learner::new(
            model,
            task,
            recipe.method,
            recipe.optimiser,
            dropout,
            batch,
            recipe.seed,
        )
        .await?;
        let stage = if recipe.method == Method::Head {
            learner.reserve_features(model, texts.len()).await?;
            Stage::Features(0)
        } else {
            Stage::Train
        };
        Ok(Self {
            learner,
            recipe,
            classes,
            train: train.len(),
            texts,
            stage,
            epoch: 0,
            step: 0,
            queue: Vec::new(),
            losses: Vec::new(),
            best: None,
        })
    }

    /// Steps of the whole run.
    pub fn steps(&self) -> usize {
        self.recipe.epochs * self.epoch_steps()
    }

    /// What learns, for looking at gradients and dispatches.
    pub fn learner(&self) -> &Learner {
        &self.learner
    }

    fn epoch_steps(&self) -> usize {
        self.train.div_ceil(self.recipe.batch)
    }

    /// Does the next piece of work: a batch of features, a step, or an epoch's evaluation.
    pub async fn advance(
        &mut self,
        model: &mut Model,
        control: &Control,
    ) -> Result<Event, TrainError> {
        match self.stage {
            Stage::Features(first) => self.features(model, first, control).await,
            Stage::Train if self.queue.is_empty() && self.step > 0 && !self.losses.is_empty() => {
                self.end_epoch(model, control).await
            }
            Stage::Train if self.epoch == self.recipe.epochs && self.queue.is_empty() => {
                self.stage = Stage::Over;
                self.learner.restore(model);
                Ok(Event::Done {
                    best_epoch: self.best.map_or(0, |(.., epoch)| epoch),
                })
            }
            Stage::Train => self.train_step(model, control).await,
            Stage::Over => Ok(Event::Done {
                best_epoch: self.best.map_or(0, |(.., e)| e),
            }),
        }
    }

    /// Ends the run: frees what it held, after returning to the best weights there were.
    pub fn finish(self, model: &mut Model) {
        if !matches!(self.stage, Stage::Over) && self.best.is_some() {
            self.learner.restore(model);
        }
        self.learner.end(model);
    }

    /// The logits of a text as the model stands now, for a try while it learns.
    pub async fn classify(
        &mut self,
        model: &mut Model,
        tokenizer: &Tokenizer,
        text: &str,
        pair: Option<&str>,
        control: &Control,
    ) -> Result<Vec<f32>, TrainError> {
        let limit = self
            .recipe
            .max_tokens
            .min(model.config().max_position_embeddings);
        let encoding = tokenizer.encode(text, pair, limit);
        let tokens = encoding.ids.len().next_multiple_of(16).min(limit);
        let batch = Batch {
            tokens,
            ids: vec![encoding.ids],
            types: vec![encoding.type_ids],
            labels: vec![0],
            masks: Vec::new(),
        };
        let (mut rows, _) = self
            .learner
            .evaluate(model, &Inputs::Texts(batch), control)
            .await?;
        Ok(rows.remove(0))
    }

    async fn features(
        &mut self,
        model: &mut Model,
        first: usize,
        control: &Control,
    ) -> Result<Event, TrainError> {
        let total = self.texts.len();
        let last = (first + FEATURE_BATCH).min(total);
        let longest = self.texts[first..last]
            .iter()
            .map(|t| t.ids.len())
            .max()
            .unwrap_or(1);
        let tokens = longest
            .next_multiple_of(16)
            .min(model.config().max_position_embeddings);
        let batch = self.batch(&(first..last).collect::<Vec<_>>(), tokens);
        let pooling = self.recipe.pooling;
        self.learner
            .add_features(model, pooling, first, &batch, control)
            .await?;
        self.stage = if last == total {
            Stage::Train
        } else {
            Stage::Features(last)
        };
        Ok(Event::Features { done: last, total })
    }

    fn batch(&self, places: &[usize], tokens: usize) -> Batch {
        let texts = || places.iter().map(|&i| &self.texts[i]);
        Batch {
            tokens,
            ids: texts().map(|t| t.ids.clone()).collect(),
            types: texts().map(|t| t.types.clone()).collect(),
            labels: texts().map(|t| t.label).collect(),
            masks: Vec::new(),
        }
    }

    fn inputs(&self, places: &[usize], tokens: usize) -> Inputs {
        if self.recipe.method != Method::Head {
            return Inputs::Texts(self.batch(places, tokens));
        }
        Inputs::Features {
            rows: places.iter().map(|&i| i as u32).collect(),
            labels: places.iter().map(|&i| self.texts[i].label).collect(),
        }
    }

    fn lengths(&self, from: usize, to: usize) -> Vec<usize> {
        self.texts[from..to].iter().map(|t| t.ids.len()).collect()
    }

    async fn train_step(
        &mut self,
        model: &mut Model,
        control: &Control,
    ) -> Result<Event, TrainError> {
        if self.queue.is_empty() {
            self.epoch += 1;
            let mut random = Random::new(self.recipe.seed, self.epoch as u64);
            let limit = model.config().max_position_embeddings;
            let lengths = match self.recipe.method {
                // Features have no length: one shuffle of all.
                Method::Head => vec![1; self.train],
                _ => self.lengths(0, self.train),
            };
            self.queue = batches(&lengths, self.recipe.batch, limit, &mut random);
        }
        let Some(batch) = self.queue.pop() else {
            unreachable!("an epoch has a batch")
        };
        let inputs = self.inputs(&batch.examples, batch.tokens);
        let rate = self.recipe.rate(self.step, self.steps());
        let report = match self.learner.step(model, &inputs, rate, true, control).await {
            Ok(report) => report,
            Err(error) => {
                // The batch was not learned; a cancelled run goes on with it.
                self.queue.push(batch);
                return Err(error.into());
            }
        };
        let Some(report) = report else {
            unreachable!("a report was asked for")
        };
        self.step += 1;
        if !report.loss.is_finite() || !report.norm.is_finite() {
            self.stage = Stage::Over;
            self.learner.restore(model);
            return Ok(Event::Diverged {
                step: self.step,
                try_rate: self.recipe.learning_rate / 4.0,
            });
        }
        self.losses.push(report.loss);
        Ok(Event::Step(Progress {
            step: self.step,
            steps: self.steps(),
            epoch: self.epoch,
            loss: report.loss,
            rate,
            norm: report.norm,
        }))
    }

    async fn end_epoch(
        &mut self,
        model: &mut Model,
        control: &Control,
    ) -> Result<Event, TrainError> {
        let (from, to) = (self.train, self.texts.len());
        let limit = model.config().max_position_embeddings;
        let mut random = Random::new(0, 0);
        let mut confusion = Confusion::new(self.classes);
        let mut loss = 0.0;
        for batch in batches(
            &self.lengths(from, to),
            self.recipe.batch,
            limit,
            &mut random,
        ) {
            let places: Vec<usize> = batch.examples.iter().map(|i| from + i).collect();
            let inputs = self.inputs(&places, batch.tokens);
            let (rows, mean) = self.learner.evaluate(model, &inputs, control).await?;
            loss += mean * places.len() as f64;
            for (&place, row) in places.iter().zip(&rows) {
                let best = (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
                confusion.add(self.texts[place].label as usize, best.unwrap_or(0));
            }
        }
        let validation_loss = loss / (to - from) as f64;
        let validation = confusion.metrics();
        let accuracy = validation.accuracy;
        let best = self
            .best
            .is_none_or(|(a, l, _)| accuracy > a || (accuracy == a && validation_loss < l));
        if best {
            self.best = Some((accuracy, validation_loss, self.epoch));
            self.learner.keep(model);
        }
        let train_loss = self.losses.iter().sum::<f64>() / self.losses.len() as f64;
        self.losses.clear();
        let epoch = self.epoch;
        Ok(Event::Epoch(EpochReport {
            epoch,
            train_loss,
            validation_loss,
            validation,
            confusion,
            best,
        }))
    }
}
