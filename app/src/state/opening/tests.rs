//! Opening by name, driven as the page and the engine drive it.

use super::*;
use crate::checkpoint::{PickedFile, RemoteFile, Role};
use crate::protocol::{Event, Executor};
use crate::state::session::bundled;
use crate::state::tests::{device_report, facts};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn listing() -> Listing {
    let file = |role: Role, bytes| RemoteFile {
        role,
        name: role.file_name().unwrap().to_owned(),
        bytes: Some(bytes),
        sha256: None,
    };
    Listing {
        address: address(&format!("a/b@{COMMIT}")),
        asked: address("a/b"),
        files: vec![
            file(Role::Weights, 400_000_000),
            file(Role::Config, 600),
            file(Role::TokenizerJson, 700_000),
        ],
    }
}

fn remote(download: bool) -> Source {
    Source::Remote {
        listing: listing(),
        download,
    }
}

fn offer(listing: Option<Listing>, kept: Kept) -> Offer {
    Offer {
        asked: address("a/b"),
        host: "huggingface.co".into(),
        listing,
        kept,
        architecture: Some("BertForMaskedLM".into()),
        parameters: Some(110_000_000),
        largest: None,
        conversion: None,
        room: Some(10_000_000_000),
    }
}

/// A page whose engine listens.
fn alive() -> State {
    let mut state = State::default();
    state.receive(Event::Alive);
    state
}

fn look(effects: &[Effect]) -> (RequestId, bool) {
    match effects {
        [Effect::Send(Command::Look { id, contact, .. })] => (*id, *contact),
        other => panic!("expected one Look, got {other:?}"),
    }
}

fn loads(effects: &[Effect]) -> Option<Source> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Load { source, .. }) => Some(source.clone()),
        _ => None,
    })
}

#[test]
fn a_name_is_looked_at_then_offered_then_loaded() {
    let mut state = alive();
    state.opening.typed = " a/b ".into();
    let (id, contact) = look(&state.open_typed());
    assert!(contact);
    assert_eq!(state.opening.looking().as_deref(), Some("a/b"));
    let effects = state.receive(Event::Offered {
        id,
        offer: offer(Some(listing()), Kept::Nothing),
    });
    assert!(
        effects.is_empty(),
        "nothing loads without a click: {effects:?}"
    );
    let lines = offer_lines(
        state.opening.offer().unwrap(),
        Some(&device_report(Executor::Gpu)),
    );
    let value = |name| lines.iter().find(|line| line.0 == name).unwrap().1.clone();
    assert_eq!(value("Host"), "huggingface.co");
    assert_eq!(value("Commit"), COMMIT);
    assert_eq!(value("Model"), "BertForMaskedLM, 110.0 million parameters");
    assert_eq!(value("Download"), "400.7 MB in 3 files");
    assert_eq!(value("Needs"), "about 400.0 MB of the GPU's memory");

    assert_eq!(loads(&state.accept_offer()), Some(remote(true)));
    assert_eq!(state.opening.offer(), None);
    let id = state.session.loading.as_ref().unwrap().id;
    let model = facts("a/b");
    state.receive(Event::Loaded { id, model });
    assert_eq!(state.session.address(), Some(listing().address));
    // A new engine loads the same again, but downloads nothing.
    state.receive(Event::DeviceLost {
        failure: Failure::new("", "", ""),
    });
    assert_eq!(loads(&state.receive(Event::Alive)), Some(remote(false)));
}

#[test]
fn what_is_kept_loads_at_once_and_only_the_newest_look_counts() {
    let mut state = alive();
    let (first, _) = look(&state.open_address(address("x/y"), Asked::ByVisitor));
    let (id, _) = look(&state.open_address(address("a/b"), Asked::ByVisitor));
    let late = offer(Some(listing()), Kept::Whole);
    let effects = state.receive(Event::Offered {
        id: first,
        offer: late.clone(),
    });
    assert!(effects.is_empty());
    let effects = state.receive(Event::Offered { id, offer: late });
    assert_eq!(loads(&effects), Some(remote(false)));
}

