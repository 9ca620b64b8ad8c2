//! GPUs that compute wrong: shaders are changed on their way from the page's program to the browser.

use crate::reference::Reference;
use crate::visit::{Choice, Visit, fixture, site};
use serde_json::{Value, json};
use std::path::PathBuf;
use unmask_tests::browser::{Bench, Browser, Gpu};
use xtask::server::{Reply, Site};

const TEXT: &str = "the [MASK] sat on the mat.";

/// The browser's software adapter under a real one's name.
const AS_HARDWARE: &str = "
    const info = { vendor: 'acme', architecture: '9000', device: '', description: '',
        isFallbackAdapter: false, subgroupMinSize: 4, subgroupMaxSize: 4 };
    for (const [type, key] of [[GPUAdapter, 'info'], [GPUDevice, 'adapterInfo']])
        Object.defineProperty(type.prototype, key, { get: () => info });
    Object.defineProperty(GPUAdapter.prototype, 'isFallbackAdapter', { get: () => false });";

/// Gives the shader of this name another text, and its twin that stores four columns at a time.
fn broken(shader: &str, from: &str, to: &str) -> String {
    let [shader, from, to] = [shader, from, to].map(|text| json!(text).to_string());
    format!(
        "const create = GPUDevice.prototype.createShaderModule;
        GPUDevice.prototype.createShaderModule = function (descriptor) {{
            let {{ code, label }} = descriptor;
            if (label === {shader} || label === {shader} + ', fours') {{
                if (!code.includes({from})) throw new Error('nothing to change in ' + label);
                code = code.replaceAll({from}, {to});
            }}
            return create.call(this, {{ ...descriptor, code }});
        }};"
    )
}

/// Keeps what the engine says, in order, and which shaders it was told of.
const HEAR: &str = "
    window.heard = [];
    window.Worker = class extends Worker {
        constructor(...all) {
            super(...all);
            this.addEventListener('message', ({ data }) => {
                const event = JSON.parse(Array.isArray(data) ? data[0] : data);
                window.heard.push(event);
            });
        }
    };";

/// The site, whose worker first runs a script of the test's.
fn with_worker(bench: &Bench, script: &str) -> Site {
    let name = bench.built("worker.js");
    let worker = std::fs::read_to_string(bench.site.join(&name)).expect("the built page");
    let worker = format!("{{{script}}}\n{worker}");
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    // As a page for development has it: the real one would refuse the changed worker.
    let keeper = std::fs::read(root.join("static/sw.js")).expect("the service worker");
    let script = |bytes: Vec<u8>| move || Reply::bytes("text/javascript", bytes.clone());
    site(bench)
        .answer(&format!("/{name}"), script(worker.into_bytes()))
        .answer("/sw.js", script(keeper))
}

/// A visit by someone who chose the GPU, with the smallest checkpoint.
fn open(bench: &Bench, script: &str, choice: Choice) -> Visit {
    let site = with_worker(bench, script);
    let visit = Visit::before(bench, site, choice, Gpu::Software);
    visit.before_load(HEAR);
    visit.go(&visit.url());
    visit.open_fixture("tiny-bert");
    visit.type_text(TEXT);
    visit
}

/// Places, among all that the engine has said, of the events that a script picks.
fn places(visit: &Visit, is: &str) -> Vec<u64> {
    let script = format!("return heard.flatMap((e, at) => ({is}) ? [at] : [])");
    let found = visit.run(&script, &[]);
    serde_json::from_value(found).expect("numbers")
}

const COMPLETE: &str = "e.self_test?.test.complete";

fn wait_until_complete(visit: &Visit) {
    visit.wait("the whole self-test", || {
        !places(visit, COMPLETE).is_empty()
    });
}

fn last_test(visit: &Visit) -> Value {
    visit.run(
        "return heard.findLast((e) => e.self_test).self_test.test",
        &[],
    )
}

