//! A step in parts is the step: its losses are those of the whole batch, whatever the parts' sizes.

use bert::config::HeadKind;
use bert::train::{Event, Lesson, Method, Recipe, Training};

use crate::common;
use crate::heads::examples;
use crate::support::{drive, start};

/// The losses of a run's steps.
fn losses(events: &[Event]) -> Vec<f64> {
    let steps = events.iter().filter_map(|event| match event {
        Event::Steps(steps) => Some(steps),
        _ => None,
    });
    steps.flatten().map(|step| step.loss).collect()
}

#[track_caller]
fn same(whole: &[f64], parts: &[f64], what: &str) {
    assert_eq!(whole.len(), parts.len(), "{what}");
    assert!(whole.len() > 5, "{what}");
    for (i, (whole, parts)) in whole.iter().zip(parts).enumerate() {
        let error = (whole - parts).abs() / whole;
        assert!(error < 1e-4, "{what}: loss {i} is {parts}, not {whole}");
    }
}

fn recipe(accumulation: usize) -> Recipe {
    Recipe {
        accumulation,
        dropout: 0.0,
        learning_rate: 1e-3,
        ..crate::support::recipe(Method::All)
    }
}

#[test]
fn parts_of_a_batch_of_classes_are_the_batch() {
    for (name, device) in common::devices() {
        let run = |accumulation: usize| {
            let mut model = common::model(&common::fixture("tiny-bert"), &device);
            let mut training = start(&mut model, recipe(accumulation)).expect("a run");
            losses(&drive(&mut training, &mut model))
        };
        let whole = run(1);
        for parts in [3, 8] {
            same(&whole, &run(parts), &format!("{name}, {parts} parts"));
        }
    }
}

#[test]
fn parts_weigh_as_much_as_what_they_ask() {
    // Texts have different numbers of tagged words.
    for (name, device) in common::devices() {
        for kind in [
            HeadKind::Tokens,
            HeadKind::Span,
            HeadKind::Labels,
            HeadKind::Score,
            HeadKind::Choice,
        ] {
            let run = |accumulation: usize| {
                let mut model = common::model(&common::fixture("tiny-bert"), &device);
                let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
                let (examples, labels) = examples(kind);
                let lesson = Lesson {
                    kind,
                    labels: &labels,
                    train: &examples,
                    validation: &examples[..4],
                };
                let recipe = recipe(accumulation);
                let started = Training::start(&mut model, &tokenizer, &lesson, recipe);
                let mut training = pollster::block_on(started).expect("a run");
                losses(&drive(&mut training, &mut model))
            };
            same(&run(1), &run(3), &format!("{name}, {kind:?}"));
        }
    }
}

#[test]
fn more_parts_than_texts_are_refused() {
    let recipe = Recipe {
        accumulation: 17,
        ..Recipe::scheduled(Method::All)
    };
    assert!(
        recipe.problems()[0].contains("17 parts"),
        "{:?}",
        recipe.problems()
    );
}
