//! Links opened and made, driven as the page and the engine drive it.

use super::*;
use crate::checkpoint::{Kept, Listing, Offer};
use crate::link::Panel;
use crate::protocol::{Command, DataReport, Event, Export, RequestId, TeachCommand, TeachEvent};
use crate::recipe::carried::Carried;
use crate::recipe::{Field, MethodChoice};
use crate::recipe::{Goal, TextSource};
use crate::state::opening::Step;
use crate::state::session::bundled;
use crate::state::tests::facts;
use crate::state::tests::two_labels;
use bert::config::HeadKind;
use bert::probe::Token;

fn token(text: &str) -> Token {
    Token {
        id: text.len() as u32,
        text: text.into(),
        special: text == "[CLS]" || text == "[SEP]",
        masked: text == "[MASK]",
        sequence: Some(0),
        start: 0,
        end: 0,
    }
}

/// The engine's answer to the newest tokenisation: `[CLS]`, the words, `[SEP]`.
pub(super) fn cut_into_words(state: &mut State, effects: &[Effect]) -> Vec<Effect> {
    let asked = effects.iter().rev().find_map(|effect| match effect {
        Effect::Send(Command::Tokenize { id, text, .. }) => Some((*id, text.clone())),
        _ => None,
    });
    let (id, text) = asked.unwrap_or_else(|| panic!("a Tokenize among {effects:?}"));
    let words = text.split_whitespace().map(token);
    let tokens = [token("[CLS]")].into_iter().chain(words);
    state.receive(Event::Tokens {
        id,
        tokens: tokens.chain([token("[SEP]")]).collect(),
        truncated: None,
    })
}

fn load_of(effects: &[Effect]) -> Option<(RequestId, Source)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Load { id, source }) => Some((*id, source.clone())),
        _ => None,
    })
}

fn taught(effects: &[Effect]) -> Option<(RequestId, TeachCommand)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Teach { id, command }) => Some((*id, command.clone())),
        _ => None,
    })
}

fn hidden_asked(effects: &[Effect]) -> Vec<usize> {
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Probe { request, .. }) => Some(request.hidden.clone()),
        _ => None,
    });
    asked.unwrap_or_else(|| panic!("a Probe among {effects:?}"))
}

/// The model of the load among the effects arrives.
fn arrive(state: &mut State, effects: &[Effect]) -> Vec<Effect> {
    let (id, _) = load_of(effects).unwrap_or_else(|| panic!("a Load among {effects:?}"));
    let model = facts("m");
    state.receive(Event::Loaded { id, model })
}

/// A page whose bundled model is loaded.
pub(in crate::state) fn ready() -> State {
    let mut state = State::default();
    let effects = state.receive(Event::Alive);
    let effects = arrive(&mut state, &effects);
    cut_into_words(&mut state, &effects);
    state
}

fn told(state: &State) -> String {
    let notices = state.linked.notices.iter();
    notices.map(|n| n.0.as_str()).collect::<Vec<_>>().join("\n")
}

pub(super) const TEXT: &str =
    "v=1&text=the+cat+sat&mask=2,3&top=7&panel=teach&epochs=9&method=all&try=fine";

#[test]
fn a_page_as_it_comes_has_no_fragment() {
    let mut state = State::default();
    assert_eq!(state.link(), Link::default());
    assert!(state.open_fragment("").is_empty());
    assert_eq!(state.link().to_fragment(), "");
    let state = ready();
    assert_eq!(state.link().to_fragment(), "");
    let share = state.share("https://example.org/");
    assert_eq!(share.link, "https://example.org/");
    assert_eq!(share.length, "20 characters");
    assert_eq!((share.warnings.len(), share.offers_file), (0, false));
}

