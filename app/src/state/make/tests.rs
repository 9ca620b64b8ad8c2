//! A new model, from a text to its first run, as the page and the engine play it.

use super::*;
use crate::protocol::{Event, Executor};
use crate::state::session;
use crate::state::tests::{device_report, facts};

fn ready() -> State {
    let mut state = State::default();
    state.receive(Event::Alive);
    state.receive(Event::Device {
        report: device_report(Executor::Cpu),
    });
    let id = state
        .session
        .loading
        .as_ref()
        .map_or(0, |loading| loading.id);
    state.receive(Event::Loaded {
        id,
        model: facts("Seedling"),
    });
    state
}

fn sent(effects: &[Effect]) -> Option<(RequestId, MakeCommand)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Make { id, command }) => Some((*id, command.clone())),
        _ => None,
    })
}

fn text() -> TextSource {
    TextSource::Pasted {
        text: "a b c".into(),
    }
}

fn text_facts() -> TextFacts {
    TextFacts {
        name: "Pasted texts".into(),
        sentences: 300,
        documents: 3,
        words: 4000,
        different: 900,
        notes: Vec::new(),
    }
}

/// With a text that was read, and what a model of it would take.
fn planned() -> State {
    let mut state = ready();
    assert_eq!(state.why_not_make(), Some("Choose a text first."));
    let (id, command) = sent(&state.choose_make_text(text())).expect("a text to read");
    let lower_case = true;
    assert_eq!(
        command,
        MakeCommand::Read {
            source: text(),
            lower_case
        }
    );
    assert!(
        state
            .why_not_make()
            .is_some_and(|why| why.contains("worked on"))
    );
    let event = MakeEvent::Read {
        facts: text_facts(),
    };
    let effects = state.receive(Event::Make { id, event });
    let (id, command) = sent(&effects).expect("a plan");
    assert!(matches!(command, MakeCommand::Plan { steps: 1000, .. }));
    let outlook = Outlook {
        parameters: 650_000,
        weights: 2_600_000,
        training: 20_000_000,
        seconds: Some(90.0),
        problems: Vec::new(),
        notes: Vec::new(),
    };
    let event = MakeEvent::Planned { outlook };
    state.receive(Event::Make { id, event });
    state
}

fn files(state: &mut State) -> Vec<Offered> {
    let _ = state;
    let names = [
        "config.json",
        "tokenizer.json",
        "vocab.txt",
        "tokenizer_config.json",
        "README.md",
        "model.safetensors",
    ];
    let offered = names.iter().enumerate().map(|(slot, name)| Offered {
        path: format!("my-bert/{name}"),
        bytes: 10,
        slot,
    });
    offered.collect()
}

#[test]
fn a_model_that_was_made_is_loaded_and_its_first_run_laid_out() {
    let mut state = planned();
    assert_eq!(state.why_not_make(), None);
    let lines = state.make.outlook_lines();
    assert!(
        lines[0].contains("2.6 MB") && lines[1].contains("1 min 30 s"),
        "{lines:?}"
    );
    let (id, command) = sent(&state.make_model()).expect("a model to make");
    assert!(matches!(command, MakeCommand::Make { name, .. } if name == "my-bert"));
    let files = files(&mut state);
    assert_eq!(
        state.on_made(id + 1, 400, &files),
        Vec::new(),
        "of another request"
    );
    let effects = state.on_made(id, 400, &files);
    let load = effects.iter().find_map(|effect| match effect {
        Effect::Send(Command::Load { id, source }) => Some((*id, source.name().to_owned())),
        _ => None,
    });
    let (load, name) = load.expect("a load");
    assert_eq!(name, "my-bert");
    let setup = state.teach.settings.setup().expect("a recipe");
    assert_eq!(setup.goal, Goal::Masks);
    // 360 pieces are 12 steps an epoch.
    assert_eq!((setup.recipe.epochs, setup.recipe.batch), (84, 32));
    assert_eq!((setup.recipe.learning_rate, setup.share), (2e-3, 0.1));
    let effects = state.receive(Event::Loaded {
        id: load,
        model: facts("my-bert"),
    });
    let opens = effects.iter().any(|effect| {
        matches!(effect, Effect::Send(Command::Teach {
            command: crate::protocol::TeachCommand::Open { source, reading }, ..
        }) if *source == text() && reading.prose)
    });
    assert!(opens, "{effects:?}");
    assert!(!state.make.is_busy());
}

