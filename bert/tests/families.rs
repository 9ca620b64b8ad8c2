//! BERT's relatives where no reference is needed: odd texts, learning by every method, files with
//! and without prefixes, and what is missing from them.

mod common;

use std::path::Path;

use bert::config::{Config, Pooling};
use bert::data::Text;
use bert::model::{DropoutRates, LoadError, Model, ModelLoader, TokenBatch};
use bert::probe::{Fill, Request, classify, fill_mask};
use bert::train::{Batch, Inputs, Learner, Method, Optimiser, Targets, Task};
use kernels::{Control, Device, Precision};
use serde_json::Value;

const FOLDERS: [&str; 4] = [
    "tiny-roberta",
    "tiny-albert",
    "tiny-distilbert",
    "tiny-electra-generator",
];
/// Those whose weights are PyTorch files too.
const ALL: [&str; 6] = [
    "tiny-roberta",
    "tiny-albert",
    "tiny-distilbert",
    "tiny-electra-generator",
    "tiny-xlm-roberta",
    "tiny-camembert",
];
const CPU: Device = Device::Cpu(Precision::F32);

fn fill(model: &mut Model, folder: &Path, text: &str) -> Fill {
    let request = Request {
        text: text.to_owned(),
        pair: None,
        hidden: vec![],
        top_k: 5,
        compare: Vec::new(),
    };
    let tokenizer = common::tokenizer(folder);
    let control = Control::default();
    let run = fill_mask(model, &tokenizer, &request, &control);
    pollster::block_on(run).unwrap_or_else(|e| panic!("{}, {text:.20?}: {e}", folder.display()))
}

#[test]
fn any_text_can_be_asked_about() {
    let long = "a cat is here. ".repeat(70_000);
    for name in ALL {
        let folder = common::fixture(name);
        let mask = common::tokenizer(&folder);
        let mask = mask.mask_token().expect("a mask");
        for (on, device) in common::devices() {
            let mut model = common::model(&folder, &device);
            let limit = model.config().max_tokens();
            for text in [
                "",
                " \n\t ",
                "M",
                &long,
                "👩‍👩‍👧 🏳️‍🌈 M 🤷🏽",
                "שלום M مرحبا",
                "a\0b M\0",
                "e\u{301}\u{301} \u{301} M",
                "<pad> M [PAD] <s> </s>",
                "\u{fffd}\u{202e}M\u{feff}",
            ] {
                let what = format!("{name} on {on}, {text:.20?}");
                let text = text.replace('M', mask);
                let fill = fill(&mut model, &folder, &text);
                assert_eq!(fill.masks.len(), text.matches(mask).count(), "{what}");
                assert!(
                    fill.tokens.len() >= 2 && fill.tokens.len() <= limit,
                    "{what}"
                );
                assert_eq!(fill.truncated.is_some(), text.len() > 1 << 19, "{what}");
                for mask in &fill.masks {
                    let total: f32 = mask.predictions.iter().map(|p| p.probability).sum();
                    assert!(total > 0.0 && total < 1.0001, "{what}: {total}");
                }
            }
        }
    }
}

/// A text that is cut has the tokens that the whole would have, although the tokenizer sees its
/// beginning only.
#[test]
fn the_beginning_of_a_long_text_is_that_of_the_whole() {
    for name in ALL {
        let tokenizer = common::tokenizer(&common::fixture(name));
        let mut cuts = 0;
        for unit in [
            "The quick brown fox's 12,345 jumps  over…\n\n the “lazy” dog.   ",
            "中文 ",
            "👩‍👩‍👧 ",
            "e\u{301}\u{200b} ",
            "\t",
        ] {
            let text = unit.repeat((1 << 17) / unit.len());
            let cut = tokenizer.encode(&text, None, 512);
            let whole = tokenizer.encode(&text, None, usize::MAX);
            if cut.truncated.is_none() {
                continue;
            }
            cuts += 1;
            let own = cut.ids.len() - 1;
            assert_eq!(cut.ids[..own], whole.ids[..own], "{name}, {unit:?}");
            assert_eq!(cut.offsets[..own], whole.offsets[..own], "{name}, {unit:?}");
        }
        assert!(cuts >= 4, "{name}: {cuts}");
    }
}