#[test]
fn a_link_read_at_the_start_waits_for_the_model_and_the_tokens() {
    let mut state = State::default();
    assert!(state.open_fragment(TEXT).is_empty(), "no engine yet");
    assert_eq!(
        state.link(),
        Link::parse(TEXT).0,
        "nothing is lost meanwhile"
    );
    let effects = state.receive(Event::Alive);
    assert_eq!(load_of(&effects).unwrap().1, bundled());
    let effects = arrive(&mut state, &effects);
    assert_eq!(state.link(), Link::parse(TEXT).0);
    let effects = cut_into_words(&mut state, &effects);
    assert_eq!(hidden_asked(&effects), [2, 3]);
    assert_eq!((state.panel, state.probe.top_k), (Panel::Teach, 7));
    let settings = &state.teach.settings;
    assert_eq!(settings.text(Field::Epochs), "9");
    assert_eq!(settings.method, MethodChoice::All);
    assert_eq!(
        settings.text(Field::LearningRate),
        "2e-5",
        "the method's own"
    );
    assert_eq!(state.teach.trial.text, "fine");
    assert_eq!(state.link(), Link::parse(TEXT).0);
    assert_eq!(told(&state), "");
}

#[test]
fn places_without_a_word_are_told_and_edits_take_the_rest_away() {
    let mut state = ready();
    let effects = state.open_fragment("v=1&text=a+b&mask=0,1,77");
    let effects = cut_into_words(&mut state, &effects);
    assert_eq!(hidden_asked(&effects), [1]);
    assert!(
        told(&state).contains("no word to hide: 0, 77"),
        "{}",
        told(&state)
    );
    state.open_fragment("v=1&text=a+b&mask=1");
    state.probe.edit_text("x y z".into());
    let effects = state.refresh();
    cut_into_words(&mut state, &effects);
    assert!(
        state.probe.hidden.is_empty(),
        "the positions were another text's"
    );
}

#[test]
fn a_link_without_a_setting_means_its_default() {
    let mut state = ready();
    state.open_fragment(TEXT);
    let effects = state.open_fragment("v=1&pair=so");
    assert!(
        matches!(effects[..], [Effect::Send(Command::Tokenize { .. })]),
        "{effects:?}"
    );
    let expected = Link {
        pair: Some("so".into()),
        ..Link::default()
    };
    assert_eq!(state.link(), expected);
    assert_eq!(state.teach.settings.carried(), Carried::default());
}

#[test]
fn only_what_differs_in_the_recipe_is_carried() {
    let mut state = ready();
    let settings = &mut state.teach.settings;
    settings.edit(Field::Dropout, "0,10".into());
    settings.edit(Field::Epochs, "many".into());
    settings.edit(Field::Batch, "5000".into());
    settings.choose(MethodChoice::Last);
    settings.choose_goal(Goal::Masks);
    let carried = state.link().recipe;
    assert_eq!(carried.method, MethodChoice::Last);
    assert_eq!(carried.goal, Goal::Masks);
    let fields: Vec<_> = carried.fields.into_iter().collect();
    assert_eq!(fields, [(Field::Batch, "1024".to_owned())]);
}

/// A listing of `a/b` at a commit.
fn listing() -> Listing {
    let address = |text: &str| Address::parse(text).unwrap();
    Listing {
        address: address(&format!("a/b@{}", "0f".repeat(20))),
        asked: address("a/b"),
        files: Vec::new(),
    }
}