#[test]
fn what_cannot_be_is_said_before_and_after() {
    let mut state = planned();
    state.make.form.edit(MakeField::Heads, "3".into());
    assert!(
        state.make.problems()[0].contains("take a divisor"),
        "{:?}",
        state.make.problems()
    );
    assert_eq!(sent(&state.make_model()), None);
    state.make.form.edit(MakeField::Heads, "x".into());
    assert!(state.make.problems()[0].contains("not a whole number"));
    state.choose_preset(PRESETS[1]);
    assert!(state.make.form.has(PRESETS[1]) && !state.make.form.has(PRESETS[0]));
    state.make.form.edit(MakeField::Vocabulary, "10".into());
    assert_eq!(state.make.problems(), ["Vocabulary 10: 64 to 200000."]);
    state.make.form.edit(MakeField::Vocabulary, "50000".into());
    let (id, _) = sent(&state.make_model()).expect("a model to make");
    let event = MakeEvent::Failed {
        failure: Failure::new("No model was made", "It bears 700.", ""),
        bears: Some(700),
    };
    state.receive(Event::Make { id, event });
    assert!(state.make.failure.is_some() && state.make.facts.is_some());
    state.take_borne_vocabulary();
    assert_eq!(state.make.form.text(MakeField::Vocabulary), "700");
    assert_eq!(state.make.failure, None);
}

#[test]
fn what_teaches_it_decides_its_kind_its_name_and_its_run() {
    let mut state = planned();
    let kinds = [
        (Goal::Next, "my-bert", "BertForMaskedLM"),
        (Goal::Replaced, "my-electra", "ElectraForPreTraining"),
        (Goal::NextWord, "my-twin", "BertLMHeadModel"),
        (Goal::Masks, "my-bert", "BertForMaskedLM"),
    ];
    for (goal, name, architecture) in kinds {
        state.choose_make_goal(goal);
        assert_eq!(state.make.form.name(), name);
        let (size, _) = state.make.form.size().expect("a size");
        let (config, _) = size.config().expect("a configuration");
        assert!(config.contains(architecture), "{goal:?}: {config}");
        // Three documents are too few for pairs.
        let problems = state.make.problems();
        assert_eq!(problems.len(), usize::from(goal == Goal::Next));
        if let [problem] = &problems[..] {
            assert!(problem.contains("3 documents, 4 are needed"), "{problem}");
        }
    }
    if let Some(facts) = &mut state.make.facts {
        facts.documents = 4;
    }
    state.choose_make_goal(Goal::Replaced);
    let (id, _) = sent(&state.make_model()).expect("a model to make");
    let files = files(&mut state);
    state.on_made(id, 400, &files);
    let setup = state.teach.settings.setup().expect("a recipe");
    assert_eq!(setup.goal, Goal::Replaced);
    let effects = state.make_twin();
    let twin = sent(&effects).map(|(_, command)| command);
    assert!(twin.is_none(), "while it is being loaded");
}

#[test]
fn a_new_engine_reads_the_text_again() {
    let mut state = planned();
    state.restart();
    assert!(state.make.facts.is_none());
    assert_eq!(state.session.engine, session::Engine::Starting);
    let effects = state.receive(Event::Alive);
    assert!(matches!(
        sent(&effects),
        Some((_, MakeCommand::Read { .. }))
    ));
}

#[test]
fn steps_become_epochs() {
    assert_eq!(epochs(400, 1000), 84);
    assert_eq!(epochs(10, 5), 5);
    assert_eq!(epochs(2, 100_000), 1000);
}
