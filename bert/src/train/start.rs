//! How a run begins, and how one that a lost device has ended goes on.

use super::encode::Encoded;
use super::event::{RunState, TrainError};
use super::learner::Learner;
use super::memory::{self, Limits};
use super::run::{REPORT_EVERY, Stage, Training, limit};
use super::settle::Settling;
use super::texts::Texts;
use super::{Lesson, Method, Recipe, Task};
use crate::config::{HeadKind, Pooling};
use crate::data::{Example, Masker, Text, Truth};
use crate::model::DropoutRates;
use crate::model::Model;
use crate::probe;
use crate::tokenizer::Tokenizer;

impl Training {
    /// Prepares a run of a head on labelled texts. The model's weights change as it goes on.
    ///
    /// # Errors
    /// A recipe that cannot be run, too little data, a tokenizer or a pooling that the checkpoint
    /// does not go with, marks that end within a token, or no room on the device.
    pub async fn start(
        model: &mut Model,
        tokenizer: &Tokenizer,
        lesson: &Lesson<'_>,
        recipe: Recipe,
    ) -> Result<Self, TrainError> {
        check(model, tokenizer, &recipe)?;
        let Lesson {
            kind,
            labels,
            train,
            validation,
        } = *lesson;
        let task = lesson.task(recipe.pooling);
        let Task::Head { outputs, .. } = task else {
            unreachable!("a lesson is of a head")
        };
        let least = *kind.outputs().start();
        let (t, v) = (train.len(), validation.len());
        if t == 0 || v == 0 || outputs < least {
            let message = format!(
                "there are {outputs} classes, {t} texts to learn from and {v} to check with: at \
                 least {least}, 1 and 1 are needed"
            );
            return Err(TrainError::Data(message));
        }
        let all = || train.iter().chain(validation);
        if let Some(wrong) = all().find_map(|e| beyond(&e.truth, kind, outputs)) {
            return Err(TrainError::Data(wrong));
        }
        if recipe.method == Method::Head && recipe.settles && kind.reads_tokens() {
            let problem =
                "a head over every token has no loss that settles: take a number of epochs";
            return Err(TrainError::Recipe(vec![problem.to_owned()]));
        }
        let needs_pooler = !kind.reads_tokens() && recipe.pooling == Pooling::Pooler;
        if needs_pooler && !model.heads().pooler {
            return Err(TrainError::NoPooler);
        }
        let limit = limit(model, &recipe);
        let encode = |examples: &[Example]| -> Result<Vec<Encoded>, TrainError> {
            let mut found = Vec::with_capacity(examples.len());
            for example in examples.iter().enumerate() {
                let windows = Encoded::example(tokenizer, limit, outputs, example);
                found.extend(windows.map_err(TrainError::Data)?);
            }
            Ok(found)
        };
        let mut encoded = encode(train)?;
        let count = encoded.len();
        encoded.extend(encode(validation)?);
        let examples = all().cloned().collect();
        let texts = Texts::of(kind, (examples, encoded), [t, count], recipe.seed);
        let mut training = Self::prepare(model, texts, task, recipe).await?;
        training.labels = labels.to_vec();
        Ok(training)
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
        let masker = Masker::with(tokenizer, recipe.masking).ok_or(TrainError::NoMask)?;
        let limit = limit(model, &recipe);
        let encode = |texts: &[Text]| -> Vec<Encoded> {
            let texts = texts.iter().enumerate();
            let encoded = texts.map(|(i, t)| Encoded::text(tokenizer, limit, t, i));
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
        let accumulation = recipe.accumulation.min(batch);
        let recipe = Recipe {
            batch,
            accumulation,
            ..recipe
        };
        let needs = memory::needs(model, task, &recipe, texts.longest(), texts.len())?;
        memory::check(&needs, &Limits::of(model.device())).map_err(TrainError::Memory)?;
        let dropout = DropoutRates {
            hidden: recipe.dropout,
            attention: recipe.dropout,
            classifier: recipe.dropout,
        };
        let (method, optimiser, seed) = (recipe.method, recipe.optimiser, recipe.seed);
        let room = recipe.part();
        let learner = Learner::new(model, task, method, optimiser, dropout, room, seed);
        let mut learner = learner.await?;
        let stage = if task.has_features(method) {
            learner.reserve_features(model, texts.len()).await?;
            Stage::Features(0)
        } else {
            Stage::Train
        };
        Ok(Self {
            learner,
            recipe,
            task,
            labels: Vec::new(),
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

/// What is wrong with what a text is said to be, for a head of this kind with so many outputs.
fn beyond(truth: &Truth, kind: HeadKind, outputs: usize) -> Option<String> {
    if truth.kind() != kind {
        return Some("the texts are not labelled as this head needs them".to_owned());
    }
    let largest = match truth {
        Truth::Class(class) => *class,
        Truth::Labels(labels) => labels.iter().copied().max()?,
        Truth::Tags(tagged) => tagged.iter().map(|one| one.tag).max()?,
        Truth::Score(_) | Truth::Answers(_) => return None,
    };
    (largest >= outputs).then(|| {
        format!("a text is of class {largest}, but there are {outputs} classes, counted from 0")
    })
}
