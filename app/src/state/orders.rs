//! Random but legal orders of what visitors and the engine do, against a stand-in for the engine
//! that does as it is told: no order may mix two models, or lose what was learned unasked.

use super::activity::{Answer, Verdict, Wish};
use super::teach::run::Phase;

use super::teach::tests::{epoch, news, plan, report};
use super::tests::facts;
use super::{Effect, State};
use crate::checkpoint::*;
use crate::failure::Failure;
use crate::link::{Link, Panel};
use crate::protocol::*;
use crate::recipe::*;
use bert::export::Machine;
use bert::train::{Ending, Event as RunEvent, RunState};
use proptest::prelude::*;

/// An engine that obeys at once and answers when it is let.
#[derive(Default)]
struct FakeEngine {
    alive: bool,
    model: Option<Source>,
    load: Option<(RequestId, Source)>,
    cancelled: Option<RequestId>,
    texts: bool,
    opening: Option<RequestId>,
    planning: Option<RequestId>,
    run: Option<FakeRun>,
    errand: Option<(RequestId, bool)>,
    /// A curve that is drawn: its encoder is another in between.
    curve: Option<RequestId>,
    /// Whether the present model has learned something that nobody saved.
    learned: bool,
    /// The model that the page's rescued weights were learned on.
    rescued_on: Option<Source>,
    faults: Vec<&'static str>,
}

struct FakeRun {
    id: RequestId,
    begun: bool,
    stopping: bool,
    epochs: usize,
}

impl FakeEngine {
    /// Takes what the page sends. `agreed`: the visitor agreed to lose what was learned.
    fn take(&mut self, effects: Vec<Effect>, agreed: bool) {
        for effect in effects {
            match effect {
                Effect::Restart => {
                    if !agreed && self.alive && (self.learned || self.run.is_some()) {
                        self.faults
                            .push("a new engine ended what was learned, unasked");
                    }
                    self.die();
                }
                Effect::Persist
                | Effect::ReadGallery
                | Effect::KeepRun(_)
                | Effect::FetchRun(_)
                | Effect::ForgetRun
                | Effect::OpenOwn(_)
                | Effect::ForgetOwn(_)
                | Effect::Remember(..) => {}
                Effect::Send(command) if self.alive => self.obey(command, agreed),
                Effect::Send(_) => self
                    .faults
                    .push("a command to an engine that does not listen"),
            }
        }
    }

    fn die(&mut self) {
        let (faults, rescued_on) = (std::mem::take(&mut self.faults), self.rescued_on.take());
        *self = Self {
            faults,
            rescued_on,
            ..Self::default()
        };
    }

    fn obey(&mut self, command: Command, agreed: bool) {
        match command {
            Command::Load { id, source } => {
                if self.curve.is_some() {
                    self.faults.push("a load under a curve");
                }
                if !agreed && self.learned {
                    self.faults.push("a load ends what was learned, unasked");
                }
                if let Some((earlier, _)) = self.load.replace((id, source)) {
                    self.cancelled = Some(earlier);
                }
            }
            Command::CancelLoad { id } => {
                let load = self.load.take_if(|(load, _)| *load == id);
                self.cancelled = load.map(|_| id).or(self.cancelled);
            }
            Command::Teach { id, command } => self.teach(id, command, agreed),
            Command::Prove {
                id,
                command: ProveCommand::Start { .. },
            } => {
                if self.run.is_some() || self.load.is_some() || self.errand.is_some() {
                    self.faults
                        .push("a curve beside something that changes the model");
                }
                if !self.texts || self.model.is_none() {
                    self.faults.push("a curve of nothing");
                }
                if self.curve.replace(id).is_some() {
                    self.faults.push("a second curve");
                }
            }
            _ => {}
        }
    }

