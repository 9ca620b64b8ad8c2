//! The evaluation that ends an epoch, batch by batch.

use kernels::Control;

use super::event::{Best, EpochReport, Event, Mistake, RunState, TrainError};
use super::inputs::Targets;
use super::learner::Guessed;
use super::run::{Stage, Training};
use super::score::{self, Score, Words};
use super::texts::Texts;
use crate::config::HeadKind;
use crate::data::{self, Random, batches};
use crate::metrics::Figures;
use crate::model::Model;

/// What is judged in an evaluation, and how.
enum Judged {
    Words(Words),
    Texts(Box<dyn Score>),
}

impl Judged {
    fn figures(&self) -> Figures {
        match self {
            Self::Words(words) => words.figures(),
            Self::Texts(texts) => texts.figures(),
        }
    }
}

/// What an evaluation came to.
struct Outcome {
    /// The first figure on the training set's sample.
    train_figure: f64,
    /// On the validation set, as what follows.
    loss: f64,
    figures: Figures,
    mistakes: Vec<Mistake>,
}

/// An evaluation under way: what is left of it, and what was found.
pub(super) struct Evaluation {
    /// Last batch first; their examples are places among all texts, and each batch's are either
    /// all of the validation set or all of the training set.
    queue: Vec<data::Batch>,
    pub done: usize,
    pub total: usize,
    /// Of each loss the sum over the validation set, and of how many.
    losses: Vec<(f64, usize)>,
    train: Judged,
    validation: Judged,
}

impl Evaluation {
    /// Of all validation texts and a sample of the training set, `size` at a time.
    pub fn new(
        texts: &Texts,
        head: Option<(HeadKind, &[String], usize)>,
        size: usize,
        limit: usize,
    ) -> Self {
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
        let judged = || match head {
            None => Judged::Words(Words::default()),
            Some((kind, labels, outputs)) => Judged::Texts(score::new(kind, labels, outputs)),
        };
        Self {
            total: sample.len() + texts.len() - from,
            queue,
            done: 0,
            losses: Vec::new(),
            train: judged(),
            validation: judged(),
        }
    }

    /// The batch to evaluate now; it stays until [`Evaluation::next`], so that one that was
    /// cancelled comes again.
    pub fn batch(&self) -> Option<&data::Batch> {
        self.queue.last()
    }

    /// Goes on to the next batch; `true` if there is none.
    pub fn next(&mut self) -> bool {
        if let Some(batch) = self.queue.pop() {
            self.done += batch.examples.len();
        }
        self.queue.is_empty()
    }

    /// Counts what a batch gave.
    fn count(&mut self, texts: &Texts, places: &[usize], counted: &Counted) {
        let validation = places[0] >= texts.train();
        let judged = match validation {
            true => &mut self.validation,
            false => &mut self.train,
        };
        let found: Vec<(f64, usize)> = match (judged, counted) {
            (Judged::Words(words), Counted::Tokens(targets, found)) => {
                words.add(targets, found);
                let others = found.next.len().max(found.replaced.len());
                let counts = [targets.masks().len(), others];
                found.losses.iter().copied().zip(counts).collect()
            }
            (Judged::Texts(score), Counted::Logits(rows, loss)) => {
                for (&place, logits) in places.iter().zip(rows) {
                    let (encoded, example) = texts.judged(place);
                    score.add(encoded, example, logits);
                }
                vec![(*loss, places.len())]
            }
            _ => unreachable!("an evaluation counts what its texts are judged by"),
        };
        if validation {
            self.losses.resize(found.len(), (0.0, 0));
            for (sum, (loss, items)) in self.losses.iter_mut().zip(found) {
                sum.0 += loss * items as f64;
                sum.1 += items;
            }
        }
    }

    /// What it came to.
    fn outcome(self) -> Outcome {
        Outcome {
            train_figure: self.train.figures().first().1,
            loss: self
                .losses
                .iter()
                .map(|(sum, of)| sum / (*of).max(1) as f64)
                .sum(),
            figures: self.validation.figures(),
            mistakes: match &self.validation {
                Judged::Words(_) => Vec::new(),
                Judged::Texts(score) => score.mistakes(),
            },
        }
    }
}

/// What an evaluated batch gave.
enum Counted {
    /// What was asked, and what was guessed.
    Tokens(Targets, Guessed),
    /// Logits of each text, and the mean loss.
    Logits(Vec<Vec<f32>>, f64),
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
        let (counted, loss) = if self.task.guesses_words() {
            let found = self.learner.guess(model, &inputs, control).await?;
            let loss: f64 = found.losses.iter().sum();
            (Counted::Tokens(inputs.targets().clone(), found), loss)
        } else {
            let (rows, loss) = self.learner.evaluate(model, &inputs, control).await?;
            (Counted::Logits(rows, loss), loss)
        };
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
        evaluation.count(&self.texts, &batch.examples, &counted);
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
        let Outcome {
            train_figure,
            loss,
            figures,
            mistakes,
        } = evaluation.outcome();
        let losses = std::mem::take(&mut self.losses);
        let (_, figure) = figures.first();
        let is_better = |best: Best| match self.texts.has_masks() {
            true => loss < best.loss,
            false => figure > best.figure || (figure == best.figure && loss < best.loss),
        };
        let best = self.recipe.settles || self.best.is_none_or(is_better);
        let epoch = self.epoch;
        if best {
            self.best = Some(Best {
                epoch,
                figure,
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
            train_figure,
            validation_loss: loss,
            figures,
            mistakes,
            best,
        }))
    }
}
