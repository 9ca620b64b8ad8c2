//! The way down, and the marks, driven as the engine and the visitor drive them.

use crate::protocol::*;
use crate::state::activity::Answer;
use crate::state::teach::tests::{planned, report, started};
use crate::state::tests::said_of_two;
use crate::state::tests::{asked, device_report, facts, fill, loaded, mask, tokenized};
use crate::state::view::Tone;
use crate::state::{Effect, State};
use bert::train::RunState;

const GPU: Executor = Executor::Gpu;
const CPU: Executor = Executor::Cpu;

fn device(state: &mut State, executor: Executor) {
    let report = DeviceReport {
        left_out: vec![left_out("old")],
        ..device_report(executor)
    };
    state.receive(Event::Device { report });
}

fn left_out(what: &str) -> LeftOut {
    LeftOut {
        what: what.into(),
        why: format!("`{what}` was wrong."),
    }
}

fn check(kernel: &str, passed: bool) -> KernelCheck {
    KernelCheck {
        kernel: kernel.into(),
        passed,
        max_error: None,
        tolerance: 1e-6,
        detail: (!passed).then(|| "element 3 is 0, expected 1".into()),
    }
}

/// All is right, without these.
fn without(all: &[&str], complete: bool) -> SelfTest {
    SelfTest {
        checks: vec![check("gelu", true), check("softmax", true)],
        left_out: all.iter().map(|what| left_out(what)).collect(),
        complete,
        trusted: true,
    }
}

fn wrong() -> SelfTest {
    SelfTest {
        checks: vec![check("gelu", true), check("softmax", false)],
        trusted: false,
        ..without(&["old"], true)
    }
}

fn tested(state: &mut State, test: SelfTest) -> Vec<Effect> {
    state.receive(Event::SelfTest { test })
}

/// A page whose model has answered on this device.
fn answered(executor: Executor) -> State {
    let mut state = State::default();
    answer(&mut state, executor);
    state
}

/// A new engine comes to its first answer.
fn answer(state: &mut State, executor: Executor) {
    let (id, _) = loaded(&state.receive(Event::Alive));
    device(state, executor);
    let model = facts("Seedling");
    let id = tokenized(&state.receive(Event::Loaded { id, model }));
    let tokens = vec![mask()];
    let id = asked(&state.receive(Event::Tokens {
        id,
        tokens,
        truncated: None,
    }));
    filled(state, id);
}

fn filled(state: &mut State, id: RequestId) {
    let (fill, milliseconds) = (fill(), 1.0);
    state.receive(Event::Filled {
        id,
        fill,
        milliseconds,
    });
}

fn started_with(effects: &[Effect]) -> Preference {
    match effects.first() {
        Some(Effect::Send(Command::Start { preference, .. })) => *preference,
        other => panic!("expected a Start, got {other:?}"),
    }
}

#[test]
fn what_is_left_out_is_named_and_the_answer_computed_anew() {
    let mut state = answered(GPU);
    assert_eq!(state.session.badge().tone, Tone::Wait, "not tested yet");
    assert!(tested(&mut state, without(&["old"], false)).is_empty());
    assert_eq!(state.probe_doubt(), None, "it was left out from the start");
    let notes = state.session.self_test_notes().join(" ");
    assert!(notes.contains("after the first answer"), "{notes}");
    let effects = tested(&mut state, without(&["old", "tiles-128x64"], true));
    let doubt = state.probe_doubt().expect("a mark");
    assert_eq!(
        doubt,
        "Computed before the self-test left out tiles-128x64 (`tiles-128x64` was wrong)."
    );
    let badge = state.session.badge();
    assert_eq!(badge.text, "GPU, without old, tiles-128x64");
    assert_eq!(badge.tone, Tone::Warn);
    let (tone, words) = state.session.self_test();
    assert_eq!(tone, Tone::Warn);
    assert_eq!(
        words,
        "Self-test passed: all 2 GPU kernels, without old, tiles-128x64"
    );
    let notes = state.session.self_test_notes();
    assert_eq!(
        notes,
        [
            "Without old: `old` was wrong.",
            "Without tiles-128x64: `tiles-128x64` was wrong."
        ]
    );
    filled(&mut state, asked(&effects));
    assert_eq!(state.probe_doubt(), None, "the new answer is right");
}

