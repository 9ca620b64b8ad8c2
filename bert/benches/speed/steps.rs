//! Steps of training: forward, loss, backward, clipping and AdamW.

use bert::bench::StepBench;
use bert::model::Model;
use bert::train::Method;
use criterion::{Criterion, Throughput};
use kernels::{Control, Device};
use pollster::block_on;

use crate::passes::config;
use crate::{Named, clock, group, is_hardware, milliseconds, tune};

/// Steps whose losses are read together, as a run does it.
const TOGETHER: u64 = 8;

pub struct Case {
    pub name: &'static str,
    method: Method,
    /// Layers, width, heads, words.
    shape: [usize; 4],
    texts: usize,
    tokens: usize,
}

/// The sizes that the peers are measured at; on hardware also the whole of BERT-base.
const CASES: [Case; 3] = [
    Case {
        name: "head, 384 to 2, 32 texts",
        method: Method::Head,
        shape: [1, 384, 12, 1000],
        texts: 32,
        tokens: 1,
    },
    Case {
        name: "block, H 128, A 2, I 512, 4x32",
        method: Method::LastLayers(1),
        shape: [1, 128, 2, 1000],
        texts: 4,
        tokens: 32,
    },
    Case {
        name: "BERT-base, all of it, 16x128",
        method: Method::All,
        shape: [12, 768, 12, 30_522],
        texts: 16,
        tokens: 128,
    },
];

/// What is measured on a device.
pub fn cases(device: &Device) -> &'static [Case] {
    &CASES[..if is_hardware(device) { 3 } else { 2 }]
}

impl Case {
    /// A step on a model of its own.
    pub fn prepare(&self, device: &Device, control: &Control) -> StepBench {
        block_on(async {
            let [layers, hidden, heads, words] = self.shape;
            let config = config(layers, hidden, heads, words);
            let model = Model::fresh(device, config, false, 1).await;
            let model = model.expect("a model that fits this device");
            let (method, texts, tokens) = (self.method, self.texts, self.tokens);
            StepBench::new(model, method, texts, tokens, control)
                .await
                .expect("a step that fits this device")
        })
    }
}

pub fn bench(criterion: &mut Criterion, (device_name, device): &Named) {
    let control = Control::default();
    let mut group = group(criterion, "step");
    for case in cases(device) {
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
