//! What PyTorch learns of choices, of hidden words with the next sentence, with weights of classes and with learning
//! rates that differ from layer to layer (`tests/tools/goal_fixtures.py`); and runs of pairs from plain text.

use bert::config::HeadKind;
use bert::data::{Prose, Random, Second, SentencePair, Text};
use bert::metrics::Figures;
use bert::model::{DropoutRates, Model, TokenBatch};
use bert::train::{
    Batch, EpochReport, Event, Inputs, Learner, Mask, Method, Optimiser, Recipe, Targets, Task,
    TrainError, Training,
};
use kernels::ops::NO_TARGET;
use kernels::{Device, Precision};
use serde_json::Value;

use crate::common;
use crate::golden::{Run, check_gradients, check_losses, golden, numbers, optimiser, rows};
use crate::support::{drive, recipe};

fn whole(value: &Value) -> Vec<Vec<u32>> {
    let id = |x: &i64| u32::try_from(*x).unwrap_or(NO_TARGET);
    let all = rows(value).into_iter();
    all.map(|row| row.iter().map(id).collect()).collect()
}

/// The texts of a golden run, cut to their lengths.
fn texts(run: &Value) -> TokenBatch {
    let lengths = numbers(&run["lengths"]);
    let cut = |rows: Vec<Vec<u32>>| -> Vec<Vec<u32>> {
        let rows = rows.into_iter().zip(&lengths);
        rows.map(|(row, length)| row[..*length as usize].to_vec())
            .collect()
    };
    let ids = cut(whole(&run["input_ids"]));
    let types = match run["token_type_ids"].is_array() {
        true => cut(whole(&run["token_type_ids"])),
        false => ids.iter().map(|row| vec![0; row.len()]).collect(),
    };
    TokenBatch {
        tokens: whole(&run["input_ids"])[0].len(),
        ids,
        types,
    }
}

fn batch(run: &Value) -> Batch {
    let mut texts = texts(run);
    let targets = match run["goal"].as_str() {
        Some("choice") => {
            let right: Vec<[u32; 2]> = whole(&run["right"]).iter().map(|r| [r[0], r[1]]).collect();
            // The second example has two texts only.
            for all in [&mut texts.ids, &mut texts.types] {
                all.push(vec![0]);
            }
            texts.ids[5] = vec![2];
            Targets::Choices { group: 3, right }
        }
        Some("tags") => Targets::Tags(whole(&run["tags"])),
        _ => {
            let mask = |m: &Vec<u32>| -> Mask { (m[0] as usize, m[1] as usize, m[2]) };
            let masks = whole(&run["masks"]).iter().map(mask).collect();
            let next = numbers(&run["next"]).iter().map(|x| *x as u32).collect();
            Targets::MasksAndNext(masks, next)
        }
    };
    Batch { texts, targets }
}

async fn learner(
    model: &mut Model,
    task: Task,
    optimiser: Optimiser,
    weights: Vec<f32>,
) -> Learner {
    let mut own = Vec::new();
    let parts = ["classifier.weight", "classifier.bias"];
    if model.head().is_some() {
        for part in parts {
            own.push(model.read(part).await.expect("the head's weights").to_f32());
        }
    }
    let dropout = DropoutRates::default();
    let learner = Learner::new(model, task, Method::All, optimiser, dropout, 3, 1);
    let mut learner = learner.await.expect("a learner");
    for (part, numbers) in parts.iter().zip(&own) {
        model.params_mut().write(part, 0, numbers).expect("it fits");
    }
    learner.set_class_weights(weights);
    learner
}

