//! Teaching in the page: from labelled sentences to a classifier that leaves and comes back.

use crate::visit::{Choice, Visit, files_of, fixture, site};
use serde_json::json;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use unmask_tests::browser::{Bench, Browser, Gpu};

/// Sentences of the smallest checkpoint's own words, which a word or two decides.
pub fn moods() -> String {
    let mut rows = String::from("label\ttext\n");
    for (label, words) in [
        ("good", ["great", "good", "fine"]),
        ("bad", ["bad", "dull", "blue"]),
    ] {
        for thing in [
            "the film",
            "the movie",
            "the day",
            "the dog",
            "the man",
            "this",
        ] {
            for word in words {
                rows.push_str(&format!("{label}\t{thing} was very {word}.\n"));
            }
        }
    }
    rows
}

pub fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let file = folder.path().join(name);
    fs::write(&file, text).expect("a writable folder");
    file
}

/// What the page says to a text, label by label, the likeliest first.
pub fn answer(visit: &Visit) -> Vec<(String, f64)> {
    let script = "return [...document.querySelectorAll('#try-answer .bar')].map((bar) =>
        [bar.querySelector('.bar-token').textContent, parseFloat(bar.querySelector('.bar-value').textContent)]);";
    let pairs = visit.run(script, &[]);
    serde_json::from_value(pairs).expect("pairs")
}

/// Types a text to try and waits for the answer to it.
pub fn ask(visit: &Visit, text: &str) -> Vec<(String, f64)> {
    visit.find("textbox", "Text to try").fill(" ");
    visit.wait("the old answer to go", || answer(visit).is_empty());
    visit.find("textbox", "Text to try").fill(text);
    visit.wait_for("an answer", || {
        Some(answer(visit)).filter(|a| !a.is_empty())
    })
}

pub fn run_line(visit: &Visit) -> String {
    visit.text_of("#run-line")
}

/// Puts a recipe into the form.
pub fn set(visit: &Visit, fields: &[(&str, &str)]) {
    for (label, text) in fields {
        visit.find("textbox", label).fill(text);
    }
}

pub fn start(visit: &Visit) {
    visit.wait("the run can start", || {
        let ready = "return document.querySelector('#start-run')?.disabled === false";
        visit.run(ready, &[]) == json!(true)
    });
    visit.click("button", "Start");
}

/// Waits until a file whose name ends so is there, whole.
pub fn saved(visit: &Visit, folder: &Path, end: &str) -> PathBuf {
    visit.wait_for(&format!("a saved file that ends in {end}"), || {
        let entries = fs::read_dir(folder).ok()?.flatten();
        let mut files = entries.map(|entry| entry.path());
        let file = files.find(|file| file.to_string_lossy().ends_with(end))?;
        // Firefox claims the name before it moves the file there.
        let is_whole = fs::metadata(&file).is_ok_and(|about| about.len() > 0);
        is_whole.then_some(file)
    })
}

/// Unpacks a saved folder; returns where its files lie.
pub fn unpack(file: &Path, folder: &TempDir) -> PathBuf {
    let mut archive = zip::ZipArchive::new(fs::File::open(file).expect("the file")).expect("a zip");
    let mut root = None;
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).expect("an entry");
        let path = folder
            .path()
            .join(entry.enclosed_name().expect("a plain name"));
        let parent = path.parent().expect("in a folder").to_path_buf();
        fs::create_dir_all(&parent).expect("a folder");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its bytes");
        fs::write(&path, bytes).expect("a writable folder");
        root = Some(parent);
    }
    root.expect("files in the zip")
}

fn percent_of(visit: &Visit, name: &str) -> f64 {
    let script = "const term = [...document.querySelectorAll('#figures dt')]
            .find((term) => term.textContent === arguments[0]);
        return parseFloat(term?.nextElementSibling.textContent ?? 'NaN');";
    visit
        .run(script, &[json!(name)])
        .as_f64()
        .unwrap_or(f64::NAN)
}

