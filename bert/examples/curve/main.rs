//! Accuracy over the number of examples: what a pretrained encoder is worth.
//!
//! `cargo run --release -p bert --example curve -- DIR --train FILE --eval FILE [--sizes 8,16,..,all] [--seeds N]
//! [--methods head,last:N,all,scratch] [--steps N] [--batch N] [--pooling pooler|cls|mean] [--max-tokens N]
//! [--text COLUMN] [--pair COLUMN|none] [--label COLUMN] [--limit-eval N] [--minutes N] [--state FILE.json]
//! [--tsv FILE.tsv] [--device gpu|cpu] [--json] [--rows]`
//!
//! Files as for `fine_tune`. Subsets are balanced and nested; runs of `all` and `scratch` have `--steps` steps each,
//! whatever the number of examples. With `--state` the points are kept in a file as they come, and those that it has are not
//! computed again; `--minutes` stops after a while. `--limit-eval` takes the first rows of the test file. `--json` prints one
//! object with all points and lines; `--rows` adds each seed's order of the training file's lines, of which its
//! subsets are the beginnings. Progress and an estimate go to stderr.

mod arguments;
#[allow(dead_code)] // each example uses a part
#[path = "../common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Instant;

use arguments::{Arguments, USAGE, arguments};
use bert::config::HeadKind;
use bert::data::{Columns, Dataset, Format, HeaderRow, Table};
use bert::train::curve::{Curve, CurveEvent, CurveRun, CurveSetup, method_name, usual_sizes};
use bert::train::{Lesson, Method, Recipe};
use common::AnyError;
use kernels::Control;
use serde_json::{Map, Value, json};

fn table(path: &Path) -> Result<Table, AnyError> {
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let bytes = fs::read(path).map_err(|e| named(&e))?;
    let name = path.file_name().and_then(|n| n.to_str());
    let format = Format::guess(name, &bytes);
    Ok(Table::parse(&bytes, format, HeaderRow::Detect).map_err(|e| named(&e))?)
}

/// Texts to learn from, and to test with, read with the same columns.
fn texts(arguments: &Arguments) -> Result<(Dataset, Dataset), AnyError> {
    let (path, eval_path) = (&arguments.train, &arguments.eval);
    let wrong = |path: &Path, e: bert::data::DataError| format!("{}: {e}", path.display());
    let rows = table(path)?;
    let columns = Columns::named(&rows, &arguments.columns).map_err(|e| wrong(path, e))?;
    let train = Dataset::of(HeadKind::Classes, &rows, &columns, None);
    let (train, report) = train.map_err(|e| wrong(path, e))?;
    for note in [rows.notes(), report.notes()].concat() {
        eprintln!("{}: {note}", path.display());
    }
    let eval_rows = table(eval_path)?;
    let columns = columns.of_other(&rows, &eval_rows);
    let columns = columns.map_err(|e| wrong(eval_path, e))?;
    let eval = Dataset::of(HeadKind::Classes, &eval_rows, &columns, Some(&train.labels));
    let (mut eval, _) = eval.map_err(|e| wrong(eval_path, e))?;
    if let Some(limit) = arguments.limit_eval {
        eval.examples.truncate(limit.max(1));
    }
    Ok((train, eval))
}

fn setup(arguments: &Arguments, model: &bert::model::Model, train: &Dataset) -> CurveSetup {
    let texts = train.examples.len();
    let sizes = match &arguments.sizes {
        Some(sizes) => sizes.of(texts),
        None => usual_sizes(texts, train.labels.len()),
    };
    let setup = CurveSetup::new(model, &arguments.methods, sizes, arguments.seeds);
    let over = |line: Recipe| Recipe {
        batch: match line.method {
            Method::Head => line.batch,
            _ => arguments.batch.unwrap_or(line.batch),
        },
        pooling: arguments.pooling.unwrap_or(line.pooling),
        max_tokens: arguments.max_tokens.unwrap_or(line.max_tokens),
        ..line
    };
    CurveSetup {
        steps: arguments.steps.unwrap_or(setup.steps),
        lines: setup.lines.into_iter().map(over).collect(),
        ..setup
    }
}

fn earlier(path: &Path) -> Result<Option<Curve>, AnyError> {
    if !path.exists() {
        return Ok(None);
    }
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let text = fs::read_to_string(path).map_err(|e| named(&e))?;
    Ok(Some(serde_json::from_str(&text).map_err(|e| named(&e))?))
}

fn save(path: &Path, curve: &Curve) -> Result<(), AnyError> {
    let text = serde_json::to_string(curve)?;
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()).into())
}

/// Milliseconds since the first call.
fn clock() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1000.0
}

