//! Every head on the page: what a checkpoint's own says under Probe, and heads that are taught, leave and come back.

use crate::reference::Reference;
use crate::teaching::{saved, set, start, unpack, write};
use crate::visit::{Choice, Visit, fixture, same_percent};
use bert::probe::{Said, answers, entities};
use fantoccini::key::Key;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;
use unmask_tests::browser::Browser;

/// A tiny checkpoint with a head, and the tokenizer that it goes with.
fn checkpoint(name: &str) -> TempDir {
    let folder = TempDir::with_prefix("unmask-head-").expect("a folder");
    let copy = |from: PathBuf| {
        let to = folder.path().join(from.file_name().expect("a name"));
        fs::copy(from, to).expect("a copy");
    };
    for file in ["config.json", "model.safetensors"] {
        copy(fixture("heads").join(name).join(file));
    }
    copy(fixture("tiny-bert").join("tokenizer.json"));
    folder
}

/// The words that are painted under an element, with their labels.
fn painted(visit: &Visit, under: &str) -> Vec<(String, String)> {
    let script = "return [...document.querySelectorAll(arguments[0] + ' .entity')].map((mark) => {
        const label = mark.querySelector('.entity-label').textContent;
        return [mark.textContent.slice(0, -label.length).trim(), label];
    });";
    serde_json::from_value(visit.run(script, &[json!(under)])).expect("pairs")
}

/// The bars under an element: what they are of, and what they say.
fn bars(visit: &Visit, under: &str) -> Vec<(String, String)> {
    let script = "return [...document.querySelectorAll(arguments[0] + ' .bar')].map((bar) =>
        [bar.querySelector('.bar-token').textContent, bar.querySelector('.bar-value').textContent]);";
    serde_json::from_value(visit.run(script, &[json!(under)])).expect("pairs")
}

/// Whether the bars show these outputs with these probabilities.
fn shows(bars: &[(String, String)], expected: &[(String, f32)]) -> bool {
    bars.len() == expected.len()
        && expected.iter().all(|(label, share)| {
            let mut bars = bars.iter();
            bars.any(|bar| bar.0 == *label && same_percent(&bar.1, *share))
        })
}

fn entities_of(said: &Said) -> Vec<(String, String)> {
    let of = |entity: bert::probe::Entity| (entity.words(&said.text), entity.label);
    entities(said).into_iter().map(of).collect()
}

scenario!(a_checkpoint_s_head_says_under_probe_what_it_says_natively: Chromium);
fn a_checkpoint_s_head_says_under_probe_what_it_says_natively(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let text = "The man saw the quick brown fox!";
    let tags = checkpoint("bert-tokens");
    visit.open_folder(tags.path());
    visit.type_text(text);
    let said = Reference::of(tags.path()).said(text, None);
    let expected = entities_of(&said);
    assert!(!expected.is_empty());
    visit.wait("the entities", || painted(&visit, "#head") == expected);
    visit.wait_for_text("#hint", "one for a task");
    visit.screenshot("head-tokens");

    let labels = checkpoint("bert-labels");
    visit.open_folder(labels.path());
    visit.type_text(text);
    let said = Reference::of(labels.path()).said(text, None);
    let named = said.head.labels.iter().cloned();
    let expected: Vec<(String, f32)> = named.zip(said.probabilities()).collect();
    visit.wait("the labels", || shows(&bars(&visit, "#head"), &expected));
    visit.screenshot("head-labels");

    let score = checkpoint("bert-score");
    visit.open_folder(score.path());
    visit.type_text(text);
    let said = Reference::of(score.path()).said(text, None);
    let number = format!("{:.3}", said.logits[0]);
    visit.wait("the score", || visit.text_of("#head .score") == number);

    let span = checkpoint("bert-span");
    visit.open_folder(span.path());
    visit.type_text("who saw it?");
    visit.find("checkbox", "Second text").click();
    let passage = "the dog saw it and ran";
    visit.find("textbox", "Second text").fill(passage);
    let said = Reference::of(span.path()).said("who saw it?", Some(passage));
    let (found, none) = answers(&said, 3);
    let of = |answer: &bert::probe::Answer| (answer.at().of(passage), answer.probability);
    let mut expected: Vec<(String, f32)> = found.iter().map(of).collect();
    expected.push(("no answer".to_owned(), none));
    visit.wait("the answers", || shows(&bars(&visit, "#head"), &expected));
    visit.screenshot("head-span");
    visit.end();
}

