//! A model of one's own: from a text to words that it guesses.

use crate::goals::class_of_folder;
use crate::teaching::{
    lose_and_resume, run_line, saved, set, start, unpack, visit_that_loses, write,
};
use crate::visit::{Choice, Visit};
use serde_json::json;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use unmask_tests::browser::Browser;

/// A beginning of the book that the page brings.
fn beginning(sentences: usize) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let book =
        fs::read_to_string(root.join("static/examples/secret-garden.txt")).expect("the book");
    let parts: Vec<&str> = book.split_inclusive(". ").take(sentences).collect();
    parts.concat()
}

fn open_form(visit: &Visit) {
    visit.open_model_card();
    visit.run("document.querySelector('#make').open = true", &[]);
}

fn fill(visit: &Visit, fields: &[(&str, &str)]) {
    visit.run(
        "document.querySelectorAll('#make .more-settings').forEach((one) => one.open = true)",
        &[],
    );
    set(visit, fields);
}

fn make(visit: &Visit) {
    visit.wait("the model can be made", || {
        let ready = "return document.querySelector('#make-model')?.disabled === false";
        visit.run(ready, &[]) == json!(true)
    });
    visit.click("button", "Make it");
}

/// The losses before and after, and the words' entropy.
fn losses(visit: &Visit) -> [f64; 3] {
    let cell = |row: usize| {
        let script = "return document.querySelector(`#before-after tbody tr:nth-child(${arguments[0]}) td`)?.textContent";
        let text = visit.run(script, &[json!(row)]);
        text.as_str()
            .and_then(|text| text.parse().ok())
            .unwrap_or(f64::NAN)
    };
    let line = visit.text_of(".before-after-line");
    let entropy = line
        .split("loss of ")
        .nth(1)
        .and_then(|rest| rest.split(':').next());
    let entropy = entropy
        .and_then(|text| text.parse().ok())
        .unwrap_or(f64::NAN);
    [cell(1), cell(2), entropy]
}

