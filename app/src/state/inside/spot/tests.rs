//! The game driven as the visitor and the engine drive it.

use super::*;
use crate::link::inside::Picture;
use crate::link::{Link, Panel};
use crate::protocol::{Command, Event, Found, InsideCommand, InsideEvent, ModelFacts, RequestId};
use crate::state::tests::facts;
use bert::inside::RoundWord;
use bert::probe::Token;

/// The look that follows from a change.
fn look(state: &mut State) -> Option<(RequestId, Look)> {
    state
        .look_inside()
        .into_iter()
        .find_map(|effect| match effect {
            Effect::Send(Command::Inside {
                id,
                command: InsideCommand::Look { look },
            }) => Some((id, look)),
            _ => None,
        })
}

fn found(state: &mut State, id: RequestId, found: Found) -> Vec<Effect> {
    let event = InsideEvent::Found {
        found: Box::new(found),
        milliseconds: 5.0,
    };
    state.receive(Event::Inside { id, event })
}

/// Loads a model, whose probe is answered.
fn load(state: &mut State, model: ModelFacts) {
    let source = crate::checkpoint::Source::Files {
        name: model.name.clone(),
        files: Vec::new(),
    };
    let effects = state.load(source);
    let id = effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Load { id, .. }) => Some(*id),
        _ => None,
    });
    let id = id.expect("a load");
    let effects = state.receive(Event::Loaded { id, model });
    let id = crate::state::tests::tokenized(&effects);
    state.receive(Event::Tokens {
        id,
        tokens: Vec::new(),
        truncated: None,
    });
}

fn game() -> State {
    let mut state = State::default();
    state.receive(Event::Alive);
    load(&mut state, facts("Seedling"));
    state.panel = Panel::Inside;
    state.inside.see(Picture::Spot);
    state
}

/// “The dog ate, slowly.”: “cat” was replaced, and “ate” was drawn again.
fn round() -> Round {
    let word = |start: usize, original: &str, shown: &str, chances| RoundWord {
        start,
        end: start + shown.len(),
        original: original.to_owned(),
        shown: shown.to_owned(),
        chances,
    };
    Round {
        text: "“The dog” ate, slowly.".into(),
        words: vec![
            word(1, "The", "The", None),
            word(5, "cat", "dog", Some([0.25, 0.5])),
            word(10, "ate", "ate", Some([0.75, 0.75])),
            word(15, "slowly", "slowly", None),
        ],
    }
}

fn deal(state: &mut State) {
    let (id, look) = look(state).expect("a deal");
    assert!(matches!(look, Look::Replace(_)));
    found(state, id, Found::Round(round()));
}

fn token(start: usize, end: usize) -> Token {
    Token {
        id: 9,
        text: "x".into(),
        special: start == end,
        masked: false,
        sequence: Some(0),
        start,
        end,
    }
}

fn discriminator() -> ModelFacts {
    ModelFacts {
        no_masks: Some("It is a discriminator.".into()),
        replaced: true,
        mask: None,
        ..facts("ELECTRA")
    }
}

