//! The Teach panel driven as the visitor and the engine drive it.

use crate::checkpoint::*;
use crate::failure::Failure;
use crate::protocol::*;
use crate::recipe::*;
use crate::recipe::{Field, MethodChoice};
use crate::state::activity::Wish;
use crate::state::said::ranked;
use crate::state::session::bundled;
use crate::state::teach::run::Phase;
use crate::state::tests::facts;
use crate::state::tests::{said_of_two, two_labels};
use crate::state::{Effect, State};
use bert::config::HeadKind;
use bert::data::Columns;
use bert::export::Machine;
use bert::metrics::{ClassMetrics, Confusion, Figures, Metrics};
use bert::train::{Ending, EpochReport, Event as RunEvent, Progress as Step};

const DONE: RunEvent = RunEvent::Done {
    best_epoch: 1,
    ending: Ending::Epochs,
};

pub(in crate::state) fn report() -> DataReport {
    DataReport {
        name: "moods".into(),
        format: "TSV".into(),
        rows: 20,
        header: true,
        columns: vec!["label".into(), "text".into()],
        chosen: Columns {
            text: 1,
            pair: None,
            label: Some(0),
        },
        preview: Vec::new(),
        kinds: vec![HeadKind::Classes],
        kind: Some(HeadKind::Classes),
        marked: false,
        prose: false,
        labels: vec![("bad".into(), 9), ("good".into(), 11)],
        notes: Vec::new(),
        problem: None,
    }
}

pub(in crate::state) fn plan() -> PlanReport {
    PlanReport {
        train: 16,
        validation: 4,
        steps: 3,
        longest: 12,
        truncated: 0,
        majority: Some(0.5),
        needs: None,
        problems: Vec::new(),
        warnings: Vec::new(),
        offers: Vec::new(),
    }
}

pub(in crate::state) fn epoch(number: usize, accuracy: f64, best: bool) -> RunEvent {
    let class = ClassMetrics {
        precision: accuracy,
        recall: accuracy,
        f1: accuracy,
        support: 2,
    };
    RunEvent::Epoch(EpochReport {
        epoch: number,
        train_loss: 0.5,
        train_figure: accuracy,
        validation_loss: 0.4,
        figures: Figures::Classes {
            metrics: Metrics {
                accuracy,
                macro_f1: accuracy,
                occurring: 2,
                classes: vec![class; 2],
            },
            confusion: Confusion {
                counts: vec![vec![2, 0], vec![1, 1]],
            },
        },
        mistakes: Vec::new(),
        best,
    })
}

fn wrong(text: &str) -> Wrong {
    Wrong {
        text: text.into(),
        pair: None,
        truth: Verdict::Class {
            label: "bad".into(),
            probability: 0.3,
        },
        found: Verdict::Class {
            label: "good".into(),
            probability: 0.7,
        },
    }
}

fn step(number: usize) -> Step {
    Step {
        step: number,
        steps: 3,
        epoch: number,
        loss: 1.0 / number as f64,
        rate: 1e-3,
        norm: 1.0,
    }
}

/// The one teaching command among the effects.
pub(in crate::state) fn taught(effects: &[Effect]) -> (RequestId, TeachCommand) {
    let commands: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(Command::Teach { id, command }) => Some((*id, command.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(commands.len(), 1, "{effects:?}");
    commands[0].clone()
}

pub(in crate::state) fn load_of(effects: &[Effect]) -> (RequestId, Source) {
    let load = effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Load { id, source }) => Some((*id, source.clone())),
        _ => None,
    });
    load.unwrap_or_else(|| panic!("a load among {effects:?}"))
}

/// A page with its model, the texts open and a plan made.
pub(in crate::state) fn planned() -> State {
    let mut state = State::default();
    let (id, _) = load_of(&state.receive(Event::Alive));
    state.receive(Event::Loaded {
        id,
        model: facts("Seedling"),
    });
    let text = "good\tyes\nbad\tno".to_owned();
    let effects = state.open_texts(TextSource::Pasted { text });
    let (id, command) = taught(&effects);
    assert!(matches!(command, TeachCommand::Open { .. }));
    let effects = say(&mut state, id, TeachEvent::Opened { report: report() });
    let (id, command) = taught(&effects);
    assert!(matches!(command, TeachCommand::Plan { .. }));
    say(&mut state, id, TeachEvent::Planned { report: plan() });
    state
}

fn can_start(state: &State) -> bool {
    state.why_not(&Wish::Start).is_none()
}

