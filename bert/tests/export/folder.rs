//! Folders for `transformers`, and back. `tests/tools/check_export.py` loads them there.

use bert::checkpoint::{SafetensorsStream, Sink, TensorInfo, decode};
use bert::config::Pooling;
use bert::export::{Kind, Machine, Refusal, Run, size};
use bert::metrics::{Confusion, Figures};
use bert::probe::{Request, fill_mask};
use bert::train::{Method, Recipe};
use kernels::{CancelToken, RunError};
use serde_json::{Value, json};

use super::*;

const POOLINGS: [Pooling; 3] = [Pooling::Pooler, Pooling::Cls, Pooling::Mean];

/// All tensors of a file as f32, by name.
#[derive(Default)]
struct Tensors(BTreeMap<String, Vec<f32>>);

impl Sink for Tensors {
    type Error = String;
    fn header(&mut self, _: &[TensorInfo]) -> Result<(), String> {
        Ok(())
    }
    fn data(
        &mut self,
        tensors: &[TensorInfo],
        index: usize,
        _: u64,
        bytes: &[u8],
    ) -> Result<(), String> {
        let tensor = &tensors[index];
        let all = self.0.entry(tensor.name.clone()).or_default();
        decode(tensor.dtype, bytes, all);
        Ok(())
    }
}

fn tensors(file: &[u8]) -> BTreeMap<String, Vec<f32>> {
    let mut stream = SafetensorsStream::new(Some(file.len() as u64), Tensors::default());
    stream.push(file).expect("a valid file");
    stream.finish().expect("a whole file").0
}

fn tiny() -> String {
    config_of(&common::fixture("tiny-bert"))
}

#[test]
fn what_goes_out_comes_in_again_bit_by_bit() {
    for (on, device) in common::devices() {
        for pooling in POOLINGS {
            let mut model = trained(&device, Method::All, pooling);
            let about = about(Kind::Head);
            let folder = exported(&mut model, &tiny(), &about).expect("a folder");
            let length = folder["model.safetensors"].len() as u64;
            assert_eq!(size(&model, Kind::Head), Ok(length));
            let config = utf8(&folder, "config.json");
            let mut again = load(&config, &folder["model.safetensors"], &device).expect("one");
            assert_eq!(again.classifier(), model.classifier());
            let (ours, theirs) = (classified(&mut model), classified(&mut again));
            assert_eq!(bits(&ours), bits(&theirs), "{on}, {pooling:?}");
            // Once more: nothing is lost, and nothing piles up.
            let second = exported(&mut again, &config, &about).expect("a folder");
            assert_eq!(second["config.json"], folder["config.json"]);
            assert_eq!(second["model.safetensors"], folder["model.safetensors"]);
        }
    }
}

/// What `BertForSequenceClassification` makes of the folder: the pooler that is stored.
#[test]
fn the_stored_pooler_passes_cls_on() {
    let mut model = trained(&CPU, Method::All, Pooling::Cls);
    let folder = exported(&mut model, &tiny(), &about(Kind::Head)).expect("a folder");
    let mut config: Value = serde_json::from_slice(&folder["config.json"]).expect("JSON");
    assert_eq!(
        config["unmask"],
        json!({"pooling": "cls", "classifier_scale": 4096})
    );
    config["unmask"] = Value::Null;
    let file = &folder["model.safetensors"];
    let mut theirs = load(&config.to_string(), file, &CPU).expect("a model");
    assert_eq!(
        theirs.classifier().map(|c| c.pooling),
        Some(Pooling::Pooler)
    );
    let (ours, theirs) = (classified(&mut model), classified(&mut theirs));
    let largest = ours
        .iter()
        .flat_map(|c| &c.logits)
        .fold(0f32, |m, l| m.max(l.abs()));
    assert!(
        largest > 0.1,
        "logits near zero would prove nothing: {largest}"
    );
    for (a, b) in ours.iter().zip(&theirs) {
        for (a, b) in a.logits.iter().zip(&b.logits) {
            assert!((a - b).abs() < 1e-4, "{a}, through the pooler {b}");
        }
    }
}

