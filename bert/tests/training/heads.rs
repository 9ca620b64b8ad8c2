//! Runs of every head, from texts to figures: tags, answers in windows, several labels, scores.

use bert::config::{HeadKind, Pooling};
use bert::data::{Example, Stretch, Truth, tags_of};
use bert::metrics::Figures;
use bert::model::Model;
use bert::probe::{answer, entities, predict};
use bert::train::{Event, Lesson, Method, Recipe, TrainError, Training};
use kernels::Control;

use crate::common;
use crate::support::drive;

fn example(text: &str, pair: Option<&str>, truth: Truth) -> Example {
    Example {
        text: text.to_owned(),
        pair: pair.map(str::to_owned),
        truth,
        line: 7,
    }
}

const NOUNS: [&str; 6] = ["man", "dog", "film", "cat", "day", "night"];
const GOOD: [&str; 3] = ["good", "great", "love"];

/// Texts in which one word is good: it is tagged; it is the answer; it is a label; it scores.
pub fn examples(kind: HeadKind) -> (Vec<Example>, Vec<String>) {
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let of = |i: usize| {
        let (noun, word) = (NOUNS[i % 6], GOOD[i / 2 % 3]);
        let has = i % 4 != 3;
        let text = match has {
            true => format!("the {noun} was {word} and the {noun} saw it"),
            false => format!("the {noun} was very long and saw it"),
        };
        let start = 4 + noun.len() + 5;
        let at = Stretch {
            start,
            end: start + word.len(),
        };
        match kind {
            HeadKind::Tokens => {
                let stretches: Vec<_> = has.then(|| (at, "GOOD".to_owned())).into_iter().collect();
                let tags = tags_of(&text, &stretches);
                let tag = |(word, tag): &(Stretch, String)| bert::data::Tagged {
                    word: *word,
                    tag: usize::from(tag != "O"),
                };
                example(&text, None, Truth::Tags(tags.iter().map(tag).collect()))
            }
            HeadKind::Span => {
                // Far enough from the beginning that the passage takes several windows.
                let before = "the cat saw the dog . ".repeat(i % 3 * 3);
                let shift = before.len();
                let moved = Stretch {
                    start: at.start + shift,
                    end: at.end + shift,
                };
                let answers = has.then_some(moved).into_iter().collect();
                example(
                    "what was it ?",
                    Some(&(before + &text)),
                    Truth::Answers(answers),
                )
            }
            HeadKind::Labels => {
                let labels = [(has, 0), (i.is_multiple_of(2), 1)];
                let labels = labels.into_iter().filter(|l| l.0).map(|l| l.1).collect();
                let text = format!("{} {text}", if i.is_multiple_of(2) { "i" } else { "you" });
                example(&text, None, Truth::Labels(labels))
            }
            HeadKind::Choice => {
                // The good one of two texts, or of three.
                let bad = format!("the {noun} was very long and saw it");
                let good = format!("the {noun} was {word}");
                let mut options = vec![bad.clone(), bad];
                options.truncate(1 + i % 2);
                let right = i / 2 % (options.len() + 1);
                options.insert(right, good);
                example("what was it ?", None, Truth::Choice { options, right })
            }
            _ => example(&text, None, Truth::Score(if has { 1.5 } else { -0.5 })),
        }
    };
    let labels = match kind {
        HeadKind::Tokens => names(&["O", "B-GOOD"]),
        HeadKind::Labels => names(&["good", "mine"]),
        _ => Vec::new(),
    };
    ((0..36).map(of).collect(), labels)
}

fn recipe(method: Method) -> Recipe {
    Recipe {
        learning_rate: 5e-3,
        pooling: Pooling::Cls,
        epochs: 6,
        batch: 8,
        max_tokens: 32,
        dropout: 0.0,
        ..Recipe::scheduled(method)
    }
}

/// A run to its end; the head is named.
fn run(model: &mut Model, kind: HeadKind, recipe: Recipe) -> Vec<Event> {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let (examples, labels) = examples(kind);
    let lesson = Lesson {
        kind,
        labels: &labels,
        train: &examples,
        validation: &examples[..12],
    };
    let started = Training::start(model, &tokenizer, &lesson, recipe);
    let mut training = pollster::block_on(started).expect("a run");
    let events = drive(&mut training, model);
    training.finish(model).expect("the best weights");
    model.set_head(lesson.head(&recipe)).expect("it fits");
    events
}