fn run(arguments: &Arguments) -> Result<(), AnyError> {
    let (train, eval) = texts(arguments)?;
    let device = common::device(&arguments.device)?;
    let (config, tokenizer) = common::tokenizer(&arguments.model)?;
    let mut model = common::model(&arguments.model, config, &device)?;
    let setup = setup(arguments, &model, &train);
    let lesson = Lesson {
        kind: HeadKind::Classes,
        labels: &train.labels,
        train: &train.examples,
        validation: &eval.examples,
    };
    let known = arguments
        .state
        .as_deref()
        .map(earlier)
        .transpose()?
        .flatten();
    let control = Control::default();
    let started = CurveRun::start(&mut model, &tokenizer, &lesson, setup, known.as_ref());
    let mut curve = pollster::block_on(started)?;
    let work = curve.work();
    let missing = curve.curve().missing().len();
    let known = curve.curve().points.len();
    eprintln!("{missing} points to compute, {known} known");
    if work.steps + work.features > 0 {
        let rates = pollster::block_on(curve.rehearse(&mut model, clock, &control))?;
        eprintln!(
            "about {:.0} s ({:.0} ms a step, {:.1} ms a text), and {} heads",
            work.seconds(&rates),
            rates.step,
            rates.text,
            work.heads
        );
    }
    let start = Instant::now();
    let seconds = || start.elapsed().as_secs_f64();
    loop {
        match pollster::block_on(curve.advance(&mut model, &control))? {
            CurveEvent::Point(point) => {
                eprintln!(
                    "{:<8} {:>6} examples, seed {}: accuracy {:.4}, loss {:.4} after {} steps, {:.0} s",
                    method_name(point.place.method),
                    point.place.size,
                    point.place.seed,
                    point.accuracy,
                    point.train_loss,
                    point.steps,
                    seconds()
                );
                if let Some(path) = &arguments.state {
                    save(path, curve.curve())?;
                }
            }
            CurveEvent::Features { done, total } if done == total => {
                eprintln!("features of {total} texts, {:.0} s", seconds());
            }
            CurveEvent::Done => break,
            _ => {}
        }
        if arguments
            .minutes
            .is_some_and(|minutes| seconds() > 60.0 * minutes)
        {
            eprintln!("stopped after {:.0} s", seconds());
            break;
        }
    }
    let orders = arguments.rows.then(|| orders(&curve, &train));
    let curve = pollster::block_on(curve.finish(&mut model))?;
    if let Some(path) = &arguments.tsv {
        fs::write(path, curve.tsv()).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    let facts = common::device_facts(&device, false)?;
    match arguments.json {
        true => println!("{}", object(&curve, orders, seconds(), facts)),
        false => print(&curve),
    }
    common::finish(&device);
    Ok(())
}

/// Each seed's order, as lines of the training file from 1.
fn orders(curve: &CurveRun, train: &Dataset) -> Value {
    let lines = |seed: &u64| -> Vec<usize> {
        let order = curve.order(*seed).unwrap_or_default();
        order.iter().map(|&i| train.examples[i].line).collect()
    };
    let seeds = curve.curve().setup.seeds.iter();
    let orders: Map<String, Value> = seeds.map(|s| (s.to_string(), json!(lines(s)))).collect();
    orders.into()
}

fn object(curve: &Curve, orders: Option<Value>, seconds: f64, facts: Map<String, Value>) -> Value {
    let lines = curve.setup.lines.iter().map(|line| line.method);
    let lines: Map<String, Value> = lines
        .map(|method| (method_name(method), json!(curve.line(method))))
        .collect();
    let mut object = json!({
        "points": curve.points, "lines": lines, "majority": curve.majority, "tested": curve.tested,
        "finding": curve.finding(), "setup": curve.setup, "seconds": seconds,
    });
    if let Value::Object(object) = &mut object {
        object.extend(orders.map(|orders| ("rows".to_owned(), orders)));
        object.extend(facts);
    }
    object
}

fn print(curve: &Curve) {
    println!(
        "majority class: {:.4} on {} texts",
        curve.majority, curve.tested
    );
    for line in &curve.setup.lines {
        for point in curve.line(line.method) {
            println!(
                "{:<8} {:>6}  {:.4} ± {:.4}  ({:.4} to {:.4}, {} seeds)",
                method_name(line.method),
                point.size,
                point.mean,
                point.deviation,
                point.least,
                point.most,
                point.seeds
            );
        }
    }
    if let Some(found) = curve.finding() {
        println!(
            "{} examples with the pretrained encoder ({}: {:.4}) do what {} do from scratch ({:.4})",
            found.few,
            method_name(found.method),
            found.accuracy,
            found.many,
            found.scratch
        );
    }
}

fn main() -> ExitCode {
    common::exit(USAGE, arguments(), run)
}