#[test]
fn a_round_is_played_counted_and_followed_by_another() {
    let mut state = game();
    let (id, first) = look(&mut state).expect("a deal");
    let Look::Replace(request) = &first else {
        panic!("{first:?}");
    };
    assert_eq!(request.text, SENTENCES[0]);
    assert_eq!((request.count, request.temperature), (3, 1.0));
    assert!(look(&mut state).is_none(), "asked once");
    found(&mut state, id, Found::Round(round()));
    assert!(look(&mut state).is_none(), "a round is there");
    assert!(state.inside_hint().is_none());

    // Nothing is told before it is shown.
    let play = || state.inside.spot.play.as_ref().expect("a round");
    assert!(play().lines().is_empty() && play().chances().is_empty());
    assert!(play().marks(1).is_empty() && play().was(1).is_none());
    assert!(!state.can_judge() && state.judge_hint().is_none());

    assert!(state.inside.spot.pick(1) && state.inside.spot.pick(3));
    assert!(!state.inside.spot.pick(4), "there is no such word");
    let effects = state.show_round();
    assert!(matches!(
        &effects[..],
        [Effect::Remember(Memory::Scores, _)]
    ));
    assert!(state.show_round().is_empty(), "counted once");
    assert!(!state.inside.spot.pick(0), "it is over");
    let play = state.inside.spot.play.clone().expect("a round");
    let marks = (0..4).map(|word| play.marks(word)[0]);
    let expected = [Mark::Clear, Mark::Found, Mark::Clear, Mark::Wrong];
    assert_eq!(marks.collect::<Vec<_>>(), expected);
    assert_eq!(play.was(1).as_deref(), Some("cat"));
    assert_eq!(play.was(2), None, "drawn as it was");
    assert_eq!(
        play.lines(),
        [
            "You found 1 of 1. You marked 1 word of the author's. One hidden word was drawn as it was, and counts \
             as the author's."
        ]
    );
    assert_eq!(play.chances().len(), 2);
    assert_eq!(
        state.inside.spot.scores.you.line(),
        "found 1 of 1, 1 wrong, in 1 round"
    );

    // The next one has another sentence and another seed.
    state.deal_round();
    let (id, second) = look(&mut state).expect("another deal");
    let Look::Replace(request) = &second else {
        panic!("{second:?}");
    };
    assert_eq!((&*request.text, request.seed), (SENTENCES[1], 1));
    found(&mut state, id, Found::Round(round()));
    assert!(!state.inside.spot.is_shown());
    assert_eq!(state.show_round().len(), 1);
    let you = state.inside.spot.scores.you;
    assert_eq!((you.rounds, you.found, you.missed, you.wrong), (2, 1, 1, 1));
}

#[test]
fn a_round_outlives_its_model_and_a_discriminator_judges_it_once() {
    let mut state = game();
    deal(&mut state);
    state.show_round();
    assert!(state.judge_hint().is_some());
    assert!(!state.can_judge());
    load(&mut state, discriminator());
    assert!(state.inside_hint().is_none(), "the round is still there");
    assert!(state.judge_hint().is_none() && !state.can_deal());
    assert!(look(&mut state).is_none(), "nothing is asked unasked");
    state.judge_round();
    let (id, asked) = look(&mut state).expect("a question");
    assert_eq!(asked, Look::Judge { text: round().text });
    // Two pieces of “dog”, the first of “slowly”; special tokens count for nothing.
    let marks = Replaced {
        tokens: vec![
            token(0, 0),
            token(1, 4),
            token(5, 7),
            token(7, 8),
            token(10, 13),
            token(15, 17),
        ],
        logits: vec![0.0; 6],
        probabilities: vec![0.9, 0.1, 0.2, 0.8, 0.4, 0.7],
        truncated: None,
    };
    let effects = found(&mut state, id, Found::Judged(marks));
    assert!(matches!(
        &effects[..],
        [Effect::Remember(Memory::Scores, _)]
    ));
    let play = state.inside.spot.play.clone().expect("a round");
    assert_eq!(
        play.verdicts[0].suspicion,
        [Some(0.1), Some(0.8), Some(0.4), Some(0.7)]
    );
    assert_eq!(play.marks(1), [Mark::Missed, Mark::Found]);
    assert_eq!(play.marks(3), [Mark::Clear, Mark::Wrong]);
    assert_eq!(
        play.lines()[1],
        "ELECTRA found 1 of 1. ELECTRA marked 1 word of the author's."
    );
    assert!(!state.can_judge(), "it has judged");
    state.judge_round();
    assert!(look(&mut state).is_none());
    assert_eq!(
        state.inside.spot.scores.models[0].1.line(),
        "found 1 of 1, 1 wrong, in 1 round"
    );

    // Without a round it says what to do.
    state.inside.spot.play = None;
    let hint = state.inside_hint().expect("a hint");
    assert!(hint.contains("let it judge that round"), "{hint}");
    assert!(look(&mut state).is_none());
}