fn a_model_of_one_s_own(browser: Browser, choice: Choice, steps: &str) {
    let Some(visit) = Visit::begin(browser, choice) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-own-").expect("a folder");
    visit.wait_for_model("Seedling");
    open_form(&visit);
    let whole = choice == Choice::Cpu;
    if whole {
        visit.click("button", "A book: The Secret Garden");
    } else {
        let book = write(&folder, "book.txt", &beginning(700));
        visit.upload("#pick-prose", &[book]);
    }
    visit.wait_for_text("#make-text", "different");
    visit.click("radio", "Smallest");
    let fields = [
        ("Vocabulary (tokens)", "600"),
        ("Steps to learn", steps),
        ("Longest text (tokens)", "32"),
        ("Name", "garden"),
    ];
    fill(&visit, &fields);
    visit.wait_for_text("#make-outlook", "parameters");
    visit.wait_for_text("#make-outlook", "would take about");
    let estimate = visit.text_of("#make-outlook");
    visit.pictures(&format!("make-{browser:?}-{choice:?}"), "#make");
    visit.resize(1280, 900);
    make(&visit);
    visit.wait_for_model("garden");

    // Its first run is laid out, on the text that it was made for.
    visit.wait_for_text("#data-line", "running text");
    visit.wait_for_text("#dealt-line-0", "tokens are asked for");
    let dealt = visit.text_of("#dealt");
    visit.click("button", "Deal again");
    visit.wait("another deal", || visit.text_of("#dealt") != dealt);
    visit.wait_for_text("#outlook", "steps.");
    visit.run(
        "document.querySelector('.recipe .more-settings').open = true",
        &[],
    );
    set(&visit, &[("Learning rate", "1e-2"), ("Dropout", "0")]);
    start(&visit);
    visit.wait("the first steps", || run_line(&visit).contains("step "));
    // It can be asked meanwhile.
    visit.click("tab", "Probe");
    visit.type_text("she went into the [MASK].");
    visit.wait("an answer", || visit.cards().len() == 1);
    visit.click("tab", "Teach");
    visit.wait("the end", || run_line(&visit).starts_with("Done."));
    // How hard the shown words are was told all along.
    let losses_line = visit.text_of("#dealt-line-2");
    let mean = |before: &str| -> f64 {
        let parts: Vec<&str> = losses_line.split(before).collect();
        let number = parts[0].rsplit(' ').next().and_then(|n| n.parse().ok());
        number.unwrap_or_else(|| panic!("{losses_line}"))
    };
    let (now, first) = (mean(" on average"), mean(" at first"));
    assert!(now < first, "{losses_line}");
    let numbers = "return document.querySelectorAll('#dealt .dealt-loss').length";
    assert!(visit.run(numbers, &[]).as_u64() > Some(5));
    visit.wait_for_text("#before-after", "after");
    let [before, after, entropy] = losses(&visit);
    assert!(after < before, "{before} to {after}");
    assert!(entropy > 3.0 && before > entropy, "{before}, {entropy}");
    // A few steps teach how frequent words are, more of them what stands around them.
    assert!(
        choice == Choice::Gpu || after < entropy,
        "{after}, {entropy}"
    );
    eprintln!(
        "masked loss {before} to {after}, entropy {entropy}; {estimate} {}",
        visit.text_of("#run-time")
    );

    // It stays on this device, and leaves as a folder.
    visit.click("button", "Keep on this device");
    visit.wait_for_text("#own summary", "(2)");
    visit.pictures(&format!("made-{browser:?}-{choice:?}"), "#hiding-heading");
    if let Some(saved_in) = visit.downloads() {
        visit.click("button", "Download the folder");
        let root = unpack(&saved(&visit, &saved_in, ".zip"), &folder);
        let config = fs::read_to_string(root.join("config.json")).expect("a configuration");
        let config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
        assert_eq!(config["vocab_size"], json!(600));
        assert_eq!(config["max_position_embeddings"], json!(32));
        let vocabulary = fs::read_to_string(root.join("vocab.txt")).expect("a vocabulary");
        assert_eq!(vocabulary.lines().count(), 600);
    }

    // Another visit finds it, as it was taught.
    visit.click("tab", "Probe");
    visit.type_text("nothing is hidden.");
    visit.wait("no answer", || visit.cards().is_empty());
    visit.type_text("she went into the [MASK].");
    visit.wait("an answer", || visit.cards().len() == 1);
    let expected = visit.cards()[0].bars[0].token.clone();
    visit.go(&visit.url());
    visit.open_model_card();
    visit.wait_for_text("#own summary", "(2)");
    visit.run("document.querySelector('#own').open = true", &[]);
    let taught = match whole {
        true => "garden-the-secret-garden",
        false => "garden-book-txt",
    };
    visit.click("button", &format!("Open {taught}"));
    visit.wait_for_model(taught);
    visit.type_text("she went into the [MASK].");
    visit.wait("the same answer", || {
        visit
            .cards()
            .first()
            .is_some_and(|card| card.bars[0].token == expected)
    });
    visit.open_model_card();
    visit.run("document.querySelector('#own').open = true", &[]);
    visit.click("button", "Delete garden from this device");
    visit.click("button", "Yes, delete");
    visit.wait_for_text("#own summary", "(1)");
    visit.end();
}

scenario!(a_model_of_one_s_own_is_made_on_the_processor: Chromium);
fn a_model_of_one_s_own_is_made_on_the_processor(browser: Browser) {
    a_model_of_one_s_own(browser, Choice::Cpu, "2000");
}

scenario!(a_model_of_one_s_own_is_made_on_the_gpu: Chromium);
fn a_model_of_one_s_own_is_made_on_the_gpu(browser: Browser) {
    a_model_of_one_s_own(browser, Choice::Gpu, "40");
}

