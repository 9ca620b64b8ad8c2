//! What the visitor and the engine do to the Teach panel, with what follows from it.

use super::run::{Phase, Run};
use super::{ErrandKind, Rescued, Teach, kept};
use crate::failure::Failure;
use crate::protocol::{Command, RequestId, Resume, TeachCommand, TeachEvent};
use crate::recipe::{Reading, Setup, TextSource};
use crate::state::activity::Wish;
use crate::state::session::Engine;
use crate::state::{Effect, State, next};
use bert::config::HeadKind;
use bert::data::Columns;
use bert::model::TaskHead;
use bert::train::Method;

impl State {
    pub(super) fn teach_command(&mut self, command: TeachCommand) -> (RequestId, Effect) {
        let id = next(&mut self.ids);
        (id, Effect::Send(Command::Teach { id, command }))
    }

    /// Opens texts, read as it seems best.
    pub fn open_texts(&mut self, source: TextSource) -> Vec<Effect> {
        self.read_texts(source, Reading::default())
    }

    /// Reads the open texts in other columns.
    pub fn choose_columns(&mut self, columns: Columns) -> Vec<Effect> {
        let reading = Reading {
            columns: Some(columns),
            header: self.teach.report.as_ref().map(|report| report.header),
            ..Reading::default()
        };
        self.reread(reading)
    }

    /// Reads the labels of the open texts as a class each, as several, or as a score.
    pub fn choose_kind(&mut self, kind: HeadKind) -> Vec<Effect> {
        self.reread(Reading {
            kind: Some(kind),
            ..self.teach.reading.clone()
        })
    }

    /// Reads the open texts' first row as names of columns, or as an example.
    pub fn choose_header(&mut self, header: bool) -> Vec<Effect> {
        self.reread(Reading {
            header: Some(header),
            ..Reading::default()
        })
    }

    /// Reads the open texts as running text, or as a table. Of running text hidden words are learned.
    pub fn choose_prose(&mut self, prose: bool) -> Vec<Effect> {
        if prose {
            let goal = self.teach.settings.words_goal();
            self.teach.settings.choose_goal(goal);
        }
        self.reread(Reading {
            prose,
            ..Reading::default()
        })
    }

    /// Opens running text, to learn its hidden words.
    pub fn open_prose(&mut self, source: TextSource) -> Vec<Effect> {
        let goal = self.teach.settings.words_goal();
        self.teach.settings.choose_goal(goal);
        self.read_texts(source, prose_reading())
    }

    fn reread(&mut self, reading: Reading) -> Vec<Effect> {
        match self.teach.source.clone() {
            Some(source) => self.read_texts(source, reading),
            None => Vec::new(),
        }
    }

    pub(in crate::state) fn read_texts(
        &mut self,
        source: TextSource,
        reading: Reading,
    ) -> Vec<Effect> {
        if let Some(reason) = self.why_not(&Wish::ReadTexts) {
            self.teach.failure = Some(busy(reason));
            return Vec::new();
        }
        self.teach.failure = None;
        // A run that waited for the plan of other texts does not begin any more.
        self.teach.boxes.awaits_plan = false;
        self.teach.source = Some(source.clone());
        self.teach.reading = reading.clone();
        if self.session.engine != Engine::Alive {
            // They are opened as soon as an engine has its model.
            self.teach.awaited = true;
            return Vec::new();
        }
        let (id, effect) = self.teach_command(TeachCommand::Open { source, reading });
        self.teach.opening = Some(id);
        vec![effect]
    }

    /// The form changed: ask what it would take.
    pub fn plan(&mut self) -> Vec<Effect> {
        let teach = &mut self.teach;
        if self.session.model.is_none() || teach.report.is_none() || teach.is_busy() {
            return Vec::new();
        }
        // The earlier plan shows until the next one is there: the page does not jump.
        teach.planning = None;
        let Ok(setup) = teach.settings.setup() else {
            teach.plan = None;
            return Vec::new();
        };
        teach.plan_for = Some(setup.clone());
        let setup = Box::new(setup);
        let (id, effect) = self.teach_command(TeachCommand::Plan { setup });
        self.teach.planning = Some(id);
        vec![effect]
    }

    /// Begins the run that the form describes, on the checkpoint as it is in its file.
    pub fn start_run(&mut self) -> Vec<Effect> {
        self.wish(Wish::Start)
    }