pub(in crate::state) fn say(state: &mut State, id: RequestId, event: TeachEvent) -> Vec<Effect> {
    state.receive(Event::Teach { id, event })
}

/// Begins the planned run.
pub(in crate::state) fn started(state: &mut State) -> RequestId {
    let (id, command) = taught(&state.start_run());
    assert!(matches!(command, TeachCommand::Start { resume: None, .. }));
    let event = TeachEvent::Started {
        head: Some(two_labels()),
        train: 16,
        validation: 4,
        majority: Some(0.5),
        machine: Machine {
            adapter: Some("ACME 9000".into()),
            shaders: Some("1a2b3c4d".into()),
            doubt: None,
        },
    };
    say(state, id, event);
    id
}

pub(in crate::state) fn news(event: RunEvent, wrong: Option<Vec<Wrong>>) -> TeachEvent {
    TeachEvent::Run {
        news: vec![RunNews { event, wrong }],
        milliseconds: 100.0,
    }
}

pub(in crate::state) fn run_says(state: &mut State, id: RequestId, event: RunEvent) -> Vec<Effect> {
    say(state, id, news(event, None))
}

fn phase(state: &State) -> Phase {
    state.teach.run.as_ref().expect("a run").phase
}

#[test]
fn texts_are_opened_planned_and_learned_from() {
    let mut state = planned();
    assert!(can_start(&state));
    assert_eq!(state.teach.data_line().unwrap(), "20 rows, 2 classes, TSV");
    let id = started(&mut state);
    assert_eq!(phase(&state), Phase::Running);
    assert!(state.teach.would_lose() && !can_start(&state));
    run_says(
        &mut state,
        id,
        RunEvent::Features {
            done: 10,
            total: 20,
        },
    );
    let run = state.teach.run.as_ref().unwrap();
    assert_eq!(run.phase_line(), "Reading the texts: 10 of 20");
    assert_eq!(run.left(), Some(100.0));
    run_says(&mut state, id, RunEvent::Steps(vec![step(1), step(2)]));
    let best = news(epoch(1, 0.75, true), Some(vec![wrong("of the best")]));
    say(&mut state, id, best);
    let last = news(epoch(2, 0.5, false), Some(vec![wrong("of the last")]));
    say(&mut state, id, last);
    let run = state.teach.run.as_ref().unwrap();
    assert_eq!(run.best().unwrap().epoch, 1);
    let (shown, mistakes) = run.shown().unwrap();
    assert_eq!((shown.epoch, &mistakes[0].text[..]), (2, "of the last"));
    assert!(
        run.accuracy_chart()
            .summary
            .contains("the best is 75.0% after epoch 1")
    );
    let effects = run_says(&mut state, id, DONE);
    assert!(matches!(taught(&effects).1, TeachCommand::Plan { .. }));
    assert_eq!(
        phase(&state),
        Phase::Done {
            best_epoch: 1,
            ending: Ending::Epochs
        }
    );
    let (shown, mistakes) = state.teach.run.as_ref().unwrap().shown().unwrap();
    assert_eq!((shown.epoch, &mistakes[0].text[..]), (1, "of the best"));
    assert!(state.teach.would_lose(), "nobody saved it yet");
    let (id, _) = taught(&state.export(Export::Head));
    say(&mut state, id, TeachEvent::File { name: "x".into() });
    assert!(!state.teach.would_lose() && state.teach.errand.is_none());
}

#[test]
fn there_is_no_second_run_and_no_other_model_meanwhile() {
    let mut state = planned();
    started(&mut state);
    assert!(state.start_run().is_empty());
    assert!(state.load(bundled()).is_empty());
    let failure = state.session.failure.as_ref().expect("a reason");
    assert!(failure.advice.contains("Stop the run"));
    assert!(
        state
            .open_texts(TextSource::Pasted { text: "x".into() })
            .is_empty()
    );
}

#[test]
fn a_run_rests_and_goes_on() {
    let mut state = planned();
    let id = started(&mut state);
    assert_eq!(taught(&state.pause_run()).1, TeachCommand::Pause);
    assert_eq!(phase(&state), Phase::Pausing);
    assert!(state.continue_run().is_empty(), "it does not rest yet");
    say(&mut state, id, TeachEvent::Paused);
    assert_eq!(phase(&state), Phase::Paused);
    assert_eq!(taught(&state.continue_run()).1, TeachCommand::Continue);
    assert_eq!(taught(&state.stop_run()).1, TeachCommand::Stop);
    say(&mut state, id, TeachEvent::Stopped);
    assert_eq!(phase(&state), Phase::Stopped);
    assert!(
        !state.teach.would_lose(),
        "no epoch ended: there is nothing to lose"
    );
}

