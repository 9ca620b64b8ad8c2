//! What the parity tests share: folders, devices, and loading a checkpoint in small chunks.
#![allow(dead_code)] // each test binary uses a part

use std::path::{Path, PathBuf};

use bert::config::Config;
use bert::model::{Model, ModelLoader};
use bert::tokenizer::Tokenizer;
use kernels::gpu::{Gpu, Options, Style};
use kernels::{Device, Precision};

/// A folder of the project's own fixtures.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures")
        .join(name)
}

/// The bundled checkpoint.
pub fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/models/seedling")
}

/// A folder of the material that may lie beside the checkout; says so where it does not.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared")
        .join(name);
    if !path.exists() {
        eprintln!("SKIPPED: ../shared/{name} is not there");
        return None;
    }
    Some(path)
}

/// Names of so many classes.
pub fn classes(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("class {i}")).collect()
}

/// Texts of classes, to learn from and to check with.
pub fn lesson<'a>(
    labels: &'a [String],
    train: &'a [bert::data::Example],
    validation: &'a [bert::data::Example],
) -> bert::train::Lesson<'a> {
    bert::train::Lesson {
        kind: bert::config::HeadKind::Classes,
        labels,
        train,
        validation,
    }
}

/// The CPU executor, and the GPU one with both families of shaders.
pub fn devices() -> Vec<(&'static str, Device)> {
    let gpu = |style| {
        let options = Options {
            style: Some(style),
            ..Options::default()
        };
        Device::Gpu(
            pollster::block_on(Gpu::new(options))
                .expect("a Vulkan adapter: Debian's mesa-vulkan-drivers has a software one"),
        )
    };
    vec![
        ("cpu", Device::Cpu(Precision::F32)),
        ("gpu, tiles", gpu(Style::Tiles)),
        ("gpu, lanes", gpu(Style::Lanes)),
    ]
}

pub fn config(folder: &Path) -> Config {
    let text = std::fs::read_to_string(folder.join("config.json")).expect("config.json");
    Config::from_json(&text).expect("a valid config.json")
}

pub fn tokenizer(folder: &Path) -> Tokenizer {
    let bytes = std::fs::read(folder.join("tokenizer.json")).expect("tokenizer.json");
    Tokenizer::from_tokenizer_json(&bytes).expect("a valid tokenizer.json")
}

/// The file of weights: model.safetensors, or pytorch_model.bin where there is none.
pub fn weights(folder: &Path) -> Vec<u8> {
    let newer = std::fs::read(folder.join("model.safetensors"));
    newer
        .or_else(|_| std::fs::read(folder.join("pytorch_model.bin")))
        .expect("a file of weights")
}

/// A folder's config.json with `is_decoder`: its weights then read left to right.
pub fn causal_config(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("config.json")).expect("config.json");
    let mut map: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    map["is_decoder"] = true.into();
    map.to_string()
}

pub fn model(folder: &Path, device: &Device) -> Model {
    model_of(folder, config(folder), device)
}

/// The same with another configuration.
pub fn model_of(folder: &Path, config: Config, device: &Device) -> Model {
    let bytes = weights(folder);
    let mut loader = ModelLoader::new(device, config, Some(bytes.len() as u64)).expect("a loader");
    // A length that divides nothing, so that pieces begin and end everywhere.
    for chunk in bytes.chunks(99_991) {
        loader.push(chunk).expect("a valid file");
    }
    pollster::block_on(loader.finish()).expect("a whole model")
}
