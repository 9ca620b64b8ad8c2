//! The evaluation that ends an epoch, batch by batch.

use super::event::Mistake;
use super::texts::Texts;
use crate::data::{Batch, Random, batches};
use crate::metrics::{Confusion, Metrics};

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

/// `exp(x_i) / Σ exp(x_j)`, without overflow.
fn softmax(row: &[f32]) -> Vec<f32> {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f32> = row.iter().map(|x| (x - largest).exp()).collect();
    let sum: f32 = exps.iter().sum();
    exps.into_iter().map(|x| x / sum).collect()
}
