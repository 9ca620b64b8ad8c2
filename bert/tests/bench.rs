//! What the benchmarks run is the model: every pass and every kind of step, on every executor.

mod common;

use bert::bench::{ForwardBench, StepBench, stand_in};
use bert::config::Config;
use bert::model::{LoadError, Model};
use bert::train::Method;
use common::{devices, fixture, model};
use kernels::{CancelToken, Control, Device, Precision, RunError};
use std::cell::Cell;

thread_local! {
    static TICKS: Cell<f64> = const { Cell::new(0.0) };
}

/// A clock that goes on by one whenever it is looked at.
fn ticking() -> f64 {
    TICKS.set(TICKS.get() + 1.0);
    TICKS.get()
}

/// One layer of the smallest fixture.
fn config() -> Config {
    stand_in(&common::config(&fixture("tiny-bert")))
}

#[test]
fn forward_passes_are_whole_passes() {
    let control = Control::default();
    for (name, device) in devices() {
        let mut model = model(&fixture("tiny-bert"), &device);
        pollster::block_on(async {
            let mut fill = ForwardBench::fill(&mut model, 16).await.expect("a plan");
            let expected = model.dispatches(16, 1).await.expect("a plan");
            assert_eq!(fill.dispatches(), expected, "{name}: as a probe does it");
            let took = fill.sample(&mut model, ticking, &control).await;
            assert_eq!(took, Ok(1.0), "{name}");
            let mut encoder = ForwardBench::encoder(&mut model, 3, 16)
                .await
                .expect("a plan");
            assert!(encoder.dispatches() < expected, "{name}: without a head");
            let took = encoder.sample(&mut model, ticking, &control).await;
            assert_eq!(took, Ok(1.0), "{name}");
        });
    }
}

#[test]
fn steps_are_taken_and_counted() {
    let control = Control::default();
    for (name, device) in devices() {
        for method in [Method::Head, Method::LastLayers(1), Method::All] {
            pollster::block_on(async {
                let model = Model::fresh(&device, config(), false, 1)
                    .await
                    .expect("room");
                let mut bench = StepBench::new(model, method, 4, 16, &control)
                    .await
                    .expect("a step");
                let took = bench.sample(2, ticking, &control).await;
                assert_eq!(took, Ok(0.5), "{name}, {method:?}: per step");
            });
        }
    }
}

#[test]
fn a_cancelled_step_ends() {
    pollster::block_on(async {
        let device = Device::Cpu(Precision::F32);
        let model = Model::fresh(&device, config(), false, 1)
            .await
            .expect("room");
        let cancel = CancelToken::default();
        let control = Control::new(cancel.clone(), || Box::pin(async {}));
        let mut bench = StepBench::new(model, Method::All, 2, 8, &control)
            .await
            .expect("a step");
        cancel.cancel();
        let outcome = bench.sample(1, ticking, &control).await;
        assert_eq!(outcome, Err(RunError::Cancelled));
    });
}

#[test]
fn a_stand_in_is_one_layer_of_the_same_width() {
    let whole = common::config(&fixture("tiny-albert"));
    let one = stand_in(&whole);
    assert_eq!((one.num_hidden_layers, one.num_hidden_groups), (1, 1));
    assert_eq!(one.hidden_size, whole.hidden_size);
    assert!(one.vocab_size > one.pad_token_id as usize);
}

#[test]
fn fresh_models_differ_by_their_seed_alone() {
    pollster::block_on(async {
        let device = Device::Cpu(Precision::F32);
        let mut read = Vec::new();
        for seed in [1, 1, 2] {
            let model = Model::fresh(&device, config(), true, seed)
                .await
                .expect("room");
            assert!(model.has_mlm().is_ok());
            let name = &model.layout().params[0].name;
            let numbers = model.params().read(name, 0, 100).await.expect("a weight");
            assert!(numbers.iter().all(|x| x.is_finite()));
            read.push(numbers);
        }
        assert_eq!(read[0], read[1]);
        assert_ne!(read[0], read[2]);
        let wide = Config {
            hidden_size: 512,
            num_attention_heads: 2,
            ..config()
        };
        let refused = Model::fresh(&device, wide, false, 1).await;
        assert!(matches!(refused, Err(LoadError::HeadSize(256))));
    });
}
