//! The sample-efficiency curve: the frozen line, then one from scratch; stopped, gone on with, and sent by a link.

use crate::teaching::{moods, write};
use crate::visit::{Choice, Visit};
use serde_json::json;
use tempfile::TempDir;
use unmask_tests::browser::Browser;

/// The rows of the table under the curve, opened for that.
fn rows(visit: &Visit) -> Vec<Vec<String>> {
    let script = "
        const details = document.querySelector('#sight-curve details');
        if (!details) return [];
        details.open = true;
        return [...details.querySelectorAll('tbody tr')].map((row) =>
            [...row.children].map((cell) => cell.textContent));";
    serde_json::from_value(visit.run(script, &[])).expect("rows of cells")
}

/// The rows of one line.
fn line(visit: &Visit, name: &str) -> Vec<Vec<String>> {
    let is_of = |row: &Vec<String>| row[0] == name;
    rows(visit).into_iter().filter(is_of).collect()
}

/// What is drawn.
fn picture(visit: &Visit) -> String {
    let script = "return document.querySelector('#sight-curve svg')?.innerHTML ?? ''";
    let picture = visit.run(script, &[]);
    picture.as_str().unwrap_or_default().to_owned()
}

fn set(visit: &Visit, fields: &[(&str, &str)]) {
    for (label, text) in fields {
        visit.find("textbox", label).fill(text);
    }
}

/// Presses a button by its id as soon as it can be pressed.
fn press(visit: &Visit, id: &str) {
    let ready = "return document.getElementById(arguments[0])?.disabled === false";
    visit.wait(&format!("{id} can be pressed"), || {
        visit.run(ready, &[json!(id)]) == json!(true)
    });
    visit.run(
        "document.getElementById(arguments[0]).click()",
        &[json!(id)],
    );
}

/// Waits until nothing is drawn any more.
fn rests(visit: &Visit) {
    visit.wait("an end to the drawing", || {
        let there = "return document.querySelector('#stop-curve') === null";
        visit.run(there, &[]) == json!(true)
    });
}

