//! The Teach panel: texts, a recipe, a run, and what comes out of it.

pub mod chart;
mod errands;
mod flow;
pub mod run;
pub mod settings;
pub mod view;

use crate::protocol::{
    DataReport, Export, Failure, PlanReport, Reading, RequestId, Setup, TextSource,
};
use bert::export::Machine;
use bert::train::RunState;
pub(super) use flow::busy;
use run::Run;
use settings::Settings;

/// The sets that are published with the page: what to call them, and where they lie.
pub const SAMPLES: [(&str, &str); 2] = [
    ("Review sentiment", "examples/review-sentiment.tsv"),
    ("Question type", "examples/question-type.tsv"),
];

/// A text to classify, and the answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    pub text: String,
    pub pair: String,
    /// Labels with their probabilities, the likeliest first.
    pub answer: Vec<(String, f32)>,
    pub milliseconds: Option<f64>,
    /// Why the answer is in doubt, in a sentence.
    pub(in crate::state) doubt: Option<String>,
    waiting: Option<RequestId>,
    /// The texts that were asked of last.
    asked: (String, String),
}

impl Trial {
    /// The texts that were asked of and the label that they got, for those who listen; `None` while an
    /// answer is due.
    pub fn heard(&self) -> Option<(&(String, String), &str, f32)> {
        let (label, probability) = self.answer.first().filter(|_| self.waiting.is_none())?;
        Some((&self.asked, label, *probability))
    }
}

/// A file that is being written, or one whose texts are being classified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    id: RequestId,
    pub kind: ErrandKind,
    pub done: u64,
    pub total: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrandKind {
    Export(Export),
    Predict,
    Attach,
    /// A classifier that came in a link.
    AttachLink,
}

/// The Teach panel's state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Teach {
    /// What stands in the box for pasting.
    pub pasted: String,
    pub source: Option<TextSource>,
    pub reading: Reading,
    pub report: Option<DataReport>,
    pub settings: Settings,
    pub plan: Option<PlanReport>,
    pub run: Option<Run>,
    pub trial: Trial,
    pub errand: Option<Errand>,
    /// What went wrong with the texts, the run or a file.
    pub failure: Option<Failure>,
    /// What a run that lost its device can go on from; the weights are with the page.
    pub rescued: Option<(Setup, RunState)>,
    /// What the classifier that came from a file or a link was trained on, where that is known.
    pub attached: Option<Machine>,
    /// Whether the present model's encoder is no longer the checkpoint's.
    taught: bool,
    /// A run that waits for the model to be loaded afresh.
    next: Option<(Setup, bool)>,
    opening: Option<RequestId>,
    planning: Option<RequestId>,
}

impl Teach {
    /// Whether the present model's encoder is no longer the checkpoint's.
    pub(super) fn is_taught(&self) -> bool {
        self.taught
    }

    /// Whether texts are being read.
    pub fn is_opening(&self) -> bool {
        self.opening.is_some()
    }

    /// Whether a run has begun, or is about to, and has not ended.
    pub fn is_busy(&self) -> bool {
        self.next.is_some() || self.run.as_ref().is_some_and(Run::is_under_way)
    }

    /// Whether a run computes, or is about to: one that is paused does not.
    pub fn goes_on(&self) -> bool {
        let paused = |run: &Run| run.phase == run::Phase::Paused;
        self.is_busy() && !self.run.as_ref().is_some_and(paused)
    }

    /// Whether leaving the page would lose something: a run, or what it learned and nobody saved.
    pub fn would_lose(&self) -> bool {
        self.is_busy()
            || self
                .run
                .as_ref()
                .is_some_and(|run| run.is_over() && !run.saved)
    }

    /// Whether an answer is due.
    pub fn is_trying(&self) -> bool {
        self.trial.waiting.is_some()
    }

    /// Everything that keeps the form from being run, in words.
    pub fn problems(&self) -> Vec<String> {
        match self.settings.setup() {
            Err(problems) => problems,
            Ok(_) => self
                .plan
                .as_ref()
                .map_or_else(Vec::new, |plan| plan.problems.clone()),
        }
    }

    /// Whether the run that the form describes can begin.
    pub fn can_start(&self) -> bool {
        !self.is_busy()
            && self.planning.is_none()
            && self.plan.is_some()
            && self.problems().is_empty()
    }

    /// The load that a run waited for did not come to its end.
    pub(super) fn forget_next(&mut self) {
        self.next = None;
    }

    /// The engine is gone, and with it whatever it was at.
    pub(super) fn abandon(&mut self) {
        if let Some(run) = self.run.as_mut().filter(|run| run.is_under_way()) {
            run.phase = run::Phase::Lost;
        }
        if let Some(run) = &mut self.run {
            run.is_present = false;
        }
        self.attached = None;
        self.trial.waiting = None;
        self.errand = None;
        self.opening = None;
        self.planning = None;
        self.plan = None;
        self.next = None;
        self.taught = false;
    }
}

#[cfg(test)]
pub(super) mod tests;
