//! How a run begins, and how one that a lost device has ended goes on.

use super::event::{RunState, TrainError};
use super::learner::Learner;
use super::memory::{self, Limits};
use super::run::{REPORT_EVERY, Stage, Training, limit};
use super::settle::Settling;
use super::texts::{Encoded, Texts};
use super::{Method, Recipe, Task};
use crate::config::Pooling;
use crate::data::{Example, Masker, Text};
use crate::model::DropoutRates;
use crate::model::Model;
use crate::probe;
use crate::tokenizer::Tokenizer;

impl Training {
    /// Prepares a run of classification. The model's weights change as it goes on.
    ///
    /// # Errors
    /// A recipe that cannot be run, too little data, a tokenizer or a pooling that the checkpoint
    /// does not go with, or no room on the device.
    pub async fn start(
        model: &mut Model,
        tokenizer: &Tokenizer,
        train: &[Example],
        validation: &[Example],
        classes: usize,
        recipe: Recipe,
    ) -> Result<Self, TrainError> {
        check(model, tokenizer, &recipe)?;
        let (t, v) = (train.len(), validation.len());
        if t == 0 || v == 0 || classes < 2 {
            let message = format!(
                "there are {classes} classes, {t} texts to learn from and {v} to check with: at \
                 least 2, 1 and 1 are needed"
            );
            return Err(TrainError::Data(message));
        }
        if let Some(wrong) = (train.iter().chain(validation)).find(|e| e.label >= classes) {
            let message = format!(
                "a text is of class {}, but there are {classes} classes, counted from 0",
                wrong.label
            );
            return Err(TrainError::Data(message));
        }
        if recipe.pooling == Pooling::Pooler && !model.heads().pooler {
            return Err(TrainError::NoPooler);
        }
        let limit = limit(model, &recipe);
        let texts = (train.iter().chain(validation))
            .map(|e| Encoded::example(tokenizer, limit, e))
            .collect();
        let texts = Texts::labelled(texts, t, recipe.seed);
        let task = Task::Classify {
            classes,
            pooling: recipe.pooling,
        };
        Self::prepare(model, texts, task, recipe).await
    }

    /// Prepares a run of masked language modelling (Devlin et al. 2019, section 3.1): words of
    /// the training texts are hidden anew in every epoch, those of the validation texts once.
    ///
    /// # Errors
    /// As [`Training::start`], and a checkpoint without the head, a tokenizer without `[MASK]`, or
    /// [`Method::Head`], which has nothing to learn here.
    pub async fn start_mlm(
        model: &mut Model,
        tokenizer: &Tokenizer,
        train: &[Text],
        validation: &[Text],
        recipe: Recipe,
    ) -> Result<Self, TrainError> {
        if recipe.method == Method::Head {
            let problem = "a head alone learns classes, not masked words: choose the last layers \
                           or the whole model";
            return Err(TrainError::Recipe(vec![problem.to_owned()]));
        }
        check(model, tokenizer, &recipe)?;
        model.has_mlm().map_err(TrainError::NoMlmHead)?;
        let masker = Masker::new(tokenizer).ok_or(TrainError::NoMask)?;
        let limit = limit(model, &recipe);
        let encode = |texts: &[Text]| -> Vec<Encoded> {
            let encoded = texts.iter().map(|t| Encoded::text(tokenizer, limit, t));
            encoded.filter(|t| t.can_be_masked(&masker)).collect()
        };
        let (mut texts, validation) = (encode(train), encode(validation));
        let (t, v) = (texts.len(), validation.len());
        if t == 0 || v == 0 {
            let message = format!(
                "there are {t} texts with words to hide to learn from and {v} to check with: at \
                 least 1 and 1 are needed"
            );
            return Err(TrainError::Data(message));
        }
        texts.extend(validation);
        let texts = Texts::masked(texts, t, recipe.seed, masker);
        Self::prepare(model, texts, Task::MaskedLm, recipe).await
    }

    async fn prepare(
        model: &mut Model,
        texts: Texts,
        task: Task,
        recipe: Recipe,
    ) -> Result<Self, TrainError> {
        let batch = recipe.batch.min(texts.train());
        let recipe = Recipe { batch, ..recipe };
        let needs = memory::needs(model, task, &recipe, texts.longest(), texts.len())?;
        memory::check(&needs, &Limits::of(model.device())).map_err(TrainError::Memory)?;
        let dropout = DropoutRates {
            hidden: recipe.dropout,
            attention: recipe.dropout,
            classifier: recipe.dropout,
        };
        let (method, optimiser, seed) = (recipe.method, recipe.optimiser, recipe.seed);
        let learner = Learner::new(model, task, method, optimiser, dropout, batch, seed);
        let mut learner = learner.await?;
        let stage = if method == Method::Head {
            learner.reserve_features(model, texts.len()).await?;
            Stage::Features(0)
        } else {
            Stage::Train
        };
        let classes = match task {
            Task::Classify { classes, .. } => classes,
            Task::MaskedLm => 0,
        };
        Ok(Self {
            learner,
            recipe,
            classes,
            by_length: texts.by_length(),
            texts,
            stage,
            epoch: 0,
            step: 0,
            suspects: Vec::new(),
            queue: Vec::new(),
            unread: Vec::new(),
            report_every: REPORT_EVERY,
            losses: Vec::new(),
            best: None,
            settling: Settling::default(),
            highest_rate: recipe.learning_rate,
            evaluated: RunState::default(),
        })
    }

    /// Where the run stood when an epoch was evaluated last.
    pub fn state(&self) -> RunState {
        self.evaluated
    }

    /// Goes on where another run of the same data and recipe stood, which a lost device has
    /// ended: to be called right after the start, when the weights that were saved have been
    /// written into the parameters of their names ([`Training::trainable`]). They become the best
    /// ones too, so save those of [`Training::best_weight_name`]. The learning rate, the batches,
    /// masks and dropout go on as they would have; the optimiser's moments begin anew, as nothing
    /// of them is left.
    ///
    /// # Errors
    /// [`TrainError::Resume`] for a state that does not fit, or a run that has begun.
    pub fn resume(&mut self, model: &mut Model, state: &RunState) -> Result<(), TrainError> {
        let (epochs, steps) = (self.recipe.epochs, self.epoch_steps());
        let problem = if self.epoch > 0 {
            "it has begun already".to_owned()
        } else if state.epoch > epochs {
            format!("{} epochs are done, the recipe has {epochs}", state.epoch)
        } else if state.step != state.epoch * steps {
            format!(
                "{} epochs took {} steps, but here an epoch has {steps}: the data or the batch \
                 differs",
                state.epoch, state.step
            )
        } else {
            self.epoch = state.epoch;
            self.step = state.step;
            self.best = state.best;
            self.settling = state.settling;
            self.evaluated = *state;
            self.learner.skip(state.step);
            self.learner.keep(model)?;
            return Ok(());
        };
        Err(TrainError::Resume(problem))
    }
}

/// What every task asks of a recipe and a tokenizer.
fn check(model: &Model, tokenizer: &Tokenizer, recipe: &Recipe) -> Result<(), TrainError> {
    let problems = recipe.problems();
    if !problems.is_empty() {
        return Err(TrainError::Recipe(problems));
    }
    probe::check_vocabulary(tokenizer, model.config()).map_err(TrainError::Vocabulary)
}