scenario!(a_curve_is_drawn_stopped_gone_on_with_and_sent: Chromium);
fn a_curve_is_drawn_stopped_gone_on_with_and_sent(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-moods-").expect("a folder");
    visit.open_fixture("tiny-bert");

    // Without texts it says where to get some.
    visit.click("tab", "Prove");
    visit.wait_for_text("#prove-data", "No labelled texts are open yet.");
    visit.wait_for_text("#curve-hint", "Choose texts to learn from first.");
    visit.pictures("prove-empty", "#tab-prove");
    visit.click("button", "Open other texts under Teach");
    visit.upload("#pick-examples", &[write(&folder, "moods.tsv", &moods())]);
    visit.wait_for_text("#data-line", "36 rows, 2 classes, TSV");
    visit.click("tab", "Prove");
    visit.wait_for_text("#prove-data", "moods.tsv: 36 rows, 2 classes");

    // What cannot be read is named.
    set(&visit, &[("Numbers of examples", "8, x")]);
    visit.wait_for_text("#curve-hint", "“x” is none");
    set(
        &visit,
        &[
            ("Numbers of examples", "8, 16"),
            ("Seeds", "2"),
            ("Steps of each whole run", "60"),
        ],
    );

    // The frozen line first.
    press(&visit, "start-curve");
    visit.wait("the frozen line", || {
        let points = line(&visit, "Frozen encoder, a head on top");
        points.len() == 2 && points.iter().flatten().all(|cell| cell != "–")
    });
    rests(&visit);
    let sentence = visit.text_of("#sight-curve figcaption");
    assert!(
        sentence.starts_with("With 8 examples the frozen encoder with a head on top gets"),
        "{sentence}"
    );
    visit.wait_for_text("#curve-scratch-takes", "4 runs of 60 steps, about");
    let frozen = line(&visit, "Frozen encoder, a head on top");

    // Then from scratch: stopped once a point is there, and gone on with.
    press(&visit, "curve-scratch");
    visit.wait("a point from scratch", || {
        !line(&visit, "From scratch").is_empty()
    });
    visit.run("document.querySelector('#stop-curve')?.click()", &[]);
    rests(&visit);
    let known = line(&visit, "From scratch");
    visit.screenshot("prove-stopped");
    let unknown = |rows: &[Vec<String>]| rows.iter().flatten().filter(|cell| *cell == "–").count();
    if known.len() < 2 || unknown(&known) > 0 {
        visit.wait_for_text("#start-curve", "Resume");
        press(&visit, "start-curve");
    }
    visit.wait("the line from scratch", || {
        let points = line(&visit, "From scratch");
        points.len() == 2 && unknown(&points) == 0
    });
    rests(&visit);
    assert_eq!(line(&visit, "Frozen encoder, a head on top"), frozen);
    // What was known when it was stopped is as it was.
    let now = line(&visit, "From scratch");
    for (row, cell) in known[0].iter().enumerate().skip(3) {
        assert!(cell == "–" || *cell == now[0][row], "{known:?} {now:?}");
    }
    visit.pictures("prove", "#curve-heading");

    // The model is as it was: it guesses, and learns.
    visit.click("tab", "Probe");
    visit.type_text("the [MASK] sat on the mat.");
    visit.wait("an answer", || visit.cards().len() == 1);
    visit.click("tab", "Prove");

    // In a fresh profile the link shows the same.
    visit.wait("the curve in the address", || {
        let hash = visit.run("return location.hash", &[]);
        hash.as_str().is_some_and(|hash| hash.contains("curve="))
    });
    visit.resize(1280, 900);
    visit.prefer_dark(false);
    let drawn = (
        rows(&visit),
        picture(&visit),
        visit.text_of("#sight-curve figcaption"),
    );
    let hash = visit.run("return location.hash", &[]);
    let hash = hash.as_str().expect("a fragment").to_owned();
    visit.end();

    let Some(other) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    other.resize(1280, 900);
    other.go("about:blank");
    other.go(&format!("{}{hash}", other.url()));
    other.wait_for_text("#curve-origin", "came with the link");
    other.wait("the same curve", || {
        (
            rows(&other),
            picture(&other),
            other.text_of("#sight-curve figcaption"),
        ) == drawn
    });
    other.screenshot("prove-by-link");
    other.wait_for_model("Seedling");
    other.end();

    // A damaged one is told, and the page works.
    let Some(third) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    third.go("about:blank");
    third.go(&format!("{}#v=1&panel=prove&curve=1,2,3", third.url()));
    third.wait_for_text("#link-notices", "The curve in this link was left out");
    third.wait_for_model("Seedling");
    third.end();
}

scenario!(a_curve_is_drawn_on_the_gpu: Chromium);
fn a_curve_is_drawn_on_the_gpu(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Gpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-moods-").expect("a folder");
    visit.open_fixture("tiny-bert");
    visit.click("tab", "Teach");
    visit.upload("#pick-examples", &[write(&folder, "moods.tsv", &moods())]);
    visit.wait_for_text("#data-line", "36 rows, 2 classes, TSV");
    visit.click("tab", "Prove");
    visit.wait_for_text("#prove-data", "moods.tsv: 36 rows, 2 classes");
    set(
        &visit,
        &[
            ("Numbers of examples", "8, 16"),
            ("Seeds", "1"),
            ("Steps of each whole run", "20"),
        ],
    );
    press(&visit, "start-curve");
    for (button, name) in [
        ("", "Frozen encoder, a head on top"),
        ("curve-all", "Whole model"),
        ("curve-scratch", "From scratch"),
    ] {
        if !button.is_empty() {
            press(&visit, button);
        }
        visit.wait(name, || {
            let points = line(&visit, name);
            points.len() == 2 && points.iter().all(|row| row[2] != "–")
        });
        rests(&visit);
    }
    visit.end();
}
