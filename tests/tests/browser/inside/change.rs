//! Before and after a run.

use super::{open, seen, sentence, table};
use crate::teaching::{moods, run_line, set, start, write};
use crate::visit::{Choice, Visit};
use tempfile::TempDir;
use unmask_tests::browser::Browser;

/// Teaches the moods by one of the methods, and comes back to the picture.
fn teach(visit: &Visit, method: &str) {
    visit.click("tab", "Teach");
    visit.click("radio", method);
    set(
        visit,
        &[
            ("Learning rate", "1e-3"),
            ("Epochs", "3"),
            ("Batch size", "8"),
        ],
    );
    start(visit);
    visit.wait("the end of the run", || run_line(visit).starts_with("Done"));
    visit.click("tab", "Inside");
}

scenario!(what_a_run_has_changed_is_seen_layer_by_layer: Chromium Firefox);
fn what_a_run_has_changed_is_seen_layer_by_layer(browser: Browser) {
    let Some((visit, reference)) = open(browser, Choice::Cpu, "Before and after") else {
        return;
    };
    visit.wait_for_text("#inside-hint", "No run has changed this model");
    let folder = TempDir::with_prefix("unmask-moods-").expect("a folder");
    visit.click("tab", "Teach");
    visit.upload("#pick-examples", &[write(&folder, "moods.tsv", &moods())]);
    visit.wait_for_text("#data-line", "36 rows");

    // A head alone leaves all else as it was.
    teach(&visit, "Head only");
    visit.wait("the parts", || {
        sentence(&visit, "#sight-moved").contains("Nothing below the head has moved")
    });
    seen(&visit);
    assert!(sentence(&visit, "#sight-change-heads").contains("No head looks elsewhere"));
    let rows = table(&visit, "#sight-moved");
    for name in ["Layer 2", "Layer 1", "Embeddings"] {
        let row = rows.iter().find(|row| row[0] == name).expect(name);
        assert_eq!(row[1..], ["0%", "1.0000"], "{rows:?}");
    }

    teach(&visit, "Whole model");
    visit.wait("the parts", || {
        sentence(&visit, "#sight-moved").contains("has moved most")
    });
    seen(&visit);
    let rows = table(&visit, "#sight-moved");
    let layer = rows
        .iter()
        .find(|row| row[0] == "Layer 2")
        .expect("a layer");
    let moved: f64 = layer[1].trim_end_matches("%").parse().expect("a share");
    assert!(moved > 0.01 && moved < 100.0, "{rows:?}");
    assert!(layer[2].parse::<f64>().expect("a cosine") < 1.0, "{rows:?}");

    // Before is what the checkpoint says natively; after is another thing.
    let said = table(&visit, "#sight-change");
    let before = &reference.fill(super::TEXT).masks[0].predictions;
    for (row, guess) in said[2..].iter().zip(before) {
        assert!(row[1].starts_with(&guess.token), "{row:?}, {guess:?}");
    }
    assert_ne!(
        said[0][1], said[0][2],
        "the masked loss has moved: {said:?}"
    );
    assert!(sentence(&visit, "#sight-change").contains("masked loss was"));
    // The lens of both, and the heads that look elsewhere.
    let lens = table(&visit, "#sight-change-lens");
    assert_eq!(lens.len(), 3, "{lens:?}");
    assert!(lens[0][1].starts_with(&before[0].token), "{lens:?}");
    let heads = table(&visit, "#sight-change-heads");
    assert!(heads.len() >= 2, "{heads:?}");
    assert!(sentence(&visit, "#sight-change-heads").contains("has moved most"));
    visit.pictures("inside-change", "#sight-change-lens");

    // What was learned is back in its place: the same question has the same answer.
    visit.find("textbox", "Text").fill("a man had a [MASK].");
    seen(&visit);
    visit.find("textbox", "Text").fill(super::TEXT);
    visit.click("radio", "Layer by layer");
    seen(&visit);
    visit.wait("the guess of the model that has learned", || {
        let lens = table(&visit, "#sight-lens");
        format!("{} {}", lens[0][1], lens[0][2]) == said[2][2]
    });
    visit.end();
}
