//! Classification heads of checkpoints.

use bert::config::Pooling;
use bert::model::{LoadError, TaskHead, TaskHeadError};
use bert::probe::{Classification, ProbeError, classify};
use bert::train::Method;
use kernels::CancelToken;
use kernels::Control;
use pollster::block_on;
use safetensors::tensor::{SafeTensors, TensorView};
use serde_json::{Value, json};

use super::*;

/// Float32 on both sides, sums of at most 64 products a row: far more than rounding.
const NEAR: f64 = 2e-5;

fn golden() -> Value {
    let path = common::fixture("tiny-classifier").join("golden_logits.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("golden_logits.json")).expect("JSON")
}

fn near(found: &[f32], expected: &Value, what: &str) {
    let expected = expected.as_array().expect("logits");
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let expected = expected.as_f64().expect("a number");
        let difference = (f64::from(*found) - expected).abs();
        assert!(difference < NEAR, "{what}: {found}, not {expected}");
    }
}

#[test]
fn a_checkpoints_classifier_says_what_transformers_says() {
    let folder = common::fixture("tiny-classifier");
    let (golden, tokenizer) = (golden(), common::tokenizer(&folder));
    let cases = golden["cases"].as_array().expect("cases");
    assert!(cases.len() >= 5);
    let texts: Vec<Text> = cases
        .iter()
        .map(|case| {
            text(
                case["text"].as_str().expect("a text"),
                case["text_pair"].as_str(),
            )
        })
        .collect();
    for (name, device) in common::devices() {
        let mut model = common::model(&folder, &device);
        let classifier = model.classifier().expect("a classifier").clone();
        assert_eq!(json!(classifier.labels), golden["labels"], "{name}");
        assert_eq!(classifier.pooling, Pooling::Pooler);
        assert_eq!(
            model.heads().task,
            Some((bert::config::HeadKind::Classes, 3))
        );
        let control = Control::default();
        let all = block_on(classify(&mut model, &tokenizer, &texts, &control)).expect("logits");
        assert_eq!(all.len(), cases.len());
        for (found, case) in all.iter().zip(cases) {
            near(
                &found.logits,
                &case["logits"],
                &format!("{name}, {}", case["text"]),
            );
            let sum: f32 = found.probabilities.iter().sum();
            assert!((sum - 1.0).abs() < 1e-6);
            let highest = found.logits.iter().copied().fold(f32::MIN, f32::max);
            assert_eq!(found.logits[found.best], highest);
        }
        let padded = classify(&mut model, &tokenizer, &texts[..2], &control);
        for (found, expected) in block_on(padded)
            .expect("logits")
            .iter()
            .zip(golden["batch"].as_array().expect("rows"))
        {
            near(&found.logits, expected, name);
        }
    }
}

#[test]
fn the_order_is_the_callers_and_a_cancelled_call_leaves_the_model_whole() {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let mut model = common::model(&common::fixture("tiny-classifier"), &CPU);
    let all = classified(&mut model);
    assert_eq!(all.len(), texts().len());
    for (found, text) in all.iter().zip(texts()) {
        let control = Control::default();
        let alone = [text];
        let one = classify(&mut model, &tokenizer, &alone, &control);
        let one = &block_on(one).expect("logits")[0];
        for (a, b) in found.logits.iter().zip(&one.logits) {
            assert!((a - b).abs() < 1e-5, "{found:?}, alone {one:?}");
        }
    }
    let cancel = CancelToken::default();
    cancel.cancel();
    let control = Control::new(cancel, || Box::pin(async {}));
    let cancelled = block_on(classify(&mut model, &tokenizer, &texts(), &control));
    assert_eq!(cancelled, Err(ProbeError::Cancelled));
    assert_eq!(bits(&classified(&mut model)), bits(&all));
    let none = block_on(classify(&mut model, &tokenizer, &[], &Control::default()));
    assert_eq!(none, Ok(Vec::new()));
}

#[test]
fn probabilities_are_finite_for_any_logits_and_ties_go_to_the_first() {
    let found = Classification::new(vec![1000.0, 1000.0, -1000.0]);
    assert_eq!((found.best, found.probabilities), (0, vec![0.5, 0.5, 0.0]));
}

/// The fixture's file with some tensors changed.
fn changed(change: impl Fn(&str, &[usize]) -> Option<Vec<usize>>) -> Vec<u8> {
    let bytes = weights_of(&common::fixture("tiny-classifier"));
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let views = file.iter().filter_map(|(name, view)| {
        let shape = change(name, view.shape())?;
        let length = 4 * shape.iter().product::<usize>();
        let data = &view.data()[..length];
        Some((
            name.to_owned(),
            TensorView::new(view.dtype(), shape, data).expect("a view"),
        ))
    });
    safetensors::serialize(views, None).expect("a file")
}

fn config_with(change: impl Fn(&mut Value)) -> String {
    let text = config_of(&common::fixture("tiny-classifier"));
    let mut config = serde_json::from_str(&text).expect("JSON");
    change(&mut config);
    config.to_string()
}