scenario!(pairs_and_replaced_words_teach_new_models: Chromium);
fn pairs_and_replaced_words_teach_new_models(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    open_form(&visit);
    let folder = TempDir::with_prefix("unmask-own-").expect("a folder");
    let text = "One man saw a dog. It ran to the sea and was red.\n".repeat(40);
    visit.upload("#pick-prose", &[write(&folder, "one.txt", &text)]);
    visit.wait_for_text("#make-text", "different");
    visit.click("radio", "Smallest");
    visit.click("radio", "Both sides: hidden words and the next sentence");
    // A paragraph a line is a document; a chapter, where empty lines end them.
    let chapters = beginning(400).replace("\nCHAPTER", "\n\nCHAPTER");
    let documents: Vec<&str> = chapters.split("\n\n").collect();
    assert!(documents.len() >= 4, "{}", documents.len());
    let three = documents[..3].join("\n\n");
    visit.upload("#pick-prose", &[write(&folder, "three.txt", &three)]);
    visit.wait_for_text("#make-text", "three.txt");
    visit.wait_for_text("#make-outlook", "This text is 3 documents, 4 are needed");
    visit.upload("#pick-prose", &[write(&folder, "book.txt", &chapters)]);
    visit.wait_for_text("#make-text", "book.txt");
    let fields = [
        ("Vocabulary (tokens)", "400"),
        ("Steps to learn", "10"),
        ("Longest text (tokens)", "32"),
        ("Name", "pairs"),
    ];
    fill(&visit, &fields);
    visit.wait("no problem", || {
        !visit.text_of("#make-outlook").contains("are needed")
    });
    visit.wait_for_text("#make-outlook", "parameters");
    visit.pictures("make-goals", "#make");
    visit.resize(1280, 900);
    make(&visit);
    learn_a_little(&visit, "pairs");
    visit.wait_for_text("#losses-chart .chart-summary", "over pairs");
    if let Some(class) = class_of_folder(&visit, &folder) {
        assert_eq!(class, "BertForPreTraining");
    }

    open_form(&visit);
    visit.click("radio", "Both sides: replaced words (ELECTRA)");
    fill(&visit, &[("Name", "electra")]);
    make(&visit);
    if visit.all("dialog", "").len() == 1 {
        visit.click("button", "Load it");
    }
    learn_a_little(&visit, "electra");
    visit.wait_for_text("#losses-chart .chart-summary", "over all tokens");
    if let Some(class) = class_of_folder(&visit, &folder) {
        assert_eq!(class, "ElectraForPreTraining");
    }
    visit.end();
}

scenario!(a_device_lost_while_a_new_model_learns_costs_one_epoch_at_most: Chromium);
fn a_device_lost_while_a_new_model_learns_costs_one_epoch_at_most(browser: Browser) {
    let Some(visit) = visit_that_loses(browser) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-own-").expect("a folder");
    visit.wait_for_model("Seedling");
    open_form(&visit);
    let book = write(&folder, "book.txt", &beginning(60));
    visit.upload("#pick-prose", &[book]);
    visit.wait_for_text("#make-text", "different");
    visit.click("radio", "Smallest");
    let fields = [
        ("Vocabulary (tokens)", "200"),
        ("Longest text (tokens)", "16"),
        ("Name", "garden"),
    ];
    fill(&visit, &fields);
    visit.wait_for_text("#make-outlook", "parameters");
    make(&visit);
    visit.wait_for_model("garden");
    visit.wait_for_text("#data-line", "running text");
    set(&visit, &[("Batch size", "8"), ("Epochs", "900")]);
    start(&visit);
    let step = || -> usize {
        let line = run_line(&visit);
        let mut words = line.split_whitespace();
        let number = words.by_ref().skip_while(|word| *word != "step").nth(1);
        let digits = number
            .unwrap_or_default()
            .replace(|c: char| !c.is_ascii_digit(), "");
        digits.parse().unwrap_or(0)
    };
    visit.wait("step 300", || step() >= 300);
    lose_and_resume(&visit, "garden");
    assert!(step() > 200, "{}", run_line(&visit));
    visit.click("button", "Stop training");
    visit.wait("the end", || run_line(&visit).starts_with("Stopped."));
    visit.end_as_it_is();
}

/// What a figure under Inside says.
fn said(visit: &Visit, figure: &str) -> String {
    visit.text_of(&format!("{figure} figcaption"))
}

/// Has the model that was just made learn a little.
fn learn_a_little(visit: &Visit, name: &str) {
    visit.wait_for_model(name);
    visit.wait_for_text("#data-line", "running text");
    visit.wait_for_text("#outlook", "steps.");
    start(visit);
    visit.wait("the end", || run_line(visit).starts_with("Done."));
}