    fn teach(&mut self, id: RequestId, command: TeachCommand, agreed: bool) {
        let harmless = matches!(
            command,
            TeachCommand::Plan { .. } | TeachCommand::Try { .. } | TeachCommand::Open { .. }
        );
        if self.curve.is_some() && !harmless {
            self.faults.push("teaching under a curve");
        }
        match command {
            TeachCommand::Open { .. } => {
                self.texts = false;
                self.opening = Some(id);
            }
            TeachCommand::Plan { .. } => self.planning = Some(id),
            TeachCommand::Start { resume, .. } => {
                if self.run.is_some() {
                    self.faults.push("a second run");
                }
                if self.load.is_some() {
                    self.faults.push("a run while a model is loaded");
                }
                if self.errand.is_some() {
                    self.faults.push("a run while a file is written");
                }
                if resume.is_some() {
                    if !self.texts {
                        self.faults.push("rescued weights without their texts");
                    }
                    if self.rescued_on != self.model {
                        self.faults.push("rescued weights onto another model");
                    }
                } else if self.rescued_on.take().is_some() && !agreed {
                    self.faults
                        .push("a run took the place of rescued weights, unasked");
                }
                self.learned = false;
                self.run = Some(FakeRun {
                    id,
                    begun: false,
                    stopping: false,
                    epochs: 0,
                });
            }
            TeachCommand::Stop => {
                if let Some(run) = &mut self.run {
                    run.stopping = true;
                }
            }
            TeachCommand::Export { .. } => self.errand = Some((id, self.learned)),
            TeachCommand::Predict { .. } => self.errand = Some((id, false)),
            TeachCommand::Attach { .. } | TeachCommand::AttachText { .. } => {
                if self.run.is_some() || self.learned && !agreed {
                    self.faults
                        .push("a classifier ended what was learned, unasked");
                }
                self.errand = Some((id, false));
            }
            _ => {}
        }
    }

    /// One of the things that can happen next in the engine.
    fn next(&mut self, choice: u8) -> Option<Event> {
        let tell = |id, event| Some(Event::Teach { id, event });
        if !self.alive {
            self.alive = true;
            return Some(Event::Alive);
        }
        if let Some(id) = self.cancelled.take() {
            return Some(Event::LoadCancelled { id });
        }
        match choice % 4 {
            // A file that is written holds its model: another one waits.
            0 if self.load.is_some() && self.errand.is_none() => {
                let (id, source) = self.load.take()?;
                if choice & 16 != 0 {
                    let failure = Failure::new("no", "", "");
                    return Some(Event::LoadFailed { id, failure });
                }
                if self.run.is_some() {
                    self.faults.push("another model under a run");
                }
                let model = facts(source.name());
                self.model = Some(source);
                self.learned = false;
                Some(Event::Loaded { id, model })
            }
            1 if self.errand.is_some() => {
                let (id, saves) = self.errand.take()?;
                self.learned &= !saves;
                let name = "file".to_owned();
                tell(id, TeachEvent::File { name })
            }
            2 if self.run.is_some() => self.run_on(),
            _ => {
                if let Some(id) = self.opening.take() {
                    self.texts = true;
                    return tell(id, TeachEvent::Opened { report: report() });
                }
                if let Some(id) = self.curve.take_if(|_| choice & 8 != 0) {
                    return Some(Event::Prove {
                        id,
                        event: ProveEvent::Done,
                    });
                }
                let id = self.planning.take()?;
                (self.texts && self.model.is_some())
                    .then(|| tell(id, TeachEvent::Planned { report: plan() }))
                    .flatten()
            }
        }
    }

    fn run_on(&mut self) -> Option<Event> {
        let run = self.run.as_mut()?;
        let id = run.id;
        let tell = |event| Some(Event::Teach { id, event });
        if !run.begun {
            if !self.texts || self.model.is_none() {
                self.run = None;
                let failure = Failure::new("The run cannot begin", "", "");
                return tell(TeachEvent::Failed { failure });
            }
            run.begun = true;
            return tell(TeachEvent::Started {
                head: Some(super::tests::two_labels()),
                train: 16,
                validation: 4,
                majority: None,
                machine: Machine::default(),
            });
        }
        if run.stopping {
            self.learned = run.epochs > 0;
            (self.run, self.rescued_on) = (None, None);
            return tell(TeachEvent::Stopped);
        }
        run.epochs += 1;
        let event = if run.epochs < 4 {
            epoch(run.epochs, 0.5, true)
        } else {
            self.learned = true;
            (self.run, self.rescued_on) = (None, None);
            RunEvent::Done {
                best_epoch: 3,
                ending: Ending::Epochs,
            }
        };
        tell(news(event, None))
    }

    /// The device is taken away; what the page rescued stays bound to its model.
    fn lose(&mut self, state: &mut State) -> Option<Event> {
        if !self.alive {
            return None;
        }
        if let Some(run) = self.run.as_ref().filter(|run| run.epochs > 0) {
            self.rescued_on.clone_from(&self.model);
            let kept = RunState {
                epoch: run.epochs,
                step: 1,
                ..RunState::default()
            };
            let model = self
                .model
                .as_ref()
                .map_or_else(String::new, |source| facts(source.name()).sha256);
            let event = TeachEvent::Snapshot { state: kept, model };
            let effects = state.receive(Event::Teach { id: run.id, event });
            self.take(effects, false);
        }
        self.die();
        let failure = Failure::new("lost", "", "");
        Some(Event::DeviceLost { failure })
    }
}

fn source(name: &str) -> Source {
    Source::Files {
        name: name.into(),
        files: Vec::new(),
    }
}