fn batch(model: &Model, folder: &Path) -> Batch {
    let tokenizer = common::tokenizer(folder);
    let texts = ["the film was great", "a dull day", "it is a cat", "no"];
    let encodings = texts.map(|t| tokenizer.encode(t, None, model.config().max_tokens()));
    let tokens = encodings.iter().map(|e| e.ids.len()).max().expect("texts");
    Batch {
        texts: TokenBatch {
            tokens,
            ids: encodings.iter().map(|e| e.ids.clone()).collect(),
            types: encodings.iter().map(|e| e.type_ids.clone()).collect(),
        },
        targets: Targets::Classes(vec![0, 1, 0, 1]),
    }
}

/// With dropout everywhere, so that every place where a family has it is computed.
#[test]
fn every_method_learns() {
    for name in FOLDERS {
        let folder = common::fixture(name);
        for (on, device) in common::devices() {
            for method in [Method::LastLayers(1), Method::All, Method::Scratch] {
                let what = format!("{name} on {on}, {method:?}");
                let mut model = common::model(&folder, &device);
                let inputs = Inputs::Texts(batch(&model, &folder));
                let task = Task::classify(2, Pooling::Mean);
                let dropout = DropoutRates {
                    hidden: 0.05,
                    attention: 0.05,
                    classifier: 0.05,
                };
                let control = Control::default();
                let losses = pollster::block_on(async {
                    let optimiser = Optimiser::default();
                    let learner = Learner::new(&mut model, task, method, optimiser, dropout, 4, 7);
                    let mut learner = learner.await?;
                    let (_, before) = learner.evaluate(&mut model, &inputs, &control).await?;
                    for _ in 0..60 {
                        learner.step(&mut model, &inputs, 3e-3, &control).await?;
                    }
                    let (_, after) = learner.evaluate(&mut model, &inputs, &control).await?;
                    learner.end(&mut model);
                    Ok::<_, kernels::RunError>((before, after))
                });
                let (before, after) = losses.unwrap_or_else(|e| panic!("{what}: {e}"));
                // Random layers that stay frozen tell some texts apart badly.
                assert!(after < 0.6 * before, "{what}: {before} -> {after}");
            }
        }
    }
}

/// Classification heads, each family's own: `transformers`' logits.
#[test]
fn classifiers_say_what_transformers_says() {
    for name in [
        "tiny-roberta",
        "tiny-albert",
        "tiny-distilbert",
        "tiny-electra",
    ] {
        let folder = common::fixture(&format!("{name}-classifier"));
        let tokenizer = match name {
            "tiny-electra" => "tiny-electra-generator",
            name => name,
        };
        let tokenizer = common::tokenizer(&common::fixture(tokenizer));
        let golden = std::fs::read_to_string(folder.join("golden_logits.json"));
        let golden: Value = serde_json::from_str(&golden.expect("a golden file")).expect("JSON");
        let cases = golden["cases"].as_array().expect("cases");
        assert!(cases.len() >= 4, "{name}");
        let texts: Vec<Text> = cases
            .iter()
            .map(|case| Text {
                text: case["text"].as_str().expect("a text").to_owned(),
                pair: case["text_pair"].as_str().map(str::to_owned),
            })
            .collect();
        for (on, device) in common::devices() {
            let mut model = common::model(&folder, &device);
            let labels = model.classifier().map(|c| c.labels.clone());
            let expected = ["LABEL_0", "LABEL_1", "LABEL_2"].map(str::to_owned);
            assert_eq!(labels.as_deref(), Some(&expected[..]), "{name} on {on}");
            assert!(model.heads().pooler, "{name}");
            let control = Control::default();
            let found = classify(&mut model, &tokenizer, &texts, &control);
            let found = pollster::block_on(found).expect("logits");
            for (found, case) in found.iter().zip(cases) {
                let expected = case["logits"].as_array().expect("logits");
                assert_eq!(found.logits.len(), expected.len());
                for (found, expected) in found.logits.iter().zip(expected) {
                    let error = f64::from(*found) - expected.as_f64().expect("a number");
                    let text = &case["text"];
                    assert!(
                        error.abs() < 1e-4,
                        "{name} on {on}, {text}: {found}, {expected}"
                    );
                }
            }
        }
    }
}

