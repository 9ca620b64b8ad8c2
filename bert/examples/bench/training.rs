//! Times steps of training: a head over features, and the whole model.

use std::path::Path;
use std::time::{Duration, Instant};

use bert::model::Model;
use bert::train::{Batch, DropoutRates, Inputs, Learner, Method, Optimiser, Pooling, Task};
use kernels::{Control, Device, RunError};

use crate::common::{self, AnyError};
use crate::{median, title};

/// Texts of a step.
const BATCH: usize = 16;
/// Tokens of each.
const TOKENS: usize = 64;
/// Rows of features that a head's batches are taken from.
const FEATURES: usize = 64;
/// Steps that are timed however long they take; more only within [`PATIENCE`].
const LEAST: usize = 3;
const PATIENCE: Duration = Duration::from_secs(10);

/// What a kind of step came to.
struct Steps {
    milliseconds: Vec<f64>,
    dispatches: usize,
    /// The most GPU memory held at a time, the model's weights among it.
    peak: Option<u64>,
}

/// Prints a table for a checkpoint: each executor, each kind of step.
pub fn bench(
    folder: &Path,
    devices: &[(&'static str, Device)],
    rounds: usize,
) -> Result<(), AnyError> {
    let (config, _) = common::tokenizer(folder)?;
    let model = common::model(folder, config.clone(), &devices[0].1)?;
    title(folder, model.parameter_count(), &config);
    drop(model);
    println!("executor  step         median ms     min ms  dispatches  steps  peak GPU memory");
    for (name, device) in devices {
        for (what, method) in [("head", Method::Head), ("whole model", Method::All)] {
            let mut model = common::model(folder, config.clone(), device)?;
            let mut steps = pollster::block_on(measure(&mut model, method, rounds))?;
            let count = steps.milliseconds.len();
            let median = median(&mut steps.milliseconds);
            println!(
                "{name:<8}  {what:<11}  {median:>9.2}  {:>9.2}  {:>10}  {count:>5}  {}",
                steps.milliseconds[0],
                steps.dispatches,
                steps.peak.map_or("-".to_owned(), |bytes| format!(
                    "{:.1} MiB",
                    bytes as f64 / (1 << 20) as f64
                )),
            );
        }
    }
    Ok(())
}

/// What the tables of [`bench`] show, in words.
pub fn explain() -> String {
    format!(
        "Steps of training, 16x64 being {BATCH} texts of {TOKENS} tokens: a head's over features \
         that are there, and the whole model's. Each is timed until its loss is read, which a run \
         does every few steps only; {LEAST} steps at least, then no more after {} s.",
        PATIENCE.as_secs()
    )
}

async fn measure(model: &mut Model, method: Method, rounds: usize) -> Result<Steps, RunError> {
    let gpu = match model.device() {
        Device::Gpu(gpu) => Some(gpu.clone()),
        Device::Cpu(_) => None,
    };
    if let Some(gpu) = &gpu {
        gpu.forget_peak();
    }
    let task = Task::Classify {
        classes: 2,
        pooling: Pooling::Mean,
    };
    let dropout = DropoutRates {
        hidden: 0.1,
        attention: 0.1,
        classifier: 0.1,
    };
    let optimiser = Optimiser::default();
    let mut learner = Learner::new(model, task, method, optimiser, dropout, BATCH, 1).await?;
    let labels: Vec<u32> = (0..BATCH as u32).map(|i| i % 2).collect();
    let inputs = if method == Method::Head {
        learner.reserve_features(model, FEATURES).await?;
        let rows = (0..BATCH as u32).map(|i| i * 3 % FEATURES as u32).collect();
        Inputs::Features { rows, labels }
    } else {
        let tokens = TOKENS.min(model.config().max_position_embeddings);
        let words = model.config().vocab_size;
        let id = |text: usize, place: usize| ((text * 131 + place * 17) % words) as u32;
        let text = |text: usize| (0..tokens).map(|place| id(text, place)).collect();
        Inputs::Texts(Batch {
            tokens,
            ids: (0..BATCH).map(text).collect(),
            types: vec![vec![0; tokens]; BATCH],
            labels,
            masks: Vec::new(),
        })
    };
    let control = Control::default();
    let mut milliseconds = Vec::new();
    let begin = Instant::now();
    // The first step makes the plan and compiles shaders; it is not counted.
    for round in 0..=rounds.max(LEAST) {
        if round > LEAST && begin.elapsed() > PATIENCE {
            break;
        }
        let start = Instant::now();
        learner.step(model, &inputs, 1e-4, &control).await?;
        learner.reports(model).await?;
        if round > 0 {
            milliseconds.push(1e3 * start.elapsed().as_secs_f64());
        }
    }
    Ok(Steps {
        milliseconds,
        dispatches: learner.dispatches(),
        peak: gpu.map(|gpu| gpu.memory_peak()),
    })
}