#[test]
fn an_answer_under_way_is_asked_for_again_too() {
    let mut state = answered(GPU);
    let old = asked(&state.run());
    let new = asked(&tested(&mut state, without(&["subgroups"], false)));
    filled(&mut state, old);
    assert!(state.probe_doubt().is_some(), "it is the old one still");
    filled(&mut state, new);
    assert_eq!(state.probe_doubt(), None);
}

#[test]
fn a_gpu_that_is_wrong_gives_way_to_the_processor() {
    let mut state = answered(GPU);
    assert_eq!(tested(&mut state, wrong()), [Effect::Restart]);
    let doubt = state.probe_doubt().expect("a mark");
    assert!(doubt.contains("found softmax wrong"), "{doubt}");
    assert_eq!(state.session.preference, Preference::Auto, "as was chosen");
    assert_eq!(state.session.chosen(), Preference::Cpu, "as it is");
    answer(&mut state, CPU);
    assert_eq!(state.probe_doubt(), None);
    assert!(tested(&mut state, without(&[], true)).is_empty());
    let note = state.session.device.as_ref().and_then(|d| d.note.clone());
    assert_eq!(
        note.as_deref(),
        Some(
            "Your GPU computes softmax wrong (element 3 is 0, expected 1), so the processor \
             computes."
        )
    );
    let line = state.session.device_line().expect("a line");
    assert!(line.contains("computes wrong"), "{line}");
    // Another engine, for whatever reason, is on the CPU too.
    state.restart();
    assert_eq!(started_with(&state.receive(Event::Alive)), Preference::Cpu);
}

#[test]
fn whoever_insists_gets_the_gpu_without_a_loop_and_every_answer_marked() {
    let mut state = answered(GPU);
    tested(&mut state, wrong());
    assert_eq!(started_with(&state.receive(Event::Alive)), Preference::Cpu);
    assert_eq!(state.prefer(Preference::Cpu), [], "that it is already");
    assert_eq!(state.prefer(Preference::Gpu), [Effect::Restart]);
    answer(&mut state, GPU);
    assert_eq!(state.probe_doubt(), None, "not known of this engine yet");
    assert!(tested(&mut state, wrong()).is_empty());
    assert!(tested(&mut state, wrong()).is_empty(), "nor later");
    assert_eq!(state.session.badge().tone, Tone::Bad);
    assert!(
        state
            .session
            .badge()
            .text
            .contains("wrong answers from softmax")
    );
    assert!(state.session.self_test().1.contains("Do not trust"));
    let id = asked(&state.run());
    filled(&mut state, id);
    let doubt = state.probe_doubt().expect("a mark");
    assert_eq!(doubt, "Computed on a device that computes softmax wrong.");
    // Chosen anew without knowing, on another day, it steps down again.
    assert_eq!(state.prefer(Preference::Auto), [Effect::Restart]);
    answer(&mut state, GPU);
    assert_eq!(tested(&mut state, wrong()), [Effect::Restart]);
}

#[test]
fn a_processor_that_is_wrong_has_nothing_to_give_way_to() {
    let mut state = answered(CPU);
    assert!(tested(&mut state, wrong()).is_empty());
    assert_eq!(state.session.badge().tone, Tone::Bad);
    assert!(state.probe_doubt().is_some());
}

