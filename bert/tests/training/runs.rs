//! Runs from start to end: what they tell, what they learn, and that they repeat.

use bert::config::Pooling;
use bert::metrics::Figures;
use bert::model::DropoutRates;
use bert::train::{Event, Inputs, Learner, Method, Optimiser, Recipe, Targets, Task};
use kernels::{Control, Device};

use crate::common;
use crate::support::{drive, examples, majority, recipe, start, weights};

fn tiny(device: &Device) -> bert::model::Model {
    common::model(&common::fixture("tiny-bert"), device)
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    for (name, device) in common::devices() {
        let run = |seed: u64| {
            let mut model = tiny(&device);
            let recipe = Recipe {
                seed,
                ..recipe(Method::All)
            };
            let mut training = start(&mut model, recipe).expect("a run");
            let events = drive(&mut training, &mut model);
            (events, weights(&training, &mut model))
        };
        let first = run(7);
        assert_eq!(first, run(7), "{name}");
        assert_ne!(first.1, run(8).1, "{name}");
    }
}

#[test]
fn a_run_tells_every_step_and_every_epoch() {
    for (name, device) in common::devices() {
        let mut model = tiny(&device);
        let mut training = start(&mut model, recipe(Method::All)).expect("a run");
        training.set_report_every(3);
        let steps = training.steps();
        assert_eq!(steps, 8);
        let events = drive(&mut training, &mut model);
        // Three steps, then the fourth, with which the epoch ends; 2 batches of each set.
        let kind = |event: &Event| match event {
            Event::Steps(read) => format!("{}", read.len()),
            Event::Evaluating { done, total } => format!("{done}/{total}"),
            Event::Epoch(_) => "epoch".to_owned(),
            Event::Done { .. } => "done".to_owned(),
            other => panic!("{name}: {other:?}"),
        };
        let kinds: Vec<String> = events.iter().map(kind).collect();
        let epoch = kinds[..8].to_vec();
        assert_eq!(epoch[..4], ["0", "0", "3", "1"], "{name}: {kinds:?}");
        assert_eq!(epoch[7], "epoch", "{name}: {kinds:?}");
        assert!(epoch[4..7].iter().all(|k| k.ends_with("/20")), "{kinds:?}");
        assert_eq!(kinds.len(), 17, "{name}");
        let read = events.iter().filter_map(|e| match e {
            Event::Steps(read) => Some(read.clone()),
            _ => None,
        });
        let read: Vec<_> = read.flatten().collect();
        assert_eq!(read.len(), steps, "{name}");
        for (i, progress) in read.iter().enumerate() {
            assert_eq!((progress.step, progress.steps), (i + 1, steps), "{name}");
            assert_eq!(progress.epoch, i / 4 + 1, "{name}");
            assert!(progress.loss > 0.0 && progress.norm > 0.0, "{name}");
            let rate = recipe(Method::All).rate(i, steps);
            assert_eq!(progress.rate, rate, "{name}");
        }
    }
}

/// More steps than the device's log holds.
#[test]
fn reports_that_nobody_reads_make_room_for_later_ones() {
    let inputs = Inputs::Features {
        rows: vec![0, 2, 3],
        targets: Targets::Classes(vec![0, 1, 1]),
    };
    for (name, device) in common::devices() {
        let run = |every: usize| {
            let mut model = tiny(&device);
            let task = Task::classify(2, Pooling::Mean);
            let (optimiser, dropout) = (Optimiser::default(), DropoutRates::default());
            pollster::block_on(async {
                let learner =
                    Learner::new(&mut model, task, Method::Head, optimiser, dropout, 3, 1);
                let mut learner = learner.await.expect("a learner");
                let room = learner.reserve_features(&mut model, 4).await;
                room.expect("room");
                let numbers: Vec<f32> = (0..4 * 32).map(|i| (i as f32).sin()).collect();
                model
                    .params_mut()
                    .write("features", 0, &numbers)
                    .expect("it fits");
                let mut reports = Vec::new();
                for step in 1..=70 {
                    let control = Control::default();
                    let taken = learner.step(&mut model, &inputs, 1e-2, &control).await;
                    taken.expect("a step");
                    if step % every == 0 {
                        reports.extend(learner.reports(&mut model).await.expect("reports"));
                    }
                }
                reports
            })
        };
        let each = run(1);
        assert_eq!(each.len(), 70, "{name}");
        assert!(each.windows(2).all(|r| r[1].loss < r[0].loss), "{name}");
        assert_eq!(run(70), each[70 - Learner::REPORTS..], "{name}");
    }
}

