//! The next word: what PyTorch learns of it (`tests/tools/next_word_fixture.py`), runs, writing, and what is refused.

use bert::config::{BertShape, Config};
use bert::export::{self, About, Files, Kind};
use bert::inside::{self, InsideError, Order, Subject, WriteRequest};
use bert::metrics::Figures;
use bert::model::{DropoutRates, Model, TokenBatch};
use bert::probe::{self, ProbeError, Request};
use bert::train::{
    Batch, Event, Extent, Inputs, Learner, Mask, Method, Recipe, Targets, Task, TrainError,
    Training, needs,
};
use kernels::{Control, Device, Precision};
use serde_json::Value;

use crate::common;
use crate::golden::{
    Run, check_gradients, check_losses, golden, gradients, numbers, optimiser, rows,
};
use crate::support::{drive, recipe, two_sentences};

fn causal(device: &Device) -> Model {
    let folder = common::fixture("tiny-bert");
    let config = Config::from_json(&common::causal_config(&folder)).expect("a BERT may be one");
    common::model_of(&folder, config, device)
}

fn batch(golden: &Value) -> Batch {
    let lengths = numbers(&golden["lengths"]);
    let cut = |key: &str| -> Vec<Vec<u32>> {
        let rows = rows(&golden[key]).into_iter().zip(&lengths);
        let cut = |(row, length): (Vec<i64>, &f64)| row[..*length as usize].to_vec();
        rows.map(cut)
            .map(|row| row.into_iter().map(|x| x as u32).collect())
            .collect()
    };
    let ids = cut("input_ids");
    let next = |(text, ids): (usize, &Vec<u32>)| -> Vec<Mask> {
        let next = ids.iter().skip(1).enumerate();
        next.map(|(at, id)| (text, at, *id)).collect()
    };
    Batch {
        targets: Targets::Masks(ids.iter().enumerate().flat_map(next).collect()),
        texts: TokenBatch {
            tokens: rows(&golden["input_ids"])[0].len(),
            types: cut("token_type_ids"),
            ids,
        },
    }
}

#[test]
fn what_pytorch_learns_is_learned() {
    let golden = golden(&common::fixture("next_word.json"));
    for (name, device) in common::devices() {
        let mut model = causal(&device);
        let dropout = DropoutRates::default();
        let optimiser = optimiser(&golden, false);
        let (task, method) = (Task::NextWord, Method::All);
        let learner = Learner::new(&mut model, task, method, optimiser, dropout, 3, 1);
        let learner = pollster::block_on(learner).expect("a learner");
        let mut taken = Run {
            model,
            learner,
            inputs: Inputs::Texts(batch(&golden)),
            rate: golden["lr"].as_f64().expect("lr"),
        };
        let first = taken.step();
        check_gradients(&mut taken, &gradients(&golden), name);
        check_losses(&mut taken, first, &numbers(&golden["losses"]), name);
    }
}

fn settings() -> Recipe {
    Recipe {
        learning_rate: 1e-2,
        dropout: 0.0,
        epochs: 8,
        ..recipe(Method::All)
    }
}

fn asked(text: &str, hidden: Vec<usize>) -> Request {
    Request {
        text: text.into(),
        pair: None,
        hidden,
        top_k: 3,
        compare: Vec::new(),
    }
}

