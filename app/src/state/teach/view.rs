//! What the Teach panel shows, worked out from the state in plain Rust.

use super::chart::{Frame, Span, thin};
use super::run::{Phase, Run};
use super::{ErrandKind, Teach};
use crate::protocol::Export;
use crate::recipe::Goal;
use crate::state::State;
use crate::state::format::{bytes, duration, grouped, share};
use bert::config::HeadKind;
use bert::train::{Ending, Method};

/// One curve of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    pub name: &'static str,
    /// The style sheet's name for its colour.
    pub class: &'static str,
    pub points: Vec<(f64, f64)>,
}

/// A chart: curves over one pair of axes, with a sentence and a table for those who do not see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub title: &'static str,
    pub across: &'static str,
    pub frame: Frame,
    pub curves: Vec<Curve>,
    /// A level to compare with, and what it is.
    pub level: Option<(f64, String)>,
    pub summary: String,
}

impl Chart {
    /// A value as the chart's labels write it.
    pub fn value(&self, value: f64) -> String {
        match self.title {
            ACCURACY => format!("{:.1}%", value * 100.0),
            RATE => format!("{value:.1e}"),
            _ => format!("{value:.3}"),
        }
    }
}

const LOSS: &str = "Loss";
const RATE: &str = "Learning rate";
const ACCURACY: &str = "Accuracy";

/// The title of the chart of a figure.
fn title_of(figure: &str) -> &'static str {
    match figure {
        "accuracy" => ACCURACY,
        "Pearson" => "Pearson correlation",
        "micro F1" => "Micro F1",
        "entity F1" => "Entity F1",
        _ => "Answer F1",
    }
}

impl Run {
    /// Loss of every step, with the epochs' validation loss.
    pub fn loss_chart(&self) -> Chart {
        let steps: Vec<(f64, f64)> = self.steps.iter().map(|s| (s.step as f64, s.loss)).collect();
        let per_epoch = self.steps_per_epoch();
        let checks: Vec<(f64, f64)> = self
            .epochs
            .iter()
            .map(|e| (e.epoch as f64 * per_epoch, e.validation_loss))
            .collect();
        let all = || steps.iter().chain(&checks);
        let (_, total) = self.position();
        let frame = Frame {
            x: Span {
                low: 1.0,
                high: (total.max(2)) as f64,
            },
            y: Span {
                low: 0.0,
                high: Span::of(all().map(|p| p.1)).high.max(1e-3),
            },
        };
        let summary = match (steps.first(), steps.last()) {
            (Some(first), Some(last)) => format!(
                "The loss went from {:.3} at step {:.0} to {:.3} at step {:.0}.",
                first.1, first.0, last.1, last.0
            ),
            _ => "No step has been taken yet.".to_owned(),
        };
        Chart {
            title: LOSS,
            across: "step",
            frame,
            curves: vec![
                Curve {
                    name: "training",
                    class: "training",
                    points: thin(&steps),
                },
                Curve {
                    name: "validation",
                    class: "validation",
                    points: thin(&checks),
                },
            ],
            level: None,
            summary,
        }
    }

    /// Learning rate of every step.
    pub fn rate_chart(&self) -> Chart {
        let points: Vec<(f64, f64)> = self.steps.iter().map(|s| (s.step as f64, s.rate)).collect();
        let (_, total) = self.position();
        let recipe = &self.setup.recipe;
        let peak = match recipe.settles {
            true => points.first().map_or(1.0, |first| first.1),
            false => recipe.learning_rate,
        };
        Chart {
            title: RATE,
            across: "step",
            frame: Frame {
                x: Span {
                    low: 1.0,
                    high: (total.max(2)) as f64,
                },
                y: Span {
                    low: 0.0,
                    high: peak,
                },
            },
            curves: vec![Curve {
                name: "learning rate",
                class: "training",
                points: thin(&points),
            }],
            level: None,
            summary: match recipe.settles {
                true => "The learning rate is halved where the loss no longer falls.".to_owned(),
                false => format!(
                    "The learning rate rises to {peak:e} over the first {:.0}% of the steps and \
                     falls to zero.",
                    recipe.warmup * 100.0
                ),
            },
        }
    }

