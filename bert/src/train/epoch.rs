//! The evaluation that ends an epoch, batch by batch.

use kernels::Control;

use super::event::{Best, EpochReport, Event, Mistake, RunState, TrainError};
use super::graph::Inputs;
use super::run::{Stage, Training};
use super::texts::Texts;
use crate::data::{Batch, Random, batches};
use crate::metrics::{Confusion, Metrics};
use crate::model::Model;

/// The most mistakes that are told.
const MAX_MISTAKES: usize = 100;

/// Right answers among all.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    right: usize,
    of: usize,
}

impl Score {
    fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.of += 1;
    }

    fn share(self) -> f64 {
        self.right as f64 / self.of.max(1) as f64
    }
}

/// What an evaluation came to.
pub(super) struct Figures {
    pub train_accuracy: f64,
    /// On the validation set, as what follows.
    pub loss: f64,
    pub validation: Metrics,
    pub confusion: Confusion,
    pub mistakes: Vec<Mistake>,
}

/// An evaluation under way: what is left of it, and what was found.
pub(super) struct Evaluation {
    /// Last batch first; their examples are places among all texts, and each batch's are either
    /// all of the validation set or all of the training set.
    queue: Vec<Batch>,
    pub done: usize,
    pub total: usize,
    loss: f64,
    train: Score,
    validation: Score,
    confusion: Confusion,
    mistakes: Vec<Mistake>,
}

impl Evaluation {
    /// Of all validation texts and a sample of the training set, `size` at a time.
    pub fn new(texts: &Texts, classes: usize, size: usize, limit: usize) -> Self {
        let from = texts.train();
        let sample = texts.sample();
        let mut random = Random::new(0, 0);
        let all = texts.lengths(0..texts.len());
        let lengths: Vec<usize> = sample.iter().map(|&i| all[i]).collect();
        let mut queue = batches(&lengths, size, limit, &mut random);
        for place in queue.iter_mut().flat_map(|b| &mut b.examples) {
            *place = sample[*place];
        }
        let mut validation = batches(&all[from..], size, limit, &mut random);
        for place in validation.iter_mut().flat_map(|b| &mut b.examples) {
            *place += from;
        }
        queue.extend(validation);
        Self {
            total: sample.len() + texts.len() - from,
            queue,
            done: 0,
            loss: 0.0,
            train: Score::default(),
            validation: Score::default(),
            confusion: Confusion::new(classes),
            mistakes: Vec::new(),
        }
    }

    /// The batch to evaluate now; it stays until [`Evaluation::next`], so that one that was
    /// cancelled comes again.
    pub fn batch(&self) -> Option<&Batch> {
        self.queue.last()
    }

    /// Goes on to the next batch; `true` if there is none.
    pub fn next(&mut self) -> bool {
        if let Some(batch) = self.queue.pop() {
            self.done += batch.examples.len();
        }
        self.queue.is_empty()
    }

    /// Counts the logits of a batch of texts, with their mean loss.
    pub fn count_classes(&mut self, texts: &Texts, places: &[usize], rows: &[Vec<f32>], mean: f64) {
        for (&place, row) in places.iter().zip(rows) {
            let label = texts.label(place);
            let best = (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
            let predicted = best.unwrap_or(0);
            let Some(example) = place.checked_sub(texts.train()) else {
                self.train.add(predicted == label);
                continue;
            };
            self.loss += mean;
            self.validation.add(predicted == label);
            self.confusion.add(label, predicted);
            if predicted != label {
                self.mistakes.push(Mistake {
                    example,
                    label,
                    predicted,
                    probabilities: softmax(row),
                });
            }
        }
    }

    /// Counts the guesses at masked tokens, with their mean loss.
    pub fn count_tokens(&mut self, validation: bool, targets: &[u32], found: &[u32], mean: f64) {
        let score = if validation {
            self.loss += mean * targets.len() as f64;
            &mut self.validation
        } else {
            &mut self.train
        };
        for (target, found) in targets.iter().zip(found) {
            score.add(target == found);
        }
    }

    /// What it came to.
    pub fn figures(mut self) -> Figures {
        let validation = if self.confusion.counts.is_empty() {
            Metrics {
                accuracy: self.validation.share(),
                macro_f1: 0.0,
                occurring: 0,
                classes: Vec::new(),
            }
        } else {
            self.confusion.metrics()
        };
        let sure = |m: &Mistake| m.probabilities[m.predicted];
        self.mistakes
            .sort_by(|a, b| sure(b).total_cmp(&sure(a)).then(a.example.cmp(&b.example)));
        self.mistakes.truncate(MAX_MISTAKES);
        Figures {
            train_accuracy: self.train.share(),
            loss: self.loss / self.validation.of.max(1) as f64,
            validation,
            confusion: self.confusion,
            mistakes: self.mistakes,
        }
    }
}

/// What an evaluated batch gave.
enum Counted {
    /// Targets, guesses and the mean loss.
    Tokens(Vec<u32>, Vec<u32>, f64),
    /// Logits of each text, and the mean loss.
    Classes(Vec<Vec<f32>>, f64),
}

impl Training {
    /// Evaluates a batch; ends the epoch with the last.
    pub(super) async fn evaluate(
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
        let (Counted::Tokens(.., loss) | Counted::Classes(_, loss)) = &counted;
        if !loss.is_finite() {
            // The losses were finite: the last step broke the weights, or these texts are too much for
            // them.
            self.suspects = batch.examples;
            self.losses.clear();
            self.stage = Stage::Diverged(self.step);
            return Ok(Event::Steps(Vec::new()));
        }
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
        let is_better = |best: Best| match self.texts.has_masks() {
            true => loss < best.loss,
            false => accuracy > best.accuracy || (accuracy == best.accuracy && loss < best.loss),
        };
        let best = self.recipe.settles || self.best.is_none_or(is_better);
        let epoch = self.epoch;
        if best {
            self.best = Some(Best {
                epoch,
                accuracy,
                loss,
            });
            self.learner.keep(model)?;
        }
        self.evaluated = RunState {
            epoch,
            step: self.step,
            best: self.best,
            settling: self.settling,
        };
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

/// `exp(x_i) / Σ exp(x_j)`, without overflow.
fn softmax(row: &[f32]) -> Vec<f32> {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f32> = row.iter().map(|x| (x - largest).exp()).collect();
    let sum: f32 = exps.iter().sum();
    exps.into_iter().map(|x| x / sum).collect()
}
