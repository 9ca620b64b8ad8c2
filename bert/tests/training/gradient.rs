//! The gradients of a two-layer model against central differences, in double precision.

use bert::config::HeadKind;
use bert::config::Pooling;
use bert::data::Random;
use bert::model::DropoutRates;
use bert::model::TokenBatch;
use bert::train::{Batch, Inputs, Learner, Method, Optimiser, Targets, Task};
use kernels::ops::NO_TARGET;
use kernels::{Control, Device, Precision};

use crate::common;

/// Weights become multiples of this, so that a step away is exact in the `f32` that is written.
const GRID: f64 = 1.0 / (1 << 18) as f64;
/// The step, a multiple of the grid.
const STEP: f64 = 4.0 * GRID;
/// Largest distance relative to the gradient's norm.
const TOLERANCE: f64 = 1e-6;

fn check(task: Task) {
    let device = Device::Cpu(Precision::F64);
    let folder = match task {
        Task::Replaced => "tiny-electra-discriminator",
        _ => "tiny-bert",
    };
    let fixture = common::fixture(folder);
    let mut config = common::config(&fixture);
    config.causal = task == Task::NextWord;
    let mut model = common::model_of(&fixture, config, &device);
    assert_eq!(model.config().num_hidden_layers, 2);
    if task == Task::Replaced {
        let added = pollster::block_on(model.add_generator(5));
        assert!(added.expect("memory"));
    }
    let ids = vec![vec![2, 14, 35, 22, 40, 3], vec![2, 14, 41, 3]];
    let types = vec![vec![0, 0, 0, 1, 1, 1], vec![0; 4]];
    let targets = match task {
        Task::MaskedLm => Targets::Masks(vec![(0, 1, 14), (0, 3, 60), (1, 2, 35)]),
        // Of the first text all but the last token, of the second two.
        Task::NextWord => Targets::Masks(vec![
            (0, 0, 14),
            (0, 1, 35),
            (0, 2, 22),
            (0, 3, 40),
            (0, 4, 3),
            (1, 0, 14),
            (1, 2, 3),
        ]),
        Task::MaskedLmAndNext => {
            Targets::MasksAndNext(vec![(0, 1, 14), (0, 3, 60), (1, 2, 35)], vec![1, 0])
        }
        Task::Replaced => Targets::Replaced(vec![(0, 1, 14), (0, 3, 60), (1, 2, 35)]),
        Task::Head { kind, .. } => match kind {
            HeadKind::Labels => Targets::Numbers(vec![vec![1.0, 0.0, 1.0], vec![0.0; 3]]),
            HeadKind::Score => Targets::Numbers(vec![vec![0.7], vec![-1.3]]),
            HeadKind::Tokens => Targets::Tags(vec![vec![NO_TARGET, 2, 0, 1], vec![NO_TARGET, 1]]),
            HeadKind::Span => Targets::Spans(vec![[1, 4], [0, 0]]),
            HeadKind::Classes => Targets::Classes(vec![2, 0]),
            HeadKind::Choice => Targets::Choices {
                group: 2,
                right: vec![[1, 2]],
            },
        },
    };
    // What moves all logits of a softmax over places alike does not matter.
    let moves_all: &[&str] = match targets {
        Targets::Spans(_) => &["classifier.bias", "layer.1.output.LayerNorm.bias"],
        Targets::Choices { .. } => &["classifier.bias"],
        _ => &[],
    };
    let inputs = Inputs::Texts(Batch {
        texts: TokenBatch {
            tokens: 7,
            ids,
            types,
        },
        targets,
    });
    let control = Control::default();
    let dropout = DropoutRates::default();
    let optimiser = Optimiser::default();
    pollster::block_on(async {
        let learner = Learner::new(&mut model, task, Method::All, optimiser, dropout, 2, 1);
        let mut learner = learner.await.expect("a learner");
        let names: Vec<String> = learner.trainable().map(str::to_owned).collect();
        let mut weights = Vec::new();
        for name in &names {
            let read = model.read(name).await.expect("a weight").to_f64();
            let rounded: Vec<f64> = read.iter().map(|w| (w / GRID).round() * GRID).collect();
            let written: Vec<f32> = rounded.iter().map(|&w| w as f32).collect();
            model
                .params_mut()
                .write(name, 0, &written)
                .expect("it fits");
            weights.push(rounded);
        }
        // The noise of evaluations: the generator draws the same words.
        learner.set_seed(0);
        // With a rate of 0 a step leaves the weights, and gives the gradients.
        let step = learner.step(&mut model, &inputs, 0.0, &control).await;
        step.expect("a step");
        let mut random = Random::new(3, 3);
        for (name, weights) in names.iter().zip(&weights) {
            let gradient = learner.gradient_name(name);
            let gradient = model.read(&gradient).await.expect("a gradient").to_f64();
            let signs: Vec<f64> = weights
                .iter()
                .map(|_| if random.below(2) == 0 { -1.0 } else { 1.0 })
                .collect();
            // Every element moves at once: the derivative in a random direction.
            let mut losses = [0.0; 4];
            for (loss, steps) in losses.iter_mut().zip([-2.0, -1.0, 1.0, 2.0]) {
                let moved = weights.iter().zip(&signs);
                let moved: Vec<f32> = moved.map(|(w, s)| (w + steps * STEP * s) as f32).collect();
                model.params_mut().write(name, 0, &moved).expect("it fits");
                let found = learner.evaluate(&mut model, &inputs, &control).await;
                *loss = found.expect("a loss").1;
            }
            let back: Vec<f32> = weights.iter().map(|&w| w as f32).collect();
            model.params_mut().write(name, 0, &back).expect("it fits");
            let [far_below, below, above, far_above] = losses;
            let numeric = (8.0 * (above - below) - (far_above - far_below)) / (12.0 * STEP);
            let analytic: f64 = gradient.iter().zip(&signs).map(|(g, s)| g * s).sum();
            let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
            let matters = !moves_all.iter().any(|end| name.ends_with(end));
            assert_eq!(norm > 1e-6, matters, "{name}: the gradient is {norm}");
            assert!(
                (analytic - numeric).abs() <= TOLERANCE * norm.max(1e-6),
                "{name}: {analytic}, by differences {numeric}, norm {norm}"
            );
        }
    });
}

#[test]
fn of_a_classifier_with_every_pooling() {
    for pooling in [Pooling::Pooler, Pooling::Cls, Pooling::Mean] {
        check(Task::classify(3, pooling));
    }
}

#[test]
fn of_masked_language_modelling() {
    check(Task::MaskedLm);
    check(Task::MaskedLmAndNext);
    check(Task::Replaced);
    check(Task::NextWord);
}

#[test]
fn of_every_head() {
    let heads = [
        (HeadKind::Labels, 3),
        (HeadKind::Score, 1),
        (HeadKind::Tokens, 3),
        (HeadKind::Span, 2),
        (HeadKind::Choice, 1),
    ];
    for (kind, outputs) in heads {
        check(Task::Head {
            kind,
            outputs,
            pooling: Pooling::Pooler,
        });
    }
}