scenario!(the_first_answer_comes_before_the_long_part_of_the_self_test_and_all_is_right: Chromium);
fn the_first_answer_comes_before_the_long_part_of_the_self_test_and_all_is_right(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let visit = open(&bench, "", Choice::Gpu);
    let expected = Reference::of(&fixture("tiny-bert")).fill(TEXT);
    visit.wait_for_fill(&expected);
    wait_until_complete(&visit);
    let answers = places(&visit, "e.filled");
    let complete = places(&visit, COMPLETE);
    assert!(answers[0] < complete[0], "{answers:?}, {complete:?}");
    let test = last_test(&visit);
    assert_eq!(
        (&test["trusted"], &test["left_out"]),
        (&json!(true), &json!([]))
    );
    let checks = test["checks"].as_array().expect("checks");
    assert!(
        checks.iter().all(|check| check["passed"] == json!(true)),
        "{test}"
    );
    let start = "return heard.find((e) => e.self_test).self_test.test.checks.length";
    let start = visit.run(start, &[]).as_u64().expect("a number");
    assert!(checks.len() as u64 > start, "variants have been tested too");
    visit.wait_for_text(
        "#self-test > p",
        &format!("all {} GPU kernels", checks.len()),
    );
    assert_eq!(visit.text_of("#probe-doubt"), "");
    visit.end();
}

scenario!(a_variant_that_computes_wrong_is_left_out_by_name_and_the_answer_is_right: Chromium);
fn a_variant_that_computes_wrong_is_left_out_by_name_and_the_answer_is_right(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let fault = broken(
        "matrix product, tiles 64x64",
        "fn activate(x: f32) -> f32 {",
        "fn activate(y: f32) -> f32 { let x = y * 1.25;",
    );
    let visit = open(&bench, &format!("{AS_HARDWARE}{fault}"), Choice::None);
    visit.wait("the variant to be left out", || {
        !places(&visit, "e.self_test?.test.left_out.length").is_empty()
    });
    let test = last_test(&visit);
    assert_eq!(test["trusted"], json!(true), "{test}");
    assert_eq!(test["left_out"][0]["what"], json!("tiles-64x64"), "{test}");
    let expected = Reference::of(&fixture("tiny-bert")).fill(TEXT);
    visit.wait_for_fill(&expected);
    visit.wait("the mark to go", || {
        visit.text_of("#probe-doubt").is_empty()
    });
    let badge = visit.find("button", "Engine:").name();
    assert!(badge.contains("GPU, without tiles-64x64"), "{badge}");
    visit.wait_for_text("#self-test", "Without tiles-64x64: ");
    visit.wait_for_text("#self-test", "is wrong");
    assert_eq!(visit.engine_fact("Runs on"), "GPU");
    visit.end();
}

scenario!(a_gpu_whose_every_way_is_wrong_gives_way_to_the_processor: Chromium);
fn a_gpu_whose_every_way_is_wrong_gives_way_to_the_processor(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let fault = broken("softmax", "/ sum", "/ (1.5 * sum)");
    let visit = open(&bench, &format!("{AS_HARDWARE}{fault}"), Choice::None);
    visit.wait_for_text("#device-line", "the GPU here computes wrong");
    let reference = Reference::of(&fixture("tiny-bert"));
    visit.wait_for_model("model.safetensors");
    visit.wait_for_fill(&reference.fill(TEXT));
    assert_eq!(visit.engine_fact("Runs on"), "CPU");
    let note = visit.text_of("#engine-card .note");
    assert!(note.contains("Your GPU computes softmax wrong ("), "{note}");
    assert!(note.contains("so the processor computes."), "{note}");
    let chosen = "return document.querySelector('#executor-cpu').checked";
    assert_eq!(visit.run(chosen, &[]), json!(true));
    let remembered = "return localStorage.getItem('unmask.device')";
    assert_eq!(visit.run(remembered, &[]), Value::Null, "nobody chose that");

    // Whoever insists gets it, marked, and is not sent back.
    visit.click("button", "Engine:");
    visit.click("radio", "GPU");
    visit.wait_for_text("#engine-badge", "wrong answers from softmax");
    visit.wait_for_text("#self-test", "Do not trust what this device computes");
    visit.wait_for_text("#probe-doubt", "computes softmax wrong");
    assert_eq!(visit.engine_fact("Runs on"), "GPU");
    visit.end();
}