/// Sentences of the smallest checkpoint's words in which good things and times are named.
fn tagged() -> String {
    let mut file = String::new();
    for thing in ["man", "dog", "cat", "film", "movie"] {
        for word in ["great", "good", "fine", "long"] {
            for (end, tag) in [("day", "B-TIME"), ("night", "B-TIME"), ("mat", "O")] {
                let quality = if word == "long" { "O" } else { "B-GOOD" };
                let rows = [
                    ("the", "O"),
                    (thing, "O"),
                    ("was", "O"),
                    (word, quality),
                    ("the", "O"),
                    (end, tag),
                ];
                rows.iter()
                    .for_each(|(word, tag)| file += &format!("{word}\t{tag}\n"));
                file.push('\n');
            }
        }
    }
    file
}

/// Teaches the whole of the smallest checkpoint what a file has marked, until it is done.
fn teach(visit: &Visit, file: PathBuf, line: &str, epochs: &str) {
    visit.open_fixture("tiny-bert");
    visit.click("tab", "Teach");
    visit.upload("#pick-examples", &[file]);
    visit.wait_for_text("#data-line", line);
    visit.click("radio", "Whole model");
    visit.run("document.querySelector('.more-settings').open = true", &[]);
    let recipe = [
        ("Learning rate", "5e-3"),
        ("Epochs", epochs),
        ("Batch size", "8"),
        ("Dropout", "0"),
    ];
    set(visit, &recipe);
    start(visit);
    visit.wait("the end", || {
        visit.text_of("#run-line").starts_with("Done.")
    });
}

fn tagged_words_are_learned_and_travel(browser: Browser, choice: Choice) {
    let Some(visit) = Visit::begin(browser, choice) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-tags-").expect("a folder");
    let file = write(&folder, "things.conll", &tagged());
    teach(&visit, file, "60 rows, CoNLL", "12");
    visit.wait_for_text("#figures", "Entity F1");
    visit.pictures("tags-learned", ".figures");
    let text = "the dog was great the night";
    let expected = [("great", "GOOD"), ("night", "TIME")];
    let expected = expected.map(|(word, label)| (word.to_owned(), label.to_owned()));
    visit.find("textbox", "Text to try").fill(text);
    visit.wait("the entities", || {
        painted(&visit, "#try-answer") == expected
    });
    let Some(saved_in) = visit.downloads() else {
        return visit.end();
    };
    visit.upload(
        "#pick-predict",
        &[write(&folder, "texts.txt", &format!("{text}\n{text}\n"))],
    );
    let table = fs::read_to_string(saved(&visit, &saved_in, ".tsv")).expect("a table");
    let row = format!("{text}\t12-17 GOOD: great; 22-27 TIME: night");
    assert_eq!(table.lines().nth(1), Some(row.as_str()), "{table}");
    visit.click("button", "Download the folder");
    let root = unpack(&saved(&visit, &saved_in, ".zip"), &folder);
    let config = fs::read_to_string(root.join("config.json")).expect("a configuration");
    assert!(config.contains("BertForTokenClassification"), "{config}");
    let card = fs::read_to_string(root.join("README.md")).expect("a card");
    assert!(
        card.contains("pipeline_tag: token-classification"),
        "{card}"
    );
    visit.end();

    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.open_folder(&root);
    visit.type_text(text);
    visit.wait("the same entities", || painted(&visit, "#head") == expected);
    visit.end();
}

scenario!(tagged_words_are_learned_on_the_gpu_and_travel: Chromium Firefox);
fn tagged_words_are_learned_on_the_gpu_and_travel(browser: Browser) {
    tagged_words_are_learned_and_travel(browser, Choice::Gpu);
}

scenario!(tagged_words_are_learned_on_the_cpu_and_travel: Chromium);
fn tagged_words_are_learned_on_the_cpu_and_travel(browser: Browser) {
    tagged_words_are_learned_and_travel(browser, Choice::Cpu);
}

