//! Classifiers in and out: loading, classifying, exporting and importing again.

#[path = "../common/mod.rs"]
mod common;

#[path = "../checkpoint/pytorch/make.rs"]
#[allow(dead_code)] // a part of it is needed here
mod make;

mod classifier;
mod families;
mod folder;
mod head;
mod limit;
mod predictions;

use std::collections::BTreeMap;
use std::path::Path;

use bert::config::Config;
use bert::config::Pooling;
use bert::data::Text;
use bert::export::{self, About, ExportError, Files, Kind};
use bert::model::{LoadError, Model, ModelLoader, TaskHead};
use bert::probe::{Classification, classify};
use bert::train::{Method, Recipe, Training};
use kernels::{Control, Device, Precision};
use pollster::block_on;

const CPU: Device = Device::Cpu(Precision::F32);

fn load(config: &str, file: &[u8], device: &Device) -> Result<Model, LoadError> {
    let config = Config::from_json(config).expect("a valid config.json");
    let mut loader = ModelLoader::new(device, config, Some(file.len() as u64))?;
    for chunk in file.chunks(10_007) {
        loader.push(chunk)?;
    }
    block_on(loader.finish())
}

fn config_of(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("config.json")).expect("config.json")
}

fn weights_of(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("model.safetensors")).expect("model.safetensors")
}

fn text(text: &str, pair: Option<&str>) -> Text {
    Text {
        text: text.to_owned(),
        pair: pair.map(str::to_owned),
    }
}

/// Texts of many lengths, more than one batch of them, a pair among them, one beyond the limit.
fn texts() -> Vec<Text> {
    let mut texts = vec![
        text("a cat", Some("it is bad")),
        text(&"the film was good. ".repeat(30), None),
    ];
    texts.extend((0..20).map(|i| text(&"not so bad ".repeat(i % 7), None)));
    texts
}

fn classified(model: &mut Model) -> Vec<Classification> {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let control = Control::default();
    block_on(classify(model, &tokenizer, &texts(), &control)).expect("a classifier")
}

/// The logits' bits.
fn bits(found: &[Classification]) -> Vec<Vec<u32>> {
    let bits = |c: &Classification| c.logits.iter().map(|l| l.to_bits()).collect();
    found.iter().map(bits).collect()
}

/// tiny-bert after two short epochs on three classes.
fn trained(device: &Device, method: Method, pooling: Pooling) -> Model {
    let folder = common::fixture("tiny-bert");
    let mut model = common::model(&folder, device);
    let tokenizer = common::tokenizer(&folder);
    let words = ["good great love", "bad dull hate", "is it a dog"];
    let examples: Vec<bert::data::Example> = (0..12)
        .map(|i| {
            let text = format!("{} {}", words[i % 3], "so ".repeat(i / 3));
            bert::data::Example::of_class(text, i % 3)
        })
        .collect();
    let recipe = Recipe {
        learning_rate: 1e-2,
        epochs: 2,
        batch: 4,
        pooling,
        ..Recipe::scheduled(method)
    };
    let control = Control::default();
    let classes = common::classes(3);
    let lesson = common::lesson(&classes, &examples, &examples);
    let start = Training::start(&mut model, &tokenizer, &lesson, recipe);
    let mut training = block_on(start).expect("a run");
    loop {
        let event = block_on(training.advance(&mut model, &control)).expect("an event");
        if matches!(event, bert::train::Event::Done { .. }) {
            break;
        }
    }
    training.finish(&mut model).expect("the best weights");
    let labels = labels();
    model
        .set_head(TaskHead::new(labels, pooling))
        .expect("it fits");
    model
}

fn labels() -> Vec<String> {
    ["good", "bad|dull", "a \"question\""]
        .map(str::to_owned)
        .to_vec()
}

fn about(kind: Kind) -> About {
    About {
        name: "a test".to_owned(),
        base: "tiny-bert".to_owned(),
        kind,
        run: None,
        machine: None,
        date: None,
        badge: None,
    }
}

/// A folder in memory.
type Folder = BTreeMap<String, Vec<u8>>;

fn exported(model: &mut Model, config: &str, about: &About) -> Result<Folder, ExportError<String>> {
    let tokenizer = [("vocab.txt".to_owned(), b"[PAD]\n".to_vec())];
    let files = Files {
        config,
        tokenizer: &tokenizer,
    };
    let mut folder = Folder::new();
    let mut order: Vec<String> = Vec::new();
    let mut sink = |name: &str, bytes: &[u8]| {
        assert!(
            bytes.len() <= 2 << 20,
            "{name}: a piece of {} bytes",
            bytes.len()
        );
        if order.last().is_none_or(|last| last != name) {
            assert!(!order.iter().any(|n| n == name), "{name} comes in one go");
            order.push(name.to_owned());
        }
        folder.entry(name.to_owned()).or_default().extend(bytes);
        Ok(())
    };
    let control = Control::default();
    block_on(export::folder(model, about, &files, &control, &mut sink))?;
    Ok(folder)
}

fn utf8(folder: &Folder, name: &str) -> String {
    String::from_utf8(folder[name].clone()).expect("UTF-8")
}
