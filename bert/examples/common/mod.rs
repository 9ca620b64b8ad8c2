//! What the examples share: arguments, a device, and a checkpoint folder.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use bert::config::Config;
use bert::export::{self, About, Files, Kind};
use bert::model::{Model, ModelLoader};
use bert::tokenizer::{Tokenizer, TokenizerFiles};
use kernels::gpu::{Gpu, KernelTime, Options, cache};
use kernels::{Control, Device, Precision};
use serde_json::{Map, Value, json};

/// Any error, with its message.
pub type AnyError = Box<dyn std::error::Error>;

/// Opens `gpu` or `cpu`.
pub fn device(name: &str) -> Result<Device, AnyError> {
    match name {
        "gpu" => {
            let gpu = pollster::block_on(Gpu::new(Options::default()))?;
            cache::follow(&gpu);
            Ok(Device::Gpu(gpu))
        }
        "cpu" => Ok(Device::Cpu(Precision::F32)),
        other => Err(format!("--device {other}: it is `gpu` or `cpu`").into()),
    }
}

/// Milliseconds that trials of shaders may take once the work is done.
const TRIALS_MS: f64 = 400.0;

/// What is left to do when the answer is out: tries which shaders are the fastest for what was
/// computed, so that the next run of the program goes by it.
pub fn finish(device: &Device) {
    if let Device::Gpu(gpu) = device {
        let control = Control::default();
        if let Err(error) = pollster::block_on(gpu.run_trials(TRIALS_MS, &control)) {
            eprintln!("shaders could not be tried: {error}");
        }
    }
}

/// Has every dispatch measured from now on, if that is asked for.
///
/// # Errors
/// The device has no timestamps.
pub fn start_profile(device: &Device, wanted: bool) -> Result<(), AnyError> {
    match device {
        _ if !wanted => Ok(()),
        Device::Gpu(gpu) if gpu.start_profile() => Ok(()),
        Device::Gpu(_) => Err("--profile: this adapter grants no timestamps".into()),
        Device::Cpu(_) => Err("--profile measures a GPU: take --device gpu".into()),
    }
}

/// What the device did since it was opened, as fields of the `--json` object: how many submissions, the
/// longest, the record of shaders, and what was measured, if it was. Empty on the CPU.
///
/// # Errors
/// The device failed.
pub fn device_facts(device: &Device, profile: bool) -> Result<Map<String, Value>, AnyError> {
    let mut facts = Map::new();
    if let Device::Gpu(gpu) = device {
        let submits = gpu.take_submits();
        facts.insert("submits".to_owned(), json!(submits.count));
        facts.insert("longest_submit_ms".to_owned(), json!(submits.longest_ms));
        facts.insert("shader_record".to_owned(), json!(gpu.record_id()));
        if profile {
            let times = pollster::block_on(gpu.take_profile())?;
            let row = |time: &KernelTime| {
                json!({
                    "kernel": time.kernel,
                    "dispatches": time.dispatches,
                    "microseconds": time.microseconds,
                })
            };
            let rows: Vec<Value> = times.iter().map(row).collect();
            facts.insert("profile".to_owned(), json!(rows));
        }
    }
    Ok(facts)
}

/// The measured times as a table, the longest first.
pub fn print_profile(facts: &Map<String, Value>) {
    let Some(rows) = facts.get("profile").and_then(Value::as_array) else {
        return;
    };
    let time = |row: &Value| row["microseconds"].as_f64().unwrap_or_default();
    let total: f64 = rows.iter().map(time).sum();
    println!(
        "\n{:>12}  {:>6}  {:>10}  kernel",
        "microseconds", "share", "dispatches"
    );
    for row in rows {
        println!(
            "{:>12.1}  {:>5.1}%  {:>10}  {}",
            time(row),
            100.0 * time(row) / total,
            row["dispatches"],
            row["kernel"].as_str().unwrap_or_default()
        );
    }
}

/// Reads a text file, naming it if that fails.
fn text(path: &Path) -> Result<String, AnyError> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()).into())
}

/// Reads config.json, and the tokenizer from what files of it there are.
pub fn tokenizer(folder: &Path) -> Result<(Config, Tokenizer), AnyError> {
    let config = Config::from_json(&text(&folder.join("config.json"))?)?;
    let mut files = TokenizerFiles::default();
    for name in TokenizerFiles::NAMES {
        let path = folder.join(name);
        if path.exists() {
            let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            files.insert(name, bytes);
        }
    }
    let tokenizer = files.read(config.tokenizer_class.as_deref())?;
    Ok((config, tokenizer))
}

/// Streams model.safetensors, or where there is none pytorch_model.bin, to the device.
pub fn model(folder: &Path, config: Config, device: &Device) -> Result<Model, AnyError> {
    let mut path = folder.join("model.safetensors");
    let older = folder.join("pytorch_model.bin");
    if !path.exists() && older.exists() {
        path = older;
    }
    let named = |e: std::io::Error| format!("{}: {e}", path.display());
    let mut file = File::open(&path).map_err(named)?;
    let length = file.metadata().map_err(named)?.len();
    let mut loader = ModelLoader::new(device, config, Some(length))?;
    let mut chunk = vec![0; 1 << 20];
    loop {
        match file.read(&mut chunk).map_err(named)? {
            0 => break,
            count => loader.push(&chunk[..count])?,
        }
    }
    Ok(pollster::block_on(loader.finish())?)
}

/// Writes a model as a folder that `transformers` loads; `out` is there.
#[allow(dead_code)] // each example uses a part
pub fn write_folder(
    model: &mut Model,
    about: &About,
    files: &Files<'_>,
    out: &Path,
) -> Result<(), AnyError> {
    std::fs::create_dir_all(out).map_err(|e| format!("{}: {e}", out.display()))?;
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
    pollster::block_on(export::folder(model, about, files, &control, &mut sink))?;
    let generator = match about.kind {
        Kind::Replaced => pollster::block_on(model.generator())?,
        _ => None,
    };
    // What filled the words is a model of its own.
    if let Some(mut generator) = generator {
        let about = About {
            kind: Kind::MaskedLm,
            name: format!("{}, generator", about.name),
            ..about.clone()
        };
        let config = model.config().generator_json(files.config)?;
        let files = Files {
            config: &config,
            ..*files
        };
        write_folder(&mut generator, &about, &files, &out.join("generator"))?;
    }
    Ok(())
}

/// What `main` does: 2 for a command line that makes no sense, 1 for a run that failed.
#[allow(dead_code)] // each example uses a part
pub fn exit<A>(
    usage: &str,
    arguments: Result<Option<A>, AnyError>,
    run: impl FnOnce(&A) -> Result<(), AnyError>,
) -> std::process::ExitCode {
    let arguments = match arguments {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{usage}");
            return std::process::ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}");
            return std::process::ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}
