//! What may begin while what goes on. Every button, link, drop and shortcut goes by [`State::may`]: it
//! lets a wish through, asks first because something would be lost, or says why it has to wait.

use super::session::Engine;
use super::teach::busy;
use super::{Effect, State};
use crate::checkpoint::{PickedFile, Source};
use crate::failure::Failure;
use crate::link::prove::Line;
use crate::link::{Link, Notice};
use crate::protocol::{Export, Preference};
use bert::config::HeadKind;

/// What a visitor may ask for that touches the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Another checkpoint in the present one's place.
    Load(Source),
    /// Another device, which takes a new engine.
    Prefer(Preference),
    /// A new engine without a model.
    Unload,
    /// A new engine.
    Restart,
    /// What a link says.
    Follow(Box<Link>),
    /// Texts to learn from.
    ReadTexts,
    /// A run.
    Start,
    /// The rest of a run that was cut short.
    Resume,
    /// The last run, as this device keeps it.
    BringBack,
    /// A classifier from a file.
    Attach(PickedFile),
    /// A file to save.
    HandOut,
    /// Figures for the Bench panel.
    Measure,
    /// A look into the model, for the Inside panel.
    LookInside,
    /// Points of the Prove panel's curve: what is missing, or one line more.
    Prove(Option<Line>),
}

/// The answer to a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may begin.
    Go,
    /// It may, if the visitor agrees to this loss.
    Ask(Loss),
    /// It has to wait; why, in a sentence.
    No(&'static str),
}

/// What would be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// A run under way.
    Run,
    /// What a run taught the model; nobody has saved it.
    Learned,
    /// The weights of a run that was cut short.
    Rescued,
    /// A file that is being written or read.
    Errand,
}

impl Loss {
    pub fn title(self) -> &'static str {
        match self {
            Self::Run => "End the run?",
            Self::Learned => "Discard the trained model?",
            Self::Rescued => "Discard the interrupted run?",
            Self::Errand => "Give up the file?",
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::Run => "A run is under way under Teach. What it has learned would be lost.",
            Self::Learned => {
                "It has learned from your texts and was not downloaded. What it learned would be \
                 lost."
            }
            Self::Rescued => {
                "The best weights of the run that was interrupted are still here, to resume from. \
                 They would be lost."
            }
            Self::Errand => "A file is still being written or read. It would have to begin anew.",
        }
    }

    /// The button that agrees.
    pub fn agree(self) -> &'static str {
        match self {
            Self::Run => "End the run",
            Self::Learned | Self::Rescued => "Discard",
            Self::Errand => "Give up",
        }
    }
}

/// A wish that waits for the visitor's word.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    wish: Wish,
    pub loss: Loss,
}

/// The visitor's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Do it and lose that.
    Agree,
    /// Write the trained model to a file, and leave all as it is.
    Download,
    /// Leave all as it is.
    Keep,
}

const RUN: &str = "A run is under way under Teach: stop it first.";
const ERRAND: &str = "A file is being written or read under Teach: wait for it, or cancel it.";
const MEASURING: &str = "The Bench panel is measuring: wait for it, or cancel it.";
const PROVING: &str = "A curve is being drawn under Prove: wait for it, or stop it.";
const UNTAUGHT: &str = "This model's encoder has learned under Teach, maybe from the texts to test with: load the \
                        checkpoint again for a curve of it.";
const NO_CLASSES: &str =
    "A curve is of accuracy: it needs texts with one label each, and these have none.";
const LOADING: &str = "A model is being loaded.";
const STARTING: &str = "The engine is still starting.";
const TAUGHT: &str = "This model is no longer the head's base: its encoder has learned since it was \
                      loaded. Load the checkpoint again, then drop the head.";
const NO_MODEL: &str = "No model is loaded.";

