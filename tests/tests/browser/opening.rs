//! Opening the page: what shows first, which device it takes, and whether that computes right.

use crate::reference::Reference;
use crate::visit::{Choice, Visit, site};
use serde_json::json;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use unmask_tests::browser::{Bench, Browser, Gpu};
use xtask::server::{Reply, Site};

/// The text that a visitor finds.
const FIRST_TEXT: &str = "He poured a cup of [MASK] and sat down.";
const TITLE: &str = "Hide a word. See what BERT expects.";

/// Holds back an answer of the server until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<AtomicBool>);

impl Gate {
    fn open(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// A program that arrives once the gate is open.
    fn program(&self, file: &Path) -> impl Fn() -> Reply + Send + Sync + 'static {
        let bytes = std::fs::read(file).expect("the built page");
        let gate = self.clone();
        move || {
            let reply = Reply::bytes("application/wasm", bytes.clone());
            let held = Held(gate.clone(), reply.body);
            Reply {
                body: Box::new(held),
                ..reply
            }
        }
    }
}

struct Held(Gate, Box<dyn Read + Send>);

impl Read for Held {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.0.0.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.1.read(buffer)
    }
}

scenario!(first_paint_waits_for_no_program_and_the_page_not_for_the_engine: Chromium Firefox WebKit);
fn first_paint_waits_for_no_program_and_the_page_not_for_the_engine(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let (page, engine) = (Gate::default(), Gate::default());
    let (app_name, engine_name) = (bench.built("app_bg.wasm"), bench.built("engine_bg.wasm"));
    let site = site(&bench)
        .answer(
            &format!("/{app_name}"),
            page.program(&bench.site.join(&app_name)),
        )
        .answer(
            &format!("/{engine_name}"),
            engine.program(&bench.site.join(&engine_name)),
        );
    let visit = Visit::with(&bench, site, Choice::None, Gpu::Software);
    visit.find("heading", TITLE);
    visit.wait("the first paint", || {
        let script = "return performance.getEntriesByName('first-contentful-paint').length";
        visit.run(script, &[]) == json!(1)
    });
    assert_eq!(visit.text_of("#still-word"), "Opening the page");

    page.open();
    visit.wait_for_text("#engine-badge", "Starting the engine");
    visit.find("heading", TITLE);
    // What one types before the engine is there is not lost.
    let text = "The cat sat on the [MASK].";
    visit.type_text(text);
    visit.wait_for_text("#engine-badge", "Starting the engine");

    engine.open();
    visit.wait_for_model("Seedling");
    visit.wait_for_fill(&Reference::bundled().fill(text));
    visit.end();
}

scenario!(a_software_gpu_is_named_but_used_only_on_request_and_both_devices_compute_right: Chromium Firefox);
fn a_software_gpu_is_named_but_used_only_on_request_and_both_devices_compute_right(
    browser: Browser,
) {
    let Some(visit) = Visit::begin(browser, Choice::None) else {
        return;
    };
    visit.wait_for_text("#self-test", "Self-test passed: all ");
    let badge = visit.find("button", "Engine:").name();
    assert!(badge.contains("CPU"), "{badge}");
    visit.wait_for_text("#device-line", "imitated in software");
    assert_eq!(visit.engine_fact("Kind"), "Software (slow)");
    for heading in ["Adapter", "Backend"] {
        assert!(!visit.engine_fact(heading).is_empty(), "{heading}");
    }
    let kernels = |visit: &Visit| {
        let rows = "
            const rows = [...document.querySelectorAll('#self-test tbody tr')];
            return rows.map((row) => row.innerText || row.textContent);";
        let rows = visit.run(rows, &[]);
        let rows = rows.as_array().expect("a list").clone();
        assert!(!rows.is_empty());
        for row in &rows {
            assert!(row.as_str().is_some_and(|row| row.contains("✓")), "{row}");
        }
        rows.len()
    };
    assert_eq!(
        visit.text_of("#self-test > p"),
        format!("Self-test passed: all {} GPU kernels", kernels(&visit))
    );

    visit.click("button", "Engine:");
    visit.click("radio", "GPU (software)");
    visit.wait_for_text("#engine-badge", "GPU (software)");
    visit.wait_for_text("#self-test", "Self-test passed: all ");
    kernels(&visit);
    assert_eq!(visit.engine_fact("Runs on"), "GPU (software)");

    // The choice lasts until the next visit.
    visit.go(&visit.url());
    visit.wait_for_text("#engine-badge", "GPU (software)");
    visit.wait_for_text("#self-test", "Self-test passed: all ");
    kernels(&visit);
    visit.end();
}

scenario!(without_webgpu_the_page_says_so_and_computes_all_the_same: Chromium Firefox WebKit);
fn without_webgpu_the_page_says_so_and_computes_all_the_same(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    // Someone who once chose the GPU is not left without an answer either.
    for choice in [Choice::None, Choice::Gpu] {
        let visit = Visit::with(&bench, site(&bench), choice, Gpu::None);
        visit.wait_for_text("#self-test", "Self-test passed: all ");
        visit.wait_for_text("#device-line", "Runs on the CPU: no usable GPU was found.");
        let note = visit.text_of("#engine-card .note");
        // Firefox has no `navigator.gpu` at all then.
        let said = ["no usable GPU", "no WebGPU"];
        assert!(said.iter().any(|said| note.contains(said)), "{note}");
        assert_eq!(visit.engine_fact("Runs on"), "CPU");
        let expected = Reference::bundled().fill(FIRST_TEXT);
        visit.wait_for_fill(&expected);
        visit.end();
    }
}

scenario!(any_folder_of_a_host_will_do: Chromium Firefox WebKit);
fn any_folder_of_a_host_will_do(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let site = Site::new("/nonexistent").mount("some/where", &bench.site);
    let visit = Visit::before(&bench, site, Choice::Cpu, Gpu::Software);
    visit.go(&format!("{}some/where/", visit.url()));
    visit.wait_for_model("Seedling");
    visit.wait_for_fill(&Reference::bundled().fill(FIRST_TEXT));
    visit.end();
}
