//! What is learned of texts without labels, beside hidden words alone: the next sentence, and replaced words.

use crate::teaching::{run_line, saved, set, start, unpack, write};
use crate::visit::{Choice, Visit};
use serde_json::json;
use std::fs;
use tempfile::TempDir;
use unmask_tests::browser::Browser;

/// Documents of three sentences, one a line.
fn documents() -> String {
    let nouns = ["man", "dog", "film", "cat", "day", "night", "river", "sea"];
    let document = |noun: &str| {
        format!(
            "The {noun} was good and it was long. We saw the {noun} and it ran. The {noun} was not red.\n"
        )
    };
    // Enough of them that some of what is put aside does not follow.
    nouns.map(document).concat().repeat(5)
}

/// What the figures say under a name.
fn figure(visit: &Visit, name: &str) -> String {
    let script = "const term = [...document.querySelectorAll('#figures dt')]
            .find((term) => term.textContent === arguments[0]);
        return term?.nextElementSibling.textContent ?? '';";
    let text = visit.run(script, &[json!(name)]);
    text.as_str().unwrap_or_default().to_owned()
}

/// Opens the documents, and chooses what is learned of them.
fn choose(visit: &Visit, folder: &TempDir, goal: &str) {
    visit.click("tab", "Teach");
    let file = write(folder, "documents.txt", &documents());
    visit.upload("#pick-examples", &[file]);
    visit.wait_for_text("#data-line", "40 rows");
    visit.click("radio", goal);
    set(visit, &[("Epochs", "2"), ("Batch size", "8")]);
}

/// Learns, and sees both losses.
fn learn(visit: &Visit, second: &str) {
    start(visit);
    visit.wait("the end", || run_line(visit).starts_with("Done."));
    visit.wait_for_text("#losses-chart .chart-summary", second);
}

/// The class that the exported folder is of.
pub fn class_of_folder(visit: &Visit, folder: &TempDir) -> Option<String> {
    let saved_in = visit.downloads()?;
    visit.click("button", "Download the folder");
    let root = unpack(&saved(visit, &saved_in, ".zip"), folder);
    let config = fs::read_to_string(root.join("config.json")).expect("a configuration");
    let config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
    config["architectures"][0].as_str().map(str::to_owned)
}

scenario!(what_follows_is_learned_with_hidden_words: Chromium);
fn what_follows_is_learned_with_hidden_words(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-goals-").expect("a folder");
    visit.open_fixture("tiny-bert");
    choose(&visit, &folder, "Hidden words and the next sentence");
    visit.wait_for_text("#outlook", "steps");
    learn(&visit, "over pairs");
    assert!(figure(&visit, "Pairs judged rightly").ends_with('%'));
    visit.pictures("next-learned", "#losses-chart");
    if let Some(class) = class_of_folder(&visit, &folder) {
        assert_eq!(class, "BertForPreTraining");
    }

    // One document has no other whose text could stand in the place of what follows.
    let one = write(
        &folder,
        "one.txt",
        "the man saw the dog. it ran. we saw it.\n",
    );
    visit.upload("#pick-examples", &[one]);
    visit.wait_for_text("#outlook", "1 document give");
    visit.end();
}

scenario!(replaced_words_are_learned_by_two_models: Chromium);
fn replaced_words_are_learned_by_two_models(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Gpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-goals-").expect("a folder");
    visit.open_fixture("tiny-bert");
    choose(&visit, &folder, "Replaced words");
    visit.wait_for_text("#outlook", "Bert has no head that tells replaced words");
    for method in ["Head only", "Last layers"] {
        let script = "return [...document.querySelectorAll('input[name=method]')]
            .find((radio) => radio.labels[0].textContent.trim() === arguments[0])?.disabled";
        assert_eq!(visit.run(script, &[json!(method)]), json!(true), "{method}");
    }

    visit.open_fixture("tiny-electra-discriminator");
    visit.wait_for_text("#outlook", "steps");
    learn(&visit, "over all tokens");
    assert!(figure(&visit, "Tokens judged rightly").ends_with('%'));
    assert!(figure(&visit, "Tokens not replaced").ends_with('%'));
    visit.pictures("replaced-learned", "#losses-chart");
    if let Some(class) = class_of_folder(&visit, &folder) {
        assert_eq!(class, "ElectraForPreTraining");
    }
    visit.end();
}
