//! Looks inside every family against `transformers` and Captum (`tests/tools/inside_golden.py`), on every executor.

#[path = "../common/mod.rs"]
mod common;

mod golden;
mod refused;
mod replacing;
mod rewind;
mod shape;

use bert::inside::{Head, InsideError, Subject};
use bert::model::Model;
use bert::tokenizer::Tokenizer;
use kernels::{Control, Device, Precision};
use serde_json::Value;

/// The executors: both precisions of the CPU's, and the GPU's with both families of shaders.
fn devices() -> Vec<(&'static str, Device)> {
    let mut devices = common::devices();
    devices.push(("cpu, f64", Device::Cpu(Precision::F64)));
    devices
}

/// A checkpoint of the golden file, and what cuts its texts.
struct Loaded {
    model: Model,
    tokenizer: Tokenizer,
}

impl Loaded {
    fn new(folder: &str, tokenizer: &str, device: &Device) -> Self {
        Self {
            model: common::model(&common::fixture(folder), device),
            tokenizer: common::tokenizer(&common::fixture(tokenizer)),
        }
    }

    fn cpu(folder: &str) -> Self {
        Self::new(folder, folder, &Device::Cpu(Precision::F32))
    }
}

/// Polls a look to its end.
fn wait<T>(look: impl Future<Output = Result<T, InsideError>>) -> Result<T, InsideError> {
    pollster::block_on(look)
}

fn control() -> Control {
    Control::default()
}

/// A text without a pair, of which nothing is hidden beside what is typed.
fn subject(text: &str) -> Subject {
    Subject {
        text: text.to_owned(),
        ..Subject::default()
    }
}

fn golden() -> Value {
    let text = std::fs::read_to_string(common::fixture("inside.json")).expect("the golden file");
    serde_json::from_str(&text).expect("JSON")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(number)
        .collect()
}

fn index(value: &Value) -> usize {
    value.as_u64().expect("an index") as usize
}

fn indices(value: &Value) -> Vec<usize> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(index)
        .collect()
}

fn heads(value: &Value) -> Vec<Head> {
    let head = |pair: &Value| Head {
        layer: index(&pair[0]),
        head: index(&pair[1]),
    };
    value.as_array().expect("a list").iter().map(head).collect()
}

/// Every number within `allowed` of the reference.
fn near(found: &[f32], expected: &[f64], allowed: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: how many");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(
            error <= allowed,
            "{what}, number {i}: {found}, not {expected} (error {error:.2e})"
        );
    }
}

/// Within `allowed` of the largest number of the reference, or of 0.05: below that, logits differ by as much.
fn relative(found: &[f32], expected: &[f64], allowed: f64, what: &str) {
    let size = expected.iter().fold(0.0f64, |size, x| size.max(x.abs()));
    near(found, expected, allowed * size.max(0.05), what);
}