impl State {
    /// Whether a wish may be carried out now.
    pub fn may(&self, wish: &Wish) -> Verdict {
        match wish {
            Wish::Load(_) => self.may_replace(),
            Wish::Follow(link) if self.takes_the_model(link) => self.may_replace(),
            Wish::Follow(_) | Wish::ReadTexts => self.unless_running(),
            Wish::Prefer(_) | Wish::Restart => self.may_end_engine(),
            Wish::Unload => match self.may_end_engine() {
                Verdict::Go if self.teach.rescued.is_some() => Verdict::Ask(Loss::Rescued),
                verdict => verdict,
            },
            Wish::Start => self.may_start(),
            Wish::Resume => self.may_resume(),
            Wish::BringBack => match self.may_replace() {
                Verdict::Go if self.teach.rescued.is_some() => Verdict::Ask(Loss::Rescued),
                verdict => verdict,
            },
            Wish::Attach(_) => match self.no_run_or_errand() {
                Verdict::Go if self.session.model.is_none() => Verdict::No(NO_MODEL),
                Verdict::Go if self.teach.is_taught() => Verdict::No(TAUGHT),
                Verdict::Go if self.has_unsaved() => Verdict::Ask(Loss::Learned),
                verdict => verdict,
            },
            Wish::HandOut if self.teach.errand.is_some() => Verdict::No(ERRAND),
            Wish::HandOut if self.prove.is_running() => Verdict::No(PROVING),
            Wish::HandOut if self.session.model.is_none() => Verdict::No(NO_MODEL),
            Wish::HandOut => Verdict::Go,
            Wish::Measure => self.may_measure(),
            Wish::LookInside => self.may_look_inside(),
            Wish::Prove(_) => self.may_prove(),
        }
    }

