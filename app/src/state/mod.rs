//! Everything the page knows, and how it changes.
//!
//! [`State`] is plain data with plain methods. A method changes the state and returns the
//! [`Effect`]s to carry out: messages to the engine, a new engine, a timer. Nothing here touches
//! the browser, so native tests drive it; the page only calls, carries out and draws.

pub mod activity;
mod along;
pub mod bench;
pub mod format;
pub mod inside;
pub mod learn;
pub mod link;
pub mod make;
pub mod opening;
pub mod probe;
pub mod prove;
pub mod said;
mod script;
mod sent;
pub mod session;
pub mod teach;
mod title;
mod trust;
pub mod view;

use crate::checkpoint::Source;
use crate::failure::Failure;
use crate::link::Panel;
use crate::protocol::{Command, Event, Preference, RequestId};
use crate::site::Site;
use activity::{Question, Wish};
use bench::Bench;
use inside::Inside;
use learn::Learn;
use link::Linked;
use make::Make;
use opening::Opening;
use probe::{Asks, Example, Probe};
use prove::Prove;
use sent::Sent;
use session::Session;
use teach::{KeptRun, Teach};

/// What a change of state asks of the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this to the engine.
    Send(Command),
    /// End the engine's worker, which frees all its memory, and start a new one.
    Restart,
    /// Ask the browser to keep what this device keeps.
    Persist,
    /// Read the list of well-known checkpoints.
    ReadGallery,
    /// Keep a run on this device, with the weights that came last.
    KeepRun(Box<KeptRun>),
    /// Bring the weights and the texts of a kept run.
    FetchRun(Box<KeptRun>),
    /// Delete the run that this device keeps.
    ForgetRun,
    /// Open a model that was made or taught here, by its name.
    OpenOwn(String),
    /// Delete one.
    ForgetOwn(String),
    /// Keep a text on this device for later visits.
    Remember(Memory, String),
}

/// What this device keeps as a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Past runs.
    Runs,
    /// The curve that was drawn last, and of what.
    Curve,
    /// What was answered in the lesson.
    Lesson,
    /// The score of spotting swaps.
    Scores,
}

impl Memory {
    pub const ALL: [Self; 4] = [Self::Runs, Self::Curve, Self::Lesson, Self::Scores];

    /// What the device calls it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Runs => "unmask.runs",
            Self::Curve => "unmask.curve",
            Self::Lesson => "unmask.lesson",
            Self::Scores => "unmask.scores",
        }
    }
}

/// The page's whole state.
#[derive(Clone, Debug)]
pub struct State {
    /// The host's choices; they stay as they are.
    pub site: Site,
    pub panel: Panel,
    pub session: Session,
    pub opening: Opening,
    pub linked: Linked,
    pub probe: Probe,
    pub inside: Inside,
    pub teach: Teach,
    pub prove: Prove,
    pub bench: Bench,
    pub make: Make,
    pub learn: Learn,
    /// What left this device.
    pub sent: Sent,
    /// What the visitor is asked before something is lost.
    pub question: Option<Question>,
    ids: RequestId,
}

/// Ids rise by one; the engine and the page treat a larger one as newer.
fn next(ids: &mut RequestId) -> RequestId {
    *ids = ids.wrapping_add(1);
    *ids
}

impl Default for State {
    fn default() -> Self {
        Self::new(Site::default())
    }
}

impl State {
    /// A page that has just been opened.
    pub fn new(site: Site) -> Self {
        Self {
            panel: Panel::default(),
            session: Session::new(site.bundled()),
            opening: Opening::default(),
            linked: Linked::default(),
            probe: Probe::default(),
            inside: Inside::default(),
            teach: Teach::default(),
            prove: Prove::default(),
            bench: Bench::default(),
            make: Make::default(),
            learn: Learn::default(),
            sent: Sent::default(),
            question: None,
            ids: 0,
            site,
        }
    }