#[test]
fn what_is_missing_or_misshapen_is_listed() {
    let same = |_: &mut Value| {};
    let refused = |config: String, file: &[u8], parts: &[&str]| {
        let Err(LoadError::Tensors(problems)) = load(&config, file, &CPU) else {
            panic!("it was loaded, or refused for another reason: {parts:?}")
        };
        assert_eq!(problems.len(), parts.len(), "{problems:?}");
        for (problem, part) in problems.iter().zip(parts) {
            assert!(problem.contains(part), "{problem}: no {part}");
        }
    };
    let no_bias = changed(|name, shape| (name != "classifier.bias").then(|| shape.to_vec()));
    refused(
        config_with(same),
        &no_bias,
        &["classifier.bias` [3] is missing"],
    );
    let narrow = changed(|name, shape| {
        Some(if name == "classifier.weight" {
            vec![3, 31]
        } else {
            shape.to_vec()
        })
    });
    refused(
        config_with(same),
        &narrow,
        &["classifier.weight` is [3, 31], config.json asks for [3, 32]"],
    );
    let two = config_with(|c| c["id2label"] = json!({"0": "a", "1": "b"}));
    let whole = changed(|_, shape| Some(shape.to_vec()));
    refused(
        two,
        &whole,
        &[
            "[3, 32], config.json asks for [2, 32]",
            "[3], config.json asks for [2]",
        ],
    );
    let no_pooler = changed(|name, shape| (!name.contains("pooler")).then(|| shape.to_vec()));
    refused(
        config_with(same),
        &no_pooler,
        &[
            "pooler.dense.weight` [32, 32] is missing",
            "pooler.dense.bias` [32] is missing",
        ],
    );
    // Another pooling does not need it.
    let mean = config_with(|c| c["unmask"] = json!({"pooling": "mean"}));
    let model = load(&mean, &no_pooler, &CPU).expect("no pooler is needed");
    assert_eq!(model.classifier().map(|c| c.pooling), Some(Pooling::Mean));
}

#[test]
fn classes_without_names_are_numbered_and_other_heads_are_left_aside() {
    let file = changed(|_, shape| Some(shape.to_vec()));
    let unnamed = config_with(|c| c["id2label"] = Value::Null);
    let model = load(&unnamed, &file, &CPU).expect("a model");
    let labels = &model.classifier().expect("a classifier").labels;
    assert_eq!(labels, &["LABEL_0", "LABEL_1", "LABEL_2"]);
    for change in [
        json!({"architectures": ["BertForTokenClassification"]}),
        json!({"problem_type": "multi_label_classification"}),
    ] {
        let other = config_with(|c| {
            for (key, value) in change.as_object().expect("an object") {
                c[key] = value.clone();
            }
        });
        let mut model = load(&other, &file, &CPU).expect("a model");
        assert_eq!(model.classifier(), None, "{change}");
        let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
        let (texts, control) = (texts(), Control::default());
        let found = classify(&mut model, &tokenizer, &texts, &control);
        assert_eq!(block_on(found), Err(ProbeError::NoClassifier));
    }
}

#[test]
fn own_settings_in_config_json_are_checked() {
    for (own, words) in [
        (json!("mean"), "unmask"),
        (json!({"pooling": "max"}), "unmask.pooling"),
        (json!({"classifier_scale": 3}), "unmask.classifier_scale"),
        (json!({"classifier_scale": 0}), "unmask.classifier_scale"),
        (json!({"model_type": "gpt2"}), "model_type"),
    ] {
        let config = config_with(|c| c["unmask"] = own.clone());
        let error = Config::from_json(&config).expect_err("a rule is broken");
        assert!(error.to_string().contains(words), "{own}: {error}");
    }
}

#[test]
fn a_classifier_is_set_only_where_its_weights_are() {
    let mut model = common::model(&common::fixture("tiny-bert"), &CPU);
    let missing = model.set_head(TaskHead::new(labels(), Pooling::Mean));
    assert!(
        matches!(missing, Err(TaskHeadError::Weights { .. })),
        "{missing:?}"
    );
    assert_eq!(model.classifier(), None);

    let mut model = trained(&CPU, Method::Head, Pooling::Mean);
    assert_eq!(model.classifier().map(|c| c.labels.len()), Some(3));
    let before = bits(&classified(&mut model));
    let named = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let two = model.set_head(TaskHead::new(named(&["a", "b"]), Pooling::Mean));
    let told = two.expect_err("there are three").to_string();
    assert!(
        told.contains("[3, 32]") && told.contains("[2, 32]"),
        "{told}"
    );
    for wrong in [
        named(&["a"]),
        named(&["a", "b", "a"]),
        named(&["a", "b", &"c".repeat(1001)]),
    ] {
        let error = model.set_head(TaskHead::new(wrong.clone(), Pooling::Mean));
        assert!(matches!(error, Err(TaskHeadError::Labels(_))), "{wrong:?}");
    }
    assert_eq!(
        bits(&classified(&mut model)),
        before,
        "a refusal changes nothing"
    );

    let mut bare = common::model(&common::bundled(), &CPU);
    let error = bare.set_head(TaskHead::new(named(&["a", "b"]), Pooling::Pooler));
    assert_eq!(error, Err(TaskHeadError::NoPooler));
}

#[test]
fn the_hash_is_that_of_the_file() {
    use sha2::{Digest, Sha256};
    let folder = common::fixture("tiny-bert");
    let expected = format!("{:x}", Sha256::digest(weights_of(&folder)));
    assert_eq!(common::model(&folder, &CPU).sha256(), expected);
}