    /// Why a wish has to wait; `None` where it need not.
    pub fn why_not(&self, wish: &Wish) -> Option<&'static str> {
        match self.may(wish) {
            Verdict::No(reason) => Some(reason),
            Verdict::Go | Verdict::Ask(_) => None,
        }
    }

    fn has_unsaved(&self) -> bool {
        self.session.model.is_some() && self.teach.has_unsaved()
    }

    fn unless_running(&self) -> Verdict {
        match self.teach.is_busy() {
            true => Verdict::No(RUN),
            false if self.prove.is_running() => Verdict::No(PROVING),
            false => Verdict::Go,
        }
    }

    fn no_run_or_errand(&self) -> Verdict {
        if self.teach.is_busy() {
            Verdict::No(RUN)
        } else if self.teach.errand.is_some() {
            Verdict::No(ERRAND)
        } else if self.prove.is_running() {
            Verdict::No(PROVING)
        } else {
            Verdict::Go
        }
    }

    /// Nothing may hold the present model, see [`Loss`] for what it may have learned.
    fn may_replace(&self) -> Verdict {
        match self.no_run_or_errand() {
            Verdict::Go if self.bench.is_running() => Verdict::No(MEASURING),
            Verdict::Go if self.has_unsaved() => Verdict::Ask(Loss::Learned),
            verdict => verdict,
        }
    }

    fn may_end_engine(&self) -> Verdict {
        if self.session.engine != Engine::Alive {
            Verdict::Go
        } else if self.teach.is_busy() {
            Verdict::Ask(Loss::Run)
        } else if self.has_unsaved() {
            Verdict::Ask(Loss::Learned)
        } else if self.teach.errand.is_some() {
            Verdict::Ask(Loss::Errand)
        } else {
            Verdict::Go
        }
    }

    /// What a run needs beside its texts.
    fn may_run(&self) -> Verdict {
        if self.session.engine != Engine::Alive {
            return Verdict::No(STARTING);
        }
        match self.no_run_or_errand() {
            Verdict::Go if self.session.loading.is_some() => Verdict::No(LOADING),
            Verdict::Go if self.bench.is_running() => Verdict::No(MEASURING),
            Verdict::Go if self.session.model.is_none() => Verdict::No(NO_MODEL),
            Verdict::Go if self.teach.is_opening() => Verdict::No("The texts are being read."),
            Verdict::Go if self.teach.report.is_none() => {
                Verdict::No("Choose texts to learn from first.")
            }
            verdict => verdict,
        }
    }

    fn may_start(&self) -> Verdict {
        match self.may_run() {
            Verdict::Go if self.teach.settings.setup().is_err() => {
                Verdict::No("Change what the recipe names in red.")
            }
            Verdict::Go if !self.teach.is_planned() => {
                Verdict::No("What the run takes is being worked out.")
            }
            Verdict::Go if !self.teach.problems().is_empty() => {
                Verdict::No("Change what the plan names.")
            }
            Verdict::Go if self.teach.rescued.is_some() => Verdict::Ask(Loss::Rescued),
            verdict => verdict,
        }
    }

    fn may_resume(&self) -> Verdict {
        let Some(rescued) = &self.teach.rescued else {
            return Verdict::No("There is no interrupted run.");
        };
        match self.may_run() {
            Verdict::Go if self.session.sha256() != Some(&rescued.model) => Verdict::No(
                "The interrupted run belongs to another model: load that one again to resume.",
            ),
            Verdict::Go if !self.teach.has_texts_of(rescued) => {
                Verdict::No("The interrupted run had other texts: open those again to resume.")
            }
            verdict => verdict,
        }
    }

    /// What a curve needs: the texts, the model and the device for itself.
    fn may_prove(&self) -> Verdict {
        let one_each = |report: &crate::protocol::DataReport| {
            report.kind == Some(HeadKind::Classes) && report.problem.is_none()
        };
        match self.may_run() {
            Verdict::Go if !self.teach.report.as_ref().is_some_and(one_each) => {
                Verdict::No(NO_CLASSES)
            }
            Verdict::Go if self.teach.is_taught() => Verdict::No(UNTAUGHT),
            Verdict::Go if self.curve_problem().is_some() => {
                Verdict::No("Change what the form names.")
            }
            verdict => verdict,
        }
    }

    fn may_measure(&self) -> Verdict {
        if self.session.device.is_none() || self.session.test.is_none() {
            Verdict::No(STARTING)
        } else if self.session.loading.is_some() {
            Verdict::No(LOADING)
        } else if self.teach.is_busy() {
            Verdict::No("A run is under way under Teach; both would be slowed down.")
        } else if self.teach.errand.is_some() {
            Verdict::No(ERRAND)
        } else if self.prove.is_running() {
            Verdict::No(PROVING)
        } else if self.bench.is_running() {
            Verdict::No(MEASURING)
        } else if self.bench.wants_nothing() {
            Verdict::No("Choose something to measure.")
        } else {
            Verdict::Go
        }
    }

    /// Beside a load or a run, as a probe may; but no figure is to be spoilt.
    fn may_look_inside(&self) -> Verdict {
        if self.session.engine != Engine::Alive {
            Verdict::No(STARTING)
        } else if self.session.model.is_none() {
            Verdict::No(NO_MODEL)
        } else if self.bench.is_running() {
            Verdict::No(MEASURING)
        } else {
            Verdict::Go
        }
    }

    /// Carries a wish out, asks about it, or says why not.
    pub(super) fn wish(&mut self, wish: Wish) -> Vec<Effect> {
        match self.may(&wish) {
            Verdict::Go => self.carry_out(wish),
            Verdict::Ask(loss) => {
                self.question = Some(Question { wish, loss });
                Vec::new()
            }
            Verdict::No(reason) => {
                self.refuse(&wish, reason);
                Vec::new()
            }
        }
    }

    /// The visitor has answered the question.
    pub fn answer(&mut self, answer: Answer) -> Vec<Effect> {
        let Some(Question { wish, .. }) = self.question.take() else {
            return Vec::new();
        };
        match answer {
            Answer::Keep => Vec::new(),
            Answer::Download => self.export(Export::Folder),
            // What was asked about may have ended meanwhile, and something else begun.
            Answer::Agree => match self.may(&wish) {
                Verdict::Go | Verdict::Ask(_) => self.carry_out(wish),
                Verdict::No(reason) => {
                    self.refuse(&wish, reason);
                    Vec::new()
                }
            },
        }
    }

    fn refuse(&mut self, wish: &Wish, reason: &'static str) {
        let failure = match reason {
            RUN => busy("It would take the model from the run."),
            reason => Failure::new("This has to wait", reason, ""),
        };
        match wish {
            Wish::Follow(_) => self
                .linked
                .notices
                .push(Notice(format!("The link was not opened. {reason}"))),
            Wish::Load(_) | Wish::Prefer(_) | Wish::Unload | Wish::Restart => {
                self.session.failure = Some(failure);
            }
            // The panels say it themselves.
            Wish::Measure | Wish::LookInside | Wish::Prove(_) => {}
            _ => self.teach.failure = Some(failure),
        }
    }

    fn carry_out(&mut self, wish: Wish) -> Vec<Effect> {
        match wish {
            Wish::Load(source) => self.load_anew(source),
            Wish::Prefer(preference) => {
                self.session.choose(preference);
                self.new_engine()
            }
            Wish::Unload => {
                self.session.unload();
                self.teach.rescued = None;
                self.probe.clear_tokens();
                self.new_engine()
            }
            Wish::Restart => self.new_engine(),
            Wish::Follow(link) => self.follow(*link),
            Wish::Start => self.begin_planned(),
            Wish::Resume => self.begin_rescued(),
            Wish::BringBack => self.fetch_run(),
            Wish::Attach(file) => self.attach_now(file),
            Wish::Prove(line) => self.begin_curve(line),
            // These begin with what they carry, once they may.
            Wish::ReadTexts | Wish::HandOut | Wish::Measure | Wish::LookInside => Vec::new(),
        }
    }
}