    /// Takes in what the engine says.
    pub fn receive(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Alive => self.on_alive(),
            Event::Requested { request } => {
                self.sent.count(request);
                Vec::new()
            }
            Event::Device { report } => {
                self.session.on_device(report);
                Vec::new()
            }
            Event::SelfTest { test } => self.on_self_test(test),
            Event::Progress { id, progress } => {
                self.session.on_progress(id, progress);
                Vec::new()
            }
            Event::Loaded { id, model } => {
                self.session.on_loaded(id, model);
                self.probe.clear_results();
                self.on_model_for_inside();
                self.on_model_for_prove();
                let mut effects = self.refresh();
                effects.extend(self.on_model_for_teach(id));
                effects.extend(self.on_model_for_link());
                // The figures would mix two models.
                effects.extend(self.cancel_bench());
                effects
            }
            Event::LoadFailed { id, failure } => {
                self.session.on_load_ended(id, Some(failure));
                self.teach.forget_next(id);
                Vec::new()
            }
            Event::LoadCancelled { id } => {
                self.session.on_load_ended(id, None);
                self.teach.forget_next(id);
                Vec::new()
            }
            Event::Offered { id, offer } => self.on_offered(id, offer),
            Event::LookFailed { id, failure } => {
                self.on_look_failed(id, failure);
                Vec::new()
            }
            Event::LoadOffered { id, offer } => {
                self.on_load_offered(id, offer);
                self.teach.forget_next(id);
                Vec::new()
            }
            Event::Kept {
                entries,
                persistent,
            } => self.on_kept(entries, persistent),
            Event::Tokens {
                id,
                tokens,
                truncated,
            } => {
                if self.probe.on_tokens(id, tokens, truncated) {
                    self.hide_linked();
                    self.run()
                } else {
                    Vec::new()
                }
            }
            Event::Filled {
                id,
                fill,
                milliseconds,
            } => {
                self.probe.on_filled(id, fill, milliseconds);
                self.keep_guesses();
                Vec::new()
            }
            Event::Marked {
                id,
                marks,
                milliseconds,
            } => {
                self.probe.on_marked(id, marks, milliseconds);
                Vec::new()
            }
            Event::Said {
                id,
                said,
                milliseconds,
            } => {
                self.probe.on_said(id, *said, milliseconds);
                Vec::new()
            }
            Event::ProbeFailed { id, failure } => {
                self.probe.on_failed(id, Some(failure));
                Vec::new()
            }
            Event::ProbeCancelled { id } => {
                self.probe.on_failed(id, None);
                Vec::new()
            }
            Event::Teach { id, event } => {
                self.on_taught_for_inside(&event);
                self.on_teach(id, event)
            }
            Event::Inside { id, event } => self.on_inside(id, event),
            Event::Prove { id, event } => self.on_prove(id, event),
            Event::Bench { id, event } => {
                self.on_bench(id, event);
                Vec::new()
            }
            Event::Make { id, event } => self.on_make(id, event),
            Event::Memory { memory } => {
                self.session.memory = memory;
                Vec::new()
            }
            Event::DeviceLost { failure } => self.on_device_lost(failure),
            Event::Fatal { failure } => {
                self.session.on_fatal(failure);
                self.abandon();
                Vec::new()
            }
        }
    }

    fn on_alive(&mut self) -> Vec<Effect> {
        let id = next(&mut self.ids);
        let mut effects = vec![Effect::Send(Command::Start {
            preference: self.session.chosen(),
            hub: self.site.hub.clone(),
        })];
        effects.extend(self.session.on_alive(id).map(Effect::Send));
        effects.extend(self.on_alive_for_opening());
        effects.extend(self.on_alive_for_make());
        effects
    }

    /// A new engine takes the lost device's place and reloads the model, unless that has already
    /// happened twice: then something is wrong that starting again does not cure.
    fn on_device_lost(&mut self, failure: Failure) -> Vec<Effect> {
        self.keep_head();
        self.abandon();
        if self.session.on_device_lost(failure) {
            vec![Effect::Restart]
        } else {
            Vec::new()
        }
    }

    /// What an earlier visit left on this device.
    pub fn on_remembered(&mut self, memory: Memory, text: &str) -> Vec<Effect> {
        match memory {
            Memory::Runs => self.on_past_runs(text),
            Memory::Curve => self.on_kept_curve(text),
            Memory::Lesson => self.on_kept_lesson(text),
            Memory::Scores => self.on_kept_scores(text),
        }
    }

    /// Starts a new engine on request, after it broke or to run elsewhere.
    pub fn restart(&mut self) -> Vec<Effect> {
        self.wish(Wish::Restart)
    }

    pub(super) fn new_engine(&mut self) -> Vec<Effect> {
        self.keep_head();
        self.session.on_restart();
        self.abandon();
        vec![Effect::Restart]
    }

    /// The engine is gone, and with it whatever it was at.
    fn abandon(&mut self) {
        self.probe.abandon();
        self.inside.abandon();
        self.teach.abandon();
        self.prove.abandon();
        self.bench.abandon();
        self.make.abandon();
    }

    /// Runs on another device from now on.
    pub fn prefer(&mut self, preference: Preference) -> Vec<Effect> {
        if preference == self.session.chosen() {
            return Vec::new();
        }
        self.wish(Wish::Prefer(preference))
    }

    /// Frees everything the model holds.
    pub fn unload(&mut self) -> Vec<Effect> {
        self.wish(Wish::Unload)
    }

    /// Loads a checkpoint; the present one stays until this one is whole and valid.
    pub fn load(&mut self, source: Source) -> Vec<Effect> {
        self.wish(Wish::Load(source))
    }

    fn load_anew(&mut self, source: Source) -> Vec<Effect> {
        self.load_as(source).1
    }

    /// The load's id, and what begins it.
    fn load_as(&mut self, source: Source) -> (RequestId, Vec<Effect>) {
        let id = next(&mut self.ids);
        let load = self.session.load(id, source).map(Effect::Send);
        (id, load.into_iter().collect())
    }

    /// Gives up the load that runs.
    pub fn cancel_load(&mut self) -> Vec<Effect> {
        self.session
            .cancel_load()
            .map(Effect::Send)
            .into_iter()
            .collect()
    }

    /// The text, its pair or the model changed: cut it into tokens anew.
    pub fn refresh(&mut self) -> Vec<Effect> {
        if self.session.model.is_none() {
            return Vec::new();
        }
        let id = next(&mut self.ids);
        vec![Effect::Send(self.probe.tokenize(id))]
    }

    /// Puts an example in place of the text.
    pub fn put_example(&mut self, example: &Example) -> Vec<Effect> {
        let mask = self.mask().to_owned();
        self.probe.put_example(example, &mask);
        self.refresh()
    }

    /// How the model's vocabulary spells a hidden word.
    pub fn mask(&self) -> &str {
        let model = self.session.model.as_ref();
        model
            .and_then(|model| model.mask.as_deref())
            .unwrap_or("[MASK]")
    }

    /// Whether blanks are filled; a model that is yet to come is taken to do so.
    pub fn fills_blanks(&self) -> bool {
        let model = self.session.model.as_ref();
        model.is_none_or(|model| model.no_masks.is_none())
    }

    /// What the example that is shown shows; nothing of a text of one's own.
    pub fn example_shows(&self) -> Option<&'static str> {
        let example = self.probe.example(self.mask());
        let example = example.filter(|_| self.fills_blanks());
        example.map(|example| example.shows)
    }

    /// What is hidden, or how many predictions are wanted, changed: ask again.
    pub fn run(&mut self) -> Vec<Effect> {
        let Some(model) = &self.session.model else {
            return Vec::new();
        };
        if self.probe.awaits_tokens() {
            // The places may be about to move; the tokens' arrival asks.
            return Vec::new();
        }
        let asks = Asks {
            masks: model.no_masks.is_none(),
            next_sentence: model.next_sentence,
            replaced: model.replaced,
            head: model.head.is_some(),
        };
        let id = next(&mut self.ids);
        self.probe
            .ask(id, asks)
            .map(Effect::Send)
            .into_iter()
            .collect()
    }

    /// Gives up the probe that runs.
    pub fn cancel_probe(&mut self) -> Vec<Effect> {
        self.probe.cancel().map(Effect::Send).into_iter().collect()
    }
}

#[cfg(test)]
mod orders;
#[cfg(test)]
mod tests;