pub fn same(found: &[(String, f64)], expected: &[(String, f64)]) {
    let close = |a: &(String, f64), b: &(String, f64)| a.0 == b.0 && (a.1 - b.1).abs() <= 0.11;
    let equal = found.iter().zip(expected).all(|(a, b)| close(a, b));
    assert!(
        equal && found.len() == expected.len(),
        "{found:?} is not {expected:?}"
    );
}

const PRAISE: &str = "the movie was very great.";

scenario!(the_whole_model_learns_on_the_gpu_and_travels: Chromium Firefox);
fn the_whole_model_learns_on_the_gpu_and_travels(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Gpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-moods-").expect("a folder");
    visit.open_fixture("tiny-bert");
    visit.click("tab", "Teach");
    visit.upload("#pick-examples", &[write(&folder, "moods.tsv", &moods())]);
    visit.wait_for_text("#data-line", "36 rows, 2 classes, TSV");
    visit.click("radio", "Whole model");
    visit.run("document.querySelector('.more-settings').open = true", &[]);
    let recipe = [
        ("Learning rate", "3e-3"),
        ("Epochs", "60"),
        ("Batch size", "8"),
        ("Dropout", "0"),
    ];
    set(&visit, &recipe);
    visit.wait_for_text("#outlook", "240 steps.");
    start(&visit);

    // It rests where it is told to, and what it says can be asked for meanwhile.
    visit.wait("the first steps", || run_line(&visit).contains("step "));
    visit.click("button", "Pause");
    visit.wait("a pause", || run_line(&visit).starts_with("Paused"));
    let paused = run_line(&visit);
    assert_eq!(ask(&visit, PRAISE).len(), 2);
    // Other panels work in the middle of a run.
    visit.click("tab", "Probe");
    visit.type_text("the [MASK] sat on the mat.");
    visit.wait("an answer", || visit.cards().len() == 1);
    visit.click("tab", "Teach");
    assert_eq!(run_line(&visit), paused);
    // No other model, as long as it would be lost.
    visit.pick(&files_of(&fixture("tiny-bert-f16")));
    visit.alert("A run is under way");
    visit.click("button", "Dismiss");
    visit.click("button", "Resume");
    visit.wait("the end", || run_line(&visit).starts_with("Done."));

    let path = "return document.querySelector('#loss-chart .curve.training').getAttribute('d')";
    let curve = visit.run(path, &[]);
    assert!(
        curve.as_str().unwrap_or_default().matches('L').count() > 10,
        "{curve}"
    );
    let (accuracy, majority) = (
        percent_of(&visit, "Validation accuracy"),
        percent_of(&visit, "Always the most frequent label"),
    );
    assert!(
        accuracy > majority,
        "{accuracy}% is no better than {majority}%"
    );
    let expected = ask(&visit, PRAISE);
    assert_eq!(expected[0].0, "good");
    let rows = "return document.querySelectorAll('#confusion tbody tr').length";
    assert_eq!(visit.run(rows, &[]), json!(2));

    let Some(saved_in) = visit.downloads() else {
        return visit.end();
    };
    visit.click("button", "Download the folder");
    let root = unpack(&saved(&visit, &saved_in, ".zip"), &folder);
    let card = fs::read_to_string(root.join("README.md")).expect("a card");
    assert!(
        card.contains("accelerate launch") && card.contains("good"),
        "{card}"
    );
    // A software adapter has no choice of shaders to record.
    let machine = visit.text_of("#run-machine");
    assert!(machine.starts_with("Trained on the GPU "), "{machine}");
    assert!(machine.ends_with(", shaders chosen by rule."), "{machine}");
    assert!(card.contains(&machine), "{machine} in\n{card}");
    visit.end();

    // Another visitor drops the folder, and it says the same.
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.open_folder(&root);
    visit.click("tab", "Teach");
    same(&ask(&visit, PRAISE), &expected);
    visit.end();
}