#[test]
fn another_model_is_only_offered_and_masks_and_head_wait_for_it() {
    let mut state = ready();
    let fragment = "v=1&model=a/b&text=x+y&mask=2&head=abc";
    let effects = state.open_fragment(fragment);
    assert_eq!(load_of(&effects), None, "{effects:?}");
    assert_eq!(taught(&effects), None, "{effects:?}");
    // The model that is still there may cut the text; nothing is hidden for it.
    cut_into_words(&mut state, &effects);
    assert!(state.probe.hidden.is_empty());
    let Step::Looking { id, .. } = state.opening.step else {
        panic!("{:?}", state.opening.step)
    };
    let offer = Offer {
        asked: Address::parse("a/b").unwrap(),
        host: "huggingface.co".into(),
        listing: Some(listing()),
        kept: Kept::Nothing,
        architecture: None,
        parameters: None,
        largest: None,
        conversion: None,
        room: None,
    };
    state.receive(Event::Offered { id, offer });
    assert_eq!(state.link().to_fragment(), fragment);
    let effects = state.accept_offer();
    let effects = arrive(&mut state, &effects);
    let (id, command) = taught(&effects).expect("the head");
    assert_eq!(command, TeachCommand::AttachText { head: "abc".into() });
    let attached = TeachEvent::Attached {
        head: Some(two_labels()),
        machine: None,
    };
    let effects = cut_into_words(&mut state, &effects);
    assert_eq!(hidden_asked(&effects), [2]);
    state.receive(Event::Teach {
        id,
        event: attached,
    });
    let pinned = state.link().to_fragment();
    assert!(
        pinned.starts_with(&format!("v=1&model=a/b@{}", "0f".repeat(20))),
        "{pinned}"
    );
    // The same model again needs no second look.
    let effects = state.open_fragment("v=1&model=a/b&text=z");
    assert_eq!(
        (load_of(&effects), &state.opening.step),
        (None, &Step::Nothing)
    );
    // No model in the link is the bundled one.
    let effects = state.open_fragment("v=1&text=z");
    assert_eq!(load_of(&effects).unwrap().1, bundled());
}

#[test]
fn positions_of_a_model_that_was_not_taken_are_forgotten() {
    let mut state = ready();
    state.open_fragment("v=1&model=a/b&text=x+y&mask=2");
    state.decline_offer();
    let effects = state.load(bundled());
    let effects = arrive(&mut state, &effects);
    cut_into_words(&mut state, &effects);
    assert!(state.probe.hidden.is_empty());
    assert_eq!(state.link().to_fragment(), "v=1&text=x+y");
}

/// A page that has a head from a link.
fn with_head(head: &str) -> State {
    let mut state = ready();
    let effects = state.open_fragment("v=1&head=abc");
    let (id, _) = taught(&effects).expect("the head");
    for event in [
        TeachEvent::Attached {
            head: Some(two_labels()),
            machine: None,
        },
        TeachEvent::LinkHead {
            text: Some(head.to_owned()),
            note: None,
        },
    ] {
        state.receive(Event::Teach { id, event });
    }
    state
}

#[test]
fn a_head_travels_until_another_model_comes() {
    let mut state = with_head("abcd");
    assert_eq!(state.link().to_fragment(), "v=1&head=abcd");
    let share = state.share("p");
    assert!(share.warnings[0].contains("half precision"), "{share:?}");
    let effects = state.load(bundled());
    arrive(&mut state, &effects);
    assert_eq!(state.link().to_fragment(), "");
}

#[test]
fn a_new_engine_gets_the_head_back_for_the_same_model_only() {
    for (source, back) in [
        (None, true),
        (
            Some(Source::Remote {
                listing: listing(),
                download: true,
            }),
            false,
        ),
    ] {
        let mut state = with_head("abcd");
        state.restart();
        if let Some(source) = source {
            state.load(source);
        }
        let effects = state.receive(Event::Alive);
        let command = taught(&arrive(&mut state, &effects)).map(|(_, command)| command);
        let again = TeachCommand::AttachText {
            head: "abcd".into(),
        };
        assert_eq!(command == Some(again), back, "{command:?}");
    }
}

#[test]
fn a_head_that_does_not_fit_is_told_on_every_panel() {
    let mut state = ready();
    let effects = state.open_fragment("v=1&head=abc");
    let (id, _) = taught(&effects).expect("the head");
    let failure = Failure::new("Not here", "It belongs to `x`.", "");
    let event = TeachEvent::Failed {
        failure: failure.clone(),
    };
    state.receive(Event::Teach { id, event });
    assert_eq!(state.teach.failure, Some(failure));
    assert_eq!(told(&state), "Not here: It belongs to `x`.");
    assert_eq!(state.link().to_fragment(), "");
    state.linked.dismiss();
    assert_eq!(told(&state), "");
}