#[test]
fn a_link_neither_asks_a_host_nor_loads_the_bundled_model_in_vain() {
    let mut state = State::default();
    let place = address("https://example.org/m/");
    assert!(
        state.open_address(place.clone(), Asked::ByLink).is_empty(),
        "no engine yet"
    );
    let effects = state.receive(Event::Alive);
    assert_eq!(loads(&effects), None, "{effects:?}");
    let looks: Vec<_> = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Send(Command::Look { contact: false, .. })))
        .collect();
    assert_eq!(looks.len(), 1, "{effects:?}");
    let Step::Looking { id, .. } = state.opening.step else {
        panic!("{:?}", state.opening.step)
    };
    let nothing = Offer {
        asked: place,
        host: "example.org".into(),
        ..offer(None, Kept::Nothing)
    };
    state.receive(Event::Offered { id, offer: nothing });
    assert_eq!(
        offer_lines(state.opening.offer().unwrap(), None),
        [("Host", "example.org".to_owned())]
    );
    // The click is what contacts the host.
    let (_, contact) = look(&state.accept_offer());
    assert!(contact);
}

#[test]
fn a_name_that_is_none_says_why_and_a_failed_look_is_explained() {
    let mut state = alive();
    state.opening.typed = "javascript:alert(1)".into();
    assert!(state.open_typed().is_empty());
    assert!(
        state
            .opening
            .bad
            .as_ref()
            .unwrap()
            .contains("letters, digits")
    );
    let (id, _) = look(&state.open_address(address("a/b"), Asked::ByVisitor));
    assert_eq!(state.opening.bad, None);
    let failure = Failure::new("There is no a/b", "404", "Check the spelling.");
    state.receive(Event::LookFailed {
        id,
        failure: failure.clone(),
    });
    assert_eq!(state.session.failure, Some(failure));
    assert_eq!(state.opening.looking(), None);
}

#[test]
fn a_failed_download_can_be_tried_again() {
    let mut state = alive();
    let source = remote(true);
    state.load(source.clone());
    let id = state.session.loading.as_ref().unwrap().id;
    state.receive(Event::LoadFailed {
        id,
        failure: Failure::new("It broke", "", ""),
    });
    assert_eq!(loads(&state.try_again()), Some(source));
    assert_eq!(state.session.failure, None);
    // The bundled model's failure has nothing that would resume.
    state.load(bundled());
    let id = state.session.loading.as_ref().unwrap().id;
    state.receive(Event::LoadFailed {
        id,
        failure: Failure::new("It broke", "", ""),
    });
    assert!(state.try_again().is_empty());
}

#[test]
fn the_list_opens_what_is_whole_and_goes_on_with_what_is_not() {
    let mut state = alive();
    let entry = |key: &str, complete| KeptEntry {
        key: key.into(),
        listing: Some(listing()),
        bytes: 120_000_000,
        complete,
        saved: 0.0,
    };
    let entries = vec![entry("whole", true), entry("part", false)];
    state.receive(Event::Kept {
        entries,
        persistent: None,
    });
    let sizes: Vec<String> = state
        .opening
        .kept_lines()
        .into_iter()
        .map(|line| line.size)
        .collect();
    assert_eq!(sizes, ["120.0 MB", "120.0 MB of 400.7 MB so far"]);
    assert_eq!(state.opening.kept_lines()[0].name, "a/b @ 01234567");
    assert_eq!(loads(&state.open_kept("whole")), Some(remote(false)));
    look(&state.open_kept("part"));
    assert!(state.open_kept("gone").is_empty());
    let forget = state.forget_kept("part");
    assert_eq!(
        forget,
        [Effect::Send(Command::Forget { key: "part".into() })]
    );
}

#[test]
fn an_offer_says_what_does_not_fit() {
    let tight = Offer {
        room: Some(1_000_000),
        ..offer(Some(listing()), Kept::Part { bytes: 7_000_000 })
    };
    let lines = offer_lines(&tight, Some(&device_report(Executor::Cpu)));
    let value = |name| lines.iter().find(|line| line.0 == name).unwrap().1.clone();
    assert!(value("Download").ends_with("of which 7.0 MB are on this device already"));
    assert_eq!(value("Needs"), "about 440.0 MB of memory");
    assert!(value("Kept on this device").contains("only 1.0 MB"));
    let mut gpu = device_report(Executor::Gpu);
    gpu.limits.matrix = Some(134_217_728);
    let wide = |largest| Offer {
        largest: Some(largest),
        parameters: None,
        ..tight.clone()
    };
    let says = |largest| {
        let lines = offer_lines(&wide(largest), Some(&gpu)).into_iter();
        lines.filter(|line| line.0 == "Too large").count()
    };
    // What binds 128 MiB holds 32 Mi weights in one piece.
    assert_eq!((says(1 << 25), says((1 << 25) + 1)), (0, 1));
}

