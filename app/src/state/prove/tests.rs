//! The Prove panel driven as the visitor and the engine drive it.

use super::*;
use crate::checkpoint::Source;
use crate::protocol::{DataReport, Event};
use crate::state::link::tests::ready;
use crate::state::prove::view::Draw;
use crate::state::teach::tests::{plan, report, taught};
use bert::train::Recipe;
use bert::train::curve::{CurvePoint, CurveSetup, Place};

fn pasted() -> TextSource {
    TextSource::Pasted {
        text: "good\tyes\nbad\tno".into(),
    }
}

/// A page with a model and these texts.
fn with_texts(report: DataReport) -> State {
    let mut state = ready();
    let effects = state.open_texts(pasted());
    let (id, _) = taught(&effects);
    let event = crate::protocol::TeachEvent::Opened { report };
    state.receive(Event::Teach { id, event });
    let id = state.ids;
    let event = crate::protocol::TeachEvent::Planned { report: plan() };
    state.receive(Event::Teach { id, event });
    state
}

fn sent(effects: &[Effect]) -> (RequestId, ProveCommand) {
    match effects {
        [Effect::Send(Command::Prove { id, command })] => (*id, command.clone()),
        other => panic!("one command to prove, not {other:?}"),
    }
}

fn started(effects: &[Effect]) -> (RequestId, CurveAsk, Option<Box<Curve>>) {
    match sent(effects) {
        (id, ProveCommand::Start { ask, earlier, .. }) => (id, ask, earlier),
        other => panic!("{other:?}"),
    }
}

/// The curve that an engine begins with for what is asked.
fn empty(ask: &CurveAsk, earlier: Option<&Curve>) -> Curve {
    Curve {
        setup: CurveSetup {
            sizes: vec![8, 16],
            seeds: (1..=ask.seeds as u64).collect(),
            steps: ask.steps,
            lines: ask
                .methods
                .iter()
                .map(|&method| Recipe::new(method))
                .collect(),
        },
        source: "0123456789abcdef".into(),
        tested: 100,
        majority: 0.5,
        points: earlier.map_or_else(Vec::new, |earlier| earlier.points.clone()),
    }
}

fn tell(state: &mut State, id: RequestId, event: ProveEvent) {
    let effects = state.receive(Event::Prove { id, event });
    let keeps = |effect: &Effect| matches!(effect, Effect::Remember(Memory::Curve, _));
    assert!(effects.iter().all(keeps), "{effects:?}");
}

/// Points of everything that is missing, but for the last `but`.
fn draw(state: &mut State, id: RequestId, but: usize, accuracy: fn(&Place) -> f64) {
    let missing = state.prove.curve.as_ref().expect("a curve").missing();
    for place in &missing[..missing.len() - but] {
        let point = CurvePoint {
            place: *place,
            accuracy: accuracy(place),
            macro_f1: 0.5,
            train_loss: 0.1,
            steps: 200,
            diverged: false,
        };
        let event = CurveEvent::Point(point);
        tell(state, id, ProveEvent::Happened { event });
    }
}

fn begin(state: &mut State, effects: &[Effect]) -> RequestId {
    let (id, ask, earlier) = started(effects);
    let curve = Box::new(empty(&ask, earlier.as_deref()));
    tell(state, id, ProveEvent::Started { curve });
    id
}

fn accuracy(place: &Place) -> f64 {
    match (place.method, place.size) {
        (Method::Head, 8) => 0.8,
        (Method::Head, _) => 0.9,
        _ => 0.7,
    }
}