#[test]
fn long_links_are_warned_of_and_then_go_without_the_head() {
    let share = with_head(&"a".repeat(9_000)).share("p");
    assert_eq!(
        share.length,
        format!("{} characters", format::grouped(9_011))
    );
    assert!(share.warnings[0].contains("cut links"), "{share:?}");
    assert!(!share.offers_file);
    let state = with_head(&"a".repeat(32_001));
    let share = state.share("p");
    assert_eq!((share.link.as_str(), share.offers_file), ("p", true));
    assert!(share.warnings[0].contains("Send its file"), "{share:?}");
    let mut state = state;
    let (_, command) = taught(&state.export(Export::Head)).expect("an export");
    assert_eq!(command, TeachCommand::Export { what: Export::Head });
    let mut state = ready();
    state.probe.edit_text("é".repeat(MAX_TEXT + 5));
    assert_eq!(state.link().text.chars().count(), MAX_TEXT);
    assert!(state.share("p").warnings[0].contains("Nobody can open"));
}

#[test]
fn a_reason_for_no_head_and_a_model_from_files_are_told() {
    let mut state = ready();
    let note = Some("the encoder learned too.".to_owned());
    let event = TeachEvent::LinkHead { text: None, note };
    state.receive(Event::Teach { id: 99, event });
    assert!(state.share("p").warnings[0].contains("the encoder learned too."));
    let effects = state.load(Source::Files {
        name: "mine".into(),
        files: Vec::new(),
    });
    arrive(&mut state, &effects);
    let share = state.share("p");
    assert_eq!(share.warnings.len(), 1, "{share:?}");
    assert!(share.warnings[0].contains("files on this device"));
}

#[test]
fn nothing_is_opened_while_a_run_is_under_way() {
    let mut state = ready();
    let text = "good\tyes\nbad\tno".to_owned();
    let (id, _) = taught(&state.open_texts(TextSource::Pasted { text })).unwrap();
    let report = DataReport {
        name: "moods".into(),
        format: "TSV".into(),
        rows: 2,
        header: false,
        columns: Vec::new(),
        chosen: bert::data::Columns {
            text: 1,
            pair: None,
            label: Some(0),
        },
        preview: Vec::new(),
        kinds: vec![HeadKind::Classes],
        kind: Some(HeadKind::Classes),
        marked: false,
        prose: false,
        labels: Vec::new(),
        notes: Vec::new(),
        problem: None,
    };
    let event = TeachEvent::Opened { report };
    let (id, _) = taught(&state.receive(Event::Teach { id, event })).unwrap();
    let report = crate::protocol::PlanReport {
        train: 1,
        validation: 1,
        steps: 1,
        longest: 3,
        truncated: 0,
        majority: None,
        needs: None,
        problems: Vec::new(),
        warnings: Vec::new(),
        offers: Vec::new(),
    };
    let event = TeachEvent::Planned { report };
    state.receive(Event::Teach { id, event });
    assert!(taught(&state.start_run()).is_some());
    let before = state.link();
    assert!(state.open_fragment(TEXT).is_empty());
    assert_eq!(state.link(), before);
    assert!(told(&state).contains("A run is under way"));
}

#[test]
fn a_link_hides_parts_but_no_question() {
    let mut state = State::default();
    state.open_fragment("v=1&hide=model,hero");
    assert_eq!(state.hidden_parts(), "hero", "the model is still to come");
    let effects = state.receive(Event::Alive);
    arrive(&mut state, &effects);
    assert_eq!(state.hidden_parts(), "hero model");
    assert_eq!(state.link().to_fragment(), "v=1&hide=hero,model");
    state.open_fragment("v=1&hide=model&model=a/b");
    assert_eq!(state.hidden_parts(), "", "an offer waits for an answer");
}

#[test]
fn what_was_copied_is_said_until_it_is_old_news() {
    let mut state = ready();
    let before = state.spoken();
    state.say(Some("Copied"));
    assert_eq!(state.spoken(), "Copied");
    state.say(None);
    assert_eq!(state.spoken(), before);
}