/// Questions on what was good, in SQuAD's form.
fn questions() -> String {
    let mut paragraphs = Vec::new();
    for thing in ["man", "dog", "cat", "film", "movie", "day"] {
        for word in ["great", "good", "fine", "bad"] {
            let context = format!("the {thing} was very {word} and the mat was long");
            let answer = json!({"text": word, "answer_start": thing.len() + 14});
            let question = json!({"id": context, "question": "what was it?", "answers": [answer]});
            paragraphs.push(json!({"context": context, "qas": [question]}));
        }
    }
    json!({"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}).to_string()
}

scenario!(answers_are_learned_and_travel: Chromium);
fn answers_are_learned_and_travel(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-answers-").expect("a folder");
    let file = write(&folder, "questions.json", &questions());
    teach(&visit, file, "24 rows, JSON", "20");
    visit.wait_for_text("#figures", "Exact match");
    let (question, passage) = (
        "what was it?",
        "the film was very great and the mat was long",
    );
    let expected = [("great".to_owned(), "answer".to_owned())];
    visit.find("textbox", "Text to try").fill(question);
    visit.find("textbox", "Second text to try").fill(passage);
    visit.wait("the answer", || painted(&visit, "#try-answer") == expected);
    visit.pictures("answers-learned", ".try");
    let Some(saved_in) = visit.downloads() else {
        return visit.end();
    };
    visit.click("button", "Download the folder");
    let root = unpack(&saved(&visit, &saved_in, ".zip"), &folder);
    let config = fs::read_to_string(root.join("config.json")).expect("a configuration");
    assert!(config.contains("BertForQuestionAnswering"), "{config}");
    visit.open_folder(&root);
    visit.click("tab", "Probe");
    visit.type_text(question);
    visit.find("checkbox", "Second text").click();
    visit.find("textbox", "Second text").fill(passage);
    visit.wait("the same answer", || painted(&visit, "#head") == expected);
    visit.end();
}

/// A question with two or three texts to choose from, of which one is good.
fn choices() -> String {
    let mut rows = String::new();
    for (i, thing) in ["man", "dog", "cat", "film", "movie", "day"]
        .iter()
        .cycle()
        .take(30)
        .enumerate()
    {
        let bad = format!("the {thing} was very dull");
        let mut all = vec![bad.clone(), bad];
        all.truncate(1 + i % 2);
        let right = i / 2 % (all.len() + 1);
        all.insert(right, format!("the {thing} was great"));
        rows += &json!({"question": "what was it?", "choices": all, "label": right}).to_string();
        rows.push('\n');
    }
    rows
}

scenario!(one_of_several_texts_is_chosen_learned_and_travels: Chromium);
fn one_of_several_texts_is_chosen_learned_and_travels(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-choices-").expect("a folder");
    let file = write(&folder, "choices.jsonl", &choices());
    teach(&visit, file, "30 rows, JSON", "15");
    visit.wait_for_text("#figures", "Choosing at random");
    let (question, texts) = ("what was it?", "the cat was very dull\nthe cat was great");
    visit.find("textbox", "Text to try").fill(question);
    visit.find("textbox", "Second text to try").fill(texts);
    let chosen = |under: &str| bars(&visit, under).first().map(|bar| bar.0.clone());
    let great = Some("the cat was great".to_owned());
    visit.wait("the choice", || {
        bars(&visit, "#try-answer").len() == 2 && chosen("#try-answer") == great
    });
    visit.pictures("choice-learned", ".try");
    let Some(saved_in) = visit.downloads() else {
        return visit.end();
    };
    visit.click("button", "Download the folder");
    let root = unpack(&saved(&visit, &saved_in, ".zip"), &folder);
    let config = fs::read_to_string(root.join("config.json")).expect("a configuration");
    assert!(config.contains("BertForMultipleChoice"), "{config}");
    visit.open_folder(&root);
    visit.click("tab", "Probe");
    visit.type_text(question);
    visit.find("checkbox", "Second text").click();
    visit.find("textbox", "Second text").fill(texts);
    let said = Reference::of(&root).said(question, Some(texts));
    let named = said.choices().into_iter().map(str::to_owned);
    let expected: Vec<(String, f32)> = named.zip(said.probabilities()).collect();
    visit.wait("the same choice", || {
        shows(&bars(&visit, "#head"), &expected) && chosen("#head") == great
    });
    visit.screenshot("head-choice");
    visit.end();
}

scenario!(several_labels_and_scores_are_recognised_and_learned: Chromium);
fn several_labels_and_scores_are_recognised_and_learned(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-labels-").expect("a folder");
    let (mut labels, mut scores) = ("labels\ttext\n".to_owned(), "score\ttext\n".to_owned());
    for thing in ["man", "dog", "cat", "film"] {
        for (word, good) in [
            ("great", true),
            ("fine", true),
            ("bad", false),
            ("dull", false),
        ] {
            for (end, late) in [("night", true), ("day", false)] {
                let text = format!("the {thing} was {word} the {end}");
                let all = [(good, "good"), (late, "late"), (!good && !late, "neither")];
                let all = all.iter().filter(|label| label.0).map(|label| label.1);
                let all: Vec<&str> = all.collect();
                labels += &format!("{}\t{text}\n", all.join("|"));
                let score = if good { 1.5 } else { -0.5 };
                scores += &format!("{}\t{text}\n", if late { score + 0.25 } else { score });
            }
        }
    }
    let file = write(&folder, "labels.tsv", &labels);
    teach(&visit, file, "32 rows, 3 labels, TSV", "20");
    visit.wait_for_text("#figures", "Micro F1");
    visit
        .find("textbox", "Text to try")
        .fill("the dog was great the night");
    let given = "return [...document.querySelectorAll('#try-answer .bar.right .bar-token')].map((b) => b.textContent).sort()";
    visit.wait("both labels", || {
        visit.run(given, &[]) == json!(["good", "late"])
    });
    visit.pictures("labels-learned", ".try");

    visit.upload("#pick-examples", &[write(&folder, "scores.tsv", &scores)]);
    // Four numbers may be classes: told to be scores they are.
    visit.wait_for_text("#data-line", "32 rows, TSV");
    visit.click("radio", "One class a text");
    visit.wait_for_text("#data-line", "32 rows, 4 classes, TSV");
    visit.click("radio", "A score");
    visit.wait_for_text("#data-line", "32 rows, TSV");
    visit.end();
}

scenario!(marks_that_do_not_fit_are_named_by_row: Chromium);
fn marks_that_do_not_fit_are_named_by_row(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.open_fixture("tiny-bert");
    visit.click("tab", "Teach");
    let folder = TempDir::with_prefix("unmask-marks-").expect("a folder");
    for (name, text, said) in [
        (
            "a.conll",
            "the\tO\nman\tI-X\n\nso\tB-X\n",
            "Line 2: the tag `I-X`",
        ),
        (
            "a.jsonl",
            "{\"text\": \"the man\", \"spans\": [{\"start\": 4, \"end\": 2, \"label\": \"X\"}]}\n",
            "ends before it begins",
        ),
        (
            "a.json",
            "{\"data\": [{\"paragraphs\": [{\"context\": \"the man\", \"qas\": [{\"question\": \"who?\", \"answers\": [{\"text\": \"dog\", \"answer_start\": 4}]}]}]}]}",
            "“dog” does not stand in its passage",
        ),
    ] {
        visit.upload("#pick-examples", &[write(&folder, name, text)]);
        visit.alert(said);
        visit.click("button", "Dismiss");
        visit.wait("the failure to go", || visit.all("alert", "").is_empty());
    }
    visit.end();
}

/// What stands on the words of a painted text.
fn strokes(visit: &Visit, text: usize) -> Vec<(String, String)> {
    let script = "return [...document.querySelectorAll(`[id^='paint-${arguments[0]}-']`)]
        .filter((word) => word.getAttribute('aria-pressed') === 'true')
        .map((word) => [word.querySelector('span').textContent, word.getAttribute('aria-description')]);";
    serde_json::from_value(visit.run(script, &[json!(text)])).expect("pairs")
}

scenario!(words_are_painted_saved_and_learned: Chromium Firefox);
fn words_are_painted_saved_and_learned(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.open_fixture("tiny-bert");
    visit.click("tab", "Teach");
    visit.run("document.querySelector('#paint').open = true", &[]);
    let texts = "the man saw the quick fox\nthe dog saw the man\nthe cat saw the dog\n";
    visit
        .find("textbox", "Texts to paint, one a line")
        .fill(texts);
    visit.click("button", "Put these below");
    // By pointer: one word.
    visit.find("button", "fox").click();
    let pair = |word: &str, label: &str| (word.to_owned(), label.to_owned());
    visit.wait("a painted word", || {
        strokes(&visit, 0) == [pair("fox", "person")]
    });
    // By keyboard: two words, with a label of one's own.
    visit.click("button", "Add a label");
    visit.find("textbox", "Name of painted label 3").fill("MAN");
    visit.run("document.getElementById('paint-1-0').focus()", &[]);
    visit.press(&Key::Right.to_string());
    visit.press(&Key::Right.to_string());
    visit.press(&Key::Right.to_string());
    visit.press(" ");
    visit.wait("a stroke", || strokes(&visit, 1) == [pair("the", "MAN")]);
    let shift = "const word = document.activeElement;
        word.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', shiftKey: true, bubbles: true}));";
    visit.run(shift, &[]);
    visit.wait("a longer stroke", || {
        strokes(&visit, 1) == [pair("the", "MAN"), pair("man", "MAN")]
    });
    visit.pictures("painted", "#paint");
    if let Some(saved_in) = visit.downloads() {
        visit.click("button", "Save as JSON Lines");
        let file = fs::read_to_string(saved(&visit, &saved_in, "painted.jsonl")).expect("a file");
        let second: serde_json::Value =
            serde_json::from_str(file.lines().nth(1).expect("a line")).expect("JSON");
        assert_eq!(
            second["spans"],
            json!([{"start": 12, "end": 19, "label": "MAN"}])
        );
    }
    visit.click("button", "Use what is painted");
    visit.wait_for_text("#data-line", "3 rows, JSON");
    visit.end();
}