#[test]
fn a_head_learns_what_words_tell_apart() {
    let (train, validation) = (examples(26, 0), examples(10, 100));
    let baseline = majority(&train, &validation);
    for (name, device) in common::devices() {
        let mut model = tiny(&device);
        let recipe = Recipe {
            learning_rate: 5e-2,
            epochs: 12,
            pooling: Pooling::Mean,
            ..recipe(Method::Head)
        };
        let mut training = start(&mut model, recipe).expect("a run");
        let events = drive(&mut training, &mut model);
        assert_eq!(
            events[..3],
            [16, 32, 36].map(|done| Event::Features { done, total: 36 }),
            "{name}"
        );
        let mut best = 0.0;
        let mut told = 0;
        for event in &events {
            let Event::Epoch(report) = event else {
                continue;
            };
            told += 1;
            let Figures::Classes { metrics, confusion } = &report.figures else {
                panic!("{name}: {:?}", report.figures);
            };
            let wrong = confusion.total() - (metrics.accuracy * 10.0).round() as u64;
            assert_eq!(report.mistakes.len() as u64, wrong, "{name}");
            let sure = |m: &bert::train::Mistake| m.sure;
            assert!(
                report
                    .mistakes
                    .windows(2)
                    .all(|m| sure(&m[0]) >= sure(&m[1]))
            );
            for mistake in &report.mistakes {
                assert_ne!(mistake.found, validation[mistake.example].truth, "{name}");
                let sum: f32 = mistake.probabilities.iter().sum();
                assert!((sum - 1.0).abs() < 1e-6 && sure(mistake) >= 0.5, "{name}");
            }
            assert!((0.0..=1.0).contains(&report.train_figure));
            if report.best {
                best = report.figures.first().1;
            }
        }
        assert_eq!(told, 12, "{name}");
        assert!(best > baseline, "{name}: {best}, majority {baseline}");
    }
}

#[test]
fn what_is_frozen_costs_neither_memory_nor_dispatches() {
    for (name, device) in common::devices() {
        let cost = |method: Method| {
            let mut model = tiny(&device);
            let before = memory(&device);
            let mut training = start(&mut model, recipe(method)).expect("a run");
            loop {
                let event = crate::support::advance(&mut training, &mut model);
                if matches!(event, Event::Steps(_)) {
                    break;
                }
            }
            let after = memory(&device);
            (
                training.learner().dispatches(),
                after.saturating_sub(before),
            )
        };
        let (all, last, head) = (
            cost(Method::All),
            cost(Method::LastLayers(1)),
            cost(Method::Head),
        );
        assert!(
            head.0 < last.0 && last.0 < all.0,
            "{name}: {head:?} {last:?} {all:?}"
        );
        if matches!(device, Device::Gpu(_)) {
            assert!(
                head.1 < last.1 && last.1 < all.1,
                "{name}: {head:?} {last:?} {all:?}"
            );
        }
    }
}

fn memory(device: &Device) -> u64 {
    match device {
        Device::Gpu(gpu) => gpu.memory_in_use(),
        Device::Cpu(_) => 0,
    }
}

#[test]
fn defaults_follow_the_checkpoint() {
    let (_, device) = common::devices().remove(0);
    let with = tiny(&device);
    assert_eq!(
        Recipe::for_model(Method::All, &with).pooling,
        Pooling::Pooler
    );
    assert_eq!(
        Recipe::for_model(Method::Head, &with).pooling,
        Pooling::Mean
    );
    assert_eq!(Recipe::for_model(Method::All, &with).max_tokens, 64);
    let without = common::model(&common::fixture("tiny-encoder"), &device);
    let pooler = without.heads().pooler;
    let recipe = Recipe::for_model(Method::Scratch, &without);
    let expected = if pooler {
        Pooling::Pooler
    } else {
        Pooling::Cls
    };
    assert_eq!(recipe.pooling, expected);
}
