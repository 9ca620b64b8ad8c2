//! The page's state driven as the page and the engine drive it.

use super::*;
use crate::checkpoint::Hub;
use crate::protocol::{DeviceLimits, DeviceReport, Executor, ModelFacts, Progress, Stage};
use bert::config::Pooling;
use bert::data::Text;
use bert::model::TaskHead;
use bert::probe::Said;
use bert::probe::{Fill, Token};
use session::{Engine, bundled};

/// A device of which nothing more is known.
pub(in crate::state) fn device_report(executor: Executor) -> DeviceReport {
    DeviceReport {
        executor,
        adapter: None,
        note: None,
        details: None,
        left_out: Vec::new(),
        limits: DeviceLimits::default(),
    }
}

pub(super) fn facts(name: &str) -> ModelFacts {
    ModelFacts {
        name: name.into(),
        sha256: format!("hash of {name}"),
        architecture: "BertForMaskedLM".into(),
        layers: 2,
        hidden_size: 8,
        heads: 2,
        intermediate_size: 16,
        vocabulary: 99,
        max_positions: 32,
        parameters: 1000,
        dtype: "F32".into(),
        file_bytes: 4000,
        provenance: None,
        no_masks: None,
        causal: false,
        can_save: true,
        loses_capitals: false,
        next_sentence: false,
        replaced: false,
        mask: Some("[MASK]".into()),
        pooler: false,
        head: None,
    }
}

/// A head of two classes.
pub(super) fn two_labels() -> TaskHead {
    let labels = ["bad", "good"].map(str::to_owned).to_vec();
    TaskHead::new(labels, Pooling::Cls)
}

/// What it says of a text.
pub(super) fn said_of_two(text: &str, logits: [f32; 2]) -> Said {
    Said {
        text: Text {
            text: text.into(),
            pair: None,
        },
        head: two_labels(),
        tokens: Vec::new(),
        logits: logits.to_vec(),
        truncated: None,
        windows: 1,
    }
}

pub(super) fn mask() -> Token {
    Token {
        id: 4,
        text: "[MASK]".into(),
        special: false,
        masked: true,
        sequence: Some(0),
        start: 0,
        end: 6,
    }
}

pub(super) fn fill() -> Fill {
    Fill {
        tokens: vec![mask()],
        masks: Vec::new(),
        nsp: None,
        truncated: None,
    }
}

fn failure(title: &str) -> Failure {
    Failure::new(title, "", "")
}