#[test]
fn what_pytorch_learns_is_learned() {
    let golden = golden(&common::fixture("goals.json"));
    let runs = golden["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 9);
    for run in runs {
        let folder = run["folder"].as_str().expect("a folder");
        for (on, device) in common::devices() {
            let what = format!("{folder}, {} on {on}", run["goal"]);
            let mut model = common::model(&common::fixture(folder), &device);
            let task = match model.head() {
                Some(head) => Task::Head {
                    kind: head.kind,
                    outputs: head.outputs(),
                    pooling: head.pooling,
                },
                None => Task::MaskedLmAndNext,
            };
            let optimiser = Optimiser {
                layer_decay: run["layer_decay"].as_f64().expect("a decay"),
                ..optimiser(&golden, false)
            };
            let weights = match run["weights"].is_array() {
                true => numbers(&run["weights"]).iter().map(|x| *x as f32).collect(),
                false => Vec::new(),
            };
            let learner = pollster::block_on(learner(&mut model, task, optimiser, weights));
            let mut taken = Run {
                model,
                learner,
                inputs: Inputs::Texts(batch(run)),
                rate: golden["lr"].as_f64().expect("lr"),
            };
            let first = taken.step();
            let gradients: Vec<(String, &Value)> =
                (run["parameters"].as_array().expect("gradients").iter())
                    .map(|p| (p["name"].as_str().expect("a name").to_owned(), &p["grad"]))
                    .collect();
            check_gradients(&mut taken, &gradients, &what);
            check_losses(&mut taken, first, &numbers(&run["losses"]), &what);
        }
    }
}

/// Documents in which every sentence is of one noun: what does not follow is of another.
fn prose(documents: usize, from: usize) -> Prose {
    let nouns = ["man", "dog", "film", "cat", "day", "night", "river", "sea"];
    let text = |d: usize| {
        let noun = nouns[(d + from) % nouns.len()];
        let ends = [
            "was good.",
            "was long.",
            "sat.",
            "saw it.",
            "ran.",
            "was red.",
        ];
        let sentences = (0..6).map(|s| format!("The {noun} {} ", ends[(s + d) % ends.len()]));
        sentences.collect::<String>() + "\n\n"
    };
    Prose::read(&(0..documents).map(text).collect::<String>())
}

fn pairs(prose: &Prose, second: Second) -> Vec<SentencePair> {
    let words = |text: &str| text.split_whitespace().count() + 1;
    prose.pairs(second, 14, words, &mut Random::new(3, 3))
}

/// Pairs whose second text tells by itself whether it follows.
fn told_apart(count: usize) -> Vec<SentencePair> {
    let pair = |i: usize| SentencePair {
        text: Text {
            text: format!("the {} sat", ["man", "dog", "cat"][i % 3]),
            pair: Some(
                if i.is_multiple_of(2) {
                    "it was good"
                } else {
                    "we like red film"
                }
                .into(),
            ),
        },
        follows: i.is_multiple_of(2),
    };
    (0..count).map(pair).collect()
}

fn reports(events: &[Event]) -> Vec<EpochReport> {
    let reports = events.iter().filter_map(|event| match event {
        Event::Epoch(report) => Some(report.clone()),
        _ => None,
    });
    reports.collect()
}

#[test]
fn pairs_of_plain_text_are_learned_with_and_without_a_head_for_them() {
    let settings = Recipe {
        learning_rate: 1e-2,
        dropout: 0.0,
        epochs: 8,
        ..recipe(Method::All)
    };
    let (train, validation) = (told_apart(48), told_apart(16));
    for (name, device) in common::devices() {
        // One with the head, and one that gets it.
        for folder in ["tiny-bert", "tiny-bert-f16"] {
            let mut model = common::model(&common::fixture(folder), &device);
            let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
            let start =
                Training::start_mlm_and_next(&mut model, &tokenizer, &train, &validation, settings);
            let mut training = pollster::block_on(start).expect("a run");
            let events = drive(&mut training, &mut model);
            training.finish(&mut model).expect("the best weights");
            assert!(model.has_nsp());
            let reports = reports(&events);
            let next = |report: &EpochReport| match &report.figures {
                Figures::Words {
                    next: Some(next), ..
                } => *next,
                other => panic!("{other:?}"),
            };
            let (first, last) = (&reports[0], &reports[reports.len() - 1]);
            let words = |report: &EpochReport| report.validation_loss - next(report).loss;
            assert!(
                words(last) < words(first) && next(last).accuracy > 0.75,
                "{name}, {folder}: {} to {}, {:?}",
                words(first),
                words(last),
                next(last)
            );
        }
    }
}

#[test]
fn parts_of_a_batch_weigh_words_and_pairs_apart() {
    let (train, validation) = (
        pairs(&prose(9, 0), Second::Swapped),
        pairs(&prose(4, 3), Second::Swapped),
    );
    for (name, device) in common::devices() {
        let losses = |accumulation: usize| {
            let recipe = Recipe {
                accumulation,
                dropout: 0.0,
                learning_rate: 1e-3,
                ..recipe(Method::All)
            };
            let mut model = common::model(&common::fixture("tiny-albert"), &device);
            let tokenizer = common::tokenizer(&common::fixture("tiny-albert"));
            let start =
                Training::start_mlm_and_next(&mut model, &tokenizer, &train, &validation, recipe);
            let mut training = pollster::block_on(start).expect("a run");
            let events = drive(&mut training, &mut model);
            reports(&events)
                .iter()
                .map(|r| r.train_loss)
                .collect::<Vec<_>>()
        };
        for (whole, parts) in losses(1).iter().zip(losses(3)) {
            assert!(
                (whole - parts).abs() < 1e-4 * whole,
                "{name}: {parts}, not {whole}"
            );
        }
    }
}

#[test]
fn a_family_without_the_head_and_text_without_pairs_are_refused() {
    let device = Device::Cpu(Precision::F32);
    let tokenizer = common::tokenizer(&common::fixture("tiny-roberta"));
    let mut model = common::model(&common::fixture("tiny-roberta"), &device);
    let train = pairs(&prose(9, 0), Second::Random);
    let start =
        Training::start_mlm_and_next(&mut model, &tokenizer, &train, &train, recipe(Method::All));
    match pollster::block_on(start).err() {
        Some(TrainError::NoNextHead("Roberta")) => {}
        other => panic!("{other:?}"),
    }
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let mut model = common::model(&common::fixture("tiny-bert"), &device);
    let start = Training::start_mlm_and_next(&mut model, &tokenizer, &[], &[], recipe(Method::All));
    assert!(matches!(
        pollster::block_on(start).err(),
        Some(TrainError::Data(_))
    ));
}

#[test]
fn weights_are_of_classes_and_tags_only() {
    let device = Device::Cpu(Precision::F32);
    for kind in [
        HeadKind::Score,
        HeadKind::Span,
        HeadKind::Labels,
        HeadKind::Choice,
    ] {
        let mut model = common::model(&common::fixture("tiny-bert"), &device);
        let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
        let (examples, labels) = crate::heads::examples(kind);
        let lesson = bert::train::Lesson {
            kind,
            labels: &labels,
            train: &examples,
            validation: &examples,
        };
        let recipe = Recipe {
            balance: 1.0,
            ..recipe(Method::All)
        };
        let started = Training::start(&mut model, &tokenizer, &lesson, recipe);
        match pollster::block_on(started).err() {
            Some(TrainError::Recipe(problems)) => assert!(problems[0].contains("rare classes")),
            other => panic!("{other:?}"),
        }
    }
}
