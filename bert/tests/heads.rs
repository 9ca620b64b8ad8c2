//! Every head that tasks put on an encoder, in every family, against `transformers` (`tests/tools/head_fixtures.py`).

mod common;

use bert::config::HeadKind;
use bert::data::Text;
use bert::model::{Model, TaskHead};
use bert::probe::{Said, answer, entities, predict};
use bert::tokenizer::Tokenizer;
use kernels::Control;
use serde_json::Value;
use std::path::PathBuf;

/// Largest distance of a logit.
const ALLOWED: f64 = 1e-4;

fn heads() -> PathBuf {
    common::fixture("heads")
}

fn golden() -> Vec<Value> {
    let text = std::fs::read_to_string(heads().join("golden.json")).expect("the golden file");
    let golden: Value = serde_json::from_str(&text).expect("JSON");
    golden["heads"].as_array().expect("heads").clone()
}

fn text(case: &Value) -> Text {
    Text {
        text: case["text"].as_str().expect("a text").to_owned(),
        pair: case["text_pair"].as_str().map(str::to_owned),
    }
}

fn predicted(model: &mut Model, tokenizer: &Tokenizer, case: &Value) -> Said {
    let (text, control) = (text(case), Control::default());
    let said = predict(model, tokenizer, &text, &control);
    pollster::block_on(said).expect("an answer")
}

#[test]
fn logits_are_those_of_transformers() {
    for head in golden() {
        let name = head["folder"].as_str().expect("a folder");
        let tokenizer = common::tokenizer(&common::fixture(
            head["tokenizer"].as_str().expect("a folder"),
        ));
        for (device_name, device) in common::devices() {
            let mut model = common::model(&heads().join(name), &device);
            let loaded = model.head().unwrap_or_else(|| panic!("{name} has a head"));
            assert_eq!(serde_json::json!(loaded.kind), head["kind"], "{name}");
            for case in head["cases"].as_array().expect("cases") {
                let said = predicted(&mut model, &tokenizer, case);
                let ids: Vec<u32> = said.tokens.iter().map(|token| token.id).collect();
                assert_eq!(serde_json::json!(ids), case["ids"], "{name}");
                let expected = case["logits"].as_array().expect("logits");
                assert_eq!(said.logits.len(), expected.len(), "{name}");
                for (found, expected) in said.logits.iter().zip(expected) {
                    let error = (f64::from(*found) - expected.as_f64().expect("a number")).abs();
                    assert!(
                        error <= ALLOWED,
                        "{name} on {device_name}: {found}, not {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn entities_are_those_of_the_reference() {
    for head in golden() {
        if head["kind"] != "tokens" {
            continue;
        }
        let name = head["folder"].as_str().expect("a folder");
        let tokenizer = common::tokenizer(&common::fixture(
            head["tokenizer"].as_str().expect("a folder"),
        ));
        let device = kernels::Device::Cpu(kernels::Precision::F32);
        let mut model = common::model(&heads().join(name), &device);
        for case in head["cases"].as_array().expect("cases") {
            let Some(expected) = case["entities"].as_array() else {
                continue;
            };
            let found = entities(&predicted(&mut model, &tokenizer, case));
            assert_eq!(
                found.len(),
                expected.len(),
                "{name}: {found:?}, not {expected:?}"
            );
            for (found, expected) in found.iter().zip(expected) {
                let place = (&found.label[..], found.start as u64, found.end as u64);
                let theirs = (
                    expected["label"].as_str().expect("a label"),
                    expected["start"].as_u64().expect("a place"),
                    expected["end"].as_u64().expect("a place"),
                );
                assert_eq!(place, theirs, "{name}");
                let error = f64::from(found.probability)
                    - expected["probability"].as_f64().expect("a number");
                assert!(error.abs() < ALLOWED, "{name}: {error}");
            }
        }
    }
}

/// What a head of spans says of `[CLS] q [SEP] a b c [SEP]`, one pair of logits a token.
fn said(logits: [[f32; 2]; 7]) -> Said {
    let token = |(i, sequence): (usize, Option<u8>)| bert::probe::Token {
        id: 0,
        text: "x".to_owned(),
        special: sequence.is_none(),
        masked: false,
        sequence,
        start: i.saturating_sub(3),
        end: i.saturating_sub(2),
    };
    let sequences = [None, Some(0), None, Some(1), Some(1), Some(1), None];
    Said {
        text: Text {
            text: "q".to_owned(),
            pair: Some("abc".to_owned()),
        },
        head: TaskHead::of(HeadKind::Span, Vec::new(), bert::config::Pooling::Cls),
        tokens: sequences.into_iter().enumerate().map(token).collect(),
        logits: logits.concat(),
        truncated: None,
        windows: 1,
    }
}

#[test]
fn an_answer_stands_in_the_passage_and_ends_no_sooner_than_it_begins() {
    let none = [0.0, 0.0];
    // The question and the last [SEP] are no answer, however sure.
    let found = answer(&said([
        none,
        [9.0, 9.0],
        none,
        none,
        [4.0, 0.0],
        [0.0, 3.0],
        [9.0, 9.0],
    ]));
    let found = found.expect("an answer");
    assert_eq!(
        (found.first, found.last, found.start, found.end),
        (4, 5, 1, 3)
    );
    let share = |logit: f32, others: f32| logit.exp() / (logit.exp() + others);
    let expected = share(4.0, 3.0) * share(3.0, 3.0);
    assert!((found.probability - expected).abs() < 1e-6);
    // The best begin stands behind the best end: one of them gives way.
    let found = answer(&said([
        none,
        none,
        none,
        [0.0, 5.0],
        none,
        [4.0, 1.0],
        none,
    ]))
    .expect("an answer");
    assert!((found.first, found.last) == (3, 3) || (found.first, found.last) == (5, 5));
    assert_eq!(
        (found.first, found.last),
        (3, 3),
        "5 + 0 against 4 + 1: the first of equals"
    );
    // [CLS] says that there is none.
    assert_eq!(
        answer(&said([
            [6.0, 6.0],
            none,
            none,
            [1.0, 0.0],
            [0.0, 1.0],
            none,
            none
        ])),
        None
    );
}