#[test]
fn settings_count_at_once_only_where_nothing_was_done() {
    let mut state = game();
    deal(&mut state);
    state.set_round_words(99);
    state.set_round_heat(2);
    let (id, asked) = look(&mut state).expect("a deal");
    let Look::Replace(request) = asked else {
        panic!("{asked:?}");
    };
    assert_eq!((request.count, request.temperature), (8, 0.2));
    assert_eq!(request.seed, 0, "the same round");
    found(&mut state, id, Found::Round(round()));
    state.inside.spot.pick(0);
    state.set_round_heat(20);
    assert!(look(&mut state).is_none(), "what was marked stays");
    // A text of one's own, too long.
    state.inside.spot.typed = format!(" {} ", "a cat ".repeat(200));
    state.deal_round();
    state.settle_inside();
    let (_, asked) = look(&mut state).expect("a deal");
    let Look::Replace(request) = asked else {
        panic!("{asked:?}");
    };
    assert_eq!(request.text.chars().count(), MAX_OWN);
    assert!(state.own_round_hint().is_some());
}

#[test]
fn a_link_brings_back_the_round_and_not_its_answer() {
    let mut state = game();
    state.deal_round();
    state.set_round_words(2);
    deal(&mut state);
    state.inside.spot.pick(1);
    state.show_round();
    let fragment = state.link().to_fragment();
    assert!(
        fragment.contains("see=spot&round-words=2&round=1"),
        "{fragment}"
    );
    assert!(!fragment.contains("dog"), "{fragment}");
    let (link, notices) = Link::parse(&fragment);
    assert!(notices.is_empty(), "{notices:?}");
    let mut other = game();
    other.inside.restore(link.inside);
    let (_, asked) = look(&mut other).expect("a deal");
    let Look::Replace(request) = asked else {
        panic!("{asked:?}");
    };
    assert_eq!((request.count, request.seed), (2, 1));
    assert!(!other.inside.spot.is_shown());
}

#[test]
fn the_score_stays_on_the_device_and_damage_is_no_score() {
    let mut state = game();
    deal(&mut state);
    state.inside.spot.pick(1);
    let effects = state.show_round();
    let [Effect::Remember(Memory::Scores, text)] = &effects[..] else {
        panic!("{effects:?}");
    };
    let mut later = game();
    later.on_remembered(Memory::Scores, text);
    assert_eq!(later.inside.spot.scores, state.inside.spot.scores);
    // The next visit begins with another sentence.
    let (_, asked) = look(&mut later).expect("a deal");
    assert!(matches!(asked, Look::Replace(request) if request.text == SENTENCES[1]));
    assert!(matches!(
        &later.forget_scores()[..],
        [Effect::Remember(Memory::Scores, _)]
    ));
    assert!(later.inside.spot.scores.is_empty());
    for damaged in ["", "{", "[]", r#"{"you": 3}"#, r#"{"you": {"found": -1}}"#] {
        later.on_remembered(Memory::Scores, damaged);
        assert!(later.inside.spot.scores.is_empty(), "{damaged}");
    }
    // Counts at their end go no further.
    let most = format!(
        r#"{{"you": {{"rounds": {0}, "found": {0}, "missed": {0}}}}}"#,
        usize::MAX
    );
    later.on_remembered(Memory::Scores, &most);
    deal(&mut later);
    later.show_round();
    assert!(later.inside.spot.scores.you.line().contains("rounds"));
}

#[test]
fn marks_of_the_text_stay_with_their_words() {
    let play = Play::new(round(), String::new());
    let parts: Vec<String> = (play.parts().iter())
        .map(|part| format!("{}|{}|{}", part.before, part.shown, part.after))
        .collect();
    assert_eq!(parts, ["“|The|", "|dog|”", "|ate|,", "|slowly|."]);
    let mut spot = Spot {
        play: Some(play),
        ..Spot::default()
    };
    assert_eq!(spot.step("ArrowRight"), Some(1));
    assert_eq!(spot.step("End"), Some(3));
    assert_eq!(spot.step("ArrowRight"), Some(3));
    assert_eq!(spot.step("x"), None);
    spot.play = None;
    assert_eq!(spot.step("Home"), None);
}

#[test]
fn sentences_differ_and_are_short() {
    let mut all = SENTENCES.to_vec();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), SENTENCES.len());
    assert!(
        all.iter()
            .all(|text| (10..=20).contains(&text.split(' ').count()))
    );
}
