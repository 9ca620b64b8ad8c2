//! The Inside panel driven as the visitor and the engine drive it.

use super::*;
use crate::link::Panel;
use crate::protocol::{Command, Event, InsideCommand, InsideEvent, ModelFacts};
use crate::state::Effect;
use crate::state::tests::{facts, mask};
use bert::inside::{Lens, LensPlace, LensRow, Seen};
use bert::probe::{Fill, MaskResult, Original, Prediction, Token};

fn token(text: &str) -> Token {
    Token {
        id: text.len() as u32,
        text: text.into(),
        special: text.starts_with('['),
        masked: false,
        sequence: Some(0),
        start: 0,
        end: 0,
    }
}

fn prediction(token: &str, probability: f32) -> Prediction {
    Prediction {
        id: token.len() as u32,
        token: token.into(),
        logit: probability.ln(),
        probability,
    }
}

/// What the engine is asked among the effects.
fn looked(effects: &[Effect]) -> Option<(RequestId, InsideCommand)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Inside { id, command }) => Some((*id, command.clone())),
        _ => None,
    })
}

fn look(effects: &[Effect]) -> (RequestId, Look) {
    match looked(effects) {
        Some((id, InsideCommand::Look { look })) => (id, look),
        other => panic!("expected a look, got {other:?}"),
    }
}

/// A page with a model, and the text "a [MASK] b" cut and answered, at the Inside panel.
fn ready_with(model: ModelFacts) -> State {
    let mut state = State::default();
    let load = state.receive(Event::Alive);
    let id = load.iter().find_map(|effect| match effect {
        Effect::Send(Command::Load { id, .. }) => Some(*id),
        _ => None,
    });
    let effects = state.receive(Event::Loaded {
        id: id.expect("a load"),
        model,
    });
    let id = crate::state::tests::tokenized(&effects);
    let tokens = vec![
        token("[CLS]"),
        token("a"),
        mask(),
        token("b"),
        token("[SEP]"),
    ];
    let effects = state.receive(Event::Tokens {
        id,
        tokens: tokens.clone(),
        truncated: None,
    });
    if let [Effect::Send(Command::Probe { id, .. })] = effects[..] {
        let masks = vec![MaskResult {
            position: 2,
            original: None,
            predictions: vec![prediction("tea", 0.6)],
            compared: Vec::new(),
        }];
        let fill = Fill {
            tokens,
            masks,
            nsp: None,
            truncated: None,
        };
        state.receive(Event::Filled {
            id,
            fill,
            milliseconds: 1.0,
        });
    }
    state.panel = Panel::Inside;
    state
}

fn ready() -> State {
    ready_with(facts("Seedling"))
}

fn lens(rank: u32) -> Found {
    let row = |rank: u32| LensRow {
        top: vec![prediction("tea", 0.5), prediction("coffee", 0.25)],
        followed: Some(Original {
            id: 3,
            token: "tea".into(),
            logit: 0.0,
            probability: 0.5,
            rank,
        }),
    };
    Found::Lens(Lens {
        seen: Seen {
            tokens: Vec::new(),
            truncated: None,
        },
        places: vec![LensPlace {
            position: 2,
            layers: vec![row(rank), row(7), row(1)],
        }],
        classes: None,
    })
}

fn found(state: &mut State, id: RequestId, found: Found) {
    let event = InsideEvent::Found {
        found: Box::new(found),
        milliseconds: 2.0,
    };
    state.receive(Event::Inside { id, event });
}

#[test]
fn nothing_is_asked_while_another_panel_shows() {
    let mut state = ready();
    state.panel = Panel::Probe;
    assert_eq!(state.look_inside(), []);
    state.panel = Panel::Inside;
    let (id, _) = look(&state.look_inside());
    assert_eq!(state.look_inside(), [], "once");
    state.panel = Panel::Bench;
    let (given_up, command) = looked(&state.look_inside()).expect("a cancel");
    assert_eq!((given_up, command), (id, InsideCommand::Cancel));
}

#[test]
fn the_lens_follows_the_best_guess_the_hidden_word_or_a_typed_one() {
    let mut state = ready();
    let follow = |look: Look| match look {
        Look::Lens { place, follow, .. } => (place, follow),
        other => panic!("{other:?}"),
    };
    let (_, first) = look(&state.look_inside());
    assert_eq!(
        follow(first),
        (Some(2), Some(Word::Id(3))),
        "the best guess"
    );
    state.inside.typed_follow = " milk ".into();
    state.settle_inside();
    let (_, typed) = look(&state.look_inside());
    assert_eq!(follow(typed).1, Some(Word::Typed("milk".into())));
    state.inside.typed_follow.clear();
    state.settle_inside();
    state.probe.hidden.insert(1);
    state.inside.choice.place = Some(1);
    let (_, hidden) = look(&state.look_inside());
    assert_eq!(
        follow(hidden),
        (Some(1), Some(Word::Id(1))),
        "the hidden word"
    );
}

