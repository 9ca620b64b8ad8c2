//! A checkpoint of real size from the stand-in hub: it goes to the device, and to the disk, piece by
//! piece and never lies in the engine's memory as a whole.

use crate::sources::{look, with_hub};
use crate::visit::{Choice, Visit};
use serde_json::json;
use std::time::Instant;
use tempfile::TempDir;
use unmask_tests::browser::{Bench, Browser, Gpu};
use unmask_tests::hub::Hub;
use unmask_tests::large::{Shape, Weights, write_checkpoint};

const MODEL: &str = "large/bert";
/// What the engine's memory may grow by, whatever the checkpoint's size.
const GROWTH: f64 = 128.0 * 1024.0 * 1024.0;
/// What the device may hold for each byte of the file.
const DEVICE: f64 = 1.05;

/// Reads a file as fast as the browser can, and lets go of what it reads; milliseconds.
const RAW: &str = "
    const began = performance.now();
    return fetch(arguments[0]).then(async ({ body }) => {
        for (const reader = body.getReader(); !(await reader.read()).done; );
        return performance.now() - began;
    });";

scenario!(a_checkpoint_of_400_mb_passes_through_little_memory: Chromium);
fn a_checkpoint_of_400_mb_passes_through_little_memory(browser: Browser) {
    passes_through_little_memory(browser, Weights::Safetensors, "model.safetensors");
}

scenario!(a_pickle_of_400_mb_passes_through_little_memory: Chromium);
fn a_pickle_of_400_mb_passes_through_little_memory(browser: Browser) {
    passes_through_little_memory(browser, Weights::Pytorch, "pytorch_model.bin");
}

fn passes_through_little_memory(browser: Browser, weights: Weights, name: &str) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-large-").expect("a folder");
    let length = write_checkpoint(folder.path(), &Shape::BERT_BASE, weights, 7);
    let length = length.expect("room on the disk");
    assert!(length > 400_000_000);
    let hub = Hub::start(&[(MODEL, folder.path().to_owned())]);
    let visit = Visit::with(&bench, with_hub(&bench, &hub), Choice::Gpu, Gpu::Software);
    visit.wait_for_model("Seedling");
    // The shortest text with something to predict: a software GPU takes its time.
    visit.type_text("a [MASK]");
    visit.wait_for_text("#self-test", "Self-test passed: all ");
    visit.wait("the first model's answer", || visit.cards().len() == 1);
    let before = megabytes(&visit.engine_fact("WebAssembly memory"));

    look(&visit, MODEL);
    let began = Instant::now();
    visit.click("button", "Load");
    visit.wait_for_model(MODEL);
    visit.wait_for_text("#took", "Computed in");
    let spent = began.elapsed().as_secs_f64();
    let after = megabytes(&visit.engine_fact("WebAssembly memory"));
    let device = megabytes(&visit.text_of("#device-memory"));
    let file = format!("{}{name}", hub.folder(MODEL));
    let raw = visit.run(RAW, &[json!(file)]).as_f64().unwrap_or(f64::NAN) / 1e3;
    let took = visit.text_of("#took");
    eprintln!(
        "{length} bytes: {spent:.1} s from the click to the first prediction, {raw:.1} s to read them raw. \
         {took}. WebAssembly memory {before} MB before, {after} MB after; device {device} MB"
    );
    assert!(
        before > 0.0 && (after - before) * 1e6 < GROWTH,
        "{before} MB before, {after} MB after"
    );
    assert!(
        (0.9..DEVICE).contains(&(device * 1e6 / length as f64)),
        "{device} MB on the device for {length} bytes"
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
