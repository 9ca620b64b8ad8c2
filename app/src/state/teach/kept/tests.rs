use super::super::tests::{epoch, load_of, planned, report, run_says, say, started, taught};
use super::*;
use crate::protocol::{Event, TeachCommand};
use crate::state::tests::facts;
use bert::train::{Best, Method, Recipe};

fn kept_by(effects: &[Effect]) -> Option<KeptRun> {
    effects.iter().find_map(|effect| match effect {
        Effect::KeepRun(kept) => Some((**kept).clone()),
        _ => None,
    })
}

/// A run whose second epoch is its best so far, and what is kept of it.
fn learned() -> (State, u32, KeptRun) {
    let mut state = planned();
    let id = started(&mut state);
    run_says(&mut state, id, epoch(1, 0.5, false));
    run_says(&mut state, id, epoch(2, 0.75, true));
    let best = Best {
        epoch: 2,
        figure: 0.75,
        loss: 0.4,
    };
    let snapshot = TeachEvent::Snapshot {
        state: RunState {
            epoch: 2,
            step: 2,
            best: Some(best),
            ..RunState::default()
        },
        model: facts("Seedling").sha256,
    };
    let kept = kept_by(&say(&mut state, id, snapshot)).expect("it is kept at once");
    (state, id, kept)
}

/// A page that is opened later and finds the run.
fn reopened(kept: &KeptRun, model: &str) -> State {
    let text = kept.to_json().expect("JSON");
    let kept = KeptRun::parse(&text).expect("what was written");
    let mut state = State::default();
    state.session.now = 60_000.0;
    let (id, _) = load_of(&state.receive(Event::Alive));
    let model = facts(model);
    state.receive(Event::Loaded { id, model });
    state.on_kept_run(kept);
    state
}

fn fetched(state: &mut State) -> Vec<Effect> {
    let effects = state.bring_back();
    let [Effect::FetchRun(kept)] = &effects[..] else {
        panic!("it is fetched: {effects:?}");
    };
    state.on_run_fetched((**kept).clone(), Some(None))
}

#[test]
fn a_run_that_was_cut_short_comes_back_after_a_reload_and_goes_on() {
    let (before, _, kept) = learned();
    let mut state = reopened(&kept, "Seedling");
    assert!(!state.teach.would_lose());
    let (id, command) = taught(&fetched(&mut state));
    assert!(matches!(command, TeachCommand::Open { .. }));
    assert_eq!(state.teach.settings.setup(), before.teach.settings.setup());
    assert_eq!(state.teach.run.as_ref().unwrap().phase, Phase::Lost);
    say(&mut state, id, TeachEvent::Opened { report: report() });
    assert_eq!(state.why_not(&Wish::Resume), None);
    let (_, command) = taught(&state.resume_run());
    let TeachCommand::Start { resume, setup } = command else {
        panic!("it begins: {command:?}");
    };
    assert_eq!(Ok(*setup), before.teach.settings.setup());
    assert_eq!(resume.unwrap().state.epoch, 2);
    let run = state.teach.run.as_ref().unwrap();
    assert_eq!(run.epochs.len(), 2, "the curves go on");
    assert!(
        !state.teach.keeps_this_run(),
        "not before it has learned more"
    );
}

#[test]
fn what_a_finished_run_learned_comes_back() {
    let (mut state, id, _) = learned();
    let end = bert::train::Event::Done {
        best_epoch: 2,
        ending: bert::train::Ending::Epochs,
    };
    let kept = kept_by(&run_says(&mut state, id, end)).expect("its end is kept");
    assert!(!state.teach.would_lose());
    let mut state = reopened(&kept, "Seedling");
    fetched(&mut state);
    let rescued = state.teach.rescued.as_ref().unwrap();
    assert!(rescued.over && rescued.epoch() == 2);
    let last = rescued.setup.recipe.epochs;
    assert_eq!((rescued.state.epoch, rescued.state.step), (last, last));
}

#[test]
fn a_run_on_another_model_loads_that_one() {
    let (_, _, kept) = learned();
    let mut state = reopened(&kept, "Other");
    let (_, source) = load_of(&fetched(&mut state));
    assert_eq!(source, kept.source);
    assert!(state.why_not(&Wish::Resume).is_some());
}

#[test]
fn files_that_are_gone_are_told_of_and_nothing_changes() {
    let (_, _, kept) = learned();
    let mut state = reopened(&kept, "Seedling");
    state.bring_back();
    let effects = state.on_run_fetched(kept, None);
    assert_eq!(effects, [Effect::ForgetRun]);
    assert!(state.teach.failure.is_some() && state.teach.rescued.is_none());
    assert!(state.teach.kept.is_none() && state.teach.run.is_none());
}

#[test]
fn it_can_be_deleted_and_what_is_none_is_not_read() {
    let (_, _, kept) = learned();
    let mut state = reopened(&kept, "Seedling");
    assert_eq!(state.forget_run(), [Effect::ForgetRun]);
    assert!(state.forget_run().is_empty() && state.bring_back().is_empty());
    let text = kept.to_json().unwrap();
    let epochs = format!("\"epochs\":{},", Recipe::new(Method::Head).epochs);
    for broken in [
        text.replacen("\"version\":1", "\"version\":2", 1),
        text.replacen(&epochs, "\"epochs\":0,", 1),
        text[..text.len() / 2].to_owned(),
    ] {
        assert_ne!(broken, text);
        assert_eq!(KeptRun::parse(&broken), None);
    }
}