#[test]
fn the_frozen_line_comes_first_then_others_when_they_are_asked_for() {
    let mut state = with_texts(report());
    state.panel = crate::link::Panel::Prove;
    assert_eq!(state.curve_draw(), Draw::First);
    assert!(!state.can_add(Line::Scratch), "the frozen line comes first");
    let effects = state.start_curve();
    let (id, ask, earlier) = started(&effects);
    assert_eq!(
        (ask.methods.as_slice(), earlier),
        (&[Method::Head][..], None)
    );
    assert_eq!((ask.sizes.len(), ask.all, ask.seeds), (0, false, SEEDS));
    assert_eq!(ask.share, SHARE);
    begin(&mut state, &effects);
    assert!(state.start_curve().is_empty(), "one at a time");
    draw(&mut state, id, 0, accuracy);
    assert!((state.prove.fraction() - 1.0).abs() < 1e-9);
    let rates = CurveRates {
        step: 50.0,
        text: 2.0,
    };
    tell(&mut state, id, ProveEvent::Rates { rates });
    tell(&mut state, id, ProveEvent::Done);
    assert_eq!(state.curve_draw(), Draw::Nothing);
    // 2 sizes, 3 seeds, 200 steps of 50 ms and 100 texts of 2 ms.
    assert_eq!(
        state.estimate(Line::Scratch),
        "6 runs of 200 steps, about 1 min 1 s"
    );

    let effects = state.add_line(Line::Scratch);
    let (id, ask, earlier) = started(&effects);
    assert_eq!(ask.methods, [Method::Head, Method::Scratch]);
    assert_eq!(earlier.expect("the frozen line").points.len(), 6);
    begin(&mut state, &effects);
    draw(&mut state, id, 4, accuracy);
    assert_eq!(sent(&state.stop_curve()).1, ProveCommand::Stop);
    assert!(state.stop_curve().is_empty() && state.prove.is_stopping());
    tell(&mut state, id, ProveEvent::Stopped);
    assert_eq!(state.curve_draw(), Draw::Rest);
    assert_eq!(state.prove.line(), "4 points are missing.");
    assert_eq!(state.prove.left_line(), "About 41 s to go.");

    // It goes on where it was.
    let effects = state.start_curve();
    let (id, ask, earlier) = started(&effects);
    assert_eq!(ask.methods, [Method::Head, Method::Scratch]);
    assert_eq!(earlier.expect("what is known").points.len(), 8);
    begin(&mut state, &effects);
    draw(&mut state, id, 0, accuracy);
    tell(&mut state, id, ProveEvent::Done);
    assert!(
        state
            .curve_sentence()
            .expect("a sentence")
            .starts_with("Here 8 examples with the pretrained encoder, frozen, do what 16 do"),
    );
    // What another run says is not heard.
    tell(&mut state, id + 7, ProveEvent::Stopped);
    assert!(!state.prove.is_running());
}

#[test]
fn a_curve_needs_texts_with_one_label_each() {
    let mut state = ready();
    assert!(state.start_curve().is_empty());
    assert_eq!(
        state.curve_hint().as_deref(),
        Some("Choose texts to learn from first.")
    );
    let scores = DataReport {
        kind: Some(bert::config::HeadKind::Score),
        ..report()
    };
    let mut state = with_texts(scores);
    assert!(state.start_curve().is_empty());
    assert!(state.curve_hint().expect("why").contains("one label each"));
}

#[test]
fn what_is_typed_is_read_or_named() {
    let mut state = with_texts(report());
    let asked = |state: &State| state.curve_ask(None);
    state.prove.sizes = "32, 8;16  8 all".into();
    let ask = asked(&state).expect("numbers");
    assert_eq!((ask.sizes.as_slice(), ask.all), (&[8, 16, 32][..], true));
    for (sizes, seeds, steps, named) in [
        ("8, x", "3", "200", "“x” is none"),
        ("0", "3", "200", "“0” is none"),
        ("8", "0", "200", "Seeds: a whole number from 1 to 20"),
        ("8", "3", "1e9", "Steps: a whole number from 1 to 100000"),
    ] {
        (state.prove.sizes, state.prove.seeds, state.prove.steps) =
            (sizes.into(), seeds.into(), steps.into());
        assert!(asked(&state).expect_err("a problem").contains(named));
        assert!(state.start_curve().is_empty());
    }
    state.prove.sizes = (1..=25).map(|n| format!("{n} ")).collect();
    assert!(asked(&state).is_err());
}