#[test]
fn a_run_keeps_its_mark_and_says_what_it_was_computed_on() {
    let mut state = planned();
    device(&mut state, GPU);
    let id = started(&mut state);
    let run = |state: &State| state.teach.run.clone().expect("a run");
    assert_eq!(
        run(&state).machine_line().as_deref(),
        Some("Trained on the GPU ACME 9000, shader record 1a2b3c4d.")
    );
    assert_eq!(run(&state).doubt, None);
    tested(&mut state, without(&["old", "subgroups"], false));
    let doubt = run(&state).doubt.expect("a mark");
    assert!(doubt.contains("left out subgroups"), "{doubt}");
    assert!(run(&state).is_under_way(), "it goes on with right shaders");
    // Later findings do not hide the first, and what another engine finds is not about this run.
    tested(&mut state, without(&["old", "subgroups", "tiles"], true));
    assert_eq!(run(&state).doubt.as_deref(), Some(&doubt[..]));
    let kept = RunState {
        epoch: 1,
        step: 2,
        ..RunState::default()
    };
    let event = TeachEvent::Snapshot {
        state: kept,
        model: facts("Seedling").sha256,
    };
    state.receive(Event::Teach { id, event });
    assert_eq!(tested(&mut state, wrong()), [Effect::Restart]);
    let (id, _) = loaded(&state.receive(Event::Alive));
    device(&mut state, CPU);
    let model = facts("Seedling");
    let effects = state.receive(Event::Loaded { id, model });
    let open = effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Teach { id, .. }) => Some(*id),
        _ => None,
    });
    let report = report();
    let event = TeachEvent::Opened { report };
    let id = open.expect("the texts are opened again");
    state.receive(Event::Teach { id, event });
    // What was learned in doubt stays in doubt.
    let effects = state.resume_run();
    let [Effect::Send(Command::Teach { id, command })] = &effects[..] else {
        panic!("expected a Start, got {effects:?}");
    };
    let TeachCommand::Start { resume, .. } = command else {
        panic!("expected a Start, got {command:?}");
    };
    assert_eq!(resume.as_ref().expect("weights").doubt, Some(doubt.clone()));
    let machine = bert::export::Machine {
        doubt: Some(doubt.clone()),
        ..Default::default()
    };
    let event = TeachEvent::Started {
        head: None,
        train: 1,
        validation: 1,
        majority: None,
        machine,
    };
    state.receive(Event::Teach { id: *id, event });
    assert_eq!(run(&state).doubt, Some(doubt));
    assert_eq!(
        run(&state).machine_line().as_deref(),
        Some("Trained on the CPU.")
    );
}

#[test]
fn what_an_earlier_engine_learned_is_not_marked() {
    let mut state = planned();
    device(&mut state, CPU);
    started(&mut state);
    assert!(state.prefer(Preference::Gpu).is_empty(), "it asks first");
    state.answer(Answer::Agree);
    state.receive(Event::Alive);
    device(&mut state, GPU);
    tested(&mut state, without(&["old", "subgroups"], false));
    assert_eq!(state.teach.run.expect("a run").doubt, None);
}

#[test]
fn an_answer_to_a_text_is_marked_until_the_next() {
    let mut state = planned();
    device(&mut state, GPU);
    started(&mut state);
    state.teach.trial.text = "fine".into();
    let tried = |effects: &[Effect]| match effects {
        [Effect::Send(Command::Teach { id, .. })] => *id,
        other => panic!("expected one try, got {other:?}"),
    };
    let answer = |state: &mut State, id| {
        let event = TeachEvent::Tried {
            said: Box::new(said_of_two("fine", [0.0, 1.0])),
            milliseconds: 1.0,
        };
        state.receive(Event::Teach { id, event });
    };
    let id = tried(&state.try_text());
    answer(&mut state, id);
    assert_eq!(state.trial_doubt(), None);
    let effects = tested(&mut state, without(&["old", "subgroups"], false));
    assert!(state.trial_doubt().is_some());
    let id = tried(&effects);
    answer(&mut state, id);
    assert_eq!(state.trial_doubt(), None);
}

#[test]
fn a_sentence_names_a_few_kernels_and_counts_the_rest() {
    let test = SelfTest {
        checks: ["a", "b", "c", "d", "e", "f"]
            .map(|name| check(name, false))
            .to_vec(),
        ..SelfTest::default()
    };
    assert_eq!(test.wrong(), "a, b, c, d and 2 more");
}
