//! How a run begins, and how one that a lost device has ended goes on.

use super::encode::Encoded;
use super::event::{RunState, TrainError};
use super::learner::Learner;
use super::memory::{self, Limits};
use super::run::{REPORT_EVERY, Stage, Training, limit};
use super::settle::Settling;
use super::texts::{Asked, Texts};
use super::{Lesson, Method, Recipe, Task};
use crate::config::{HeadKind, Pooling};
use crate::data::{Example, Masker, Masking, SentencePair, Text, Truth};
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
                "there are {outputs} classes, {t} texts for training and {v} for validation: at \
                 least {least}, 1 and 1 are needed"
            );
            return Err(TrainError::Data(message));
        }
        let all = || train.iter().chain(validation);
        if let Some(wrong) = all().find_map(|e| beyond(&e.truth, kind, outputs)) {
            return Err(TrainError::Data(wrong));
        }
        if recipe.method == Method::Head && recipe.settles && !kind.reads_one_vector() {
            let problem = "only a head over one vector a text has a loss that settles: take a \
                           number of epochs";
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
        let weights = match recipe.balance > 0.0 {
            true => class_weights(kind, train, outputs, recipe.balance)?,
            false => Vec::new(),
        };
        let mut training = Self::prepare(model, texts, task, recipe).await?;
        training.labels = labels.to_vec();
        training.learner.set_class_weights(weights);
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
        let limit = limit(model, &recipe);
        let texts = [train, validation].map(|texts| encode(tokenizer, limit, texts));
        Self::start_words(model, tokenizer, Task::MaskedLm, texts, recipe).await
    }

    /// Prepares a run of masked language modelling on pairs of texts, in which the next-sentence head learns
    /// whether the second follows ([`Prose::pairs`](crate::data::Prose::pairs)): the loss is the sum of both means. A model
    /// without that head gets one, with random weights.
    ///
    /// # Errors
    /// As [`Training::start_mlm`], and a family that has no such head.
    pub async fn start_mlm_and_next(
        model: &mut Model,
        tokenizer: &Tokenizer,
        train: &[SentencePair],
        validation: &[SentencePair],
        recipe: Recipe,
    ) -> Result<Self, TrainError> {
        let limit = limit(model, &recipe);
        let encode = |pairs: &[SentencePair]| -> Vec<Encoded> {
            let pairs = pairs.iter().enumerate();
            pairs
                .map(|(i, p)| Encoded::pair(tokenizer, limit, p, i))
                .collect()
        };
        let texts = [encode(train), encode(validation)];
        model.has_mlm().map_err(TrainError::NoMlmHead)?;
        let added = model.add_next_sentence(recipe.seed).await?;
        if !added {
            return Err(TrainError::NoNextHead(model.config().family.class_prefix()));
        }
        Self::start_words(model, tokenizer, Task::MaskedLmAndNext, texts, recipe).await
    }

    /// Prepares a run of replaced words (Clark et al. 2020, section 3): a small generator, new beside the model, learns to fill hidden
    /// words, and the model learns to tell of every token whether what the generator drew stands there now. The loss is the
    /// generator's mean over the hidden words and [`REPLACED_WEIGHT`](super::REPLACED_WEIGHT) times the model's over all tokens; both share the tables of
    /// embeddings. A model without a head for it gets one, with random weights. All
    /// of the words that are chosen are hidden, whatever the recipe's masking says of others.
    ///
    /// # Errors
    /// As [`Training::start_mlm`], a family that has no such head, and a method that trains a part of the model only.
    pub async fn start_replaced(
        model: &mut Model,
        tokenizer: &Tokenizer,
        train: &[Text],
        validation: &[Text],
        recipe: Recipe,
    ) -> Result<Self, TrainError> {
        let limit = limit(model, &recipe);
        let texts = [train, validation].map(|texts| encode(tokenizer, limit, texts));
        if !model.add_generator(recipe.seed).await? {
            return Err(TrainError::NoReplacedHead(
                model.config().family.class_prefix(),
            ));
        }
        let started = Self::start_words(model, tokenizer, Task::Replaced, texts, recipe).await;
        if started.is_err() {
            model.remove_generator();
        }
        started
    }

    /// Prepares a run of the next word, by a model that reads left to right ([`Config::causal`](crate::config::Config::causal)):
    /// every token is guessed from those before it, special ones too, so that all of a text teaches.
    ///
    /// # Errors
    /// As [`Training::start_mlm`], and a model that reads both sides.
    pub async fn start_next_word(
        model: &mut Model,
        tokenizer: &Tokenizer,
        train: &[Text],
        validation: &[Text],
        recipe: Recipe,
    ) -> Result<Self, TrainError> {
        let limit = limit(model, &recipe);
        let texts = [train, validation].map(|texts| encode(tokenizer, limit, texts));
        Self::start_words(model, tokenizer, Task::NextWord, texts, recipe).await
    }

    async fn start_words(
        model: &mut Model,
        tokenizer: &Tokenizer,
        task: Task,
        [train, validation]: [Vec<Encoded>; 2],
        recipe: Recipe,
    ) -> Result<Self, TrainError> {
        if let Some(problem) = unsuited(task, recipe.method) {
            return Err(TrainError::Recipe(vec![problem.to_owned()]));
        }
        check(model, tokenizer, &recipe)?;
        match task {
            Task::Replaced => {}
            Task::NextWord => model.has_next_word().map_err(TrainError::NoNextWord)?,
            _ => model.has_mlm().map_err(TrainError::NoMlmHead)?,
        }
        let masker = |masking: Masking| Masker::with(tokenizer, masking).ok_or(TrainError::NoMask);
        let asked = match task {
            Task::Replaced => Asked::Replaced(masker(Masking {
                hidden: 1.0,
                swapped: 0.0,
                ..recipe.masking
            })?),
            Task::NextWord => Asked::Next,
            _ => Asked::Hidden(masker(recipe.masking)?),
        };
        let with_words = |texts: Vec<Encoded>| -> Vec<Encoded> {
            let texts = texts.into_iter();
            texts.filter(|text| asked.asks(text)).collect()
        };
        let (mut texts, validation) = (with_words(train), with_words(validation));
        let (t, v) = (texts.len(), validation.len());
        if t == 0 || v == 0 {
            let message = format!(
                "there are {t} texts with words to guess for training and {v} for validation: at \
                 least 1 and 1 are needed"
            );
            return Err(TrainError::Data(message));
        }
        texts.extend(validation);
        let texts = Texts::asked(texts, t, recipe.seed, asked);
        Self::prepare(model, texts, task, recipe).await
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
        let needs = memory::needs(model, task, &recipe, texts.extent())?;
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

/// Texts to hide words in, as the model reads them.
fn encode(tokenizer: &Tokenizer, limit: usize, texts: &[Text]) -> Vec<Encoded> {
    let texts = texts.iter().enumerate();
    texts
        .map(|(place, text)| Encoded::text(tokenizer, limit, text, place))
        .collect()
}

/// What a task in which words are hidden has against a method.
pub(super) fn unsuited(task: Task, method: Method) -> Option<&'static str> {
    match (task, method) {
        (_, Method::Head) => Some(
            "a head alone learns classes, not words to guess: choose the last layers or the whole model",
        ),
        (Task::Replaced, Method::LastLayers(_)) => Some(
            "replaced words are learned with a generator that is new: train the whole model, or from scratch",
        ),
        _ => None,
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

/// What each class counts: `(N / (classes · N_c))^balance`, and 0 where there is none of it.
///
/// # Errors
/// A head that knows no classes.
fn class_weights(
    kind: HeadKind,
    examples: &[Example],
    outputs: usize,
    balance: f64,
) -> Result<Vec<f32>, TrainError> {
    let mut counts = vec![0usize; outputs];
    for example in examples {
        match &example.truth {
            Truth::Class(class) => counts[*class] += 1,
            Truth::Tags(tagged) => tagged.iter().for_each(|one| counts[one.tag] += 1),
            _ => {
                let problem = format!(
                    "rare classes can be weighed where one class or tag is learned, and {} are not: set their \
                     weight to 0",
                    match kind {
                        HeadKind::Labels => "several labels a text",
                        HeadKind::Score => "scores",
                        HeadKind::Span => "answers",
                        _ => "choices",
                    }
                );
                return Err(TrainError::Recipe(vec![problem]));
            }
        }
    }
    let all: usize = counts.iter().sum();
    let there = counts.iter().filter(|count| **count > 0).count();
    let weight = |count: &usize| match count {
        0 => 0.0,
        count => (all as f64 / (there * count) as f64).powf(balance) as f32,
    };
    Ok(counts.iter().map(weight).collect())
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
        Truth::Score(_) | Truth::Answers(_) | Truth::Choice { .. } => return None,
    };
    (largest >= outputs).then(|| {
        format!("a text is of class {largest}, but there are {outputs} classes, counted from 0")
    })
}
