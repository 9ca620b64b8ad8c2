//! The last run, which outlives the page: a reload in its middle, another encoder, and its deletion.
//! WebKit takes no part: its driver browses privately, where no file is kept.

use crate::teaching::{moods, run_line, set, start, write};
use crate::visit::{Choice, Visit};
use serde_json::json;
use tempfile::TempDir;
use unmask_tests::browser::Browser;

const RESUME: &str = "return document.querySelector('#resume-run')?.disabled";

/// A small model that learns from a file, past its first epoch, and rests.
fn begun(browser: Browser, folder: &TempDir) -> Option<Visit> {
    let visit = Visit::begin(browser, Choice::Cpu)?;
    visit.open_fixture("tiny-bert");
    visit.wait_for_model("model.safetensors");
    visit.click("tab", "Teach");
    visit.upload("#pick-examples", &[write(folder, "moods.tsv", &moods())]);
    visit.wait_for_text("#data-line", "36 rows");
    visit.click("radio", "Last layers");
    set(
        &visit,
        &[
            ("Learning rate", "1e-3"),
            ("Epochs", "1000"),
            // Steps enough for a minute, so that it does not end by itself meanwhile.
            ("Batch size", "1"),
        ],
    );
    start(&visit);
    visit.wait("an epoch", || {
        visit.text_of("#accuracy-chart").contains("After epoch")
    });
    // At once: a run of the smallest model is soon over. Others press the button as visitors do.
    visit.wait("the rest", || {
        visit.run("document.querySelector('#pause-run')?.click()", &[]);
        run_line(&visit).contains("Paused")
    });
    visit.wait_for_text("#kept-run", "moods.tsv on model.safetensors");
    // What is told of a kept run is written by then, or soon.
    let written = "return (async () => {
        const top = await navigator.storage.getDirectory();
        const folder = await top.getDirectoryHandle('last-run').catch(() => null);
        return folder !== null && await folder.getFileHandle('run.json').then(() => true, () => false);
        })()";
    visit.wait("its file", || visit.run(written, &[]) == json!(true));
    Some(visit)
}

/// Opens the page anew, as a reload does, and brings the run back onto its own model.
fn brought_back(visit: &Visit) {
    visit.go("about:blank");
    visit.go(&visit.url());
    visit.wait_for_model("Seedling");
    visit.click("tab", "Teach");
    visit.click("button", "Bring it back");
    visit.wait_for_text("#data-line", "36 rows");
    // Another encoder is loaded: the run does not go on there.
    visit.wait_for_text("#resume-why", "belongs to another model");
    assert_eq!(visit.run(RESUME, &[]), json!(true));
    visit.open_fixture("tiny-bert");
    visit.wait("the run can go on", || {
        visit.run(RESUME, &[]) == json!(false)
    });
}

scenario!(a_run_goes_on_after_a_reload_in_its_middle: Chromium Firefox);
fn a_run_goes_on_after_a_reload_in_its_middle(browser: Browser) {
    let folder = TempDir::with_prefix("unmask-moods-").expect("a folder");
    let Some(visit) = begun(browser, &folder) else {
        return;
    };
    brought_back(&visit);
    visit.screenshot("last-run");
    assert!(
        visit
            .text_of("#resume-run")
            .starts_with("Resume from epoch")
    );
    visit.click("button", "Resume from epoch");
    visit.wait("steps after the epoch", || {
        run_line(&visit).contains("step ")
    });
    assert!(
        !run_line(&visit).contains("Epoch 1 of"),
        "{}",
        run_line(&visit)
    );
    visit.click("button", "Stop training");
    visit.wait("the end", || run_line(&visit).starts_with("Stopped."));
    visit.click("button", "Delete the kept run");
    visit.wait("its card to go", || visit.text_of("#kept-run").is_empty());
    visit.end();
}