#[test]
fn a_newer_question_takes_the_place_of_an_older_one_and_answers_are_remembered() {
    let mut state = ready();
    let (first, _) = look(&state.look_inside());
    state.inside.switch(Head { layer: 0, head: 1 });
    let (second, asked) = look(&state.look_inside());
    let Look::Lens { subject, .. } = asked else {
        panic!("{asked:?}")
    };
    assert_eq!(subject.without, [Head { layer: 0, head: 1 }]);
    found(&mut state, first, lens(99));
    assert_eq!(state.lens_sight(800.0), None, "too late");
    found(&mut state, second, lens(50));
    let sight = state.lens_sight(800.0).expect("a picture");
    assert!(
        sight
            .sentence
            .contains("from rank 50 to rank 1; it is first from layer 2 on."),
        "{sight:?}"
    );
    assert_eq!(state.look_inside(), []);
    // On again: asked once, and off again from memory.
    state.inside.switch(Head { layer: 0, head: 1 });
    let (third, _) = look(&state.look_inside());
    found(&mut state, third, lens(9));
    assert!(
        state
            .lens_sight(800.0)
            .unwrap()
            .sentence
            .contains("from rank 9 ")
    );
    state.inside.switch(Head { layer: 0, head: 1 });
    assert_eq!(state.look_inside(), []);
    assert!(
        state
            .lens_sight(800.0)
            .unwrap()
            .sentence
            .contains("from rank 50 ")
    );
}

#[test]
fn the_lens_has_a_row_for_each_layer_the_last_at_the_top() {
    let mut state = ready();
    let (id, _) = look(&state.look_inside());
    found(&mut state, id, lens(5000));
    for width in [300.0, 900.0] {
        let sight = state.lens_sight(width).expect("a picture");
        assert_eq!(sight.drawing.width, width);
        let names: Vec<&str> = sight.table.rows.iter().map(|row| &*row[0]).collect();
        assert_eq!(names, ["2", "1", "Embeddings"]);
        assert_eq!(sight.table.columns[5], "Rank of “tea”");
        assert_eq!(sight.table.rows[2][5], "5000");
    }
    assert_eq!(
        state.inside_spoken(),
        Some(state.lens_sight(300.0).unwrap().sentence)
    );
}

#[test]
fn what_failed_or_was_stopped_is_not_asked_again_by_itself() {
    let mut state = ready();
    let (id, _) = look(&state.look_inside());
    let failure = Failure::new("no", "", "");
    let event = InsideEvent::Failed {
        failure: failure.clone(),
    };
    state.receive(Event::Inside { id, event });
    assert_eq!(state.look_failure(), Some(failure));
    assert_eq!(state.look_inside(), []);
    look(&state.see_again());
    state.cancel_look();
    assert!(state.is_look_stopped() && !state.inside.is_busy());
    assert_eq!(state.look_inside(), []);
    // Another question is another matter.
    state.inside.see(Picture::Sides);
    look(&state.look_inside());
    assert!(!state.is_look_stopped());
}

#[test]
fn attention_needs_three_answers_one_after_the_other() {
    let mut state = ready();
    state.inside.see(Picture::Attention);
    let kinds = |state: &State| -> Vec<&'static str> {
        let looks = state.wanted_looks();
        let kind = |look: &Look| match look {
            Look::Guesses { .. } => "guesses",
            Look::Map { .. } => "map",
            Look::Survey { .. } => "survey",
            _ => "another",
        };
        looks.iter().map(kind).collect()
    };
    assert_eq!(kinds(&state), ["map", "survey"]);
    assert_eq!(state.head(), Some(Head { layer: 1, head: 0 }));
    assert_eq!(state.row(), 2, "the hidden word");
    state.inside.choice.off.insert(Head { layer: 9, head: 9 });
    assert_eq!(
        kinds(&state),
        ["map", "survey"],
        "this model has no such head"
    );
    state.inside.switch(Head { layer: 0, head: 0 });
    assert_eq!(kinds(&state), ["guesses", "map", "survey"]);
}