#[test]
fn config_and_files_are_what_transformers_asks_for() {
    for pooling in POOLINGS {
        let mut model = trained(&CPU, Method::Head, pooling);
        let folder = exported(&mut model, &tiny(), &about(Kind::Head)).expect("a folder");
        let config: Value = serde_json::from_slice(&folder["config.json"]).expect("JSON");
        let id2label = json!({"0": "good", "1": "bad|dull", "2": "a \"question\""});
        assert_eq!(config["id2label"], id2label);
        assert_eq!(config["label2id"]["bad|dull"], 1);
        assert_eq!(config["problem_type"], "single_label_classification");
        assert_eq!(config["dtype"], "float32");
        assert_eq!(config["hidden_size"], 32, "the rest stays");
        let mean = pooling == Pooling::Mean;
        let (model_type, class) = match mean {
            true => ("unmask_bert", "UnmaskBertForSequenceClassification"),
            false => ("bert", "BertForSequenceClassification"),
        };
        assert_eq!(config["model_type"], model_type);
        assert_eq!(config["architectures"], json!([class]));
        assert_eq!(folder.contains_key("modeling_unmask.py"), mean);
        assert_eq!(config.get("auto_map").is_some(), mean);
        if mean {
            let code = utf8(&folder, "modeling_unmask.py");
            assert!(code.contains(&format!("class {class}(")));
        }
        assert_eq!(folder["vocab.txt"], b"[PAD]\n");
        let stored = tensors(&folder["model.safetensors"]);
        assert_eq!(stored.contains_key("bert.pooler.dense.weight"), !mean);
        assert!(stored.contains_key("bert.encoder.layer.1.attention.self.value.bias"));
        assert!(stored.keys().all(|name| !name.starts_with("cls.")));
        let header = String::from_utf8_lossy(&folder["model.safetensors"][8..60]);
        assert!(
            header.contains(r#""__metadata__":{"format":"pt"}"#),
            "{header}"
        );
    }
}

/// Untrained, so the file must hold the source's own numbers, wherever they rested.
#[test]
fn every_executor_gives_back_what_it_was_given() {
    for fixture in ["tiny-bert", "tiny-bert-f16", "tiny-bert-legacy"] {
        let source = common::fixture(fixture);
        let given = tensors(&weights_of(&source));
        for (name, device) in common::devices() {
            let mut model = common::model(&source, &device);
            let config = config_of(&source);
            let folder = exported(&mut model, &config, &about(Kind::MaskedLm)).expect("a folder");
            let stored = tensors(&folder["model.safetensors"]);
            assert!(stored.len() >= 39, "{name}: {}", stored.len());
            for (tensor, numbers) in &stored {
                let old = tensor.replace("LayerNorm.weight", "LayerNorm.gamma");
                let old = old.replace("LayerNorm.bias", "LayerNorm.beta");
                // The legacy file's own bias is the decoder's, by the other name.
                let alias = "cls.predictions.decoder.bias";
                let untied = tensor == "cls.predictions.bias" && given.contains_key(alias);
                let old = if untied { alias } else { &old };
                let expected = given.get(tensor).filter(|_| !untied).or(given.get(old));
                assert_eq!(Some(numbers), expected, "{name}, {fixture}: {tensor}");
            }
            let parsed: Value = serde_json::from_slice(&folder["config.json"]).expect("JSON");
            assert_eq!(parsed["architectures"], json!(["BertForMaskedLM"]));
            if device_is_cpu(&device) {
                let config = utf8(&folder, "config.json");
                let mut again = load(&config, &folder["model.safetensors"], &CPU).expect("one");
                assert_eq!(filled(&mut again), filled(&mut model), "{fixture}");
            }
        }
    }
}

/// Ranges that begin or end within a word of two halves, or beyond the end.
#[test]
fn any_range_of_a_parameter_can_be_read() {
    let name = "encoder.layer.0.intermediate.dense.weight";
    for fixture in ["tiny-bert", "tiny-bert-f16"] {
        let folder = common::fixture(fixture);
        let stored = &tensors(&weights_of(&folder))[&format!("bert.{name}")];
        let end = stored.len();
        for (on, device) in common::devices() {
            let model = common::model(&folder, &device);
            for (offset, count) in [(0, end), (1, 1), (3, 4), (6, 5), (end - 1, 1), (end, 0)] {
                let read = block_on(model.params().read(name, offset, count)).expect("a range");
                assert_eq!(
                    read,
                    stored[offset..offset + count],
                    "{on}: {offset}, {count}"
                );
            }
            for (offset, count) in [(end, 1), (1, usize::MAX)] {
                let error = block_on(model.params().read(name, offset, count));
                assert!(matches!(error, Err(RunError::Param { .. })), "{on}");
            }
            let error = block_on(model.params().read("x", 0, 1));
            assert_eq!(error, Err(RunError::MissingParam("x".to_owned())), "{on}");
        }
    }
}

fn device_is_cpu(device: &Device) -> bool {
    matches!(device, Device::Cpu(_))
}

fn filled(model: &mut Model) -> Vec<(u32, u32)> {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let request = Request {
        text: "the [MASK] sat on the [MASK]".to_owned(),
        pair: None,
        hidden: vec![],
        top_k: 10,
        compare: Vec::new(),
    };
    let control = Control::default();
    let fill = fill_mask(model, &tokenizer, &request, &control);
    let masks = block_on(fill).expect("guesses").masks;
    let guesses = masks.iter().flat_map(|m| &m.predictions);
    guesses.map(|p| (p.id, p.logit.to_bits())).collect()
}

#[test]
fn what_cannot_go_out_is_refused_before_the_first_piece() {
    let mut model = common::model(&common::fixture("tiny-bert"), &CPU);
    let refused = |model: &mut Model, config: &str, kind: Kind, tokenizer: &[&str]| {
        let tokenizer: Vec<_> = tokenizer
            .iter()
            .map(|n| ((*n).to_owned(), vec![1]))
            .collect();
        let files = Files {
            config,
            tokenizer: &tokenizer,
        };
        let mut sink = |name: &str, _: &[u8]| Err(format!("{name} was written"));
        let control = Control::default();
        match block_on(export::folder(
            model,
            &about(kind),
            &files,
            &control,
            &mut sink,
        )) {
            Err(ExportError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    };
    let none = refused(&mut model, &tiny(), Kind::Head, &[]);
    assert_eq!(none, Refusal::NoClassifier);
    assert_eq!(size(&model, Kind::Head), Err(Refusal::NoClassifier));
    let mut encoder = common::model(&common::fixture("tiny-encoder"), &CPU);
    let config = config_of(&common::fixture("tiny-encoder"));
    assert_eq!(
        refused(&mut encoder, &config, Kind::MaskedLm, &[]),
        Refusal::NoMlm
    );
    for other in [config.as_str(), "{", "[]"] {
        let error = refused(&mut model, other, Kind::MaskedLm, &[]);
        assert!(matches!(error, Refusal::Config(_)), "{other}: {error}");
    }
    for names in [
        &["config.json"][..],
        &["a/b"],
        &[""],
        &["vocab.txt", "vocab.txt"],
    ] {
        let error = refused(&mut model, &tiny(), Kind::MaskedLm, names);
        assert!(matches!(error, Refusal::File(_)), "{names:?}: {error}");
    }
}

#[test]
fn cancelling_a_full_disk_and_weights_that_diverged_end_it() {
    let mut model = trained(&CPU, Method::Head, Pooling::Mean);
    let (config, about) = (tiny(), about(Kind::Head));
    let files = Files {
        config: &config,
        tokenizer: &[],
    };
    let cancel = CancelToken::default();
    cancel.cancel();
    let control = Control::new(cancel, || Box::pin(async {}));
    let mut sink = |_: &str, _: &[u8]| Ok::<(), String>(());
    let error = block_on(export::folder(
        &mut model, &about, &files, &control, &mut sink,
    ));
    assert!(
        matches!(error, Err(ExportError::Run(RunError::Cancelled))),
        "{error:?}"
    );

    let mut written = 0;
    let mut sink = |_: &str, bytes: &[u8]| {
        written += bytes.len();
        if written > 20_000 {
            Err("the disk is full")
        } else {
            Ok(())
        }
    };
    let control = Control::default();
    let error = block_on(export::folder(
        &mut model, &about, &files, &control, &mut sink,
    ));
    assert_eq!(error.expect_err("full").to_string(), "the disk is full");

    let name = "encoder.layer.1.output.dense.weight";
    model
        .params_mut()
        .write(name, 100, &[f32::NAN])
        .expect("it fits");
    let error = exported(&mut model, &config, &about).expect_err("NaN");
    assert!(error.to_string().contains(name), "{error}");
}

#[test]
fn the_card_tells_where_the_model_comes_from() {
    let recipe = Recipe {
        learning_rate: 3e-5,
        seed: 1234,
        ..Recipe::scheduled(Method::LastLayers(2))
    };
    let mut confusion = Confusion::new(3);
    for (truth, predicted) in [(0, 0), (0, 0), (1, 1), (1, 0), (2, 2)] {
        confusion.add(truth, predicted);
    }
    for pooling in POOLINGS {
        let mut model = trained(&CPU, Method::Head, pooling);
        let about = About {
            name: "Reviews".to_owned(),
            date: Some("2026-11-24".to_owned()),
            badge: Some("[![Try it](x/badge.svg)](x/#model=OWNER/NAME)".to_owned()),
            machine: Some(Machine {
                adapter: Some("ACME\n9000".to_owned()),
                shaders: Some("1a2b3c4d".to_owned()),
                doubt: Some("Computed before softmax was wrong.".to_owned()),
            }),
            run: Some(Run {
                recipe,
                train: vec![40, 30, 20],
                validation: vec![2, 2, 1],
                pairs: false,
                figures: Some(Figures::Classes {
                    metrics: confusion.metrics(),
                    confusion: confusion.clone(),
                }),
                best_epoch: 2,
            }),
            ..about(Kind::Head)
        };
        let folder = exported(&mut model, &tiny(), &about).expect("a folder");
        let card = utf8(&folder, "README.md");
        assert!(
            card.starts_with("---\nlibrary_name: transformers\n"),
            "{card}"
        );
        for part in [
            "pipeline_tag: text-classification",
            "base_model: \"tiny-bert\"",
            "# Reviews",
            "2026-11-24",
            "[![Try it](x/badge.svg)](x/#model=OWNER/NAME)\n\nOnce this folder is published",
            model.sha256(),
            "90 texts for training, 5 for validation",
            "| bad\\|dull | 30 | 2 |",
            "the last 2 layers",
            "| learning rate | 3e-5 |",
            "| seed | 1234 |",
            "Trained on the GPU ACME 9000, shader record 1a2b3c4d. The same seed gives the same bits",
            "**In doubt.** Computed before softmax was wrong.",
            "| this model | 0.8000 |",
            "| always the most frequent class | 0.4000 |",
            "accelerate launch run_classification.py",
            "--text_column_names text --label_column_name label",
            "All weights are F32",
        ] {
            assert!(card.contains(part), "{pooling:?}: no {part} in\n{card}");
        }
        let trust = pooling == Pooling::Mean;
        assert_eq!(card.contains("trust_remote_code=True)"), trust);
        assert_eq!(card.contains(" --trust_remote_code \\"), trust);
        assert_eq!(card.contains("2^-12"), pooling == Pooling::Cls);
    }
}

/// A file of weights as PyTorch wrote it before zip: each tensor in a storage of its own.
fn as_pytorch(file: &[u8]) -> Vec<u8> {
    let file = safetensors::SafeTensors::deserialize(file).expect("a valid file");
    let tensors = file.tensors();
    let keys: Vec<String> = (0..tensors.len()).map(|i| i.to_string()).collect();
    let (mut entries, mut storages) = (Vec::new(), Vec::new());
    for ((name, tensor), key) in tensors.iter().zip(&keys) {
        let shape: Vec<i64> = tensor.shape().iter().map(|&size| size as i64).collect();
        let after = |i: usize| shape[i + 1..].iter().product();
        let strides: Vec<i64> = (0..shape.len()).map(after).collect();
        let count = shape.iter().product();
        let storage = make::storage("FloatStorage", key, count);
        entries.push((name.as_str(), make::view(storage, 0, &shape, &strides)));
        storages.push((key.as_str(), count, tensor.data()));
    }
    make::legacy(&make::dict(&entries), &storages)
}

#[test]
fn what_came_in_as_a_pytorch_file_goes_out_as_safetensors() {
    let config = tiny();
    let newer = weights_of(&common::fixture("tiny-bert"));
    let older = as_pytorch(&newer);
    let about = about(Kind::MaskedLm);
    let outcomes = [&newer, &older].map(|file| {
        let mut model = load(&config, file, &CPU).expect("a model");
        let folder = exported(&mut model, &config, &about).expect("a folder");
        folder["model.safetensors"].clone()
    });
    assert_eq!(outcomes[0], outcomes[1]);
    load(&config, &outcomes[1], &CPU).expect("a model again");
}
