//! Fine-tunes a checkpoint on labelled texts, natively, as the page does.
//!
//! `cargo run --release -p bert --example fine_tune -- --model DIR --train FILE --eval FILE
//! --method head|last:N|all|scratch [--text COLUMN] [--pair COLUMN|none] [--label COLUMN]
//! [--epochs N] [--lr RATE] [--batch N] [--seed N] [--limit N]
//! [--pooling pooler|cls|mean] [--max-tokens N] [--device gpu|cpu] [--out DIR]
//! [--predictions FILE.json] [--json] [--profile]`
//!
//! Files are TSV, CSV or JSON, with or without names of columns; which column holds what is guessed,
//! told, and changed by name or by number from 1. A head is trained until its loss settles, unless
//! `--epochs` is given. Progress goes to stderr; `--json` prints one object instead of
//! a few lines. `--limit` takes the first rows of the training file. `--out`
//! writes a folder for `transformers`; `--profile` adds how long the dispatches of each shader took; `--predictions` what the model says of every evaluation
//! text: `{"labels": [..], "rows": [{"text", "pair", "label", "logits"}, ..]}`.

mod arguments;
#[path = "../common/mod.rs"]
mod common;
mod texts;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use bert::data::{self, Dataset, Text};
use bert::export::{self, About, Files, Kind, Machine, Run};
use bert::metrics::{Confusion, Metrics};
use bert::model::{Classifier, Model};
use bert::probe;
use bert::tokenizer::Tokenizer;
use bert::train::{Ending, Event, Learner, Recipe, Training};

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
    /// Epochs that were run, and why no more.
    epochs: usize,
    ending: Ending,
    seconds: f64,
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
    let settings = &arguments.settings;
    let recipe = settings.over(settings.base().suited(model));
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
    // What cannot be named is refused before anything is learned.
    let classifier = Classifier {
        labels: train.labels.clone(),
        pooling: recipe.pooling,
        max_tokens: Some(recipe.max_tokens),
    };
    model.set_classifier(classifier)?;
    // As far as is held at a time: looking waits for the device.
    training.set_report_every(Learner::REPORTS);
    let (mut losses, mut best, mut epochs) = (Vec::new(), None, 0);
    let (best_epoch, ending) = loop {
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
                epochs = report.epoch;
                eprintln!(
                    "epoch {}: loss {:.4}, evaluation loss {:.4}, accuracy {:.4}, macro F1 {:.4}{}",
                    report.epoch,
                    report.train_loss,
                    report.validation_loss,
                    report.validation.accuracy,
                    report.validation.macro_f1,
                    match report.best && !recipe.settles {
                        true => ", the best so far",
                        false => "",
                    }
                );
                if report.best {
                    best = Some(report.confusion);
                }
            }
            Event::Done { best_epoch, ending } => break (best_epoch, ending),
            Event::Diverged { step, try_rate } => {
                return Err(format!(
                    "the loss was no number at step {step}: try --lr {try_rate:e}"
                )
                .into());
            }
        }
    };
    training.finish(model)?;
    Ok(Outcome {
        recipe,
        losses,
        confusion: best.ok_or("no epoch was finished")?,
        best_epoch,
        epochs,
        ending,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// The files of the base that an export takes over.
struct Source {
    config: String,
    tokenizer: Vec<(String, Vec<u8>)>,
}

/// What an export will need, before anything is learned: refused now if it cannot be written.
fn prepare_export(model: &Model, folder: &Path, out: &Path) -> Result<Source, AnyError> {
    let path = folder.join("config.json");
    let config = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let tokenizer = tokenizer_files(folder)?;
    let files = Files {
        config: &config,
        tokenizer: &tokenizer,
    };
    export::check_ahead(model, &files).map_err(|e| format!("--out: {e}"))?;
    fs::create_dir_all(out).map_err(|e| format!("{}: {e}", out.display()))?;
    Ok(Source { config, tokenizer })
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
    source: &Source,
    run: Run,
    machine: Machine,
    out: &Path,
) -> Result<(), AnyError> {
    let text = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let about = About {
        name: text(out).unwrap_or_else(|| "fine-tuned".to_owned()),
        base: text(&arguments.model).unwrap_or_else(|| "unnamed".to_owned()),
        kind: Kind::Classifier,
        run: Some(run),
        machine: Some(machine),
        date: None,
        badge: None,
    };
    let files = Files {
        config: &source.config,
        tokenizer: &source.tokenizer,
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
    let (train_set, eval) = texts::load(arguments)?;
    let device = common::device(&arguments.device)?;
    let (config, tokenizer) = common::tokenizer(&arguments.model)?;
    let mut model = common::model(&arguments.model, config, &device)?;
    let out = arguments.out.as_ref();
    let source = out.map(|out| prepare_export(&model, &arguments.model, out));
    let source = source.transpose()?;
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
                "macro_f1_classes": metrics.occurring,
                "confusion": outcome.confusion.counts,
            },
            "seconds": outcome.seconds,
            "steps": outcome.losses.len(),
            "epochs": outcome.epochs,
            "best_epoch": outcome.best_epoch,
            "ending": outcome.ending,
        });
        if let Value::Object(object) = &mut object {
            object.extend(facts);
        }
        println!("{object}");
    } else {
        print(&outcome, &metrics, &train_set, &eval);
        common::print_profile(&facts);
    }
    if let (Some(out), Some(source)) = (&arguments.out, &source) {
        let run = Run {
            recipe: outcome.recipe,
            train: train_set.counts(),
            validation: eval.counts(),
            pairs: train_set.examples.iter().any(|e| e.pair.is_some()),
            confusion: Some(outcome.confusion),
            best_epoch: outcome.best_epoch,
        };
        write(&mut model, arguments, source, run, machine, out)?;
        eprintln!("written to {}", out.display());
    }
    common::finish(&device);
    Ok(())
}

fn print(outcome: &Outcome, metrics: &Metrics, train: &Dataset, eval: &Dataset) {
    let majority = Confusion::of_majority(&train.counts(), &eval.counts()).metrics();
    let (epochs, best) = (outcome.epochs, outcome.best_epoch);
    let what = match outcome.ending {
        Ending::Epochs => format!("epoch {best} of {epochs} is the best"),
        Ending::Settled => format!("the loss settled after {epochs} epochs"),
        Ending::Unsettled => format!("the loss had not settled after {epochs} epochs, the most"),
    };
    let over = metrics
        .over()
        .map_or(String::new(), |over| format!(" {over}"));
    println!(
        "{what}: accuracy {:.4}, macro F1 {:.4}{over} (always the most frequent class: \
         {:.4}, {:.4}); {} steps in {:.1} s",
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