#[test]
fn the_next_word_is_learned_guessed_and_written_and_what_follows_is_not_seen() {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let control = Control::default();
    for (name, device) in common::devices() {
        let mut model = causal(&device);
        let (train, validation) = (two_sentences(64), two_sentences(16));
        let start =
            Training::start_next_word(&mut model, &tokenizer, &train, &validation, settings());
        let mut training = pollster::block_on(start).expect("a run");
        let events = drive(&mut training, &mut model);
        training.finish(&mut model).expect("the best weights");
        let figures = events.iter().rev().find_map(|event| match event {
            Event::Epoch(report) => Some((report.validation_loss, report.figures.clone())),
            _ => None,
        });
        let Some((loss, Figures::Words { accuracy, .. })) = figures else {
            panic!("{name}: {figures:?}");
        };
        // Of 13 places in the two texts only the first word cannot be known.
        assert!(accuracy > 0.8 && loss < 0.5, "{name}: {accuracy}, {loss}");

        let mut guess = |text: &str, hidden| {
            let request = asked(text, hidden);
            let probe = probe::fill_mask(&mut model, &tokenizer, &request, &control);
            pollster::block_on(probe).expect("guesses").masks
        };
        let found = guess("the cat sat on the mat", vec![3]);
        assert_eq!(found[0].predictions[0].token, "sat", "{name}");
        assert_eq!(
            found[0].original.as_ref().map(|o| o.rank),
            Some(1),
            "{name}"
        );
        // Other words behind it, and a typed mask: the same guess, bit by bit.
        let other = guess("the cat [MASK] red film film", Vec::new());
        assert_eq!(other[0].predictions, found[0].predictions, "{name}");

        let request = WriteRequest {
            text: "we love".into(),
            tokens: 8,
            temperature: 0.0,
            seed: 1,
        };
        let mut heard = Vec::new();
        let mut progress = |done, total| heard.push((done, total));
        let write = inside::write(&mut model, &tokenizer, &request, &mut progress, &control);
        let written = pollster::block_on(write).expect("a text");
        assert_eq!(written.given, ["we", "love"]);
        let draft = &written.drafts[0];
        let words: Vec<&str> = draft.tokens.iter().map(|t| t.token.as_str()).collect();
        assert_eq!(words, ["this", "red", "film", "[SEP]"], "{name}");
        assert_eq!(heard.last(), Some(&(4, 8)));
        let sum: f64 = draft
            .tokens
            .iter()
            .map(|t| f64::from(t.probability).ln())
            .sum();
        assert!(
            (draft.products[0].1 - sum).abs() < 1e-9 && sum > -1.0,
            "{name}: {sum}"
        );
    }
}

#[test]
fn one_that_fills_places_writes_in_three_orders_whose_products_differ() {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let control = Control::default();
    let mut all = Vec::new();
    for (name, device) in common::devices() {
        let mut model = common::model(&common::fixture("tiny-bert"), &device);
        let request = WriteRequest {
            text: "the cat".into(),
            tokens: 5,
            temperature: 1.0,
            seed: 3,
        };
        let mut last = (0, 0);
        let mut progress = |done, total| last = (done, total);
        let write = inside::write(&mut model, &tokenizer, &request, &mut progress, &control);
        let written = pollster::block_on(write).expect("texts");
        assert_eq!(last, (45, 45), "{name}");
        let orders: Vec<Order> = written.drafts.iter().map(|draft| draft.order).collect();
        assert_eq!(orders, Order::ALL);
        for draft in &written.drafts {
            let own = draft
                .products
                .iter()
                .find(|(order, _)| *order == draft.order);
            let sum: f64 = draft
                .tokens
                .iter()
                .map(|t| f64::from(t.probability).ln())
                .sum();
            assert!((own.expect("its own").1 - sum).abs() < 1e-9, "{name}");
            let [a, b, c] = [0, 1, 2].map(|i| draft.products[i].1);
            assert!(a != b && b != c && a < 0.0, "{name}: {a} {b} {c}");
            // One filled place at a time, and none is a special token.
            let mut turns: Vec<usize> = draft.tokens.iter().map(|t| t.turn).collect();
            if draft.order == Order::RightToLeft {
                assert_eq!(turns, [4, 3, 2, 1, 0]);
            }
            turns.sort_unstable();
            assert_eq!(turns, [0, 1, 2, 3, 4]);
            assert!(draft.tokens.iter().all(|t| !t.token.starts_with('[')));
        }
        all.push(written);
        // The likeliest of the first place is what probing says of it.
        let request = WriteRequest {
            temperature: 0.0,
            tokens: 1,
            ..request
        };
        let mut quiet = |_, _| {};
        let write = inside::write(&mut model, &tokenizer, &request, &mut quiet, &control);
        let written = pollster::block_on(write).expect("a text");
        let ask = asked("the cat [MASK]", Vec::new());
        let probe = probe::fill_mask(&mut model, &tokenizer, &ask, &control);
        let best = pollster::block_on(probe).expect("guesses").masks[0].predictions[0].clone();
        assert_eq!(written.drafts[0].tokens[0].id, best.id, "{name}");
        let probability = written.drafts[0].tokens[0].probability;
        assert!((probability - best.probability).abs() < 1e-6, "{name}");
        // What is out of range is told.
        for (tokens, temperature) in [(0, 1.0), (33, 1.0), (3, f64::NAN), (3, -1.0)] {
            let request = WriteRequest {
                tokens,
                temperature,
                ..request.clone()
            };
            let write = inside::write(&mut model, &tokenizer, &request, &mut quiet, &control);
            let refused = pollster::block_on(write);
            assert!(
                matches!(refused, Err(InsideError::Range { .. })),
                "{refused:?}"
            );
        }
    }
    let ids = |written: &inside::Written| -> Vec<u32> {
        let tokens = written.drafts.iter().flat_map(|draft| &draft.tokens);
        tokens.map(|token| token.id).collect()
    };
    assert!(all.windows(2).all(|pair| ids(&pair[0]) == ids(&pair[1])));
}

