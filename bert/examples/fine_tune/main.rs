//! Fine-tunes a checkpoint on labelled texts, natively, as the page does.
//!
//! `cargo run --release -p bert --example fine_tune -- --model DIR --train FILE --eval FILE
//! --method head|last:N|all|scratch [--epochs N] [--lr RATE] [--batch N] [--seed N] [--limit N]
//! [--pooling pooler|cls|mean] [--max-tokens N] [--device gpu|cpu] [--out DIR]
//! [--predictions FILE.json] [--json] [--profile]`
//!
//! Files are TSV, CSV or JSON Lines. Progress goes to stderr; `--json` prints one object instead of
//! a few lines. `--limit` takes the first rows of the training file. `--out`
//! writes a folder for `transformers`; `--profile` adds how long the dispatches of each shader took; `--predictions` what the model says of every evaluation
//! text: `{"labels": [..], "rows": [{"text", "pair", "label", "logits"}, ..]}`.

mod arguments;
#[path = "../common/mod.rs"]
mod common;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use bert::data::{self, Columns, Dataset, Format, HeaderRow, Report, Table, Text};
use bert::export::{self, About, Files, Kind, Machine, Run};
use bert::metrics::{Confusion, Metrics};
use bert::model::Model;
use bert::probe;
use bert::tokenizer::Tokenizer;
use bert::train::{Event, Learner, Recipe, Training};

use arguments::{Arguments, USAGE, arguments};
use common::AnyError;
use kernels::Control;
use serde_json::{Value, json};

/// What a run came to.
struct Outcome {
    recipe: Recipe,
    losses: Vec<f64>,
    confusion: Confusion,
    best_epoch: usize,
    seconds: f64,
}

/// A labelled file as a table with its columns guessed.
fn table(path: &Path) -> Result<(Table, Columns), AnyError> {
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let bytes = fs::read(path).map_err(|e| named(&e))?;
    let name = path.file_name().and_then(|n| n.to_str());
    let format = Format::guess(name, &bytes);
    let table = Table::parse(&bytes, format, HeaderRow::Detect).map_err(|e| named(&e))?;
    let columns = Columns::guess(&table);
    Ok((table, columns))
}

fn load(arguments: &Arguments) -> Result<(Dataset, Report, Dataset), AnyError> {
    let named = |path: &Path, e: data::DataError| format!("{}: {e}", path.display());
    let (mut rows, columns) = table(&arguments.train)?;
    if let Some(limit) = arguments.limit {
        rows.rows.truncate(limit.max(1));
    }
    let (train, report) = Dataset::new(&rows, &columns).map_err(|e| named(&arguments.train, e))?;
    let (rows, columns) = table(&arguments.eval)?;
    let (eval, _) = Dataset::with_labels(&rows, &columns, &train.labels)
        .map_err(|e| named(&arguments.eval, e))?;
    Ok((train, report, eval))
}

/// What one should know before trusting the figures.
fn warn(train: &Dataset, report: &Report, eval: &Dataset) {
    for merged in &report.merged {
        let spellings: Vec<String> = merged
            .spellings
            .iter()
            .map(|(s, n)| format!("`{s}` ({n})"))
            .collect();
        eprintln!(
            "taken for one label, `{}`: {}",
            merged.kept,
            spellings.join(", ")
        );
    }
    if report.contradicting > 0 {
        let rows = report.contradicting;
        eprintln!("warning: {rows} training rows repeat a text under another label");
    }
    let both = train.also_in(eval);
    if both > 0 {
        eprintln!(
            "warning: {both} of the {} evaluation rows also stand in the training file: the \
             figures flatter the model",
            eval.examples.len()
        );
    }
}

