//! What steps of training on batches of several lengths take on the GPU beside what the planner says:
//! a fresh model of BERT-base's shape, 16 texts of 48, 64, 96 and 128 tokens. The steps are prepared
//! and not taken.
//!
//! `cargo run --release --example step_memory [LAYERS]`

use bert::config::Config;
use bert::model::Model;
use bert::train::{Batch, DropoutRates, Inputs, Learner, Method, Optimiser, Pooling, Recipe, Task};
use kernels::gpu::{Gpu, Options};
use kernels::{CancelToken, Control, Device, RunError};

const TEXTS: usize = 16;
/// The longest four that texts of at most 128 tokens are padded to.
const LENGTHS: [usize; 4] = [48, 64, 96, 128];
const TASK: Task = Task::Classify {
    classes: 2,
    pooling: Pooling::Cls,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let layers = std::env::args().nth(1).unwrap_or("12".to_owned());
    let config = format!(
        r#"{{"model_type": "bert", "vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": {layers},
            "num_attention_heads": 12, "intermediate_size": 3072, "hidden_act": "gelu",
            "max_position_embeddings": 512, "type_vocab_size": 2, "layer_norm_eps": 1e-12}}"#
    );
    pollster::block_on(measure(Config::from_json(&config)?))
}

async fn measure(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let gpu = Gpu::new(Options::default()).await?;
    let device = Device::Gpu(gpu.clone());
    let mut model = Model::fresh(&device, config, false, 1).await?;
    let recipe = Recipe {
        batch: TEXTS,
        max_tokens: 128,
        ..Recipe::new(Method::All)
    };
    let planned = bert::train::needs(&model, TASK, &recipe, 128, 1000)?;
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
        let inputs = Inputs::Texts(Batch {
            tokens,
            ids: vec![vec![5; tokens]; TEXTS],
            types: vec![vec![0; tokens]; TEXTS],
            labels: vec![1; TEXTS],
            masks: Vec::new(),
        });
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
    Ok(())
}