    pub(in crate::state) fn begin_planned(&mut self) -> Vec<Effect> {
        self.teach.rescued = None;
        match self.teach.settings.setup() {
            Ok(setup) => self.begin(setup, false),
            Err(_) => Vec::new(),
        }
    }

    /// Goes on with a run that was cut short, from its best epoch.
    pub fn resume_run(&mut self) -> Vec<Effect> {
        self.wish(Wish::Resume)
    }

    pub(in crate::state) fn begin_rescued(&mut self) -> Vec<Effect> {
        match self.teach.rescued.clone() {
            Some(rescued) => self.begin(rescued.setup, true),
            None => Vec::new(),
        }
    }

    fn begin(&mut self, setup: Setup, resume: bool) -> Vec<Effect> {
        self.teach.failure = None;
        if self.teach.taught {
            // What an earlier run changed must not leak into this one: load the file again.
            let Some(source) = self.session.source() else {
                return Vec::new();
            };
            let (load, effects) = self.load_as(source);
            self.teach.next = Some((load, setup, resume));
            return effects;
        }
        self.begin_now(setup, resume)
    }

    fn begin_now(&mut self, setup: Setup, resume: bool) -> Vec<Effect> {
        let rescued = self.teach.rescued.clone().filter(|_| resume);
        let lost = self.teach.run.as_ref();
        let doubt = lost.and_then(|run| run.doubt.clone());
        let resume = rescued.as_ref().map(|rescued| Resume {
            state: rescued.state,
            model: rescued.model.clone(),
            doubt,
        });
        self.teach.taught = setup.recipe.method != Method::Head;
        let command = TeachCommand::Start {
            setup: Box::new(setup.clone()),
            resume,
        };
        let (id, effect) = self.teach_command(command);
        self.linked.forget_head();
        let mut run = Run::new(id, setup, self.session.now);
        if let (Some(rescued), Some(earlier)) = (rescued, &self.teach.run) {
            run.carry_on(earlier, &rescued.state);
        }
        self.teach.run = Some(run);
        self.teach.attached = None;
        self.teach.trial.answer = None;
        self.teach.plan = None;
        vec![effect]
    }

    /// Lets the run rest after its step.
    pub fn pause_run(&mut self) -> Vec<Effect> {
        self.steer(Phase::Running, Phase::Pausing, TeachCommand::Pause)
    }

    /// Lets a resting run go on.
    pub fn continue_run(&mut self) -> Vec<Effect> {
        self.steer(Phase::Paused, Phase::Running, TeachCommand::Continue)
    }

    fn steer(&mut self, from: Phase, to: Phase, command: TeachCommand) -> Vec<Effect> {
        let run = self.teach.run.as_mut().filter(|run| run.phase == from);
        let Some(run) = run else { return Vec::new() };
        run.phase = to;
        vec![self.teach_command(command).1]
    }

    /// Ends the run; the model keeps the best epoch's weights.
    pub fn stop_run(&mut self) -> Vec<Effect> {
        let run = self.teach.run.as_mut().filter(|run| run.is_under_way());
        let Some(run) = run else { return Vec::new() };
        run.phase = Phase::Stopping;
        vec![self.teach_command(TeachCommand::Stop).1]
    }

    /// The text to try changed: ask what the model says of it now.
    pub fn try_text(&mut self) -> Vec<Effect> {
        let trial = &mut self.teach.trial;
        if trial.text.trim().is_empty() {
            trial.answer = None;
            trial.milliseconds = None;
            return Vec::new();
        }
        if !self.can_try() {
            return Vec::new();
        }
        let trial = &self.teach.trial;
        let pair = Some(trial.pair.clone()).filter(|pair| !pair.trim().is_empty());
        let text = trial.text.clone();
        let (id, effect) = self.teach_command(TeachCommand::Try { text, pair });
        let trial = &mut self.teach.trial;
        trial.waiting = Some(id);
        trial.asked = (trial.text.clone(), trial.pair.clone());
        vec![effect]
    }

    /// Whether the model has a head to ask.
    pub fn can_try(&self) -> bool {
        let model = self.session.model.as_ref();
        model.is_some_and(|model| model.head.is_some())
    }