fn train(
    arguments: &Arguments,
    model: &mut Model,
    tokenizer: &Tokenizer,
    train: &Dataset,
    eval: &Dataset,
) -> Result<Outcome, AnyError> {
    let control = Control::default();
    let classes = train.labels.len();
    let method = arguments.settings.method;
    let recipe = (arguments.settings).over(Recipe::for_model(method, model));
    for warning in recipe.warnings() {
        eprintln!("warning: {warning}");
    }
    let start = Instant::now();
    let training = Training::start(
        model,
        tokenizer,
        &train.examples,
        &eval.examples,
        classes,
        recipe,
    );
    let mut training = pollster::block_on(training)?;
    // As far as is held at a time: looking waits for the device.
    training.set_report_every(Learner::REPORTS);
    let (mut losses, mut best) = (Vec::new(), None);
    let best_epoch = loop {
        match pollster::block_on(training.advance(model, &control))? {
            Event::Features { done, total } => {
                if done == total || done % 256 == 0 {
                    eprintln!("features {done} of {total}");
                }
            }
            Event::Steps(steps) => {
                losses.extend(steps.iter().map(|p| p.loss));
                if let Some(p) = steps.last() {
                    eprintln!(
                        "step {} of {}, loss {:.4}, rate {:.2e}, {:.0} s",
                        p.step,
                        p.steps,
                        p.loss,
                        p.rate,
                        start.elapsed().as_secs_f64()
                    );
                }
            }
            Event::Evaluating { .. } => {}
            Event::Epoch(report) => {
                eprintln!(
                    "epoch {}: loss {:.4}, evaluation loss {:.4}, accuracy {:.4}, macro F1 {:.4}{}",
                    report.epoch,
                    report.train_loss,
                    report.validation_loss,
                    report.validation.accuracy,
                    report.validation.macro_f1,
                    if report.best { ", the best so far" } else { "" }
                );
                if report.best {
                    best = Some(report.confusion);
                }
            }
            Event::Done { best_epoch } => break best_epoch,
            Event::Diverged { step, try_rate } => {
                return Err(format!(
                    "the loss was no number at step {step}: try --lr {try_rate:e}"
                )
                .into());
            }
        }
    };
    training.finish(model);
    model.set_classifier(train.labels.clone(), recipe.pooling)?;
    Ok(Outcome {
        recipe,
        losses,
        confusion: best.ok_or("no epoch was finished")?,
        best_epoch,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// The tokenizer's files of a folder, as they are.
fn tokenizer_files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, AnyError> {
    const NAMES: [&str; 4] = [
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
        "special_tokens_map.json",
    ];
    let mut files = Vec::new();
    for name in NAMES.iter().filter(|name| folder.join(name).exists()) {
        let path = folder.join(name);
        let bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        files.push(((*name).to_owned(), bytes));
    }
    Ok(files)
}

fn write(
    model: &mut Model,
    arguments: &Arguments,
    run: Run,
    machine: Machine,
    out: &Path,
) -> Result<(), AnyError> {
    let named = |e: std::io::Error| format!("{}: {e}", out.display());
    let text = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let about = About {
        name: text(out).unwrap_or_else(|| "fine-tuned".to_owned()),
        base: text(&arguments.model).unwrap_or_else(|| "unnamed".to_owned()),
        kind: Kind::Classifier,
        run: Some(run),
        machine: Some(machine),
        date: None,
    };
    let path = arguments.model.join("config.json");
    let config = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let tokenizer = tokenizer_files(&arguments.model)?;
    fs::create_dir_all(out).map_err(named)?;
    let files = Files {
        config: &config,
        tokenizer: &tokenizer,
    };
    let mut open: Option<(String, File)> = None;
    let mut sink = |name: &str, bytes: &[u8]| -> std::io::Result<()> {
        let file = match &mut open {
            Some((current, file)) if current == name => file,
            _ => {
                &mut open
                    .insert((name.to_owned(), File::create(out.join(name))?))
                    .1
            }
        };
        file.write_all(bytes)
    };
    let control = Control::default();
    pollster::block_on(export::folder(model, &about, &files, &control, &mut sink))?;
    Ok(())
}

fn predictions(
    model: &mut Model,
    tokenizer: &Tokenizer,
    eval: &Dataset,
    path: &Path,
) -> Result<(), AnyError> {
    let text = |e: &data::Example| Text {
        text: e.text.clone(),
        pair: e.pair.clone(),
    };
    let texts: Vec<Text> = eval.examples.iter().map(text).collect();
    let control = Control::default();
    let found = probe::classify(model, tokenizer, &texts, &control);
    let found = pollster::block_on(found)?;
    let rows: Vec<_> = texts
        .iter()
        .zip(&eval.examples)
        .zip(&found)
        .map(|((text, example), c)| {
            json!({"text": text.text, "pair": text.pair, "label": eval.labels[example.label],
                   "logits": c.logits})
        })
        .collect();
    let object = json!({"labels": eval.labels, "rows": rows});
    fs::write(path, object.to_string()).map_err(|e| format!("{}: {e}", path.display()).into())
}

fn run(arguments: &Arguments) -> Result<(), AnyError> {
    let (train_set, report, eval) = load(arguments)?;
    warn(&train_set, &report, &eval);
    let device = common::device(&arguments.device)?;
    let (config, tokenizer) = common::tokenizer(&arguments.model)?;
    let mut model = common::model(&arguments.model, config, &device)?;
    common::start_profile(&device, arguments.profile)?;
    let machine = Machine::of(&device);
    let outcome = train(arguments, &mut model, &tokenizer, &train_set, &eval)?;
    let facts = common::device_facts(&device, arguments.profile)?;
    if let Some(path) = &arguments.predictions {
        predictions(&mut model, &tokenizer, &eval, path)?;
    }
    let metrics = outcome.confusion.metrics();
    if arguments.json {
        let mut object = json!({
            "losses": outcome.losses,
            "eval": {
                "accuracy": metrics.accuracy,
                "macro_f1": metrics.macro_f1,
                "confusion": outcome.confusion.counts,
            },
            "seconds": outcome.seconds,
            "steps": outcome.losses.len(),
        });
        if let Value::Object(object) = &mut object {
            object.extend(facts);
        }
        println!("{object}");
    } else {
        print(&outcome, &metrics, &train_set, &eval);
        common::print_profile(&facts);
    }
    if let Some(out) = &arguments.out {
        let run = Run {
            recipe: outcome.recipe,
            train: train_set.counts(),
            validation: eval.counts(),
            pairs: train_set.examples.iter().any(|e| e.pair.is_some()),
            confusion: Some(outcome.confusion),
            best_epoch: outcome.best_epoch,
        };
        write(&mut model, arguments, run, machine, out)?;
        eprintln!("written to {}", out.display());
    }
    common::finish(&device);
    Ok(())
}

fn print(outcome: &Outcome, metrics: &Metrics, train: &Dataset, eval: &Dataset) {
    let majority = Confusion::of_majority(&train.counts(), &eval.counts()).metrics();
    println!(
        "epoch {} is the best: accuracy {:.4}, macro F1 {:.4} (always the most frequent class: \
         {:.4}, {:.4}); {} steps in {:.1} s",
        outcome.best_epoch,
        metrics.accuracy,
        metrics.macro_f1,
        majority.accuracy,
        majority.macro_f1,
        outcome.losses.len(),
        outcome.seconds
    );
    for (label, class) in train.labels.iter().zip(&metrics.classes) {
        println!(
            "  {label:<24} precision {:.4}  recall {:.4}  F1 {:.4}  texts {}",
            class.precision, class.recall, class.f1, class.support
        );
    }
}

/// 2 for a command line that makes no sense, 1 for a run that failed.
fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