fn first_and_best(events: &[Event]) -> (f64, Figures) {
    let epochs = events.iter().filter_map(|event| match event {
        Event::Epoch(report) => Some(report),
        _ => None,
    });
    let epochs: Vec<_> = epochs.collect();
    let best = epochs.iter().rev().find(|e| e.best).expect("an epoch");
    (epochs[0].train_loss, best.figures.clone())
}

const KINDS: [HeadKind; 5] = [
    HeadKind::Choice,
    HeadKind::Tokens,
    HeadKind::Span,
    HeadKind::Labels,
    HeadKind::Score,
];

#[test]
fn every_head_learns_what_it_is_shown() {
    for (name, device) in common::devices() {
        for kind in KINDS {
            let mut model = common::model(&common::fixture("tiny-bert"), &device);
            let events = run(&mut model, kind, recipe(Method::All));
            let (_, figures) = first_and_best(&events);
            let (what, figure) = figures.first();
            assert!(figure > 0.9, "{name}, {kind:?}: {what} {figure}");
        }
    }
}

#[test]
fn every_method_takes_every_head() {
    let device = kernels::Device::Cpu(kernels::Precision::F32);
    for kind in KINDS {
        for method in [Method::Head, Method::LastLayers(1), Method::Scratch] {
            let mut model = common::model(&common::fixture("tiny-bert"), &device);
            let events = run(&mut model, kind, recipe(method));
            let reports = events.iter().filter_map(|event| match event {
                Event::Epoch(report) => Some(report.train_loss),
                _ => None,
            });
            let losses: Vec<f64> = reports.collect();
            assert_eq!(losses.len(), 6, "{kind:?}, {method:?}");
            assert!(losses[5] < losses[0], "{kind:?}, {method:?}: {losses:?}");
        }
    }
}

#[test]
fn what_was_learned_is_said_of_a_text() {
    let device = kernels::Device::Cpu(kernels::Precision::F32);
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let control = Control::default();
    let text = |text: &str, pair: Option<&str>| bert::data::Text {
        text: text.to_owned(),
        pair: pair.map(str::to_owned),
    };
    let mut model = common::model(&common::fixture("tiny-bert"), &device);
    run(&mut model, HeadKind::Tokens, recipe(Method::All));
    let asked = text("the film was great and the film saw it", None);
    let said = pollster::block_on(predict(&mut model, &tokenizer, &asked, &control));
    let found = entities(&said.expect("an answer"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0].label[..], found[0].start, found[0].end),
        ("GOOD", 13, 18)
    );

    let mut model = common::model(&common::fixture("tiny-bert"), &device);
    run(&mut model, HeadKind::Span, recipe(Method::All));
    let passage = "the cat saw the dog . ".repeat(6) + "the film was great and the film saw it";
    let asked = text("what was it ?", Some(&passage));
    let said = pollster::block_on(predict(&mut model, &tokenizer, &asked, &control));
    let said = said.expect("an answer");
    assert!(said.windows > 1);
    let found = answer(&said).expect("an answer");
    assert_eq!(&passage[found.start..found.end], "great");
}

#[test]
fn marks_within_a_token_are_named_by_row() {
    let device = kernels::Device::Cpu(kernels::Precision::F32);
    let mut model = common::model(&common::fixture("tiny-bert"), &device);
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    // `great` is one token.
    let tags = tags_of(
        "the great film",
        &[(Stretch { start: 4, end: 6 }, "X".to_owned())],
    );
    let tag = |(word, tag): &(Stretch, String)| bert::data::Tagged {
        word: *word,
        tag: usize::from(tag != "O"),
    };
    let truth = Truth::Tags(tags.iter().map(tag).collect());
    let examples = [example("the great film", None, truth)];
    let labels = ["O", "B-X"].map(str::to_owned);
    let lesson = Lesson {
        kind: HeadKind::Tokens,
        labels: &labels,
        train: &examples,
        validation: &examples,
    };
    let started = Training::start(&mut model, &tokenizer, &lesson, recipe(Method::All));
    match pollster::block_on(started).err() {
        Some(TrainError::Data(words)) => {
            assert!(
                words.contains("line 7") && words.contains("`great`"),
                "{words}"
            );
        }
        other => panic!("{other:?}"),
    }
}
