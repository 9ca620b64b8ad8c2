//! What may begin while what goes on: questions before a loss, and controls that say why they wait.

use crate::lifecycle::trickling;
use crate::teaching::{moods, run_line, set, start, write};
use crate::visit::{Choice, Visit, files_of, fixture};
use serde_json::json;
use tempfile::TempDir;
use unmask_tests::browser::{Bench, Browser, Gpu};

/// A page whose bundled model never comes to its end, with a small model and texts to learn from.
fn visit(bench: &Bench, folder: &TempDir) -> Visit {
    let site = trickling(bench);
    let visit = Visit::with(bench, site, Choice::Cpu, Gpu::Software);
    visit.open_fixture("tiny-bert");
    visit.click("tab", "Teach");
    // Enough that a run does not end by itself meanwhile, and that an epoch soon does.
    let moods = moods();
    let (header, rows) = moods.split_once('\n').expect("a header");
    let rows = format!("{header}\n{}", rows.repeat(5));
    visit.upload("#pick-examples", &[write(folder, "moods.tsv", &rows)]);
    visit.wait_for_text("#data-line", "rows, 2 classes");
    visit.click("radio", "Last layers");
    set(
        &visit,
        &[
            ("Learning rate", "1e-3"),
            ("Epochs", "400"),
            ("Batch size", "8"),
        ],
    );
    visit
}

fn is_asked(visit: &Visit) -> bool {
    visit.run("return document.querySelector('#question').open", &[]) == json!(true)
}

fn is_checked(visit: &Visit, id: &str) -> bool {
    let script = "return document.getElementById(arguments[0]).checked";
    visit.run(script, &[json!(id)]) == json!(true)
}

scenario!(what_would_be_lost_is_asked_about_first: Chromium);
fn what_would_be_lost_is_asked_about_first(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-moods-").expect("a folder");
    let visit = visit(&bench, &folder);
    start(&visit);
    visit.wait("an epoch", || {
        visit.text_of("#accuracy-chart").contains("After epoch")
    });
    // It rests, so that it does not end by itself meanwhile.
    visit.click("button", "Pause");
    visit.wait("the rest", || run_line(&visit).contains("Paused"));
    // Another device would end the run.
    visit.click("button", "Engine:");
    visit.click("radio", "GPU");
    visit.wait("the question", || is_asked(&visit));
    visit.wait_for_text("#question-title", "End the run?");
    visit.screenshot("question");
    visit.click("button", "Keep it");
    visit.wait("the question to go", || !is_asked(&visit));
    assert!(is_checked(&visit, "executor-cpu"), "the CPU still computes");
    assert!(run_line(&visit).contains("Paused"), "{}", run_line(&visit));
    // Another model has to wait, and the page says for what.
    visit.open_model_card();
    visit.click("button", "Load the bundled model");
    visit.alert("A run is under way");
    visit.click("button", "Dismiss");
    visit.click("button", "Stop training");
    visit.wait("the end", || run_line(&visit).starts_with("Stopped."));
    // What was learned is not thrown away unasked.
    visit.open_model_card();
    visit.click("button", "Load the bundled model");
    visit.wait_for_text("#question-title", "Discard the trained model?");
    visit.find("button", "Download it first");
    visit.click("button", "Keep it");
    visit.wait("the question to go", || !is_asked(&visit));
    assert_eq!(visit.text_of("#model-name"), "model.safetensors");
    visit.open_model_card();
    visit.click("button", "Load the bundled model");
    visit.wait("the question", || is_asked(&visit));
    visit.click("button", "Discard");
    visit.wait_for_text("#loading", "Reading weights");
    visit.end();
}

scenario!(a_run_waits_for_a_model_that_is_loaded: Chromium);
fn a_run_waits_for_a_model_that_is_loaded(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-moods-").expect("a folder");
    let visit = visit(&bench, &folder);
    visit.wait("the plan", || {
        let ready = "return document.querySelector('#start-run').disabled === false";
        visit.run(ready, &[]) == json!(true)
    });
    visit.open_model_card();
    visit.click("button", "Load the bundled model");
    visit.wait_for_text("#start-why", "A model is being loaded.");
    let disabled = "return document.querySelector('#start-run').disabled";
    assert_eq!(visit.run(disabled, &[]), json!(true));
    visit.click("button", "Cancel");
    start(&visit);
    visit.wait("the run", || !run_line(&visit).is_empty());
    visit.end();
}

scenario!(a_model_that_is_dropped_while_a_file_is_predicted_has_to_wait: Chromium);
fn a_model_that_is_dropped_while_a_file_is_predicted_has_to_wait(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-moods-").expect("a folder");
    let visit = visit(&bench, &folder);
    visit.click("radio", "Head only");
    set(&visit, &[("Epochs", "2")]);
    start(&visit);
    visit.wait("the end", || run_line(&visit).starts_with("Done."));
    // Enough for the drop to come in its middle.
    let texts = "text\n".to_owned() + &"the film was very good.\n".repeat(60_000);
    visit.upload("#pick-predict", &[write(&folder, "texts.tsv", &texts)]);
    visit.wait("the predictions to begin", || {
        !visit.all("button", "Cancel").is_empty()
    });
    visit.drop_files("body", &files_of(&fixture("tiny-bert")));
    visit.alert("A file is being written or read");
    assert_eq!(visit.text_of("#model-name"), "model.safetensors");
    visit.click("button", "Cancel");
    visit.click("button", "Dismiss");
    visit.end();
}