#[test]
fn a_copy_that_is_gone_is_offered_not_downloaded() {
    let mut state = alive();
    state.load(remote(false));
    let id = state.session.loading.as_ref().unwrap().id;
    let gone = offer(Some(listing()), Kept::Nothing);
    let stale = Event::LoadOffered {
        id: id - 1,
        offer: gone.clone(),
    };
    assert_eq!(state.receive(stale), []);
    assert!(state.session.loading.is_some());
    assert_eq!(state.opening.offer(), None);
    let effects = state.receive(Event::LoadOffered { id, offer: gone });
    assert_eq!(effects, []);
    assert!(state.session.loading.is_none() && state.opening.gone);
    assert_eq!(state.session.failure, None);
    assert_eq!(loads(&state.accept_offer()), Some(remote(true)));
}

#[test]
fn a_look_that_a_busy_host_refused_can_be_tried_again() {
    let mut state = alive();
    for again in [true, false] {
        let (id, _) = look(&state.open_address(address("a/b"), Asked::ByVisitor));
        let failure = Failure {
            again,
            ..Failure::new("It is busy", "429", "")
        };
        state.receive(Event::LookFailed { id, failure });
        assert_eq!(state.can_try_again(), again);
        if again {
            look(&state.try_again());
            assert_eq!(state.session.failure, None);
        }
    }
}

#[test]
fn the_browser_is_asked_to_keep_what_was_first_kept() {
    let mut state = alive();
    let entry = |complete, listing| KeptEntry {
        key: "0f".repeat(16),
        listing,
        bytes: 1,
        complete,
        saved: 0.0,
    };
    let whole = || entry(true, Some(listing()));
    let kept = |entries: Vec<KeptEntry>, persistent| Event::Kept {
        entries,
        persistent,
    };
    // What was here before the visit, then a part, then a whole one.
    assert_eq!(state.receive(kept(vec![whole()], Some(false))), []);
    let part = entry(false, Some(listing()));
    let effects = state.receive(kept(vec![whole(), part], Some(false)));
    assert_eq!(effects, []);
    let effects = state.receive(kept(vec![whole(), whole()], Some(false)));
    assert_eq!(effects, [Effect::Persist]);
    let said = state.opening.kept_how_long();
    assert!(said.unwrap().contains("may delete"));
    let effects = state.receive(kept(vec![whole(), whole(), whole()], Some(true)));
    assert_eq!(effects, []);
    let said = state.opening.kept_how_long();
    assert!(said.unwrap().contains("until you delete"));

    // What cannot be read is listed, so that it can be deleted.
    state.receive(kept(vec![entry(false, None)], None));
    let line = state.opening.kept_lines().remove(0);
    assert!(!line.readable && line.name.contains("unreadable"));
    assert!(state.open_kept(&line.key).is_empty());
}

#[test]
fn files_are_named_as_long_as_they_may_be_read_again() {
    let mut state = alive();
    let files = |slots: &[usize]| Source::Files {
        name: "mine".into(),
        files: slots
            .iter()
            .map(|&slot| PickedFile {
                role: Role::Weights,
                name: "model.safetensors".into(),
                bytes: 1,
                slot,
            })
            .collect(),
    };
    let text = |slot| TextSource::File {
        name: "a.tsv".into(),
        bytes: 1,
        slot,
    };
    state.load(files(&[0, 1]));
    assert_eq!(state.named_files(), [0, 1]);
    let id = state.session.loading.as_ref().unwrap().id;
    let model = facts("mine");
    state.receive(Event::Loaded { id, model });
    state.open_texts(text(2));
    assert_eq!(state.named_files(), [0, 1, 2]);
    // The present ones stay while others are on their way.
    state.load(files(&[3]));
    assert_eq!(state.named_files(), [3, 0, 1, 2]);
    let id = state.session.loading.as_ref().unwrap().id;
    let model = facts("other");
    state.receive(Event::Loaded { id, model });
    state.open_texts(text(4));
    assert_eq!(state.named_files(), [3, 4]);
    state.unload();
    assert_eq!(state.named_files(), [4]);
}