    /// A model has been loaded: the form suits it, and a run that waited for it begins. Texts that
    /// were open are opened again where the engine is new.
    pub(in crate::state) fn on_model_for_teach(&mut self, load: RequestId) -> Vec<Effect> {
        let Some(model) = &self.session.model else {
            return Vec::new();
        };
        let (pooler, limit, layers) = (model.pooler, model.max_positions, model.layers);
        self.teach.taught = false;
        self.teach.own_head = false;
        self.teach.attached = None;
        let causal = model.causal;
        self.teach.settings.suit(pooler, limit, layers);
        self.teach.settings.suit_reading(causal);
        if let Some((_, setup, resume)) = self.teach.next.take_if(|(id, ..)| *id == load) {
            return self.begin_now(setup, resume);
        }
        let wanted = std::mem::take(&mut self.teach.awaited) || self.teach.report.is_some();
        match (self.teach.source.clone(), wanted) {
            (Some(source), true) => self.read_texts(source, self.teach.reading.clone()),
            _ => Vec::new(),
        }
    }

    /// Takes in what the engine says of teaching.
    pub(in crate::state) fn on_teach(&mut self, id: RequestId, event: TeachEvent) -> Vec<Effect> {
        let teach = &mut self.teach;
        match event {
            TeachEvent::Opened { report } => {
                if teach.opening.take_if(|opening| *opening == id).is_none() {
                    return Vec::new();
                }
                teach.reading.columns = Some(report.chosen.clone());
                teach.reading.header = Some(report.header);
                teach.reading.kind = report.kind;
                let of_tokens = report.kind.is_some_and(HeadKind::reads_tokens);
                teach.settings.suit_texts(of_tokens);
                teach.report = Some(report);
                let mut effects = self.deal();
                effects.extend(self.plan());
                effects
            }
            TeachEvent::Planned { report } => {
                if teach.planning.take_if(|planning| *planning == id).is_some() {
                    teach.plan = Some(report);
                    return self.begin_boxes();
                }
                Vec::new()
            }
            TeachEvent::Tried { said, milliseconds } => {
                let trial = &mut teach.trial;
                if trial.waiting.take_if(|waiting| *waiting == id).is_some() {
                    trial.answer = Some(*said);
                    trial.milliseconds = Some(milliseconds);
                    trial.doubt = None;
                }
                Vec::new()
            }
            TeachEvent::Working { done, total } => {
                if let Some(errand) = teach.errand.as_mut().filter(|errand| errand.id == id) {
                    (errand.done, errand.total) = (done, total);
                }
                Vec::new()
            }
            TeachEvent::Dealt { deal } => {
                teach.hiding.on_dealt(id, deal);
                Vec::new()
            }
            TeachEvent::DealtLosses { losses } => {
                teach.hiding.on_losses(id, losses);
                Vec::new()
            }
            TeachEvent::File { .. } | TeachEvent::Folder { .. } => {
                let errand = teach.errand.take_if(|errand| errand.id == id);
                let saves = errand.is_some_and(|errand| errand.saves);
                if let Some(run) = teach.run.as_mut().filter(|_| saves) {
                    run.saved = true;
                }
                Vec::new()
            }
            TeachEvent::Attached { head, machine } => {
                teach.errand.take_if(|errand| errand.id == id);
                teach.attached = machine;
                self.name_head(head);
                self.try_text()
            }
            TeachEvent::LinkHead { text, note } => {
                // Under way, the classifier is another by now.
                if !teach.is_busy() {
                    self.linked.on_head(text, note);
                }
                Vec::new()
            }
            TeachEvent::Cancelled => {
                teach.errand.take_if(|errand| errand.id == id);
                teach.trial.waiting.take_if(|waiting| *waiting == id);
                teach.hiding.on_nothing(id);
                Vec::new()
            }
            TeachEvent::Failed { failure } => self.on_teach_failed(id, failure),
            event => self.on_run_event(id, event),
        }
    }

