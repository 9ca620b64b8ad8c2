//! A training run: epochs over a training set, an evaluation after each, the best one kept.

use kernels::{Control, ParamSpec};

use super::epoch::Evaluation;
use super::event::{Best, EpochReport, Event, Progress, RunState, TrainError};
use super::graph::{Batch, Inputs};
use super::learner::Learner;
use super::memory::{self, Limits};
use super::texts::{Encoded, Texts};
use super::{DropoutRates, Method, Pooling, Recipe, Task};
use crate::data::{self, Example, Masker, Random, Text, batches};
use crate::model::Model;
use crate::probe;
use crate::tokenizer::Tokenizer;

/// Texts that go through a frozen encoder at a time.
pub(super) const FEATURE_BATCH: usize = 16;
/// Steps between two looks at what they found, unless told otherwise.
const REPORT_EVERY: usize = 8;

enum Stage {
    /// Computing the features of the texts from this one on.
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
    learner: Learner,
    recipe: Recipe,
    /// 0 for masked language modelling.
    classes: usize,
    texts: Texts,
    stage: Stage,
    /// The epoch under way or finished last, from 1.
    epoch: usize,
    step: usize,
    /// What is left of the epoch, last batch first.
    queue: Vec<data::Batch>,
    /// Number and learning rate of the steps that were taken and whose loss is not read yet.
    unread: Vec<(usize, f64)>,
    report_every: usize,
    /// Of the epoch's steps.
    losses: Vec<f64>,
    best: Option<Best>,
}

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
            texts,
            stage,
            epoch: 0,
            step: 0,
            queue: Vec::new(),
            unread: Vec::new(),
            report_every: REPORT_EVERY,
            losses: Vec::new(),
            best: None,
        })
    }

    /// How many steps are taken between two looks at their losses, 1 to [`Learner::REPORTS`]; 8
    /// unless told otherwise. A look waits for the device; an epoch's end always looks.
    pub fn set_report_every(&mut self, steps: usize) {
        self.report_every = steps.clamp(1, Learner::REPORTS);
    }

    /// Steps of the whole run.
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

    fn epoch_steps(&self) -> usize {
        self.texts.train().div_ceil(self.recipe.batch)
    }

    /// Does the next piece of work: a batch of features, a step, or a batch of an epoch's
    /// evaluation. One that is cancelled is done again by the next call, with the same result;
    /// cancel, rather than drop, a call that is under way.
    pub async fn advance(
        &mut self,
        model: &mut Model,
        control: &Control,
    ) -> Result<Event, TrainError> {
        match self.stage {
            Stage::Features(first) => self.features(model, first, control).await,
            Stage::Train if self.is_finished() => {
                self.learner.restore(model);
                self.stage = Stage::Over;
                Ok(self.done())
            }
            Stage::Train => self.train_step(model, control).await,
            Stage::Evaluate(_) => self.evaluate(model, control).await,
            Stage::Diverged(step) => {
                self.learner.restore(model);
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
        self.epoch == self.recipe.epochs && self.queue.is_empty() && self.unread.is_empty()
    }

    fn done(&self) -> Event {
        Event::Done {
            best_epoch: self.best.map_or(0, |best| best.epoch),
        }
    }

    /// Ends the run: frees what it held, after returning to the best weights there were.
    pub fn finish(self, model: &mut Model) {
        let stopped = match self.stage {
            Stage::Over => false,
            Stage::Diverged(_) => true,
            _ => self.best.is_some(),
        };
        if stopped {
            self.learner.restore(model);
        }
        self.learner.end(model);
    }

    /// Where the run stood when its last epoch was finished.
    pub fn state(&self) -> RunState {
        let under_way = !self.queue.is_empty()
            || !self.unread.is_empty()
            || !self.losses.is_empty()
            || matches!(self.stage, Stage::Evaluate(_));
        let epoch = self.epoch - usize::from(under_way && self.epoch > 0);
        RunState {
            epoch,
            step: epoch * self.epoch_steps(),
            best: self.best,
        }
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
            self.learner.skip(state.step);
            self.learner.keep(model);
            return Ok(());
        };
        Err(TrainError::Resume(problem))
    }

    /// The logits of a text as the model stands now, for a try while it learns; nothing for
    /// masked language modelling, which has no classes.
    pub async fn classify(
        &mut self,
        model: &mut Model,
        tokenizer: &Tokenizer,
        text: &str,
        pair: Option<&str>,
        control: &Control,
    ) -> Result<Vec<f32>, TrainError> {
        if self.texts.has_masks() {
            return Ok(Vec::new());
        }
        let limit = limit(model, &self.recipe);
        let encoding = tokenizer.encode(text, pair, limit);
        let tokens = encoding.ids.len().next_multiple_of(16).min(limit);
        let batch = Batch {
            tokens,
            ids: vec![encoding.ids],
            types: vec![encoding.type_ids],
            labels: vec![0],
            masks: Vec::new(),
        };
        let inputs = Inputs::Texts(batch);
        let (mut rows, _) = self.learner.evaluate(model, &inputs, control).await?;
        Ok(rows.swap_remove(0))
    }

    async fn features(
        &mut self,
        model: &mut Model,
        first: usize,
        control: &Control,
    ) -> Result<Event, TrainError> {
        let total = self.texts.len();
        let last = (first + FEATURE_BATCH).min(total);
        let longest = self.texts.lengths(first..last).into_iter().max();
        let tokens = longest
            .unwrap_or(1)
            .next_multiple_of(16)
            .min(model.config().max_position_embeddings);
        let places: Vec<usize> = (first..last).collect();
        let batch = self.texts.batch(&places, tokens);
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

    fn inputs(&self, batch: &data::Batch) -> Inputs {
        if self.recipe.method == Method::Head {
            return self.texts.features(&batch.examples);
        }
        Inputs::Texts(self.texts.batch(&batch.examples, batch.tokens))
    }

    /// Begins the next epoch.
    fn begin(&mut self, model: &Model) {
        self.epoch += 1;
        self.texts.begin(self.epoch);
        let mut random = Random::new(self.recipe.seed, self.epoch as u64);
        let lengths = match self.recipe.method {
            // Features have no length: one shuffle of all.
            Method::Head => vec![1; self.texts.train()],
            _ => self.texts.lengths(0..self.texts.train()),
        };
        let limit = model.config().max_position_embeddings;
        self.queue = batches(&lengths, self.recipe.batch, limit, &mut random);
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
            let inputs = self.inputs(batch);
            let rate = self.recipe.rate(self.step, self.steps());
            // Where this fails, the batch was not learned, and comes again.
            self.learner.step(model, &inputs, rate, control).await?;
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
        if matches!(self.stage, Stage::Train) && self.queue.is_empty() {
            let limit = model.config().max_position_embeddings;
            let (classes, size) = (self.classes, self.recipe.batch);
            let evaluation = Evaluation::new(&self.texts, classes, size, limit);
            self.stage = Stage::Evaluate(Box::new(evaluation));
        }
        Ok(Event::Steps(found))
    }

    /// Evaluates a batch; ends the epoch with the last.
    async fn evaluate(
        &mut self,
        model: &mut Model,
        control: &Control,
    ) -> Result<Event, TrainError> {
        let Stage::Evaluate(evaluation) = &self.stage else {
            unreachable!("an evaluation is under way")
        };
        let Some(batch) = evaluation.batch().cloned() else {
            unreachable!("there is a validation set")
        };
        let inputs = self.inputs(&batch);
        let validation = batch.examples[0] >= self.texts.train();
        let counted = if let (true, Inputs::Texts(texts)) = (self.texts.has_masks(), &inputs) {
            let (found, loss) = self.learner.guess(model, &inputs, control).await?;
            let targets: Vec<u32> = texts.masks.iter().map(|&(.., id)| id).collect();
            Counted::Tokens(targets, found, loss)
        } else {
            let (rows, loss) = self.learner.evaluate(model, &inputs, control).await?;
            Counted::Classes(rows, loss)
        };
        let Stage::Evaluate(evaluation) = &mut self.stage else {
            unreachable!("an evaluation is under way")
        };
        match counted {
            Counted::Tokens(targets, found, loss) => {
                evaluation.count_tokens(validation, &targets, &found, loss);
            }
            Counted::Classes(rows, loss) => {
                evaluation.count_classes(&self.texts, &batch.examples, &rows, loss);
            }
        }
        if !evaluation.next() {
            return Ok(Event::Evaluating {
                done: evaluation.done,
                total: evaluation.total,
            });
        }
        self.end_epoch(model)
    }

    fn end_epoch(&mut self, model: &mut Model) -> Result<Event, TrainError> {
        let Stage::Evaluate(evaluation) = std::mem::replace(&mut self.stage, Stage::Train) else {
            unreachable!("an evaluation is under way")
        };
        let figures = evaluation.figures();
        let losses = std::mem::take(&mut self.losses);
        let (accuracy, loss) = (figures.validation.accuracy, figures.loss);
        if !loss.is_finite() {
            // The losses were finite: the last step broke the weights.
            self.stage = Stage::Diverged(self.step);
            return Ok(Event::Steps(Vec::new()));
        }
        let is_better = |best: Best| match self.texts.has_masks() {
            true => loss < best.loss,
            false => accuracy > best.accuracy || (accuracy == best.accuracy && loss < best.loss),
        };
        let best = self.best.is_none_or(is_better);
        let epoch = self.epoch;
        if best {
            self.best = Some(Best {
                epoch,
                accuracy,
                loss,
            });
            self.learner.keep(model);
        }
        Ok(Event::Epoch(EpochReport {
            epoch,
            train_loss: losses.iter().sum::<f64>() / losses.len().max(1) as f64,
            train_accuracy: figures.train_accuracy,
            validation_loss: loss,
            validation: figures.validation,
            confusion: figures.confusion,
            mistakes: figures.mistakes,
            best,
        }))
    }
}

/// What an evaluated batch gave.
enum Counted {
    /// Targets, guesses and the mean loss.
    Tokens(Vec<u32>, Vec<u32>, f64),
    /// Logits of each text, and the mean loss.
    Classes(Vec<Vec<f32>>, f64),
}

/// What every task asks of a recipe and a tokenizer.
fn check(model: &Model, tokenizer: &Tokenizer, recipe: &Recipe) -> Result<(), TrainError> {
    let problems = recipe.problems();
    if !problems.is_empty() {
        return Err(TrainError::Recipe(problems));
    }
    probe::check_vocabulary(tokenizer, model.config()).map_err(TrainError::Vocabulary)
}

/// The most tokens of a text.
fn limit(model: &Model, recipe: &Recipe) -> usize {
    recipe
        .max_tokens
        .min(model.config().max_position_embeddings)
}
