//! Times forward passes, how long a visitor waits for one answer, and steps of training.
//!
//! `cargo run --release -p bert --example bench -- [DIR...] [--device gpu|cpu|both] [--rounds N]`
//!
//! Without a DIR it takes the bundled checkpoint, and a larger one from `../shared` if that is
//! there; for training, that and the tests' tiny one. The executors take turns, so that whatever else the machine does falls on all alike.

#[path = "../common/mod.rs"]
mod common;
mod training;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use bert::config::Config;
use bert::model::Model;
use bert::probe::{Request, fill_mask, tokenize};
use bert::tokenizer::Tokenizer;
use common::AnyError;
use kernels::{Control, Device};

const USAGE: &str = "usage: bench [DIR...] [--device gpu|cpu|both] [--rounds N]";

/// Tokens of the texts, `[CLS]` and `[SEP]` among them; each has one `[MASK]`.
const LENGTHS: [usize; 2] = [16, 128];

struct Arguments {
    folders: Vec<PathBuf>,
    /// Whose training is timed.
    training: Vec<PathBuf>,
    devices: Vec<&'static str>,
    rounds: usize,
}

fn arguments() -> Result<Arguments, AnyError> {
    let mut folders: Vec<PathBuf> = Vec::new();
    let (mut devices, mut rounds) = (vec!["cpu", "gpu"], 10);
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        let mut value = |name: &str| rest.next().ok_or(format!("{name} needs a value\n{USAGE}"));
        match argument.as_str() {
            "--device" => {
                devices = match value("--device")?.as_str() {
                    "cpu" => vec!["cpu"],
                    "gpu" => vec!["gpu"],
                    "both" => vec!["cpu", "gpu"],
                    other => return Err(format!("--device {other}?\n{USAGE}").into()),
                }
            }
            "--rounds" => {
                let given = value("--rounds")?;
                rounds = match given.parse() {
                    Ok(n @ 1..=10_000) => n,
                    _ => return Err(format!("--rounds {given}: it is 1 to 10000").into()),
                }
            }
            "--help" => return Err(USAGE.into()),
            other if other.starts_with("--") => return Err(format!("{other}?\n{USAGE}").into()),
            _ => folders.push(argument.into()),
        }
    }
    let mut training = folders.clone();
    if folders.is_empty() {
        folders = default_folders();
        let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny-bert");
        training = vec![folders[0].clone(), tiny];
    }
    Ok(Arguments {
        folders,
        training,
        devices,
        rounds,
    })
}

fn default_folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let bundled = root.join("static/models/seedling");
    let larger = root.join("../shared/checkpoints/rxnfp-bert-mlm-nsp-f16");
    if larger.exists() {
        vec![bundled, larger]
    } else {
        vec![bundled]
    }
}

/// A text with one `[MASK]` that this model reads as `length` tokens: words of its vocabulary
/// that stay whole, one after the other.
fn text(tokenizer: &Tokenizer, config: &Config, length: usize) -> Result<Request, AnyError> {
    let request = |text: String| Request {
        text,
        pair: None,
        hidden: Vec::new(),
        top_k: 10,
    };
    let count = |text: &str| {
        tokenize(tokenizer, config, &request(text.to_owned()))
            .0
            .len()
    };
    let mut text = tokenizer.mask_token().unwrap_or("[MASK]").to_owned();
    let empty = count("");
    let mut tokens = count(&text);
    let words = (0..tokenizer.vocab_size() as u32)
        .filter_map(|id| tokenizer.id_to_token(id))
        .filter(|word| word.chars().all(char::is_alphanumeric) && count(word) == empty + 1);
    let words: Vec<String> = words.take(length).collect();
    for word in words.iter().cycle().take(length) {
        // Not every tokenizer drops spaces: one for chemical formulas has none.
        for space in [" ", ""] {
            let longer = format!("{text}{space}{word}");
            if tokens < length && count(&longer) == tokens + 1 {
                (text, tokens) = (longer, tokens + 1);
                break;
            }
        }
    }
    if tokens != length {
        return Err(format!("no text of {length} tokens can be made with this vocabulary").into());
    }
    Ok(request(text))
}

/// One row of the table.
struct Case {
    /// Which of the checkpoint's models.
    model: usize,
    tokens: usize,
    request: Request,
    dispatches: usize,
    milliseconds: Vec<f64>,
}

fn bench(folder: &Path, devices: &[(&'static str, Device)], rounds: usize) -> Result<(), AnyError> {
    let (config, tokenizer) = common::tokenizer(folder)?;
    let mut models: Vec<Model> = Vec::new();
    let mut cases = Vec::new();
    for (_, device) in devices {
        let mut model = common::model(folder, config.clone(), device)?;
        for length in LENGTHS {
            let tokens = length.min(config.max_tokens());
            let request = text(&tokenizer, &config, tokens)?;
            cases.push(Case {
                model: models.len(),
                tokens,
                request,
                dispatches: pollster::block_on(model.dispatches(tokens, 1))?,
                milliseconds: Vec::new(),
            });
        }
        models.push(model);
    }
    // The first round compiles shaders and warms caches; it is not counted.
    for round in 0..=rounds {
        for case in &mut cases {
            let (model, control) = (&mut models[case.model], Control::default());
            let start = Instant::now();
            pollster::block_on(fill_mask(model, &tokenizer, &case.request, &control))?;
            if round > 0 {
                case.milliseconds.push(1e3 * start.elapsed().as_secs_f64());
            }
        }
    }
    print(folder, devices, &models, &mut cases);
    Ok(())
}

fn title(folder: &Path, weights: u64, config: &Config) {
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    println!(
        "\n{}: {:.1} million weights, {} layers of width {}",
        name.to_string_lossy(),
        weights as f64 / 1e6,
        config.num_hidden_layers,
        config.hidden_size,
    );
}

fn print(folder: &Path, devices: &[(&'static str, Device)], models: &[Model], cases: &mut [Case]) {
    title(folder, models[0].parameter_count(), models[0].config());
    println!("executor  tokens  median ms     min ms  dispatches    weights");
    for case in cases {
        println!(
            "{:<8}  {:>6}  {:>9.2}  {:>9.2}  {:>10}  {:>5.1} MiB",
            devices[case.model].0,
            case.tokens,
            median(&mut case.milliseconds),
            case.milliseconds[0],
            case.dispatches,
            models[case.model].memory_bytes() as f64 / (1 << 20) as f64,
        );
    }
}

/// Sorts `values`, which are not empty, and returns the middle one, or the mean of the two.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[half - 1] + values[half]) / 2.0
    } else {
        values[half]
    }
}

fn run() -> Result<(), AnyError> {
    let arguments = arguments()?;
    let open = |&name: &&'static str| Ok((name, common::device(name)?));
    let devices: Vec<(&'static str, Device)> = arguments
        .devices
        .iter()
        .map(open)
        .collect::<Result<_, AnyError>>()?;
    println!(
        "One text with one mask, from its characters to its ten best guesses; {} rounds.",
        arguments.rounds
    );
    for (name, device) in &devices {
        match device {
            Device::Cpu(_) => println!("{name}: one thread, f32; a dispatch is a step of the plan"),
            Device::Gpu(gpu) => {
                let info = gpu.info();
                let kind = if info.software {
                    ", computes on the CPU"
                } else {
                    ""
                };
                println!("{name}: {} ({}{kind})", info.name, info.backend);
            }
        }
    }
    for folder in &arguments.folders {
        bench(folder, &devices, arguments.rounds)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    println!("\n{}", training::explain());
    for folder in &arguments.training {
        training::bench(folder, &devices, arguments.rounds)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
