//! Learning with word embeddings in blocks.

use bert::data::Text;
use bert::model::DropoutRates;
use bert::model::TokenBatch;
use bert::model::{LoadError, Model, ModelLoader, names};
use bert::train::{
    Batch, Event, Extent, Inputs, Learner, Limits, Method, Optimiser, Recipe, Targets, Task,
    Training, needs,
};
use kernels::gpu::{Gpu, Options, Style};
use kernels::{Control, Device, DeviceError};
use pollster::block_on;

use crate::{FIXTURES, common, exported, split};

/// Two texts with words of every block in them, two of them hidden.
fn batch(model: &Model) -> Inputs {
    let (v, tokens) = (model.config().vocab_size as u32, 12);
    let text = |step: u32| {
        (0..tokens)
            .map(|i| (5 + i * step) % v)
            .collect::<Vec<u32>>()
    };
    let ids = vec![text(v / 12), text(v / 7)];
    Inputs::Texts(Batch {
        texts: TokenBatch {
            tokens: tokens as usize,
            types: vec![vec![0; tokens as usize]; 2],
            ids,
        },
        targets: Targets::Masks(vec![(0, 3, 1), (0, 8, v - 1), (1, 5, v / 2)]),
    })
}

/// Takes a step of masked language modelling; its loss, and the gradients' norm.
pub fn step(model: &mut Model) -> [f64; 2] {
    let inputs = batch(model);
    // With the usual eps, a first step moves a weight as far for a rounding error as for a gradient.
    let optimiser = Optimiser {
        eps: 1e-3,
        ..Optimiser::default()
    };
    let (control, none) = (Control::default(), DropoutRates::default());
    let found = block_on(async {
        let mut learner =
            Learner::new(model, Task::MaskedLm, Method::All, optimiser, none, 2, 1).await?;
        learner.step(model, &inputs, 1e-2, &control).await?;
        let reports = learner.reports(model).await?;
        learner.end(model);
        Ok::<_, kernels::RunError>(reports[0])
    });
    let report = found.expect("a step");
    [report.loss, report.norm]
}

fn read(model: &mut Model, name: &str) -> Vec<f64> {
    block_on(model.read(name)).expect("a parameter").to_f64()
}

#[test]
fn a_step_is_the_same_as_without_blocks() {
    for (name, limit) in FIXTURES {
        let folder = common::fixture(name);
        for (on, device) in common::devices() {
            let what = format!("{name} on {on}");
            let mut whole = common::model(&folder, &device);
            let mut model = split(&folder, &device, limit, 997);
            let before = read(&mut model, names::WORD);
            let (found, expected) = (step(&mut model), step(&mut whole));
            for (f, e) in found.iter().zip(expected) {
                assert!(*f > 0.1 && (f - e).abs() < 1e-5 * e, "{what}: {f}, not {e}");
            }
            for slot in whole.layout().slots.clone() {
                let (f, e) = (read(&mut model, &slot.param), read(&mut whole, &slot.param));
                assert_eq!(f.len(), e.len());
                for (i, (f, e)) in f.iter().zip(e).enumerate() {
                    let what = format!("{what}, {}[{i}]", slot.param);
                    assert!((f - e).abs() < 1e-5, "{what}: {f}, not {e}");
                }
            }
            // The tied matrix has moved in every row: the decoder pulls at each.
            let width = model.config().embedding_size;
            let after = read(&mut model, names::WORD);
            let rows = before.chunks(width).zip(after.chunks(width));
            let moved = |(a, b): (&[f64], &[f64])| a.iter().zip(b).any(|(a, b)| a != b);
            let still = rows.filter(|&pair| !moved(pair)).count();
            assert!(still == 0, "{what}: {still} rows stayed");
            if name == "tiny-bert" {
                // What was learned leaves as one tensor, and comes in again.
                let config = std::fs::read_to_string(folder.join("config.json"));
                let file = exported(&mut model, &config.expect("config.json"));
                let mut loader =
                    ModelLoader::new(&device, common::config(&folder), None).expect("a loader");
                loader.push(&file).expect("a valid file");
                let mut again = block_on(loader.finish()).expect("a model");
                assert_eq!(read(&mut again, names::WORD), after, "{what}");
            }
        }
    }
}

/// Bytes that these devices bind: under half of tiny-roberta's word embeddings.
const LITTLE: u64 = 8192;

fn little(style: Style) -> Device {
    let options = Options {
        style: Some(style),
        max_binding: Some(LITTLE),
        ..Options::default()
    };
    Device::Gpu(block_on(Gpu::new(options)).expect("a Vulkan adapter"))
}

/// Nothing that loading, filling masks and learning allocate is over the limit: it would be
/// refused.
#[test]
fn a_device_that_binds_little_learns() {
    let folder = common::fixture("tiny-roberta");
    let tokenizer = common::tokenizer(&folder);
    let text = |i: usize| Text {
        text: format!("the cat is {}", ["good", "bad", "here"][i % 3]),
        pair: None,
    };
    let texts: Vec<Text> = (0..12).map(text).collect();
    let recipe = Recipe {
        learning_rate: 1e-2,
        dropout: 0.0,
        epochs: 4,
        batch: 2,
        max_tokens: 16,
        ..Recipe::scheduled(Method::All)
    };
    for style in [Style::Tiles, Style::Lanes] {
        let device = little(style);
        let mut model = common::model(&folder, &device);
        let blocks = model.layout().vocabulary.params(names::WORD);
        assert_eq!(blocks.len(), 3, "{blocks:?}");
        let planned = needs(&model, Task::MaskedLm, &recipe, Extent::of(16, 16)).expect("needs");
        assert!(planned.largest_buffer <= Limits::of(&device).buffer);
        assert_eq!(Limits::of(&device).buffer, LITTLE);
        let start = Training::start_mlm(&mut model, &tokenizer, &texts, &texts[..4], recipe);
        let mut training = block_on(start).expect("a run");
        let mut losses = Vec::new();
        loop {
            let control = Control::default();
            match block_on(training.advance(&mut model, &control)).expect("an event") {
                Event::Epoch(report) => losses.push(report.train_loss),
                Event::Done { .. } => break,
                _ => {}
            }
        }
        training.finish(&mut model).expect("the best weights");
        assert_eq!(losses.len(), recipe.epochs);
        assert!(losses[3] < 0.9 * losses[0], "{losses:?}");
    }
}

/// A tensor other than a vocabulary's is still refused, by its name.
#[test]
fn what_has_no_rows_to_part_is_refused() {
    let folder = common::fixture("tiny-bert");
    let bytes = std::fs::read(folder.join("model.safetensors")).expect("a file");
    let config = common::config(&folder);
    let mut loader = ModelLoader::new(&little(Style::Lanes), config, None).expect("a loader");
    match loader.push(&bytes) {
        Err(LoadError::Device(DeviceError::TooLarge { what, limit, .. })) => {
            assert_eq!(limit, LITTLE);
            assert!(what.contains(names::QKV), "{what}");
        }
        other => panic!("{other:?}"),
    }
}