    fn on_teach_failed(&mut self, id: RequestId, failure: Failure) -> Vec<Effect> {
        let teach = &mut self.teach;
        let opened = teach.opening.take_if(|opening| *opening == id).is_some();
        if opened {
            teach.report = None;
            teach.plan = None;
        }
        let tried = teach.trial.waiting.take_if(|waiting| *waiting == id);
        let errand = teach.errand.take_if(|errand| errand.id == id);
        if matches!(&errand, Some(errand) if errand.kind == ErrandKind::AttachLink) {
            self.linked.on_refused(&failure);
        }
        let ran = teach.run.as_mut().filter(|run| run.id == id);
        let is_run = ran.is_some();
        if let Some(run) = ran {
            run.phase = Phase::Failed;
        }
        if opened || tried.is_some() || errand.is_some() || is_run {
            teach.failure = Some(failure);
        }
        if is_run { self.plan() } else { Vec::new() }
    }

    fn on_run_event(&mut self, id: RequestId, event: TeachEvent) -> Vec<Effect> {
        // A run that ends has nothing more to be rescued; one that rests may be left for long.
        let is_present = self.teach.run.as_ref().is_some_and(|run| run.id == id);
        let stands = (is_present && kept::stands(&event)).then(|| self.teach.rescued.clone());
        let mut effects = self.follow_run(id, event);
        if let Some(rescued) = stands {
            effects.extend(self.keep(rescued));
            effects.extend(self.remember_run());
        }
        effects
    }

    fn follow_run(&mut self, id: RequestId, event: TeachEvent) -> Vec<Effect> {
        let Some(run) = self.teach.run.as_mut().filter(|run| run.id == id) else {
            return Vec::new();
        };
        match event {
            TeachEvent::Started {
                head,
                train,
                validation,
                majority,
                machine,
            } => {
                self.teach.hiding.begin();
                if let Some(doubt) = &machine.doubt {
                    run.doubt.get_or_insert_with(|| doubt.clone());
                }
                run.machine = Some(machine);
                let labels = head.as_ref().map(|head| head.labels.clone());
                run.labels = labels.unwrap_or_default();
                (run.train, run.validation, run.majority) = (train, validation, majority);
                if run.phase == Phase::Starting {
                    run.phase = Phase::Running;
                }
                if head.is_some() {
                    self.name_head(head);
                }
                self.try_text()
            }
            TeachEvent::Run { news, milliseconds } => {
                run.on_news(news, milliseconds);
                if !run.is_under_way() {
                    self.teach.rescued = None;
                    let mut effects = self.try_text();
                    effects.extend(self.plan());
                    return effects;
                }
                // The answer follows the model as it learns, one question at a time.
                if self.teach.is_trying() {
                    return Vec::new();
                }
                self.try_text()
            }
            TeachEvent::Snapshot { state, model } => {
                self.teach.rescued = Some(Rescued {
                    setup: run.setup.clone(),
                    state,
                    model,
                    over: false,
                    texts: self.teach.texts(),
                });
                self.keep_run()
            }
            TeachEvent::Judging { done, total } => {
                run.evaluating = Some((done, total));
                Vec::new()
            }
            TeachEvent::Guessed { before, guesses } => {
                run.evaluating = None;
                match before {
                    true => run.before = Some(guesses),
                    false => run.after = Some(guesses),
                }
                Vec::new()
            }
            TeachEvent::Paused => {
                if run.phase == Phase::Pausing {
                    run.phase = Phase::Paused;
                }
                Vec::new()
            }
            TeachEvent::Continued => {
                if run.phase == Phase::Paused {
                    run.phase = Phase::Running;
                }
                Vec::new()
            }
            TeachEvent::Stopped => {
                run.phase = Phase::Stopped;
                self.teach.rescued = None;
                let mut effects = self.try_text();
                effects.extend(self.plan());
                effects
            }
            _ => Vec::new(),
        }
    }

    /// The model has this head from now on.
    fn name_head(&mut self, head: Option<TaskHead>) {
        self.teach.own_head = true;
        if let Some(model) = &mut self.session.model {
            model.head = head;
        }
    }
}

/// How running text is read.
pub(in crate::state) fn prose_reading() -> Reading {
    Reading {
        prose: true,
        ..Reading::default()
    }
}

/// Why something has to wait for a run's end.
pub(in crate::state) fn busy(cause: &str) -> Failure {
    Failure::new(
        "A run is under way",
        cause,
        "Stop the run under Teach first; what it has learned until then is kept.",
    )
}

impl Teach {
    /// Puts the failure away once it has been read.
    pub fn dismiss(&mut self) {
        self.failure = None;
    }
}
