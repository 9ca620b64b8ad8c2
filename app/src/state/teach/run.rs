//! A run as the page follows it.

use crate::protocol::{Guesses, RunNews, Wrong};
use crate::recipe::Setup;
use bert::export::Machine;
use bert::train::{Ending, EpochReport, Event, Progress};
use serde::{Deserialize, Serialize};

use super::RequestId;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// The engine prepares it.
    Starting,
    Running,
    /// It rests as soon as its step is done.
    Pausing,
    Paused,
    /// It ends as soon as its step is done.
    Stopping,
    /// It came to its end.
    Done {
        best_epoch: usize,
        ending: Ending,
    },
    /// Someone ended it.
    Stopped,
    /// Its loss was no longer a number.
    Diverged {
        step: usize,
        try_rate: f64,
    },
    Failed,
    /// Interrupted: the engine was lost.
    Lost,
}

/// Evaluations of a head whose loss settles, usually.
const USUAL_ROUNDS: f64 = 10.0;

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub(super) id: RequestId,
    /// Milliseconds since 1970.
    pub(super) began: f64,
    pub phase: Phase,
    pub setup: Setup,
    pub labels: Vec<String>,
    pub train: usize,
    pub validation: usize,
    /// What always giving the most frequent label gets right.
    pub majority: Option<f64>,
    pub steps: Vec<Progress>,
    /// How many of them an earlier run took, which this one goes on from.
    pub(super) carried: usize,
    pub epochs: Vec<EpochReport>,
    /// What the epoch that ended last gets wrong, and the best one.
    pub(super) wrong: Vec<Wrong>,
    pub(super) best_wrong: Vec<Wrong>,
    /// Texts read by the frozen encoder, of how many.
    pub features: Option<(usize, usize)>,
    /// Examples judged in the epoch's evaluation, of how many.
    pub evaluating: Option<(usize, usize)>,
    /// What was guessed of held-out hidden words before the first step, and after the last.
    #[serde(default)]
    pub before: Option<Guesses>,
    #[serde(default)]
    pub after: Option<Guesses>,
    /// Computing so far.
    pub milliseconds: f64,
    /// When the first steps were told, and how many they were: what came before is not their pace.
    since: Option<(f64, usize)>,
    /// Whether what was learned has been saved.
    pub saved: bool,
    /// What computes it, once it has begun.
    pub machine: Option<Machine>,
    /// Why its results are in doubt, in a sentence.
    pub doubt: Option<String>,
    /// Whether the engine that computes it, or did, is the present one.
    pub(in crate::state) is_present: bool,
}

impl Run {
    pub(super) fn new(id: RequestId, setup: Setup, began: f64) -> Self {
        Self {
            id,
            began,
            phase: Phase::Starting,
            setup,
            labels: Vec::new(),
            train: 0,
            validation: 0,
            majority: None,
            steps: Vec::new(),
            carried: 0,
            epochs: Vec::new(),
            wrong: Vec::new(),
            best_wrong: Vec::new(),
            features: None,
            evaluating: None,
            before: None,
            after: None,
            milliseconds: 0.0,
            since: None,
            saved: false,
            machine: None,
            doubt: None,
            is_present: true,
        }
    }

    /// Whether it has begun and not ended.
    pub fn is_under_way(&self) -> bool {
        matches!(
            self.phase,
            Phase::Starting | Phase::Running | Phase::Pausing | Phase::Paused | Phase::Stopping
        )
    }

    /// Whether it ended with a model that learned something.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Done { .. }) || self.phase == Phase::Stopped && self.has_best()
    }

    fn has_best(&self) -> bool {
        !self.epochs.is_empty()
    }

    /// The epoch whose weights the model has, or will have at the end.
    pub fn best(&self) -> Option<&EpochReport> {
        self.epochs.iter().rev().find(|epoch| epoch.best)
    }

    /// The epoch whose results are shown, with its mistakes: the last while the run goes on, then
    /// the best, whose weights the model has.
    pub fn shown(&self) -> Option<(&EpochReport, &[Wrong])> {
        if self.is_under_way() {
            return Some((self.epochs.last()?, &self.wrong));
        }
        Some((self.best()?, &self.best_wrong))
    }

    fn on_mistakes(&mut self, wrong: Vec<Wrong>) {
        if self.epochs.last().is_some_and(|epoch| epoch.best) {
            self.best_wrong.clone_from(&wrong);
        }
        self.wrong = wrong;
    }

    /// Whether it has told of no step of its own.
    pub(super) fn is_before_steps(&self) -> bool {
        self.steps.len() == self.carried
    }

    /// Steps taken, of how many; of those taken, where nobody knows when the loss will settle.
    pub fn position(&self) -> (usize, usize) {
        let steps = |last: &Progress| match self.setup.recipe.settles {
            true => last.step,
            false => last.steps,
        };
        self.steps
            .last()
            .map_or((0, 0), |last| (last.step, steps(last)))
    }

    /// Steps taken as a share of all; of the usual number of evaluations where the loss is to settle.
    fn share_of_steps(&self) -> f64 {
        match (self.setup.recipe.settles, self.position()) {
            (true, _) => (self.epochs.len() as f64 / USUAL_ROUNDS).min(1.0),
            (false, (done, total)) => done as f64 / total.max(1) as f64,
        }
    }

    /// Between 0 and 1: reading the texts counts a tenth of a head's run, the steps the rest.
    pub fn fraction(&self) -> f64 {
        let share = |(done, total): (usize, usize)| done as f64 / total.max(1) as f64;
        if !self.is_under_way() {
            return 1.0;
        }
        let reads = self.features.is_some();
        match (self.is_before_steps(), self.features) {
            (true, Some(features)) => 0.9 * share(features),
            (true, None) => 0.0,
            (false, _) if reads => 0.9 + 0.1 * self.share_of_steps(),
            (false, _) => self.share_of_steps(),
        }
    }

    /// Milliseconds to go, once the pace is known.
    pub fn left(&self) -> Option<f64> {
        if self.is_before_steps() {
            let (done, total) = self.features.filter(|(done, _)| *done > 0)?;
            return Some(self.milliseconds / done as f64 * total.saturating_sub(done) as f64);
        }
        if self.setup.recipe.settles {
            return None;
        }
        let (since, first) = self.since?;
        let (done, total) = self.position();
        let pace = (self.milliseconds - since) / done.checked_sub(first).filter(|n| *n > 0)? as f64;
        Some(pace * total.saturating_sub(done) as f64)
    }

    pub(super) fn on_news(&mut self, news: Vec<RunNews>, milliseconds: f64) {
        self.milliseconds = milliseconds;
        for RunNews { event, wrong } in news {
            self.on_event(event);
            if let Some(wrong) = wrong {
                self.on_mistakes(wrong);
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Features { done, total } => self.features = Some((done, total)),
            Event::Evaluating { done, total } => self.evaluating = Some((done, total)),
            Event::Steps(steps) => {
                self.evaluating = None;
                self.steps.extend(steps);
                let step = self.position().0;
                self.since.get_or_insert((self.milliseconds, step));
            }
            Event::Epoch(report) => {
                self.evaluating = None;
                self.epochs.push(report);
            }
            Event::Done { best_epoch, ending } => {
                self.phase = Phase::Done { best_epoch, ending };
            }
            Event::Diverged { step, try_rate } => self.phase = Phase::Diverged { step, try_rate },
        }
    }
}