#[test]
fn nothing_else_takes_the_model_while_a_curve_is_drawn() {
    let mut state = with_texts(report());
    let effects = state.start_curve();
    begin(&mut state, &effects);
    let source = Source::Files {
        name: "another".into(),
        files: Vec::new(),
    };
    for wish in [
        Wish::Load(source),
        Wish::Start,
        Wish::ReadTexts,
        Wish::HandOut,
        Wish::Follow(Box::default()),
    ] {
        let why = state.why_not(&wish).unwrap_or_else(|| panic!("{wish:?}"));
        assert!(why.contains("under Prove"), "{wish:?}: {why}");
    }
    assert_eq!(state.why_not(&Wish::LookInside), None);
    // The device goes away: what is known stays, and a new engine goes on.
    let id = state.prove.run.as_ref().expect("a run").id;
    draw(&mut state, id, 2, accuracy);
    state.receive(Event::DeviceLost {
        failure: Failure::new("lost", "", ""),
    });
    assert!(!state.prove.is_running());
    assert_eq!(state.prove.missing(), 2);
}

#[test]
fn a_link_brings_the_curve_to_another_page() {
    let mut state = with_texts(report());
    let effects = state.start_curve();
    let id = begin(&mut state, &effects);
    assert_eq!(state.link().curve, None, "no point yet");
    draw(&mut state, id, 1, accuracy);
    tell(&mut state, id, ProveEvent::Stopped);
    state.panel = crate::link::Panel::Prove;
    let fragment = state.link().to_fragment();
    let mut other = ready();
    other.open_fragment(&fragment);
    assert!(other.linked.notices.is_empty());
    assert_eq!(other.link().to_fragment(), fragment);
    assert_eq!(other.curve_sight(500.0), state.curve_sight(500.0));
    assert!(
        other
            .curve_origin()
            .expect("a word")
            .contains("came with the link")
    );
    // Its points are of texts that are not here: a curve of one's own begins anew.
    assert_eq!(other.curve_draw(), Draw::First);
    // The same address again changes nothing of one's own.
    let before = state.prove.clone();
    state.open_fragment(&fragment);
    assert_eq!(state.prove, before);
}

#[test]
fn a_curve_is_kept_and_goes_on_in_a_later_visit() {
    let mut state = with_texts(report());
    let effects = state.start_curve();
    let id = begin(&mut state, &effects);
    let missing = state.prove.curve.as_ref().expect("a curve").missing();
    let point = CurvePoint {
        place: missing[0],
        accuracy: 0.75,
        macro_f1: 0.7,
        train_loss: 0.1,
        steps: 200,
        diverged: false,
    };
    let event = ProveEvent::Happened {
        event: CurveEvent::Point(point),
    };
    let effects = state.receive(Event::Prove { id, event });
    let [Effect::Remember(Memory::Curve, text)] = &effects[..] else {
        panic!("{effects:?}")
    };
    // The same texts and model: the rest is missing. Other texts: it only shows.
    let mut later = with_texts(report());
    assert!(later.on_remembered(Memory::Curve, text).is_empty());
    assert_eq!(later.curve_draw(), Draw::Rest);
    let (_, _, earlier) = started(&later.start_curve());
    assert_eq!(earlier.expect("the point").points.len(), 1);
    let mut bare = ready();
    bare.on_remembered(Memory::Curve, text);
    assert!(bare.curve_origin().is_some() && bare.curve_sentence().is_some());
    assert_eq!(
        bare.link().to_fragment(),
        "",
        "no part of other panels' links"
    );
    // A link's own curve is not replaced, and what is no curve is none.
    let mut linked = ready();
    let curve = "0123456789abcdef,9,5,200,1:8:head,7";
    linked.open_fragment(&format!("v=1&panel=prove&curve={curve}"));
    linked.on_remembered(Memory::Curve, text);
    assert_eq!(
        linked.prove.drawn().map(|drawn| drawn.to_text()).as_deref(),
        Some(curve)
    );
    for text in ["", "{}", "null", &text[..text.len() / 2]] {
        let mut state = ready();
        state.on_remembered(Memory::Curve, text);
        assert_eq!(state.prove, Prove::default());
    }
    // It can be put away.
    let kept = bare.forget_curve();
    assert_eq!(kept, [Effect::Remember(Memory::Curve, String::new())]);
    assert_eq!(bare.curve_sentence(), None);
}
