//! A checkpoint of real size: it goes to the device piece by piece and never lies in the engine's
//! memory as a whole.

use crate::visit::{Choice, Visit};
use tempfile::TempDir;
use unmask_tests::large::{Shape, write_checkpoint};

/// What the engine's memory may grow by, whatever the checkpoint's size.
const GROWTH: f64 = 128.0 * 1024.0 * 1024.0;

#[test]
fn a_checkpoint_of_400_mb_passes_through_little_memory() {
    let Some(visit) = Visit::begin(Choice::Gpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-large-").expect("a folder");
    let length = write_checkpoint(folder.path(), &Shape::BERT_BASE, 7).expect("room on the disk");
    assert!(length > 400_000_000);
    // Nothing to predict: this is about memory, and a software GPU would take its time.
    visit.wait_for_model("Seedling");
    visit.type_text("abc");
    visit.wait_for_text("#self-test", "Self-test: all ");
    let before = megabytes(&visit.engine_fact("WebAssembly memory"));

    let names = ["config.json", "model.safetensors", "vocab.txt"];
    visit.pick(&names.map(|name| folder.path().join(name)));
    visit.wait_for_model("model.safetensors");
    visit.wait("the tokens", || visit.strip().len() == "abc".len() + 2);
    visit.wait("the weights on the device", || {
        megabytes(&visit.text_of("#device-memory")) >= 400.0
    });
    let after = megabytes(&visit.engine_fact("WebAssembly memory"));
    eprintln!("WebAssembly memory: {before} MB before, {after} MB after");
    assert!(
        before > 0.0 && (after - before) * 1e6 < GROWTH,
        "{before} MB before, {after} MB after"
    );
    visit.end();
}

/// `17.3 MB`
fn megabytes(shown: &str) -> f64 {
    let (number, unit) = shown.split_once(' ').unwrap_or_default();
    let worth = match unit {
        "GB" => 1e3,
        "MB" => 1.0,
        "kB" => 1e-3,
        "B" => 1e-6,
        _ => f64::NAN,
    };
    number.parse::<f64>().unwrap_or(f64::NAN) * worth
}
