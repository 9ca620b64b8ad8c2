//! A head that is trained until its loss settles: where it ends, and that it says so.

use bert::model::Model;
use bert::train::{Ending, Event, Method, Recipe, Training};

use crate::common;
use crate::support::{advance, drive, examples, start, weights};

/// Texts to learn from in [`start`].
const TEXTS: usize = 26;

fn recipe() -> Recipe {
    Recipe {
        max_tokens: 64,
        ..Recipe::new(Method::Head)
    }
}

fn read(model: &mut Model, name: &str) -> Vec<f64> {
    pollster::block_on(model.read(name))
        .expect("a parameter")
        .to_f64()
}

/// The mean loss over features `[N, H]` with the penalty `λ/2 Σ w²`, and its gradient; weights
/// `[2, H]`, then two biases.
fn objective(features: &[f64], labels: &[usize], l2: f64, at: &[f64]) -> (f64, Vec<f64>) {
    let hidden = (at.len() - 2) / 2;
    let (w, b) = at.split_at(2 * hidden);
    let mut gradient: Vec<f64> = w.iter().map(|w| l2 * w).chain([0.0; 2]).collect();
    let mut loss = 0.5 * l2 * w.iter().map(|w| w * w).sum::<f64>();
    let count = labels.len() as f64;
    for (x, &label) in features.chunks_exact(hidden).zip(labels) {
        let logit = |c: usize| {
            let w = &w[c * hidden..][..hidden];
            b[c] + w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>()
        };
        let z = [logit(0), logit(1)];
        let sum = z[0].max(z[1]) + (-(z[0] - z[1]).abs()).exp().ln_1p();
        loss += (sum - z[label]) / count;
        for c in 0..2 {
            let slope = ((z[c] - sum).exp() - f64::from(u8::from(c == label))) / count;
            gradient[2 * hidden + c] += slope;
            for (g, x) in gradient[c * hidden..][..hidden].iter_mut().zip(x) {
                *g += slope * x;
            }
        }
    }
    (loss, gradient)
}

#[test]
fn a_head_ends_at_the_minimum_of_scikit_learn_s_loss() {
    let labels: Vec<usize> = examples(TEXTS, 0)
        .iter()
        .filter_map(|e| e.truth.class())
        .collect();
    for (name, device) in common::devices() {
        let mut model = common::model(&common::fixture("tiny-bert"), &device);
        let mut training = start(&mut model, recipe()).expect("a run");
        let events = drive(&mut training, &mut model);
        let Some(Event::Done { best_epoch, ending }) = events.last() else {
            panic!("{name}: {:?}", events.last());
        };
        assert_eq!(*ending, Ending::Settled, "{name}");
        let epochs = events.iter().filter_map(|event| match event {
            Event::Epoch(report) => Some(report),
            _ => None,
        });
        let epochs: Vec<_> = epochs.collect();
        let last = epochs.last().expect("an evaluation");
        assert_eq!(last.epoch, *best_epoch, "{name}: the last weights are kept");
        assert!(epochs.iter().all(|report| report.best), "{name}");
        // One step an epoch, and an evaluation every fifty.
        assert!(epochs.iter().all(|report| report.epoch % 50 == 0), "{name}");

        let features = read(&mut model, "features");
        let hidden = features.len() / (TEXTS + 10);
        let features = &features[..TEXTS * hidden];
        let square = features.iter().map(|x| x * x).sum::<f64>() / TEXTS as f64;
        // Two rows for two classes: twice the penalty; C = 1 for vectors of norm 1 at the least.
        let l2 = 2.0 / TEXTS as f64 * square.min(1.0);
        let mut found = read(&mut model, "classifier.weight");
        found.extend(read(&mut model, "classifier.bias"));
        let (reached, _) = objective(features, &labels, l2, &found);
        let mut at = vec![0.0; found.len()];
        let (begun, _) = objective(features, &labels, l2, &at);
        // Slow, and certain: the step is below two over the largest curvature.
        let rate = 1.0 / (0.5 * (square.max(1.0) + 1.0) * 2.0 + l2);
        for _ in 0..20_000 {
            let (_, gradient) = objective(features, &labels, l2, &at);
            at.iter_mut()
                .zip(&gradient)
                .for_each(|(at, g)| *at -= rate * g);
        }
        let (least, _) = objective(features, &labels, l2, &at);
        assert!(
            reached - least < 0.04 * (begun - least),
            "{name}: {reached}, the minimum is {least}, the beginning {begun}"
        );
        training.finish(&mut model).expect("the best weights");
    }
}

#[test]
fn settling_repeats_and_goes_on_where_it_stood() {
    let (_, device) = common::devices().remove(0);
    let folder = common::fixture("tiny-bert");
    let run = || {
        let mut model = common::model(&folder, &device);
        let mut training = start(&mut model, recipe()).expect("a run");
        let events = drive(&mut training, &mut model);
        (events, weights(&training, &mut model))
    };
    assert_eq!(run(), run());

    // To the third evaluation, then on in another run.
    let mut model = common::model(&folder, &device);
    let mut training = start(&mut model, recipe()).expect("a run");
    let mut told = 0;
    while told < 3 {
        told += usize::from(matches!(
            advance(&mut training, &mut model),
            Event::Epoch(_)
        ));
    }
    let state = training.state();
    let values: Vec<(String, Vec<f64>)> = training
        .trainable()
        .iter()
        .map(|spec| {
            (
                spec.name.clone(),
                read(&mut model, &training.best_weight_name(&spec.name)),
            )
        })
        .collect();
    let mut model = common::model(&folder, &device);
    let mut training: Training = start(&mut model, recipe()).expect("a run");
    for (name, values) in &values {
        let numbers: Vec<f32> = values.iter().map(|&x| x as f32).collect();
        model
            .params_mut()
            .write(name, 0, &numbers)
            .expect("it fits");
    }
    training.resume(&mut model, &state).expect("it fits");
    let events = drive(&mut training, &mut model);
    let first = events.iter().find_map(|event| match event {
        Event::Epoch(report) => Some(report.epoch),
        _ => None,
    });
    assert!(first > Some(state.epoch), "{first:?}, {state:?}");
    assert!(
        matches!(
            events.last(),
            Some(Event::Done {
                ending: Ending::Settled,
                ..
            })
        ),
        "{:?}",
        events.last()
    );
}

#[test]
fn epochs_that_run_out_are_told() {
    let (_, device) = common::devices().remove(0);
    let mut model = common::model(&common::fixture("tiny-bert"), &device);
    let recipe = Recipe {
        epochs: 3,
        ..recipe()
    };
    let mut training = start(&mut model, recipe).expect("a run");
    let events = drive(&mut training, &mut model);
    let done = Event::Done {
        best_epoch: 3,
        ending: Ending::Unsettled,
    };
    assert_eq!(events.last(), Some(&done));
    let all = Recipe {
        settles: true,
        ..Recipe::scheduled(Method::All)
    };
    assert!(all.problems()[0].contains("only the loss of a head"));
}
