//! How many shaders a pass or a step launches: on a GPU each costs tens of microseconds. Widths are
//! small, as the counts do not depend on them; the layers are those of the models that are meant.

use bert::config::Config;
use bert::config::Pooling;
use bert::model::DropoutRates;
use bert::model::TokenBatch;
use bert::model::{Model, ModelLoader};
use bert::train::{Batch, Inputs, Learner, Method, Optimiser, Targets, Task};
use kernels::gpu::{Gpu, Options, Style};
use kernels::{Control, Device};
use pollster::block_on;
use unmask_tests::large::{Shape, Weights, write_checkpoint};

const TINY: Shape = Shape {
    layers: 1,
    hidden: 8,
    heads: 2,
    intermediate: 16,
    vocab: 130,
    positions: 32,
};
const DROPOUT: DropoutRates = DropoutRates {
    hidden: 0.1,
    attention: 0.1,
    classifier: 0.1,
};

fn devices() -> [Device; 2] {
    [Style::Tiles, Style::Lanes].map(|style| {
        let options = Options {
            style: Some(style),
            ..Options::default()
        };
        Device::Gpu(block_on(Gpu::new(options)).expect("a Vulkan adapter"))
    })
}

fn model(device: &Device, shape: Shape) -> Model {
    let folder = tempfile::tempdir().expect("a folder");
    write_checkpoint(folder.path(), &shape, Weights::Safetensors, 1).expect("a checkpoint");
    let config = std::fs::read_to_string(folder.path().join("config.json")).expect("config.json");
    let config = Config::from_json(&config).expect("a valid config.json");
    let mut loader = ModelLoader::new(device, config, None).expect("a loader");
    let bytes = std::fs::read(folder.path().join("model.safetensors")).expect("the weights");
    loader.push(&bytes).expect("a valid file");
    block_on(loader.finish()).expect("a model")
}

/// Of a step of learning two classes from `texts` texts, or from their features.
fn step(model: &mut Model, method: Method, dropout: DropoutRates, texts: usize) -> usize {
    let task = Task::classify(2, Pooling::Mean);
    let optimiser = Optimiser::default();
    let targets = Targets::Classes((0..texts as u32).map(|i| i % 2).collect());
    let inputs = match method {
        Method::Head => Inputs::Features {
            rows: (0..texts as u32).collect(),
            targets,
        },
        _ => Inputs::Texts(Batch {
            texts: TokenBatch {
                tokens: 32,
                ids: vec![vec![7; 32]; texts],
                types: vec![vec![0; 32]; texts],
            },
            targets,
        }),
    };
    block_on(async {
        let learner = Learner::new(model, task, method, optimiser, dropout, texts, 1);
        let mut learner = learner.await.expect("room");
        let features = learner.reserve_features(model, texts);
        features.await.expect("room");
        let control = Control::default();
        let step = learner.step(model, &inputs, 1e-3, &control);
        step.await.expect("a step");
        learner.dispatches()
    })
}

#[test]
fn filling_a_mask() {
    // MiniLM-L6 and BERT-base. ONNX Runtime Web takes 161 and 316.
    for (layers, most) in [(6, 60), (12, 110)] {
        for device in devices() {
            let mut model = model(&device, Shape { layers, ..TINY });
            let found = block_on(model.dispatches(32, 1)).expect("a plan");
            assert!(found <= most, "{layers} layers: {found}");
        }
    }
}

#[test]
fn a_step_of_a_head() {
    let shape = Shape {
        hidden: 384,
        heads: 12,
        ..TINY
    };
    for device in devices() {
        for dropout in [DropoutRates::default(), DROPOUT] {
            let found = step(&mut model(&device, shape), Method::Head, dropout, 32);
            assert!(found <= 4, "{found}");
        }
    }
}

/// One block of width 128 under a mean over tokens and a classifier, above frozen embeddings.
#[test]
fn a_step_of_a_block() {
    let shape = Shape {
        hidden: 128,
        intermediate: 512,
        ..TINY
    };
    for device in devices() {
        for dropout in [DropoutRates::default(), DROPOUT] {
            let mut model = model(&device, shape);
            let found = step(&mut model, Method::LastLayers(1), dropout, 4);
            assert!(found <= 35, "{found}");
        }
    }
}

/// A layer more is so many dispatches more, whatever the dropout.
#[test]
fn a_step_of_the_whole_model() {
    for device in devices() {
        for dropout in [DropoutRates::default(), DROPOUT] {
            let [one, six] = [1, 6].map(|layers| {
                let mut model = model(&device, Shape { layers, ..TINY });
                step(&mut model, Method::All, dropout, 4)
            });
            assert!((six - one) / 5 <= 23, "{one}, {six}");
        }
    }
}
