//! Steps of training: forward, loss, backward, clipping and AdamW.

use bert::bench::StepBench;
use bert::config::Config;
use bert::model::Model;
use bert::train::Method;
use criterion::{Criterion, Throughput};
use kernels::{Control, Device};
use pollster::block_on;

use crate::{Named, clock, group, milliseconds, tune};

/// Steps whose losses are read together, as a run does it.
const TOGETHER: u64 = 8;

pub struct Case {
    pub name: &'static str,
    method: Method,
    hidden: usize,
    heads: usize,
    texts: usize,
    tokens: usize,
}

/// The sizes that the peers are measured at.
pub const CASES: [Case; 2] = [
    Case {
        name: "head, 384 to 2, 32 texts",
        method: Method::Head,
        hidden: 384,
        heads: 12,
        texts: 32,
        tokens: 1,
    },
    Case {
        name: "block, H 128, A 2, I 512, 4x32",
        method: Method::LastLayers(1),
        hidden: 128,
        heads: 2,
        texts: 4,
        tokens: 32,
    },
];

impl Case {
    /// A step on a model of its own.
    pub fn prepare(&self, device: &Device, control: &Control) -> StepBench {
        block_on(async {
            let config = config(self.hidden, self.heads);
            let model = Model::fresh(device, config, false, 1).await;
            let model = model.expect("a model that fits this device");
            let (method, texts, tokens) = (self.method, self.texts, self.tokens);
            StepBench::new(model, method, texts, tokens, control)
                .await
                .expect("a step that fits this device")
        })
    }
}

/// One layer, as a stand-in for a model of this width.
fn config(hidden: usize, heads: usize) -> Config {
    let intermediate = 4 * hidden;
    let config = format!(
        r#"{{
            "model_type": "bert",
            "vocab_size": 1000,
            "hidden_size": {hidden},
            "num_hidden_layers": 1,
            "num_attention_heads": {heads},
            "intermediate_size": {intermediate},
            "max_position_embeddings": 512
        }}"#
    );
    Config::from_json(&config).expect("a valid configuration")
}

pub fn bench(criterion: &mut Criterion, (device_name, device): &Named) {
    let control = Control::default();
    let mut group = group(criterion, "step");
    for case in CASES {
        group.throughput(Throughput::Elements(case.texts as u64));
        let mut bench = None;
        group.bench_function(format!("{}/{device_name}", case.name), |bencher| {
            let bench = bench.get_or_insert_with(|| {
                let bench = case.prepare(device, &control);
                tune(device);
                bench
            });
            bencher.iter_custom(|count| {
                let mut spent = 0.0;
                let mut left = count;
                while left > 0 {
                    let steps = left.min(TOGETHER);
                    let each = block_on(bench.sample(steps as usize, clock, &control));
                    spent += each.expect("a step") * steps as f64;
                    left -= steps;
                }
                milliseconds(spent)
            });
        });
    }
}