    /// Accuracy of every epoch, on the validation set and on as many training examples.
    pub fn accuracy_chart(&self) -> Chart {
        let points = |value: fn(&bert::train::EpochReport) -> f64| -> Vec<(f64, f64)> {
            let point = |e: &bert::train::EpochReport| (e.epoch as f64, value(e));
            self.epochs.iter().map(point).collect()
        };
        let validation = points(|e| e.figures.first().1);
        let name = self
            .epochs
            .last()
            .map_or("accuracy", |e| e.figures.first().0);
        let in_words = |value: f64| match name {
            "accuracy" => share(value),
            _ => format!("{value:.3}"),
        };
        let summary = match (validation.last(), self.best()) {
            (Some(last), Some(best)) => format!(
                "After epoch {:.0} the validation {name} is {}; the best is {} after epoch {}.",
                last.0,
                in_words(last.1),
                in_words(best.figures.first().1),
                best.epoch
            ),
            _ => "No epoch has ended yet.".to_owned(),
        };
        Chart {
            title: title_of(name),
            across: "epoch",
            frame: Frame {
                x: Span {
                    low: 1.0,
                    high: self.last_epoch().max(2) as f64,
                },
                y: Span {
                    low: 0.0,
                    high: 1.0,
                },
            },
            curves: vec![
                Curve {
                    name: "training",
                    class: "training",
                    points: thin(&points(|e| e.train_figure)),
                },
                Curve {
                    name: "validation",
                    class: "validation",
                    points: thin(&validation),
                },
            ],
            level: self
                .majority
                .map(|share| (share, "always the most frequent label".to_owned())),
            summary,
        }
    }

    pub(super) fn steps_per_epoch(&self) -> f64 {
        let (_, total) = self.position();
        total as f64 / self.last_epoch().max(1) as f64
    }

    /// The last epoch there will be; the one under way, where the loss is to settle.
    fn last_epoch(&self) -> usize {
        match self.setup.recipe.settles {
            true => self.steps.last().map_or(1, |last| last.epoch),
            false => self.setup.recipe.epochs,
        }
    }

    /// Where the run is, in words.
    pub fn phase_line(&self) -> String {
        let (step, steps) = self.position();
        let epoch = self.steps.last().map_or(1, |last| last.epoch);
        let settles = self.setup.recipe.settles;
        let epoch = match settles {
            true => format!("Epoch {epoch}, until the loss settles"),
            false => format!("Epoch {epoch} of {}", self.setup.recipe.epochs),
        };
        match self.phase {
            Phase::Starting => "Preparing".to_owned(),
            Phase::Pausing => "Pausing after this step".to_owned(),
            Phase::Paused if settles => format!("Paused at step {step}"),
            Phase::Paused => format!("Paused at step {step} of {steps}"),
            Phase::Stopping => "Stopping after this step".to_owned(),
            Phase::Running => match (self.evaluating, self.features) {
                (Some((done, total)), _) if self.is_before_steps() => {
                    format!("Guessing held-out words before the run: {done} of {total} texts")
                }
                (Some((done, total)), _) => {
                    format!("{epoch}: checking {done} of {total}")
                }
                (None, Some((done, total))) if self.is_before_steps() => format!(
                    "Reading the texts: {} of {}",
                    grouped(done as u64),
                    grouped(total as u64)
                ),
                _ if self.is_before_steps() => "Taking the first steps".to_owned(),
                _ if settles => format!("{epoch}: step {step}"),
                _ => format!("{epoch}, step {step} of {steps}"),
            },
            Phase::Done { best_epoch, ending } => match ending {
                Ending::Epochs => {
                    format!("Done. The model keeps the weights of epoch {best_epoch}, its best.")
                }
                Ending::Settled => format!("Done: the loss settled after {best_epoch} epochs."),
                Ending::Unsettled => format!(
                    "Ended after {best_epoch} epochs, the most, before the loss had settled."
                ),
            },
            Phase::Stopped if settles && !self.epochs.is_empty() => {
                "Stopped before the loss had settled. The model keeps what it had learned at the \
                 last check."
                    .to_owned()
            }
            Phase::Stopped if self.epochs.is_empty() => {
                "Stopped before its first epoch ended.".to_owned()
            }
            Phase::Stopped => match self.best() {
                Some(best) => format!(
                    "Stopped. The model keeps the weights of epoch {}, its best.",
                    best.epoch
                ),
                None => "Stopped.".to_owned(),
            },
            Phase::Diverged { step, try_rate } => format!(
                "At step {step} the loss was no longer a number; the weights from before are back. \
                 Try a learning rate of {try_rate:e}."
            ),
            Phase::Failed => "Ended by a failure.".to_owned(),
            Phase::Lost => "Interrupted: the engine was lost.".to_owned(),
        }
    }

