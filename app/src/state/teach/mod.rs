//! The Teach panel: texts, a recipe, a run, and what comes out of it.

mod boxes;
pub mod chart;
mod errands;
mod flow;
pub mod found;
mod hiding;
mod kept;
mod losses;
mod offered;
mod paint;
pub mod past;
pub mod run;
pub mod settings;
pub mod view;

use crate::failure::Failure;
use crate::protocol::{DataReport, Export, PlanReport, RequestId};
use crate::recipe::{Reading, Setup, TextSource, WebTexts};
use crate::state::said::spoken;
use bert::export::Machine;
use bert::probe::Said;
use bert::train::RunState;
pub use boxes::Boxes;
pub(super) use flow::{busy, prose_reading};
pub use hiding::{Hiding, ShownToken};
pub use kept::KeptRun;
pub use paint::Paint;
use past::Past;
use run::Run;
use settings::Settings;

/// The sets that are published with the page: what to call them, and where they lie.
pub const SAMPLES: [(&str, &str); 5] = [
    ("Review sentiment", "examples/review-sentiment.tsv"),
    ("Question type", "examples/question-type.tsv"),
    ("Named things", "examples/named-things.jsonl"),
    ("Short answers", "examples/short-answers.json"),
    ("Similarity", "examples/similarity.tsv"),
];

/// Running text that is published with the page.
pub const PROSE: (&str, &str) = ("The Secret Garden", "examples/secret-garden.txt");

/// A text to classify, and the answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    pub text: String,
    pub pair: String,
    /// What the head says of it.
    pub answer: Option<Said>,
    pub milliseconds: Option<f64>,
    /// Why the answer is in doubt, in a sentence.
    pub(in crate::state) doubt: Option<String>,
    waiting: Option<RequestId>,
    /// The texts that were asked of last.
    asked: (String, String),
}

impl Trial {
    /// The texts that were asked of and what the head says of them, for those who listen; `None` while an
    /// answer is due.
    pub fn heard(&self) -> Option<(&(String, String), String)> {
        let said = self.answer.as_ref().filter(|_| self.waiting.is_none())?;
        Some((&self.asked, spoken(said)))
    }
}

/// A file that is being written, or one whose texts are being classified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    id: RequestId,
    pub kind: ErrandKind,
    pub done: u64,
    pub total: u64,
    /// Whether it holds what the run taught: one that was begun before the run's end does not.
    saves: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrandKind {
    Export(Export),
    Predict,
    Attach,
    /// A classifier that came in a link.
    AttachLink,
}

/// A run that was cut short, and what it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Rescued {
    pub setup: Setup,
    pub(super) state: RunState,
    /// The SHA-256 of the checkpoint.
    pub(in crate::state) model: String,
    /// Whether it came to its end: the weights are all that is missing.
    pub over: bool,
    texts: Option<(TextSource, Reading)>,
}

impl Rescued {
    /// The epoch whose weights these are, from 1.
    pub fn epoch(&self) -> usize {
        self.state.best_epoch()
    }
}

/// The Teach panel's state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Teach {
    /// What stands in the box for pasting.
    pub pasted: String,
    pub boxes: Boxes,
    pub paint: Paint,
    pub source: Option<TextSource>,
    pub reading: Reading,
    /// Texts that a link names and nobody has agreed to fetch yet.
    pub offered: Option<WebTexts>,
    pub report: Option<DataReport>,
    pub settings: Settings,
    pub plan: Option<PlanReport>,
    /// What the newest plan was asked for.
    plan_for: Option<Setup>,
    pub run: Option<Run>,
    pub trial: Trial,
    pub hiding: Hiding,
    pub errand: Option<Errand>,
    /// What went wrong with the texts, the run or a file.
    pub failure: Option<Failure>,
    /// What a run that was cut short can go on from; the weights are with the page.
    pub rescued: Option<Rescued>,
    /// The last run, as this device keeps it.
    pub kept: Option<KeptRun>,
    /// Runs that are over.
    pub past: Past,
    /// What the classifier that came from a file or a link was trained on, where that is known.
    pub attached: Option<Machine>,
    /// Whether the present model's encoder is no longer the checkpoint's.
    taught: bool,
    /// Whether the present model's head is no longer the checkpoint's.
    own_head: bool,
    /// A run that waits for the model to be loaded afresh, by the load of this id.
    next: Option<(RequestId, Setup, bool)>,
    opening: Option<RequestId>,
    /// Texts that were chosen before an engine listened.
    awaited: bool,
    planning: Option<RequestId>,
}

impl Teach {
    /// Whether the present model's encoder is no longer the checkpoint's.
    pub(super) fn is_taught(&self) -> bool {
        self.taught
    }

    /// Whether the present model's head is no longer the checkpoint's.
    pub(super) fn has_own_head(&self) -> bool {
        self.own_head
    }

    /// The chosen texts are read as soon as a model is loaded.
    pub(super) fn read_when_loaded(&mut self) {
        self.awaited = true;
    }

    /// Whether texts are being read.
    pub fn is_opening(&self) -> bool {
        self.awaited || self.opening.is_some()
    }

    /// Whether a run has begun, or is about to, and has not ended.
    pub fn is_busy(&self) -> bool {
        self.next.is_some() || self.run.as_ref().is_some_and(Run::is_under_way)
    }

    /// Whether the present model has learned something that nobody saved.
    pub(super) fn has_unsaved(&self) -> bool {
        let unsaved = |run: &Run| run.is_present && run.is_over() && !run.saved;
        self.run.as_ref().is_some_and(unsaved)
    }

    /// Whether a run computes, or is about to: one that is paused does not.
    pub fn goes_on(&self) -> bool {
        let paused = |run: &Run| run.phase == run::Phase::Paused;
        self.is_busy() && !self.run.as_ref().is_some_and(paused)
    }

    /// Whether leaving the page would lose something: a run, or what it learned and nobody saved or
    /// kept.
    pub fn would_lose(&self) -> bool {
        let learned = self.has_unsaved() || self.rescued.is_some();
        self.is_busy() || learned && !self.keeps_this_run()
    }

    /// The open texts, and how they are read.
    pub(in crate::state) fn texts(&self) -> Option<(TextSource, Reading)> {
        let source = self.source.clone()?;
        Some((source, self.reading.clone()))
    }

    /// Whether the open texts are those of a run that was cut short.
    pub(super) fn has_texts_of(&self, rescued: &Rescued) -> bool {
        match (&self.texts(), &rescued.texts) {
            (Some((now, reading)), Some((then, earlier))) => {
                now.is_same(then) && reading == earlier
            }
            (now, then) => now == then,
        }
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

    /// Whether the plan is of what the form says now.
    pub(in crate::state) fn is_planned(&self) -> bool {
        let asked = self.plan_for.as_ref();
        self.plan.is_some()
            && self.planning.is_none()
            && self.settings.setup().as_ref().ok() == asked
    }

    /// The load that a run waited for did not come to its end.
    pub(super) fn forget_next(&mut self, load: RequestId) {
        self.next.take_if(|(id, ..)| *id == load);
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
        self.hiding.abandon();
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
