//! What steps of training on batches of several lengths take on the GPU: memory beside what the planner
//! says, and, where steps are asked for, in how long pieces they are submitted. A fresh model of
//! BERT-base's shape, or of a given config.json's; 16 texts of 48, 64, 96 and 128 tokens, all weights.
//!
//! `cargo run --release -p bert --example step_cost -- [CONFIG.json] [--layers N] [--steps N]`
//!
//! The steps for the memory are prepared and not taken; `--steps` takes so many of 128 tokens, and one
//! more whose dispatches are timed.

use std::time::Instant;

use bert::config::Config;
use bert::config::Pooling;
use bert::model::DropoutRates;
use bert::model::Model;
use bert::model::TokenBatch;
use bert::train::{Batch, Extent, Inputs, Learner, Method, Optimiser, Recipe, Targets, Task};
use kernels::gpu::{Gpu, Options};
use kernels::{CancelToken, Control, Device, RunError};

const TEXTS: usize = 16;
/// The longest four that texts of at most 128 tokens are padded to.
const LENGTHS: [usize; 4] = [48, 64, 96, 128];
const TASK: Task = Task::classify(2, Pooling::Cls);

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let (mut layers, mut steps, mut path) = (12, 0, None);
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        let mut number = || -> Result<usize, AnyError> {
            let value = rest.next().ok_or(format!("{argument} needs a number"))?;
            value
                .parse()
                .map_err(|e| format!("{argument} {value}: {e}").into())
        };
        match argument.as_str() {
            "--layers" => layers = number()?,
            "--steps" => steps = number()?,
            _ => path = Some(argument),
        }
    }
    let config = match path {
        Some(path) => std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?,
        None => format!(
            r#"{{"model_type": "bert", "vocab_size": 30522, "hidden_size": 768,
                "num_hidden_layers": {layers}, "num_attention_heads": 12,
                "intermediate_size": 3072, "hidden_act": "gelu", "max_position_embeddings": 512,
                "type_vocab_size": 2, "layer_norm_eps": 1e-12}}"#
        ),
    };
    pollster::block_on(measure(Config::from_json(&config)?, steps))
}

fn batch(tokens: usize) -> Inputs {
    Inputs::Texts(Batch {
        texts: TokenBatch {
            tokens,
            ids: vec![vec![5; tokens]; TEXTS],
            types: vec![vec![0; tokens]; TEXTS],
        },
        targets: Targets::Classes(vec![1; TEXTS]),
    })
}

async fn measure(config: Config, steps: usize) -> Result<(), AnyError> {
    let gpu = Gpu::new(Options::default()).await?;
    let device = Device::Gpu(gpu.clone());
    let mut model = Model::fresh(&device, config, false, 1).await?;
    let recipe = Recipe {
        batch: TEXTS,
        max_tokens: 128,
        ..Recipe::scheduled(Method::All)
    };
    let planned = bert::train::needs(&model, TASK, &recipe, Extent::of(128, 1000))?;
    let dropout = DropoutRates {
        hidden: 0.1,
        attention: 0.1,
        classifier: 0.1,
    };
    let (method, optimiser) = (Method::All, Optimiser::default());
    let learner = Learner::new(&mut model, TASK, method, optimiser, dropout, TEXTS, 1);
    let mut learner = learner.await?;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let begin = gpu.memory_in_use();
    println!("weights and what trains them: {:.0} MiB", mib(begin));
    // It ends each step as soon as it is prepared.
    let token = CancelToken::default();
    token.cancel();
    let control = Control::new(token, || Box::pin(async {}));
    for tokens in LENGTHS {
        let inputs = batch(tokens);
        for step in [true, false] {
            let done = match step {
                true => learner.step(&mut model, &inputs, 1e-4, &control).await,
                false => learner
                    .evaluate(&mut model, &inputs, &control)
                    .await
                    .map(drop),
            };
            assert_eq!(done, Err(RunError::Cancelled));
        }
        println!(
            "{tokens} tokens: {:.0} MiB",
            mib(gpu.memory_in_use() - begin)
        );
    }
    println!(
        "peak {:.0} MiB, planned {:.0} MiB, of these {:.0} MiB for what plans work in",
        mib(gpu.memory_peak()),
        mib(planned.total()),
        mib(planned.activations)
    );
    let control = Control::default();
    for step in 1..=steps + usize::from(steps > 0) {
        let timed = step > steps && gpu.start_profile();
        let begun = Instant::now();
        gpu.take_submits();
        let rate = 1e-4;
        learner
            .step(&mut model, &batch(128), rate, &control)
            .await?;
        learner.reports(&mut model).await?;
        let submits = gpu.take_submits();
        println!(
            "step {step}: {:.2} s in {} submissions, the longest {:.0} ms",
            begun.elapsed().as_secs_f64(),
            submits.count,
            submits.longest_ms
        );
        if timed {
            let times = gpu.take_profile().await?;
            let longest = times.iter().max_by(|a, b| a.longest.total_cmp(&b.longest));
            if let Some(time) = longest {
                let ms = time.longest / 1e3;
                println!("the longest dispatch: {ms:.0} ms, {}", time.kernel);
            }
        }
    }
    Ok(())
}