    /// Time so far, and time to go.
    pub fn time_line(&self) -> String {
        let so_far = duration(self.milliseconds);
        match (self.is_under_way(), self.left()) {
            (true, Some(left)) if left > 0.0 => format!("{so_far}, about {} to go", duration(left)),
            _ => so_far,
        }
    }

    /// What computes it, or did, in a sentence.
    pub fn machine_line(&self) -> Option<String> {
        Some(self.machine.as_ref()?.words())
    }

    /// Whether labels are learned rather than hidden words.
    pub fn has_labels(&self) -> bool {
        self.setup.goal == Goal::Labels
    }
}

impl Teach {
    /// How many rows in how many classes were read.
    pub fn data_line(&self) -> Option<String> {
        let report = self.report.as_ref()?;
        let rows = grouped(report.rows as u64);
        if report.prose {
            return Some(format!("{rows} sentences, {}", report.format));
        }
        Some(match report.labels.len() {
            0 => format!("{rows} rows, {}", report.format),
            labels if report.kind == Some(HeadKind::Labels) => {
                format!("{rows} rows, {labels} labels, {}", report.format)
            }
            classes => format!("{rows} rows, {classes} classes, {}", report.format),
        })
    }

    /// What the run that the form describes would take.
    pub fn plan_lines(&self) -> Vec<String> {
        let Some(plan) = &self.plan else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        if plan.steps == 0 && plan.train > 0 && plan.validation > 0 {
            lines.push(format!(
                "{} for training, {} for validation, until the loss settles.",
                grouped(plan.train as u64),
                grouped(plan.validation as u64)
            ));
        }
        if plan.steps > 0 {
            lines.push(format!(
                "{} for training, {} for validation, {} steps.",
                grouped(plan.train as u64),
                grouped(plan.validation as u64),
                grouped(plan.steps as u64)
            ));
        }
        let all = (plan.train + plan.validation).max(1);
        lines.push(match plan.truncated {
            0 => format!("No text is cut; the longest has {} tokens.", plan.longest),
            cut => format!(
                "{} of the texts ({:.1}%) are cut to {} tokens.",
                grouped(cut as u64),
                100.0 * cut as f64 / all as f64,
                plan.longest
            ),
        });
        if let Some(needs) = &plan.needs {
            lines.push(format!(
                "Memory: {} ({} weights, {} for learning, {} for a step).",
                bytes(needs.total()),
                bytes(needs.weights),
                bytes(needs.training + needs.features),
                bytes(needs.activations)
            ));
        }
        lines
    }

    /// The errand in words, and how far it is.
    pub fn errand_line(&self) -> Option<(String, Option<f64>)> {
        let errand = self.errand.as_ref()?;
        let share = (errand.total > 0).then(|| errand.done as f64 / errand.total as f64);
        let line = match errand.kind {
            ErrandKind::Export(Export::Folder | Export::Keep) if errand.total > 0 => format!(
                "Writing the folder: {} of {}",
                bytes(errand.done),
                bytes(errand.total)
            ),
            ErrandKind::Export(Export::Folder | Export::Keep) => "Writing the folder".to_owned(),
            ErrandKind::Export(Export::Head) => "Writing the head".to_owned(),
            ErrandKind::Attach | ErrandKind::AttachLink => "Reading the head".to_owned(),
            ErrandKind::Predict => format!(
                "Predicting: {} of {} texts",
                grouped(errand.done),
                grouped(errand.total)
            ),
        };
        Some((line, share))
    }

    /// Whether the encoder was left alone, so that the head alone says all that was learned.
    pub fn head_is_enough(&self) -> bool {
        let method = self.run.as_ref().map(|run| run.setup.recipe.method);
        matches!(method, None | Some(Method::Head))
    }
}

impl State {
    /// What the page's title says before its name while a run is under way: seen on a tab that is
    /// hidden.
    pub(in crate::state) fn title_prefix(&self) -> String {
        match self.teach.run.as_ref().filter(|run| run.is_under_way()) {
            Some(run) => format!("{:.0}% taught · ", run.fraction() * 100.0),
            None => String::new(),
        }
    }

    /// The Teach panel's news for those who listen.
    pub(in crate::state) fn taught(&self) -> Option<String> {
        let run = self.teach.run.as_ref()?;
        match run.phase {
            // Every step would be too much to listen to.
            Phase::Running => Some(match run.epochs.last() {
                Some(_) => run.accuracy_chart().summary,
                None => "Training.".to_owned(),
            }),
            _ => Some(run.phase_line()),
        }
    }
}
