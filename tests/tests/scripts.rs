//! Scripts that the page writes, run by Python: they print the numbers that the page shows.
//!
//! `UNMASK_PYTHON` names a Python with torch and transformers; else `python3` is asked.

use app::script::{Folder, Origin, Script, Shown, literal};
use bert::config::{Config, HeadKind};
use bert::data::Text;
use bert::model::{Model, ModelLoader};
use bert::probe::{Fill, Replaced, Request, Said, answers, entities, fill_mask, predict, replaced};
use bert::tokenizer::Tokenizer;
use kernels::{Control, Device, Precision};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Largest distance of a share that is printed with four decimals of a percent.
const ALLOWED: f64 = 2e-6;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Python that has these modules; says so where there is none.
fn python(modules: &str) -> Option<PathBuf> {
    let program = std::env::var_os("UNMASK_PYTHON").unwrap_or_else(|| "python3".into());
    let program = PathBuf::from(program);
    let import = format!("import {modules}");
    let found = Command::new(&program).args(["-c", &import]).output();
    if found.is_ok_and(|found| found.status.success()) {
        return Some(program);
    }
    eprintln!(
        "SKIPPED: {} has no {modules}; UNMASK_PYTHON names another",
        program.display()
    );
    None
}

/// What the tool makes of each text.
fn run(python: &Path, arguments: &[&str], texts: &[String]) -> Vec<String> {
    let mut child = Command::new(python)
        .arg(root().join("tools/run_scripts.py"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python");
    let texts = serde_json::to_vec(texts).expect("JSON");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(&texts).expect("the texts");
    drop(stdin);
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "Python failed");
    serde_json::from_slice(&output.stdout).expect("a list of texts")
}

#[test]
fn python_reads_any_text_as_it_was() {
    let Some(python) = python("json") else {
        return;
    };
    let mut runner = TestRunner::deterministic();
    let wild =
        proptest::string::string_regex("(?s).{0,40}|[\"'\\\\\n\r\t{}#]{0,9}").expect("a regex");
    let any = (proptest::prelude::any::<String>(), wild).prop_map(|(a, b)| a + &b);
    let texts = (0..600).map(|_| any.new_tree(&mut runner).expect("a text").current());
    let texts: Vec<String> = texts.collect();
    let literals: Vec<String> = texts.iter().map(|text| literal(text)).collect();
    assert_eq!(run(&python, &["--literals"], &literals), texts);
}

/// A checkpoint in a folder that `transformers` can load, and the same here.
struct Loaded {
    folder: PathBuf,
    architecture: String,
    tokenizer: Tokenizer,
    model: Model,
}

/// A fixture's weights with the files of the tokenizer that it goes with, in a folder below `all`.
fn loaded(all: &TempDir, name: &str, tokenizer: &str) -> Loaded {
    let folder = all.path().join(name);
    fs::create_dir_all(&folder).expect("a folder");
    let fixtures = root().join("fixtures");
    for (from, names) in [
        (tokenizer, &["tokenizer.json", "tokenizer_config.json"][..]),
        (name, &["config.json", "model.safetensors"]),
    ] {
        for file in names {
            fs::copy(fixtures.join(from).join(file), folder.join(file)).expect("a copy");
        }
    }
    let read = |file: &str| fs::read(folder.join(file)).expect("a file");
    let config = String::from_utf8(read("config.json")).expect("UTF-8");
    let named: Value = serde_json::from_str(&config).expect("JSON");
    let weights = read("model.safetensors");
    let device = Device::Cpu(Precision::F32);
    let config = Config::from_json(&config).expect("a configuration");
    let mut loader =
        ModelLoader::new(&device, config, Some(weights.len() as u64)).expect("a loader");
    loader.push(&weights).expect("weights");
    Loaded {
        architecture: named["architectures"][0]
            .as_str()
            .expect("a class")
            .to_owned(),
        tokenizer: Tokenizer::from_tokenizer_json(&read("tokenizer.json")).expect("a tokenizer"),
        model: pollster::block_on(loader.finish()).expect("a model"),
        folder,
    }
}

impl Loaded {
    fn request(text: &str, pair: Option<&str>, hidden: &[usize]) -> Request {
        Request {
            text: text.into(),
            pair: pair.map(str::to_owned),
            hidden: hidden.to_vec(),
            top_k: 3,
            compare: Vec::new(),
        }
    }

    fn fill(&mut self, text: &str, pair: Option<&str>, hidden: &[usize]) -> Fill {
        let (request, control) = (Self::request(text, pair, hidden), Control::default());
        let fill = fill_mask(&mut self.model, &self.tokenizer, &request, &control);
        pollster::block_on(fill).expect("guesses")
    }

    fn marks(&mut self, text: &str, hidden: &[usize]) -> Replaced {
        let (request, control) = (Self::request(text, None, hidden), Control::default());
        let marks = replaced(&mut self.model, &self.tokenizer, &request, &control);
        pollster::block_on(marks).expect("marks")
    }

    fn said(&mut self, text: &str, pair: Option<&str>) -> Said {
        let text = Text {
            text: text.into(),
            pair: pair.map(str::to_owned),
        };
        let control = Control::default();
        let said = predict(&mut self.model, &self.tokenizer, &text, &control);
        pollster::block_on(said).expect("what it says")
    }

    /// The script, with the folder where its reader would write it.
    fn script(&self, shown: Shown<'_>) -> String {
        let script = Script {
            origin: Origin::Folder(Folder::Bundled),
            architecture: &self.architecture,
            max_tokens: self.model.config().max_tokens(),
            shown,
        };
        let script = script.python().expect("a script");
        let folder = literal(self.folder.to_str().expect("UTF-8"));
        script.replacen("\"path/to/folder\"", &folder, 1)
    }
}

/// A line that a script is to print: a share, and what it is of.
type Line = (f32, String);

/// The lines of a share that were printed.
fn lines(printed: &str) -> Vec<(f64, String)> {
    let line = |line: &str| {
        let (share, of) = line.trim_start().split_once("%  ")?;
        Some((share.parse::<f64>().ok()? / 100.0, of.to_owned()))
    };
    printed.lines().filter_map(line).collect()
}

fn assert_same(what: &str, printed: &str, mut expected: Vec<Line>, sorted: bool) {
    let mut found = lines(printed);
    if !sorted {
        found.sort_by(|a, b| a.1.cmp(&b.1));
        expected.sort_by(|a, b| a.1.cmp(&b.1));
    }
    assert_eq!(
        found.len(),
        expected.len(),
        "{what}: {printed}\n{expected:?}"
    );
    for ((share, of), (expected, name)) in found.iter().zip(&expected) {
        assert!(
            of == name && (share - f64::from(*expected)).abs() <= ALLOWED,
            "{what}: {share} of {of:?}, not {expected} of {name:?}\n{printed}"
        );
    }
}

fn expected_of_fill(fill: &Fill, pair: bool) -> Vec<Line> {
    let guesses = fill.masks.iter().flat_map(|mask| &mask.predictions);
    let mut lines: Vec<Line> = guesses.map(|p| (p.probability, p.token.clone())).collect();
    if let Some(nsp) = fill.nsp.as_ref().filter(|_| pair) {
        lines.push((nsp.is_next, "the second text follows the first".into()));
    }
    lines
}

fn expected_of_said(said: &Said) -> Vec<Line> {
    match said.head.kind {
        HeadKind::Classes | HeadKind::Labels => {
            let labels = said.head.labels.iter().cloned();
            said.probabilities().into_iter().zip(labels).collect()
        }
        HeadKind::Score => vec![(said.probabilities()[0], "as a probability".into())],
        HeadKind::Tokens => {
            let line = |found: bert::probe::Entity| {
                (
                    found.probability,
                    format!("{}: {}", found.label, found.words(&said.text)),
                )
            };
            entities(said).into_iter().map(line).collect()
        }
        HeadKind::Span => {
            let (found, none) = answers(said, 3);
            let line = |found: &bert::probe::Answer| {
                (found.probability, found.at().of(said.text.passage()))
            };
            let mut lines: Vec<Line> = found.iter().map(line).collect();
            lines.push((none, "(no answer)".into()));
            lines
        }
        HeadKind::Choice => {
            let choices = said.choices().into_iter().zip(&said.logits);
            let choices = choices.map(|(choice, score)| format!("{choice}  (score {score:.4})"));
            said.probabilities().into_iter().zip(choices).collect()
        }
    }
}

#[test]
fn scripts_print_what_the_page_shows() {
    let Some(python) = python("torch, transformers") else {
        return;
    };
    let all = TempDir::with_prefix("unmask-scripts-").expect("a folder");
    let mut scripts: Vec<(String, String, Vec<Line>)> = Vec::new();
    let long = "the man saw the dog and the cat saw the mat ".repeat(9);
    let long = long.trim();

    for (name, tokenizer) in [
        ("tiny-bert", "tiny-bert"),
        ("tiny-albert", "tiny-albert"),
        ("tiny-distilbert", "tiny-distilbert"),
        ("tiny-roberta", "tiny-roberta"),
        ("tiny-electra-generator", "tiny-electra-generator"),
    ] {
        let mut model = loaded(&all, name, tokenizer);
        let mask = model.tokenizer.mask_token().expect("a mask").to_owned();
        let texts = [
            (
                format!("the man {mask} the \"quick\" dog\\n"),
                None,
                vec![2],
            ),
            (
                format!("Café naïve 😀 saw the {mask}."),
                Some("the dog saw it and ran"),
                vec![2, 3],
            ),
            (long.to_owned(), None, vec![3]),
            (long.to_owned(), Some(long), vec![3, 40]),
        ];
        for (text, pair, hidden) in texts {
            let fill = model.fill(&text, pair, &hidden);
            let shown = Shown::Fill {
                fill: &fill,
                text: &text,
                pair,
            };
            let script = model.script(shown);
            let expected = expected_of_fill(&fill, pair.is_some());
            scripts.push((format!("{name}, {text}, {pair:?}"), script, expected));
        }
        if model.model.has_nsp() {
            let (text, pair) = ("the man saw it", "the dog ran");
            let fill = model.fill(text, Some(pair), &[]);
            let shown = Shown::Fill {
                fill: &fill,
                text,
                pair: Some(pair),
            };
            let script = model.script(shown);
            scripts.push((
                format!("{name}, pair"),
                script,
                expected_of_fill(&fill, true),
            ));
        }
    }

    let mut model = loaded(
        &all,
        "tiny-electra-discriminator",
        "tiny-electra-discriminator",
    );
    for hidden in [&[][..], &[2]] {
        let text = "the man saw the quick brown fox!";
        let marks = model.marks(text, hidden);
        let shown = Shown::Marks {
            marks: &marks,
            text,
            pair: None,
        };
        let words = marks.tokens.iter().zip(&marks.probabilities);
        let words = words.filter(|(token, _)| !token.special);
        let spelled = |token: &bert::probe::Token| match token.masked {
            true => "[MASK]".to_owned(),
            false => token.text.clone(),
        };
        let expected = words
            .map(|(token, &share)| (share, spelled(token)))
            .collect();
        scripts.push((
            format!("discriminator, {hidden:?}"),
            model.script(shown),
            expected,
        ));
    }

    let golden = fs::read(root().join("fixtures/heads/golden.json")).expect("the golden file");
    let golden: Value = serde_json::from_slice(&golden).expect("JSON");
    let mut kinds = std::collections::BTreeSet::new();
    for head in golden["heads"].as_array().expect("heads") {
        let text = |key: &str| head[key].as_str().expect("a text");
        let folder = format!("heads/{}", text("folder"));
        let mut model = loaded(&all, &folder, text("tokenizer"));
        let kind = model.model.head().expect("a head").kind;
        kinds.insert(format!("{kind:?}"));
        let cases: &[(&str, Option<&str>)] = match kind {
            HeadKind::Choice => &[("the man saw", Some("the dog\nit and \"ran\"\n\nthe mat"))],
            HeadKind::Span => &[
                ("who saw it?", Some("the dog saw it and ran")),
                ("the man saw it", None),
                ("who saw it?", Some(long)),
            ],
            HeadKind::Tokens => &[
                ("The man saw the quick brown fox!", None),
                ("the man", Some("the dog saw it")),
                (long, None),
            ],
            _ => &[
                ("the film was great", None),
                ("the man", Some("the dog saw it")),
                (long, Some(long)),
            ],
        };
        for &(text, pair) in cases {
            let said = model.said(text, pair);
            let script = model.script(Shown::Said(&said));
            scripts.push((
                format!("{folder}, {text}, {pair:?}"),
                script,
                expected_of_said(&said),
            ));
        }
    }
    for (name, tokenizer) in [
        ("tiny-classifier", "tiny-bert"),
        ("tiny-distilbert-classifier", "tiny-distilbert"),
    ] {
        let mut model = loaded(&all, name, tokenizer);
        let said = model.said("the film was great", None);
        kinds.insert(format!("{:?}", said.head.kind));
        scripts.push((
            name.to_owned(),
            model.script(Shown::Said(&said)),
            expected_of_said(&said),
        ));
    }
    assert_eq!(kinds.len(), 6, "every kind of head: {kinds:?}");

    let texts: Vec<String> = scripts
        .iter()
        .map(|(_, script, _)| script.clone())
        .collect();
    let printed = run(&python, &[], &texts);
    for ((what, script, expected), printed) in scripts.into_iter().zip(printed) {
        // Guesses come in the order of places; others may tie.
        assert_same(&what, &printed, expected, script.contains("GUESSES"));
    }
}