scenario!(twins_read_one_text_in_two_ways: Chromium);
fn twins_read_one_text_in_two_ways(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-own-").expect("a folder");
    visit.wait_for_model("Seedling");
    open_form(&visit);
    visit.upload(
        "#pick-prose",
        &[write(&folder, "book.txt", &beginning(400))],
    );
    visit.wait_for_text("#make-text", "different");
    visit.click("radio", "Smallest");
    visit.click("radio", "Left to right: the next word");
    let fields = [
        ("Vocabulary (tokens)", "400"),
        ("Steps to learn", "10"),
        ("Longest text (tokens)", "24"),
        ("Name", "garden-left-to-right"),
    ];
    fill(&visit, &fields);
    visit.wait_for_text("#make-outlook", "parameters");
    make(&visit);
    learn_a_little(&visit, "garden-left-to-right");

    // It guesses from the words before alone: what stands behind changes nothing.
    visit.click("tab", "Probe");
    visit.type_text("nothing is hidden.");
    visit.wait("no answer", || visit.cards().is_empty());
    visit.type_text("she went into the [MASK].");
    let guesses = || -> Vec<(String, String)> {
        let card = visit.wait_for("one blank", || {
            let mut cards = visit.cards();
            (cards.len() == 1).then(|| cards.remove(0))
        });
        let bars = card.bars.into_iter();
        bars.map(|bar| (bar.token, bar.title)).collect()
    };
    visit.wait("an answer", || visit.cards().len() == 1);
    let before = guesses();
    visit.type_text("not a [MASK] and was happy.");
    visit.wait("other guesses", || guesses() != before);
    visit.type_text("she went into the [MASK] and was happy.");
    visit.wait("the same guesses", || guesses() == before);

    // It writes on, and there is one product.
    visit.click("tab", "Inside");
    visit.click("radio", "Writing");
    visit.wait_for_text("#sight-writing figcaption", "From the left it writes");
    visit.wait_for_text("#sight-products figcaption", "it is p(x)");
    visit.wait_for_text("#writing-line", "what stands behind it is not read");
    visit.pictures("twin-writing", "#tab-inside");
    visit.resize(1280, 900);
    visit.click("radio", "Beside another model");
    visit.wait_for_text("#inside-hint", "Open another model");

    // Its twin sees both sides: the same blank under each, and what taught them.
    visit.click("tab", "Teach");
    visit.click("button", "Keep on this device");
    visit.wait_for_text("#own summary", "(2)");
    open_form(&visit);
    visit.click("button", "Make its twin that reads both sides");
    learn_a_little(&visit, "garden");
    visit.click("tab", "Inside");
    visit.wait_for_text("#sight-beside figcaption", "garden reads both sides");
    let guessed = said(&visit, "#sight-beside");
    assert!(
        guessed.contains("garden-left-to-right reads left to right")
            && guessed.contains(&format!("guessed “{}”", before[0].0)),
        "{guessed}"
    );
    let taught = said(&visit, "#sight-taught");
    assert!(
        taught.contains("garden was taught by 15")
            && taught.contains("garden-left-to-right was taught by 100% of the positions"),
        "{taught}"
    );
    visit.pictures("twins-beside", "#tab-inside");
    visit.end();
}

scenario!(texts_that_bear_no_model_are_explained: Chromium);
fn texts_that_bear_no_model_are_explained(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-own-").expect("a folder");
    visit.wait_for_model("Seedling");
    open_form(&visit);
    let refused = |name: &str, text: &str, said: &str| {
        visit.upload("#pick-prose", &[write(&folder, name, text)]);
        visit.alert(said);
        visit.click("button", "Dismiss");
        visit.wait("the failure to go", || visit.all("alert", "").is_empty());
    };
    refused(
        "one.txt",
        "Only one sentence stands here.",
        "6 words in 1 sentence",
    );
    refused("word.txt", "Word", "1 word in 1 sentence");
    refused("empty.txt", " \n ", "no words");
    refused(
        "long.txt",
        &"a word and another. ".repeat(2_700_000),
        "at most 52 MB",
    );
    // Ideographs are words of one letter each, of which a small vocabulary holds some.
    let ideographs: String = (0..4000u32)
        .map(|i| {
            let letter = char::from_u32(0x4e00 + i * 7 % 900).unwrap_or('一');
            format!("{letter}{}", if i % 12 == 11 { "。\n" } else { "" })
        })
        .collect();
    visit.upload("#pick-prose", &[write(&folder, "han.txt", &ideographs)]);
    visit.wait_for_text("#make-text", "4\u{202f}");
    fill(&visit, &[("Vocabulary (tokens)", "500")]);
    visit.wait_for_text("#make", "become [UNK]");
    // A script without spaces.
    let thai = "ภาษาไทยเขียนติดกันโดยไม่มีช่องว่างระหว่างคำ ".repeat(150);
    visit.upload("#pick-prose", &[write(&folder, "thai.txt", &thai)]);
    visit.wait_for_text("#make", "writes none between words");
    visit.wait_for_text("#make", "count as accents");
    make(&visit);
    visit.alert("This text bears");
    visit.click("button", "Take a vocabulary of");
    visit.wait("the failure to go", || visit.all("alert", "").is_empty());
    // Too large for this device, and no size at all.
    visit.upload(
        "#pick-prose",
        &[write(&folder, "book.txt", &beginning(400))],
    );
    visit.wait_for_text("#make-text", "different");
    let large = [
        ("Layers", "24"),
        ("Hidden size", "2048"),
        ("Attention heads", "32"),
        ("Vocabulary (tokens)", "100000"),
    ];
    fill(&visit, &large);
    visit.wait_for_text("#make-outlook", "Learning needs about");
    fill(&visit, &[("Attention heads", "7")]);
    visit.wait_for_text("#make-outlook", "ake a divisor");
    assert_eq!(
        visit.run("return document.querySelector('#make-model').disabled", &[]),
        json!(true)
    );
    visit.end();
}

