//! The engine's worker and its loads: ended, begun again, and given up half-way.

use crate::reference::Reference;
use crate::visit::{Choice, Visit, fixture, site};
use serde_json::json;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use unmask_tests::browser::{Bench, Browser, Gpu};
use xtask::server::{Reply, Site};

const TEXT: &str = "the [MASK] sat on the mat.";

/// Counts the workers that the page starts and ends.
const COUNT_WORKERS: &str = "
    window.workers = { started: 0, ended: 0 };
    window.Worker = class extends Worker {
        constructor(...all) { super(...all); window.workers.started += 1; }
        terminate() { super.terminate(); window.workers.ended += 1; }
    };";

scenario!(unloading_ends_the_worker_with_its_device_and_loading_again_works: Chromium);
fn unloading_ends_the_worker_with_its_device_and_loading_again_works(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let visit = Visit::before(&bench, site(&bench), Choice::Gpu, Gpu::Software);
    visit.before_load(COUNT_WORKERS);
    visit.go(&visit.url());
    visit.open_fixture("tiny-bert");
    visit.type_text(TEXT);
    let expected = Reference::of(&fixture("tiny-bert")).fill(TEXT);
    visit.wait_for_fill(&expected);
    visit.wait("memory in use", || visit.text_of("#device-memory") != "0 B");
    let workers = || visit.run("return [workers.started, workers.ended]", &[]);
    assert_eq!(workers(), json!([1, 0]));

    visit.open_model_card();
    visit.run("document.querySelector('.model-facts').open = true", &[]);
    visit.open_model_card();
    visit.click("button", "Unload and free its memory");
    visit.wait_for_text("#model-name", "No model");
    visit.wait_for_text("#hint", "No model is loaded.");
    assert_eq!(visit.strip(), []);
    assert_eq!(visit.cards().len(), 0);
    assert_eq!(workers(), json!([2, 1]), "the device went with its worker");
    visit.wait_for_text("#self-test", "Self-test passed: all ");
    visit.wait("all memory back", || {
        visit.text_of("#device-memory") == "0 B"
    });

    visit.open_fixture("tiny-bert");
    visit.wait_for_fill(&expected);
    assert_eq!(workers(), json!([2, 1]));
    visit.end();
}

/// A file that comes so slowly that it would take hours.
struct Trickle(File);

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        std::thread::sleep(Duration::from_millis(100));
        let few = buffer.len().min(200);
        self.0.read(&mut buffer[..few])
    }
}

/// The page with a bundled model that never comes to its end.
pub fn trickling(bench: &Bench) -> Site {
    let weights = bench.site.join("models/seedling/model.planes");
    let slow = move || {
        let file = File::open(&weights).expect("the bundled model");
        let length = file.metadata().expect("its length").len();
        Reply {
            length: Some(length),
            body: Box::new(Trickle(file)),
            ..Reply::new(200)
        }
    };
    site(bench).answer("/models/seedling/model.planes", slow)
}

scenario!(a_load_can_be_given_up_half_way: Chromium);
fn a_load_can_be_given_up_half_way(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let site = trickling(&bench);
    let visit = Visit::with(&bench, site, Choice::Cpu, Gpu::Software);
    visit.wait_for_text("#loading", "Reading weights");
    visit.find("progressbar", "Loading the model");
    visit.click("button", "Cancel");
    visit.wait_for_text("#model-name", "No model");
    visit.wait_for_text("#hint", "No model is loaded.");

    // A model that is there keeps answering while another comes, and after that is given up.
    visit.open_fixture("tiny-bert");
    let reference = Reference::of(&fixture("tiny-bert"));
    visit.open_model_card();
    visit.click("button", "Load the bundled model");
    visit.wait_for_text("#loading", "Reading weights");
    visit.type_text(TEXT);
    visit.wait_for_fill(&reference.fill(TEXT));
    visit.click("button", "Cancel");
    visit.wait_for_model("model.safetensors");
    visit.type_text("is it [MASK]?");
    visit.wait_for_fill(&reference.fill("is it [MASK]?"));

    // Another load in its place ends it too.
    visit.open_model_card();
    visit.click("button", "Load the bundled model");
    visit.wait_for_text("#loading", "Reading weights");
    visit.open_fixture("tiny-bert-f16");
    visit.wait_for_fill(&Reference::of(&fixture("tiny-bert-f16")).fill("is it [MASK]?"));
    visit.end();
}

scenario!(an_engine_that_is_not_there_is_told_of_and_can_be_started_again: Chromium);
fn an_engine_that_is_not_there_is_told_of_and_can_be_started_again(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let (there, script) = (Arc::new(AtomicBool::new(false)), bench.built("worker.js"));
    let file = bench.site.join(&script);
    let answer = {
        let there = Arc::clone(&there);
        move || {
            let found = there.load(Ordering::Relaxed);
            let bytes = std::fs::read(&file).expect("the built page");
            let mut reply = Reply::bytes("text/javascript", bytes);
            reply.status = if found { 200 } else { 404 };
            reply
        }
    };
    let site = site(&bench).answer(&format!("/{script}"), answer);
    let visit = Visit::with(&bench, site, Choice::Cpu, Gpu::None);
    let said = visit.alert("The engine could not start");
    assert!(said.contains("could not be loaded"), "{said}");
    assert_eq!(visit.text_of(".badge"), "Engine: Engine stopped");
    visit.resize(780, 900);
    visit.screenshot("worker-missing");
    there.store(true, Ordering::Relaxed);
    visit.click("button", "Start the engine again");
    visit.wait_for_model("Seedling");
    assert_eq!(visit.all("alert", "").len(), 0);
    // The console has the two answers of 404, and nothing that broke.
    let errors = visit.console_errors();
    assert!(
        errors.iter().all(|error| error.contains("404")),
        "{errors:?}"
    );
    visit.end_as_it_is();
}

/// A minute takes a second.
const HURRY: &str = "
    const wait = window.setTimeout;
    window.setTimeout = (then, pause, ...rest) => wait(then, pause === 60000 ? 1000 : pause, ...rest);";

scenario!(an_engine_that_says_nothing_is_told_of: Chromium);
fn an_engine_that_says_nothing_is_told_of(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let silent = || Reply::bytes("text/javascript", b"// Says nothing.".to_vec());
    let site = site(&bench).answer(&format!("/{}", bench.built("worker.js")), silent);
    let visit = Visit::before(&bench, site, Choice::Cpu, Gpu::None);
    visit.before_load(HURRY);
    visit.go(&visit.url());
    let said = visit.alert("The engine does not answer");
    assert!(said.contains("60 seconds ago"), "{said}");
    visit.find("button", "Start the engine again");
    assert_eq!(visit.console_errors(), Vec::<String>::new());
    visit.end_as_it_is();
}
