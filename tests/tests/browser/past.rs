//! Past runs: kept on the device, what differed between them, their losses over one another.

use crate::teaching::{moods, run_line, set, start, write};
use crate::visit::{Choice, Visit};
use serde_json::json;
use tempfile::TempDir;
use unmask_tests::browser::Browser;

/// The table of past runs, its head first.
fn table(visit: &Visit) -> Vec<Vec<String>> {
    let script = "
        return [...document.querySelectorAll('#past-table tr')].map((row) =>
            [...row.children].map((cell) => cell.textContent));";
    serde_json::from_value(visit.run(script, &[])).expect("rows of cells")
}

scenario!(past_runs_are_compared_and_their_recipes_used_again: Chromium Firefox);
fn past_runs_are_compared_and_their_recipes_used_again(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-moods-").expect("a folder");
    visit.open_fixture("tiny-bert");
    visit.click("tab", "Teach");
    visit.upload("#pick-examples", &[write(&folder, "moods.tsv", &moods())]);
    visit.wait_for_text("#data-line", "36 rows");
    visit.click("radio", "Last layers");
    for (count, rate) in [(1, "1e-3"), (2, "1e-2")] {
        set(&visit, &[("Learning rate", rate), ("Epochs", "8")]);
        start(&visit);
        visit.wait("its place among the past runs", || {
            run_line(&visit).starts_with("Done.") && table(&visit).len() == 1 + count
        });
    }
    // Only what differs has a column, and the newest run stands first.
    let rows = table(&visit);
    assert_eq!(rows[0][..3], ["Drawn", "Rate", "Result"], "{rows:?}");
    assert_eq!((&*rows[1][0], &*rows[1][1]), ("Run 2", "0.01"), "{rows:?}");
    assert_eq!((&*rows[2][0], &*rows[2][1]), ("Run 1", "1e-3"), "{rows:?}");
    assert!(rows[1][2].ends_with("% right"), "{rows:?}");
    let same = visit.text_of("#past-same");
    assert!(
        same.contains("texts moods.tsv") && same.contains("epochs 8"),
        "{same}"
    );
    let sentence = visit.text_of("#sight-past-runs figcaption");
    assert!(
        sentence.starts_with("The loss of 2 runs by step"),
        "{sentence}"
    );
    visit.pictures("past-runs", "#past-heading");

    // One is taken out of the picture.
    visit.click("checkbox", "Run 1");
    visit.wait_for_text("#sight-past-runs figcaption", "The loss of one run");

    // After a reload they are still there, and a recipe goes back into the form.
    visit.go("about:blank");
    visit.go(&visit.url());
    visit.wait_for_model("Seedling");
    visit.click("tab", "Teach");
    assert_eq!(table(&visit)[1..], rows[1..]);
    visit.upload("#pick-examples", &[write(&folder, "moods.tsv", &moods())]);
    visit.wait_for_text("#data-line", "36 rows");
    visit.click("button", "Use the recipe of Run 1");
    visit.wait("its rate in the form", || {
        visit.find("textbox", "Learning rate").value() == "1e-3"
    });
    let last = "return document.querySelector('input[type=radio][value=last]')?.checked ?? null";
    assert_ne!(visit.run(last, &[]), json!(false));
    visit.click("button", "Forget Run 2");
    visit.wait("one run", || table(&visit).len() == 2);
    visit.end();
}