/// Teaches the bundled model's head some rows of a sample set, until it is done.
pub fn learn_a_few(visit: &Visit) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let sample = root.join("static/examples/review-sentiment.tsv");
    let sample = fs::read_to_string(sample).expect("the sample");
    let rows: String = sample.split_inclusive('\n').take(41).collect();
    let folder = TempDir::with_prefix("unmask-reviews-").expect("a folder");
    visit.click("tab", "Teach");
    visit.upload("#pick-examples", &[write(&folder, "reviews.tsv", &rows)]);
    visit.wait_for_text("#data-line", "40 rows, 2 classes, TSV");
    learn(visit);
}

/// Teaches the head what the page shows, until it is done.
fn learn(visit: &Visit) {
    set(visit, &[("Epochs", "12"), ("Learning rate", "3e-3")]);
    start(visit);
    visit.wait("the end", || run_line(visit).starts_with("Done."));
}

// WebKit takes minutes here; it learns from fewer examples below.
scenario!(a_head_on_the_bundled_model_learns_a_sample_and_travels: Chromium Firefox);
fn a_head_on_the_bundled_model_learns_a_sample_and_travels(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    visit.click("tab", "Teach");
    visit.click("button", "Review sentiment");
    visit.wait_for_text("#data-line", "320 rows, 2 classes, TSV");
    learn(&visit);
    let accuracy = percent_of(&visit, "Validation accuracy");
    assert!(accuracy > 60.0, "{accuracy}% of two even classes");
    let praise = "I loved every minute of it.";
    let expected = ask(&visit, praise);

    let Some(saved_in) = visit.downloads() else {
        return visit.end();
    };
    visit.click("button", "Download the head");
    // What the browser saved goes with it.
    let folder = TempDir::with_prefix("unmask-texts-").expect("a folder");
    let head = folder.path().join("reviews.head.safetensors");
    fs::copy(saved(&visit, &saved_in, ".head.safetensors"), &head).expect("a copy");
    // Predictions for a file of texts without labels.
    let texts = format!("text\n{praise}\nIt broke after a day.\n");
    visit.upload("#pick-predict", &[write(&folder, "texts.tsv", &texts)]);
    let predictions = fs::read_to_string(saved(&visit, &saved_in, ".tsv")).expect("a table");
    let lines: Vec<&str> = predictions.lines().collect();
    assert_eq!(lines.len(), 3, "{predictions}");
    assert!(
        lines[1].starts_with(&format!("{praise}\t{}\t", expected[0].0)),
        "{predictions}"
    );
    visit.end();

    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    visit.drop_files("footer", std::slice::from_ref(&head));
    visit.find("textbox", "Text to try");
    same(&ask(&visit, praise), &expected);
    // Another base is refused, by name.
    visit.open_fixture("tiny-bert");
    visit.drop_files("footer", &[head]);
    visit.alert("base");
    visit.click("button", "Dismiss");
    visit.end();
}

scenario!(examples_that_cannot_be_learned_from_are_explained: Chromium Firefox WebKit);
fn examples_that_cannot_be_learned_from_are_explained(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-texts-").expect("a folder");
    visit.open_fixture("tiny-bert");
    visit.click("tab", "Teach");
    let not_utf8 = folder.path().join("old.tsv");
    fs::write(&not_utf8, b"good\tcaf\xe9\nbad\ttea\n").expect("a writable folder");
    let ragged = write(&folder, "ragged.csv", "label,text\ngood,a,b\nbad,c\n");
    for (file, said) in [(&ragged, "line 2"), (&not_utf8, "not UTF-8")] {
        visit.upload("#pick-examples", std::slice::from_ref(file));
        visit.alert(said);
        visit.click("button", "Dismiss");
        visit.wait("the failure to go", || visit.all("alert", "").is_empty());
    }
    let one_class = write(
        &folder,
        "one.tsv",
        "label\ttext\ngood\ta cat\ngood\ta dog\n",
    );
    visit.upload("#pick-examples", &[one_class]);
    visit.wait_for_text("#data-report", "good");
    let disabled = || visit.run("return document.querySelector('#start-run').disabled", &[]);
    assert_eq!(disabled(), json!(true));

    // Labels that differ in spaces are one, and said so; the recipe's own mistakes are named.
    let spaced = format!("{}good \tthe cat was good.\n", moods());
    visit.upload("#pick-examples", &[write(&folder, "spaced.tsv", &spaced)]);
    visit.wait_for_text("#data-report", "37 rows, 2 classes");
    for (field, text, said) in [
        ("Learning rate", "NaN", "is not a number"),
        ("Learning rate", "10", "learning rate 10"),
        ("Epochs", "0", "epochs 0"),
    ] {
        set(&visit, &[(field, text)]);
        visit.wait_for_text("#outlook", said);
        assert_eq!(disabled(), json!(true), "{field} {text}");
        set(&visit, &[("Learning rate", "1e-3"), ("Epochs", "3")]);
    }
    set(&visit, &[("Batch size", "500")]);
    visit.wait_for_text("#outlook", "larger than the");
    visit.wait("the run can start", || disabled() == json!(false));
    // Pasted texts take the file's place.
    visit.run(
        "document.querySelector('#pasted').closest('details').open = true",
        &[],
    );
    visit
        .find("textbox", "Examples, one a line")
        .fill("good,a cat\nbad,a dog\nbad,a man");
    visit.click("button", "Use these");
    visit.wait_for_text("#data-line", "3 rows, 2 classes");
    visit.end();
}

