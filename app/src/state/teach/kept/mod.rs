//! The last run as this device keeps it, so that a reload of the page does not lose what it learned:
//! its texts, recipe, curves, and where its best weights lie.

use super::run::{Phase, Run};
use super::{Rescued, Teach};
use crate::checkpoint::Source;
use crate::failure::Failure;
use crate::protocol::TeachEvent;
use crate::recipe::{Reading, TextSource};
use crate::state::activity::Wish;
use crate::state::format;
use crate::state::{Effect, State};
use bert::metrics::Figures;
use bert::train::RunState;
use serde::{Deserialize, Serialize};

/// A run is not kept more often than this while it goes on: a small one has hundreds of epochs a second.
const PAUSE_MS: f64 = 5_000.0;
/// The only version there is so far.
const VERSION: u32 = 1;

/// A run with all that it takes to go on from its best epoch, but for the weights and the bytes of a
/// file of texts, which lie beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptRun {
    version: u32,
    /// When it began, in milliseconds since 1970: its name.
    pub began: f64,
    /// When it was kept last.
    saved: f64,
    /// What the model was loaded from, and the SHA-256 of its weights as they were then.
    source: Source,
    model: String,
    pub texts: TextSource,
    reading: Reading,
    run: Run,
    /// After the best epoch.
    state: RunState,
}

impl KeptRun {
    /// Reads what was kept; `None` where it is none of this version.
    pub fn parse(text: &str) -> Option<Self> {
        let kept: Self = serde_json::from_str(text).ok()?;
        let recipe = &kept.run.setup.recipe;
        let fits = kept.version == VERSION
            && kept.began.is_finite()
            && kept.state.epoch > 0
            && kept.state.epoch <= recipe.epochs
            && recipe.problems().is_empty();
        fits.then_some(kept)
    }

    pub fn to_json(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// The epoch whose weights are kept: with the run's name, the name of their file.
    pub fn epoch(&self) -> usize {
        self.state.best_epoch()
    }

    fn is_over(&self) -> bool {
        self.run.is_over()
    }

    /// What to go on from: a run that is over has only its end to come.
    fn rescued(&self) -> Rescued {
        let mut state = self.state;
        if self.is_over() {
            let epochs = self.run.setup.recipe.epochs;
            state.step = (state.step / state.epoch).saturating_mul(epochs);
            state.epoch = epochs;
        }
        Rescued {
            setup: self.run.setup.clone(),
            state,
            model: self.model.clone(),
            over: self.is_over(),
            texts: Some((self.texts.clone(), self.reading.clone())),
        }
    }

    /// What it was, in a sentence.
    pub fn words(&self, now: f64) -> String {
        let best = self.run.best().map(|epoch| {
            let what = match (&epoch.figures, epoch.figures.first()) {
                (Figures::Words { .. }, _) => format!("loss {:.3}", epoch.validation_loss),
                (Figures::Classes { .. }, (_, right)) => format!("{} right", format::share(right)),
                (_, (name, figure)) => format!("{name} {figure:.3}"),
            };
            format!(", {what} after epoch {}", epoch.epoch)
        });
        let end = match self.is_over() {
            true => "",
            false => ", cut short",
        };
        format!(
            "{} on {}{}{end}; {} ago.",
            self.texts.name(),
            self.source.name(),
            best.unwrap_or_default(),
            format::duration((now - self.saved).max(0.0)),
        )
    }
}

impl Teach {
    /// Whether the run that shows is the one that this device keeps.
    pub fn keeps_this_run(&self) -> bool {
        let began = self.run.as_ref().map(|run| run.began);
        self.kept
            .as_ref()
            .is_some_and(|kept| Some(kept.began) == began)
    }
}

impl State {
    /// Has the run kept that goes on, if it was not kept just now.
    pub(super) fn keep_run(&mut self) -> Vec<Effect> {
        let kept = self
            .teach
            .kept
            .as_ref()
            .filter(|_| self.teach.keeps_this_run());
        if kept.is_some_and(|kept| self.session.now - kept.saved < PAUSE_MS) {
            return Vec::new();
        }
        self.keep(self.teach.rescued.clone())
    }