fn pasted() -> TextSource {
    TextSource::Pasted {
        text: "good\tyes\nbad\tno".into(),
    }
}

fn picked() -> PickedFile {
    PickedFile {
        role: Role::Head,
        name: "head".into(),
        bytes: 9,
        slot: 0,
    }
}

/// What a visitor does: the wish, if it is one that is asked for by the table.
fn wish(state: &State, act: u8) -> Option<Wish> {
    Some(match act % 32 {
        0 => Wish::Load(source("a")),
        1 => Wish::Load(source("b")),
        3 => {
            let preference = match act & 32 {
                0 => Preference::Cpu,
                _ => Preference::Gpu,
            };
            (preference != state.session.chosen()).then_some(Wish::Prefer(preference))?
        }
        4 => Wish::Unload,
        5 => Wish::ReadTexts,
        6 | 7 => Wish::Start,
        8 | 9 => Wish::Resume,
        11 | 12 => Wish::HandOut,
        13 => Wish::Attach(picked()),
        14 => Wish::Follow(Box::default()),
        15 if act & 128 != 0 => Wish::Prove(None),
        _ => return None,
    })
}

fn visit(state: &mut State, act: u8) -> Vec<Effect> {
    match act % 32 {
        0 => state.load(source("a")),
        1 => state.load(source("b")),
        2 => state.cancel_load(),
        3 => state.prefer(match act & 32 {
            0 => Preference::Cpu,
            _ => Preference::Gpu,
        }),
        4 => state.unload(),
        5 => state.open_texts(pasted()),
        6 | 7 => state.start_run(),
        8 | 9 => state.resume_run(),
        10 => state.stop_run(),
        11 => state.export(Export::Head),
        12 => state.predict(pasted()),
        13 => state.attach(picked()),
        14 => state.open_link(Link::default()),
        15 if act & 128 != 0 => state.start_curve(),
        15 if act & 64 != 0 => {
            state.panel = match act & 32 {
                0 => Panel::Probe,
                _ => Panel::Inside,
            };
            state.look_inside()
        }
        _ => {
            state.teach.settings.choose(match act & 32 {
                0 => MethodChoice::All,
                _ => MethodChoice::Head,
            });
            state.plan()
        }
    }
}

fn act(state: &mut State, engine: &mut FakeEngine, act: u8) {
    match act % 32 {
        // A question is modal: nothing else can be done before it is answered.
        0..16 if state.question.is_some() => {
            let answer = match act % 3 {
                0 => Answer::Agree,
                1 => Answer::Download,
                _ => Answer::Keep,
            };
            let effects = state.answer(answer);
            engine.take(effects, answer == Answer::Agree);
            if answer == Answer::Agree && state.teach.rescued.is_none() {
                engine.rescued_on = None; // given up with what was asked about
            }
        }
        0..16 => {
            let wish = wish(state, act);
            let may = wish.as_ref().map(|wish| state.may(wish));
            let before = format!("{state:?}");
            let effects = visit(state, act);
            // A link to where one is already, and the texts that are read already, change nothing.
            let again = matches!(wish, Some(Wish::Follow(_) | Wish::ReadTexts));
            let idle = effects.is_empty() && format!("{state:?}") == before;
            if idle && !again && matches!(may, Some(Verdict::Go | Verdict::Ask(_))) {
                engine.faults.push("a button that does nothing");
            }
            if matches!(may, Some(Verdict::Ask(_) | Verdict::No(_))) && !effects.is_empty() {
                engine
                    .faults
                    .push("a wish carried out that was refused, or unasked");
            }
            // Who starts a run means to replace what the last one taught the model.
            let agreed = matches!((act % 32, may), (6 | 7, Some(Verdict::Go)));
            engine.take(effects, agreed && state.teach.rescued.is_none());
        }
        16 => {
            if let Some(event) = engine.lose(state) {
                let effects = state.receive(event);
                engine.take(effects, false);
            }
        }
        _ => {
            if let Some(event) = engine.next(act / 2) {
                let effects = state.receive(event);
                engine.take(effects, false);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_order_mixes_models_or_loses_what_was_learned(acts in prop::collection::vec(any::<u8>(), 1..120)) {
        let mut state = State::default();
        let mut engine = FakeEngine::default();
        for one in acts {
            act(&mut state, &mut engine, one);
            prop_assert!(engine.faults.is_empty(), "{:?}", engine.faults);
            let phase = state.teach.run.as_ref().map(|run| run.phase);
            let lost = phase == Some(Phase::Lost);
            if engine.rescued_on.is_some() && lost {
                prop_assert!(state.teach.rescued.is_some(), "rescued weights are gone");
            }
        }
    }
}