scenario!(what_a_loaded_model_learns_of_running_text_and_forgets_is_told: Chromium);
fn what_a_loaded_model_learns_of_running_text_and_forgets_is_told(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-own-").expect("a folder");
    visit.open_fixture("tiny-bert");
    visit.click("tab", "Teach");
    let prose: String = (0..60)
        .map(|i| {
            let thing = ["the film", "the dog", "the man", "the day"][i % 4];
            let word = ["great", "good", "bad", "blue", "fine"][i % 5];
            format!("{thing} was very {word}. ")
        })
        .collect();
    visit.upload("#pick-examples", &[write(&folder, "prose.txt", &prose)]);
    visit.wait_for_text("#data-line", "rows");
    visit.click("checkbox", "Running text");
    visit.wait_for_text("#data-line", "60 sentences, running text");
    // Nothing marked can be learned of it, and hidden words were chosen.
    visit.run(
        "document.querySelectorAll('#panel-teach .more-settings').forEach((one) => one.open = true);
        document.querySelectorAll('.hiding .paste').forEach((one) => one.open = true)",
        &[],
    );
    let recipe = [
        ("Learning rate", "1e-2"),
        ("Epochs", "6"),
        ("Batch size", "4"),
        ("Dropout", "0"),
        ("Longest text (tokens)", "24"),
    ];
    set(&visit, &recipe);
    visit.wait_for_text("#dealt-line-0", "of 30 tokens");
    visit
        .find("textbox", "Sentences to hide words in")
        .fill("the dog was very good. the man was very bad.");
    visit.wait_for_text("#dealt", "was");
    visit.wait_for_text("#dealt-line-0", "of 12 tokens");
    set(
        &visit,
        &[
            ("Asked for (% of tokens)", "50"),
            ("Of these hidden (%)", "100"),
            ("Of these swapped (%)", "0"),
        ],
    );
    visit.wait_for_text(
        "#dealt-line-0",
        "6 of 12 tokens are asked for (50%): 6 hidden, 0 swapped, 0 kept",
    );
    visit.wait_for_text("#dealt-line-1", "2.0 times as many");
    set(&visit, &[("Of these swapped (%)", "50")]);
    visit.wait_for_text("#outlook", "no more than 1 together");
    set(
        &visit,
        &[
            ("Asked for (% of tokens)", "15"),
            ("Of these hidden (%)", "80"),
            ("Of these swapped (%)", "10"),
        ],
    );
    visit.click("checkbox", "Whole words");
    visit
        .find("textbox", "Another text")
        .fill("she sat on the mat. the cat sat on the mat. the cat was on the mat.");
    start(&visit);
    visit.wait("the end", || run_line(&visit).starts_with("Done."));
    let rows = "return [...document.querySelectorAll('#before-after tbody th')].map((th) => th.textContent)";
    visit.wait("figures after", || {
        visit
            .run(rows, &[])
            .as_array()
            .is_some_and(|rows| rows.len() == 4)
    });
    let [before, after, _] = losses(&visit);
    assert!(after < before, "{before} to {after}");
    visit.wait("what became of the other text", || {
        let lines = "return [...document.querySelectorAll('.before-after-line')].map((p) => p.textContent).join(' ')";
        visit.run(lines, &[]).as_str().is_some_and(|text| text.contains("On the other text the loss"))
    });
    visit.pictures("adapted", "#before-after");
    visit.end();
}