    /// Has the run kept as it stands; its best weights are with the page.
    pub(super) fn keep(&mut self, rescued: Option<Rescued>) -> Vec<Effect> {
        let (Some(run), Some(rescued)) = (&self.teach.run, rescued) else {
            return Vec::new();
        };
        let (Some(source), Some((texts, reading))) = (self.session.source(), &rescued.texts) else {
            return Vec::new();
        };
        let kept = KeptRun {
            version: VERSION,
            began: run.began,
            saved: self.session.now,
            source: source.kept(),
            model: rescued.model.clone(),
            texts: texts.clone(),
            reading: reading.clone(),
            run: run.clone(),
            state: rescued.state,
        };
        self.teach.kept = Some(kept.clone());
        vec![Effect::KeepRun(Box::new(kept))]
    }

    /// The page has found a run that an earlier visit left.
    pub fn on_kept_run(&mut self, kept: KeptRun) -> Vec<Effect> {
        self.teach.kept.get_or_insert(kept);
        Vec::new()
    }

    /// The run could not be kept, or its files are gone.
    pub fn on_run_not_kept(&mut self, began: f64) -> Vec<Effect> {
        self.teach.kept.take_if(|kept| kept.began == began);
        Vec::new()
    }

    /// Deletes the run that this device keeps.
    pub fn forget_run(&mut self) -> Vec<Effect> {
        match self.teach.kept.take() {
            Some(_) => vec![Effect::ForgetRun],
            None => Vec::new(),
        }
    }

    /// Brings back the run that this device keeps.
    pub fn bring_back(&mut self) -> Vec<Effect> {
        self.wish(Wish::BringBack)
    }

    pub(in crate::state) fn fetch_run(&mut self) -> Vec<Effect> {
        let kept = self.teach.kept.clone();
        kept.map(|kept| Effect::FetchRun(Box::new(kept)))
            .into_iter()
            .collect()
    }

    /// The weights of the kept run are with the page; `slot` is where its file of texts lies now.
    /// `None` where something is missing.
    pub fn on_run_fetched(&mut self, kept: KeptRun, slot: Option<Option<usize>>) -> Vec<Effect> {
        let Some(slot) = slot else {
            self.teach.kept = None;
            self.teach.failure = Some(Failure::new(
                "The last run could not be brought back",
                "Its files are no longer whole on this device.",
                "Train again; the texts are as they were.",
            ));
            return vec![Effect::ForgetRun];
        };
        if self.teach.is_busy() {
            // A run has begun meanwhile.
            return Vec::new();
        }
        let mut rescued = kept.rescued();
        let mut texts = kept.texts.clone();
        if let (TextSource::File { slot: at, .. }, Some(slot)) = (&mut texts, slot) {
            *at = slot;
        }
        rescued.texts = Some((texts.clone(), kept.reading.clone()));
        self.teach.settings.show(&kept.run.setup);
        self.teach.run = Some(kept.run.brought_back());
        self.teach.rescued = Some(rescued);
        let mut effects = self.read_texts(texts, kept.reading);
        // Files of an earlier visit cannot be opened again, unless this device keeps them: the visitor drops them.
        if self.session.sha256() != Some(&kept.model) {
            match &kept.source {
                Source::Files { name, .. } => effects.extend(self.open_own_named(name)),
                _ => effects.extend(self.wish(Wish::Load(kept.source))),
            }
        }
        effects
    }
}

impl Run {
    /// As an earlier visit left it.
    fn brought_back(mut self) -> Self {
        self.is_present = false;
        if self.is_under_way() {
            self.phase = Phase::Lost;
        }
        self
    }

    /// Goes on where an earlier run stood after its best epoch.
    pub(super) fn carry_on(&mut self, earlier: &Self, state: &RunState) {
        let steps = earlier.steps.iter().filter(|at| at.step <= state.step);
        self.steps = steps.copied().collect();
        self.carried = self.steps.len();
        let epochs = earlier.epochs.iter().filter(|at| at.epoch <= state.epoch);
        self.epochs = epochs.cloned().collect();
        self.before = earlier.before;
        self.best_wrong.clone_from(&earlier.best_wrong);
        self.wrong.clone_from(&earlier.best_wrong);
        self.saved = false;
    }
}

/// Whether a run stands after an event: it has ended, or rests.
pub(super) fn stands(event: &TeachEvent) -> bool {
    use bert::train::Event;
    match event {
        TeachEvent::Run { news, .. } => news
            .iter()
            .any(|news| matches!(news.event, Event::Done { .. } | Event::Diverged { .. })),
        TeachEvent::Stopped | TeachEvent::Paused => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