/// The one load among the effects.
pub(super) fn loaded(effects: &[Effect]) -> (RequestId, Source) {
    let loads: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(Command::Load { id, source }) => Some((*id, source.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(loads.len(), 1, "{effects:?}");
    loads[0].clone()
}

pub(super) fn tokenized(effects: &[Effect]) -> RequestId {
    match effects {
        [Effect::Send(Command::Tokenize { id, .. })] => *id,
        other => panic!("expected one Tokenize, got {other:?}"),
    }
}

pub(super) fn asked(effects: &[Effect]) -> RequestId {
    match effects {
        [Effect::Send(Command::Probe { id, .. })] => *id,
        other => panic!("expected one Probe, got {other:?}"),
    }
}

/// A page whose bundled model is loaded, and the id of the tokenisation that follows.
fn ready() -> (State, RequestId) {
    let mut state = State::default();
    let (id, _) = loaded(&state.receive(Event::Alive));
    let effects = state.receive(Event::Loaded {
        id,
        model: facts("Seedling"),
    });
    (state, tokenized(&effects))
}

fn mine() -> Source {
    Source::Files {
        name: "mine".into(),
        files: Vec::new(),
    }
}

#[test]
fn a_host_chooses_the_first_checkpoint() {
    let text = r#"{"default": {"name": "Mine", "folder": "models/mine"}}"#;
    let mut state = State::new(Site::parse(text).unwrap());
    let mine = state.site.bundled();
    assert_ne!(mine, bundled());
    let (_, source) = loaded(&state.receive(Event::Alive));
    assert_eq!(source, mine);
    assert!(state.session.has_or_loads_bundled());
    assert_eq!(state.session.bundled(), mine);
}

#[test]
fn the_bundled_model_loads_by_itself() {
    let mut state = State::default();
    let effects = state.receive(Event::Alive);
    assert_eq!(
        effects[0],
        Effect::Send(Command::Start {
            preference: Preference::Auto,
            hub: Hub::default(),
        })
    );
    let (id, source) = loaded(&effects);
    assert_eq!(source, bundled());
    let progress = Progress {
        stage: Stage::Upload,
        done: 1,
        total: Some(2),
        speed: None,
    };
    state.receive(Event::Progress { id, progress });
    assert_eq!(state.session.loading.as_ref().unwrap().progress, progress);
    state.receive(Event::Progress {
        id: id + 9,
        progress: Progress {
            done: 2,
            ..progress
        },
    });
    assert_eq!(
        state.session.loading.as_ref().unwrap().progress,
        progress,
        "a stranger's"
    );
}

#[test]
fn the_newest_edit_wins() {
    let (mut state, first) = ready();
    state.probe.text = "[MASK]".into();
    let second = tokenized(&state.refresh());
    assert!(second > first);
    let late = Event::Tokens {
        id: first,
        tokens: vec![mask(), mask()],
        truncated: None,
    };
    assert_eq!(state.receive(late), []);
    assert!(
        state.probe.tokens.is_empty(),
        "the older text's tokens are dropped"
    );
    let now = Event::Tokens {
        id: second,
        tokens: vec![mask()],
        truncated: None,
    };
    let old = asked(&state.receive(now));
    let new = asked(&state.run());
    state.receive(Event::Filled {
        id: old,
        fill: fill(),
        milliseconds: 1.0,
    });
    assert_eq!(state.probe.fill, None, "the older answer is dropped");
    assert!(state.probe.busy());
    state.receive(Event::Filled {
        id: new,
        fill: fill(),
        milliseconds: 1.0,
    });
    assert_eq!(state.probe.fill, Some(fill()));
    assert!(!state.probe.busy());
}

#[test]
fn a_broken_file_leaves_the_old_model() {
    let (mut state, _) = ready();
    let (id, _) = loaded(&state.load(mine()));
    state.receive(Event::LoadFailed {
        id,
        failure: failure("broken"),
    });
    assert_eq!(state.session.failure, Some(failure("broken")));
    assert_eq!(state.session.model, Some(facts("Seedling")));
    assert_eq!(state.session.loading, None);
    assert!(!state.refresh().is_empty(), "the old model still answers");
}

#[test]
fn a_cancelled_load_says_nothing() {
    let (mut state, _) = ready();
    let (id, _) = loaded(&state.load(mine()));
    assert_eq!(
        state.cancel_load(),
        [Effect::Send(Command::CancelLoad { id })]
    );
    assert!(state.session.loading.as_ref().unwrap().cancelling);
    state.receive(Event::LoadCancelled { id });
    assert_eq!((state.session.loading, state.session.failure), (None, None));
}

#[test]
fn a_replaced_load_cannot_end_the_new_one() {
    let (mut state, _) = ready();
    let (old, _) = loaded(&state.load(mine()));
    let (new, _) = loaded(&state.load(bundled()));
    state.receive(Event::LoadFailed {
        id: old,
        failure: failure("old"),
    });
    assert_eq!(state.session.loading.as_ref().unwrap().id, new);
    assert_eq!(state.session.failure, None);
}

#[test]
fn unloading_ends_the_worker_and_loads_nothing_again() {
    let (mut state, _) = ready();
    assert_eq!(state.unload(), [Effect::Restart]);
    assert_eq!(state.session.model, None);
    assert_eq!(state.session.engine, Engine::Starting);
    let effects = state.receive(Event::Alive);
    let load = |effect: &Effect| matches!(effect, Effect::Send(Command::Load { .. }));
    assert!(!effects.iter().any(load), "{effects:?}");
    assert_eq!(state.refresh(), []);
    assert_eq!(state.run(), []);
}

#[test]
fn a_lost_device_is_replaced_and_the_model_reloaded_but_not_for_ever() {
    let (mut state, _) = ready();
    for _ in 0..2 {
        let effects = state.receive(Event::DeviceLost {
            failure: failure("lost"),
        });
        assert_eq!(effects, [Effect::Restart]);
        assert_eq!(state.session.failure, Some(failure("lost")));
        let (id, source) = loaded(&state.receive(Event::Alive));
        assert_eq!(source, bundled());
        state.receive(Event::Loaded {
            id,
            model: facts("Seedling"),
        });
        assert_eq!(
            state.session.failure,
            Some(failure("lost")),
            "until it is read"
        );
    }
    assert_eq!(
        state.receive(Event::DeviceLost {
            failure: failure("lost")
        }),
        []
    );
    assert_eq!(state.session.engine, Engine::Broken);
    assert_eq!(state.restart(), [Effect::Restart]);
    assert_eq!(state.session.failure, None);
}

#[test]
fn devices_that_are_lost_now_and_then_are_replaced_each_time() {
    let lose = |state: &mut State, minute: f64| {
        state.session.now = minute * 60_000.0;
        let failure = failure("lost");
        let effects = state.receive(Event::DeviceLost { failure });
        state.receive(Event::Alive);
        effects == [Effect::Restart]
    };
    let (mut state, _) = ready();
    for minute in [0.0, 5.0, 10.0, 15.0, 20.0] {
        assert!(lose(&mut state, minute), "{minute}");
    }
    let (mut state, _) = ready();
    assert!(lose(&mut state, 0.0) && lose(&mut state, 4.0));
    assert!(!lose(&mut state, 9.9));
}

#[test]
fn an_engine_that_answers_late_is_not_called_dead() {
    let mut state = State::default();
    let failure = failure("silent");
    state.receive(Event::Fatal { failure });
    assert_eq!(state.session.engine, Engine::Broken);
    assert_eq!(loaded(&state.receive(Event::Alive)).1, bundled());
    assert_eq!(state.session.failure, None);
}

#[test]
fn after_a_fatal_error_the_last_good_model_returns() {
    let (mut state, _) = ready();
    state.load(mine());
    assert_eq!(
        state.receive(Event::Fatal {
            failure: failure("panic")
        }),
        []
    );
    assert_eq!(state.session.engine, Engine::Broken);
    assert_eq!(state.restart(), [Effect::Restart]);
    assert_eq!(
        loaded(&state.receive(Event::Alive)).1,
        bundled(),
        "not the one that broke it"
    );
}

#[test]
fn another_device_means_another_worker_with_the_same_model() {
    let (mut state, _) = ready();
    assert_eq!(state.prefer(Preference::Auto), [], "no change");
    assert_eq!(state.prefer(Preference::Cpu), [Effect::Restart]);
    let effects = state.receive(Event::Alive);
    assert_eq!(
        effects[0],
        Effect::Send(Command::Start {
            preference: Preference::Cpu,
            hub: Hub::default(),
        })
    );
    assert_eq!(loaded(&effects).1, bundled());
}

#[test]
fn files_dropped_before_the_engine_listens_wait_for_it() {
    let mut state = State::default();
    assert_eq!(state.load(mine()), []);
    assert_eq!(loaded(&state.receive(Event::Alive)).1, mine());
}

#[test]
fn nothing_is_asked_of_tokens_that_are_about_to_change() {
    let (mut state, first) = ready();
    let tokens = Event::Tokens {
        id: first,
        tokens: vec![mask()],
        truncated: None,
    };
    asked(&state.receive(tokens));
    state.probe.edit_text("a [MASK]".into());
    assert_eq!(state.run(), [], "typing has not paused yet");
    let second = tokenized(&state.refresh());
    assert_eq!(state.run(), [], "the new tokens are on their way");
    let tokens = Event::Tokens {
        id: second,
        tokens: vec![mask()],
        truncated: None,
    };
    asked(&state.receive(tokens));
}

#[test]
fn of_several_reports_of_one_end_the_first_stays() {
    let (mut state, _) = ready();
    state.receive(Event::Fatal {
        failure: failure("panic: the reason"),
    });
    state.receive(Event::Fatal {
        failure: failure("unreachable"),
    });
    assert_eq!(state.session.failure, Some(failure("panic: the reason")));
}