#[test]
fn a_folder_says_that_it_reads_left_to_right_and_other_ways_are_refused() {
    let folder = common::fixture("tiny-bert");
    let tokenizer = common::tokenizer(&folder);
    let device = Device::Cpu(Precision::F32);
    let control = Control::default();
    let mut model = causal(&device);
    let about = About {
        name: "a twin".into(),
        base: "none".into(),
        kind: Kind::MaskedLm,
        run: None,
        machine: None,
        date: None,
        badge: None,
    };
    let source = common::causal_config(&folder);
    let files = Files {
        config: &source,
        tokenizer: &[],
    };
    let mut found = std::collections::HashMap::<String, Vec<u8>>::new();
    let mut sink = |name: &str, bytes: &[u8]| -> Result<(), std::convert::Infallible> {
        found.entry(name.to_owned()).or_default().extend(bytes);
        Ok(())
    };
    let written = export::folder(&mut model, &about, &files, &control, &mut sink);
    pollster::block_on(written).expect("a folder");
    let text = String::from_utf8(found["config.json"].clone()).expect("UTF-8");
    let config = Config::from_json(&text).expect("a configuration");
    assert!(config.causal);
    assert_eq!(config.architectures, ["BertLMHeadModel"]);
    let card = String::from_utf8(found["README.md"].clone()).expect("UTF-8");
    assert!(card.contains("text-generation") && card.contains("left to right"));

    // Hidden words are not learned by it, nor next words by one that sees both sides.
    let (train, validation) = (two_sentences(8), two_sentences(4));
    let start = Training::start_mlm(&mut model, &tokenizer, &train, &validation, settings());
    let refused = pollster::block_on(start).map(|_| ());
    assert!(
        matches!(&refused, Err(TrainError::NoMlmHead(words)) if words.contains("left to right")),
        "{refused:?}"
    );
    let mut both = common::model(&folder, &device);
    let start = Training::start_next_word(&mut both, &tokenizer, &train, &validation, settings());
    let refused = pollster::block_on(start).map(|_| ());
    assert!(
        matches!(&refused, Err(TrainError::NoNextWord(words)) if words.contains("both sides")),
        "{refused:?}"
    );
    let subject = Subject {
        text: "the cat sat".into(),
        hidden: vec![2],
        ..Subject::default()
    };
    let sides = inside::sides(&mut model, &tokenizer, &subject, 3, &control);
    let refused = pollster::block_on(sides).map(|_| ());
    assert!(
        matches!(refused, Err(InsideError::Probe(ProbeError::NoHead(_)))),
        "{refused:?}"
    );
    // Attention is that of the model: nothing goes to what follows.
    let request = inside::AttentionRequest {
        layer: 1,
        row: None,
    };
    let look = inside::attention(&mut model, &tokenizer, &subject, &request, &control);
    let seen = pollster::block_on(look).expect("attention");
    let tokens = seen.seen.tokens.len();
    for (i, row) in seen.weights.chunks_exact(tokens).enumerate() {
        assert!(row[i % tokens + 1..].iter().all(|weight| *weight == 0.0));
    }

    // The memory of a step holds every place.
    let (shape, recipe) = (
        BertShape {
            layers: 1,
            hidden: 32,
            heads: 2,
            vocabulary: 500,
            max_tokens: 32,
        },
        settings(),
    );
    let needed = |config: Config, task| {
        let fresh = Model::fresh(&device, config, true, 1);
        let model = pollster::block_on(fresh).expect("a model");
        needs(&model, task, &recipe, Extent::of(32, 100)).expect("known")
    };
    let masked = needed(shape.config().expect("a shape").1, Task::MaskedLm);
    let next = needed(shape.causal().expect("a shape").1, Task::NextWord);
    assert_eq!(masked.training, next.training);
    assert!(next.activations > masked.activations);
}