#[test]
fn after_the_encoder_learned_the_next_run_begins_from_the_file() {
    let mut state = planned();
    state.teach.settings.choose(MethodChoice::All);
    assert!(!can_start(&state), "the plan is of another recipe");
    let (id, _) = taught(&state.plan());
    say(&mut state, id, TeachEvent::Planned { report: plan() });
    let id = started(&mut state);
    run_says(&mut state, id, epoch(1, 1.0, true));
    let effects = run_says(&mut state, id, DONE);
    let (plan_id, _) = taught(&effects);
    say(&mut state, plan_id, TeachEvent::Planned { report: plan() });
    let (id, source) = load_of(&state.start_run());
    assert_eq!(source, bundled());
    assert!(state.teach.is_busy());
    let effects = state.receive(Event::Loaded {
        id,
        model: facts("Seedling"),
    });
    assert!(matches!(taught(&effects).1, TeachCommand::Start { .. }));
}

#[test]
fn a_lost_device_leaves_the_best_epoch_to_go_on_from() {
    let mut state = planned();
    let id = started(&mut state);
    run_says(&mut state, id, epoch(1, 0.75, true));
    let kept = bert::train::RunState {
        epoch: 1,
        step: 2,
        ..bert::train::RunState::default()
    };
    say(
        &mut state,
        id,
        TeachEvent::Snapshot {
            state: kept,
            model: facts("Seedling").sha256,
        },
    );
    state.receive(Event::DeviceLost {
        failure: Failure::new("lost", "", ""),
    });
    assert_eq!(phase(&state), Phase::Lost);
    assert!(!state.teach.is_busy());
    let (id, _) = load_of(&state.receive(Event::Alive));
    let effects = state.receive(Event::Loaded {
        id,
        model: facts("Seedling"),
    });
    // The new engine has no texts yet.
    let (id, command) = taught(&effects);
    assert!(matches!(command, TeachCommand::Open { .. }));
    say(&mut state, id, TeachEvent::Opened { report: report() });
    let (_, command) = taught(&state.resume_run());
    assert!(matches!(
        command,
        TeachCommand::Start {
            resume: Some(_),
            ..
        }
    ));
}

#[test]
fn what_cannot_run_is_named_and_does_not_start() {
    let mut state = planned();
    state.teach.settings.edit(Field::Epochs, "many".into());
    assert!(state.plan().is_empty());
    assert!(state.teach.problems()[0].contains("“many” is not a whole number"));
    assert!(!can_start(&state) && state.start_run().is_empty());
    state.teach.settings.edit(Field::Epochs, "3".into());
    let (id, _) = taught(&state.plan());
    let problems = vec!["it does not fit".to_owned()];
    let report = PlanReport { problems, ..plan() };
    say(&mut state, id, TeachEvent::Planned { report });
    assert!(!can_start(&state));
}

#[test]
fn stale_answers_are_dropped() {
    let mut state = planned();
    let (old, _) = taught(&state.plan());
    let (new, _) = taught(&state.plan());
    say(&mut state, old, TeachEvent::Planned { report: plan() });
    assert!(!can_start(&state));
    say(&mut state, new, TeachEvent::Planned { report: plan() });
    assert!(can_start(&state));
    let text = "a\tb".to_owned();
    let (old, _) = taught(&state.open_texts(TextSource::Pasted { text: text.clone() }));
    state.open_texts(TextSource::Pasted { text });
    let failure = Failure::new("t", "c", "a");
    say(&mut state, old, TeachEvent::Failed { failure });
    assert!(state.teach.failure.is_none());
}

#[test]
fn the_answer_to_a_try_lists_the_likeliest_first() {
    let mut state = planned();
    started(&mut state);
    state.teach.trial.text = "fine".into();
    let (id, command) = taught(&state.try_text());
    assert!(matches!(command, TeachCommand::Try { pair: None, .. }));
    let event = TeachEvent::Tried {
        said: Box::new(said_of_two("fine", [0.0, 1.0])),
        milliseconds: 1.0,
    };
    say(&mut state, id, event);
    let answer = state.teach.trial.answer.as_ref().expect("an answer");
    assert_eq!(ranked(answer)[0].0, "good");
    let (asked, words) = state.teach.trial.heard().expect("an answer");
    assert_eq!((&asked.0[..], &words[..]), ("fine", "good, 73.1%"));
    state.teach.trial.text = " ".into();
    assert!(state.try_text().is_empty() && state.teach.trial.answer.is_none());
}