/// Lets the test take the device away, as a driver would.
const LOSE_DEVICES: &str = "
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...all) {
        const device = await request.apply(this, all);
        new BroadcastChannel('lose').onmessage = () => device.destroy();
        return device;
    };\n";

/// A visit on the GPU whose device can be taken away.
pub fn visit_that_loses(browser: Browser) -> Option<Visit> {
    let bench = Bench::ready(browser)?;
    let name = bench.built("worker.js");
    let worker = fs::read(bench.site.join(&name)).expect("the worker's script");
    let script = [LOSE_DEVICES.as_bytes(), &worker].concat();
    let answer = move || xtask::server::Reply::bytes("text/javascript", script.clone());
    let site = site(&bench).answer(&format!("/{name}"), answer);
    Some(Visit::with(&bench, site, Choice::Gpu, Gpu::Software))
}

/// Takes the device away from a run, and goes on with it from its best epoch.
pub fn lose_and_resume(visit: &Visit, model: &str) {
    visit.run("new BroadcastChannel('lose').postMessage('')", &[]);
    visit.alert("The GPU was lost");
    visit.wait("the end of the run", || {
        run_line(visit).contains("the engine was lost")
    });
    visit.wait_for_model(model);
    visit.click("button", "Dismiss");
    visit.wait("the run can be resumed", || {
        let ready = "return document.querySelector('#resume-run')?.disabled === false";
        visit.run(ready, &[]) == json!(true)
    });
    let epoch = visit.text_of("#resume-run");
    visit.click("button", &epoch);
    visit.wait("steps after the epoch", || {
        run_line(visit).contains("step ")
    });
    assert!(
        !run_line(visit).contains("Epoch 1 of"),
        "{}",
        run_line(visit)
    );
}

scenario!(a_lost_device_in_the_middle_costs_one_epoch_at_most: Chromium Firefox);
fn a_lost_device_in_the_middle_costs_one_epoch_at_most(browser: Browser) {
    let Some(visit) = visit_that_loses(browser) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-moods-").expect("a folder");
    visit.open_fixture("tiny-bert");
    visit.click("tab", "Teach");
    visit.upload("#pick-examples", &[write(&folder, "moods.tsv", &moods())]);
    visit.wait_for_text("#data-line", "36 rows");
    visit.click("radio", "Last layers");
    set(
        &visit,
        &[
            ("Learning rate", "1e-3"),
            ("Epochs", "400"),
            ("Batch size", "8"),
        ],
    );
    start(&visit);
    visit.wait("an epoch", || {
        visit.text_of("#accuracy-chart").contains("After epoch")
    });
    lose_and_resume(&visit, "model.safetensors");
    visit.click("button", "Stop training");
    visit.wait("the end", || run_line(&visit).starts_with("Stopped."));
    assert!(percent_of(&visit, "Validation accuracy") > 0.0);
    visit.end_as_it_is();
}