#[test]
fn another_model_forgets_answers_and_heads() {
    let mut state = ready();
    let (id, _) = look(&state.look_inside());
    found(&mut state, id, lens(50));
    state.inside.switch(Head { layer: 0, head: 0 });
    state.session.model = Some(facts("another"));
    state.on_model_for_inside();
    assert!(state.inside.choice.off.is_empty() && state.lens_sight(800.0).is_none());
    // Those of a link wait for its model.
    state.inside.restore(Choice {
        off: [Head { layer: 0, head: 1 }].into(),
        ..Choice::default()
    });
    state.session.model = Some(facts("third"));
    state.on_model_for_inside();
    assert_eq!(state.heads_off(), [Head { layer: 0, head: 1 }]);
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let mut state = ready();
    let hint = |state: &State| state.inside_hint().unwrap_or_default();
    assert_eq!(hint(&state), "");
    state.probe.tokens[2] = token("word");
    assert!(
        hint(&state).starts_with("No word is hidden"),
        "{}",
        hint(&state)
    );
    state.inside.see(Picture::Surprise);
    assert_eq!(hint(&state), "", "needs no blank");
    state.probe.tokens = vec![token("[CLS]"), token("[SEP]")];
    assert!(hint(&state).contains("only special tokens"));

    let mut model = facts("encoder");
    model.no_masks = Some("It has no head.".into());
    let mut state = ready_with(model);
    assert_eq!(
        hint(&state),
        "There is no head to look through. It has no head."
    );
    assert_eq!(state.look_inside(), []);
    state.inside.see(Picture::Attention);
    assert_eq!(hint(&state), "", "attention needs no head");

    let mut state = ready();
    state.session.model = None;
    assert!(hint(&state).starts_with("No model is loaded"));
    assert_eq!(state.look_inside(), []);
}

#[test]
fn a_lost_engine_is_asked_again_when_it_is_back() {
    let mut state = ready();
    look(&state.look_inside());
    state.receive(Event::DeviceLost {
        failure: Failure::new("lost", "", ""),
    });
    assert!(!state.inside.is_busy());
    assert_eq!(state.look_inside(), [], "nobody listens");
}

#[test]
fn a_words_neighbours_come_first_and_then_its_other_sentences() {
    let mut state = ready();
    state.inside.see(Picture::Neighbours);
    state.probe.text = "bank [MASK] b".to_owned();
    state.probe.tokens[1] = Token {
        end: 4,
        ..token("bank")
    };
    let (id, asked) = look(&state.look_inside());
    let near = Look::Neighbours {
        word: Word::Id(4),
        count: 12,
    };
    assert_eq!(asked, near, "of the longest word");
    assert!(state.sentences_hint().unwrap().contains("with “bank”"));
    state.inside.typed_sentences = "no such word\nthe Bank\n".into();
    state.settle_inside();
    assert_eq!(state.look_inside(), [], "still the same question");
    found(&mut state, id, Found::Neighbours(Vec::new()));
    let (_, asked) = look(&state.look_inside());
    let Look::Contextual { occurrences, .. } = asked else {
        panic!("{asked:?}")
    };
    let places: Vec<(&str, (usize, usize))> = occurrences
        .iter()
        .map(|place| (&*place.text, place.characters))
        .collect();
    assert_eq!(places, [("bank [MASK] b", (0, 4)), ("the Bank", (4, 8))]);
    assert!(
        state
            .sentences_hint()
            .unwrap()
            .starts_with("Line 1 does not")
    );
    // A place that holds no word is no choice.
    state.inside.choice.row = Some(0);
    assert_eq!(state.near_place(), Some(1));
    // An encoder alone has neighbours too.
    state.session.model.as_mut().unwrap().no_masks = Some("no head".into());
    assert_eq!(state.inside_hint(), None);
}

#[test]
fn swaps_are_asked_after_the_text_itself() {
    let mut state = ready();
    state.inside.see(Picture::Surprise);
    let kinds = |state: &State| state.wanted_looks().len();
    state.inside.typed_swaps = "a {b, c} d".into();
    state.settle_inside();
    state.inside.choice.apart = true;
    let looks = state.wanted_looks();
    assert!(
        matches!(&looks[..], [
        Look::Surprisal { within_word: false, .. },
        Look::Swaps { sentences, within_word: false, .. },
    ] if sentences == &["a b d", "a c d"]),
        "{looks:?}"
    );
    state.inside.choice.swaps = "a {b} d".into();
    assert_eq!(kinds(&state), 1, "what is wrong is not asked");
    assert!(state.swaps_hint().unwrap().contains("holds 1"));
}

#[test]
fn without_a_run_there_is_nothing_before_and_after() {
    let mut state = ready();
    state.inside.see(Picture::Change);
    assert!(
        state
            .inside_hint()
            .unwrap()
            .starts_with("No run has changed this model")
    );
    assert_eq!(state.look_inside(), []);
}

#[test]
fn a_model_that_reads_left_to_right_is_asked_only_what_it_can_tell() {
    let mut state = ready_with(ModelFacts {
        causal: true,
        ..facts("Twin")
    });
    for picture in [
        Picture::Lens,
        Picture::Sides,
        Picture::Surprise,
        Picture::Grounds,
    ] {
        state.inside.see(picture);
        let hint = state.inside_hint().unwrap_or_default();
        assert!(hint.contains("left to right"), "{picture:?}: {hint}");
        assert_eq!(state.look_inside(), [], "{picture:?}");
    }
    state.inside.see(Picture::Attention);
    assert_eq!(state.inside_hint(), None);
    assert!(!state.look_inside().is_empty());
}