/// ALBERT's last layer is every layer: they share their weights, group by group.
#[test]
fn the_last_layer_of_an_albert_is_its_group() {
    let mut model = common::model(&common::fixture("tiny-albert"), &CPU);
    let task = Task::MaskedLm;
    let learner = Learner::new(
        &mut model,
        task,
        Method::LastLayers(1),
        Optimiser::default(),
        DropoutRates::default(),
        1,
        1,
    );
    let learner = pollster::block_on(learner).expect("a learner");
    let layers: Vec<&str> = learner
        .trainable()
        .filter(|name| name.starts_with("encoder."))
        .collect();
    assert!(!layers.is_empty());
    assert!(
        layers.iter().all(|n| n.starts_with("encoder.layer.1.")),
        "{layers:?}"
    );
}

/// A file's header as JSON, and its data.
fn parts(folder: &Path) -> (Value, Vec<u8>) {
    let bytes = std::fs::read(folder.join("model.safetensors")).expect("model.safetensors");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let header = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    (header, bytes[8 + length..].to_vec())
}

fn load(folder: &Path, header: &Value, data: &[u8]) -> Result<Model, LoadError> {
    let text = std::fs::read_to_string(folder.join("config.json")).expect("config.json");
    let config = Config::from_json(&text).expect("a valid config.json");
    let header = header.to_string();
    let mut loader = ModelLoader::new(&CPU, config, None)?;
    loader.push(&(header.len() as u64).to_le_bytes())?;
    loader.push(header.as_bytes())?;
    loader.push(data)?;
    pollster::block_on(loader.finish())
}

fn renamed(header: &Value, rename: impl Fn(&str) -> String) -> Value {
    let map = header.as_object().expect("an object");
    let renamed = map.iter().map(|(name, info)| (rename(name), info.clone()));
    Value::Object(renamed.collect())
}

#[test]
fn names_with_and_without_the_prefix_mean_the_same() {
    for name in FOLDERS {
        let folder = common::fixture(name);
        let (header, data) = parts(&folder);
        let prefix = format!("{}.", common::config(&folder).family.model_type());
        let bare = renamed(&header, |name| {
            name.strip_prefix(&prefix).unwrap_or(name).to_owned()
        });
        assert_ne!(bare, header, "{name}");
        let (mut with, mut without) = (
            load(&folder, &header, &data).expect("a model"),
            load(&folder, &bare, &data).expect("a model"),
        );
        let mask = common::tokenizer(&folder);
        let text = format!("a {} is", mask.mask_token().expect("a mask"));
        assert_eq!(
            fill(&mut with, &folder, &text),
            fill(&mut without, &folder, &text),
            "{name}"
        );
    }
}

#[test]
fn a_missing_tensor_goes_by_its_familys_name() {
    for (name, tensor) in [
        (
            "tiny-roberta",
            "roberta.encoder.layer.1.attention.self.value.bias",
        ),
        ("tiny-roberta", "lm_head.layer_norm.weight"),
        (
            "tiny-albert",
            "albert.encoder.albert_layer_groups.1.albert_layers.0.ffn.weight",
        ),
        (
            "tiny-albert",
            "albert.encoder.embedding_hidden_mapping_in.bias",
        ),
        (
            "tiny-distilbert",
            "distilbert.transformer.layer.0.attention.out_lin.weight",
        ),
        ("tiny-distilbert", "vocab_projector.bias"),
        (
            "tiny-electra-generator",
            "electra.embeddings_project.weight",
        ),
        ("tiny-roberta-classifier", "classifier.dense.weight"),
        ("tiny-distilbert-classifier", "pre_classifier.bias"),
        ("tiny-electra-classifier", "classifier.out_proj.bias"),
        ("tiny-albert-classifier", "albert.pooler.weight"),
        (
            "tiny-electra-discriminator",
            "discriminator_predictions.dense_prediction.bias",
        ),
    ] {
        let folder = common::fixture(name);
        let (header, data) = parts(&folder);
        assert!(header.get(tensor).is_some(), "{tensor}");
        let other = renamed(&header, |name| match name == tensor {
            true => format!("{name}_"),
            false => name.to_owned(),
        });
        let Err(LoadError::Tensors(problems)) = load(&folder, &other, &data) else {
            panic!("{name} was loaded without {tensor}")
        };
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains(tensor) && problems[0].contains("missing"),
            "{problems:?}"
        );
    }
}
