//! Pausing and cancelling anywhere changes nothing of what is learned.

use std::cell::{Cell, RefCell};

use bert::config::Pooling;
use bert::model::DropoutRates;
use bert::model::Model;
use bert::model::TokenBatch;
use bert::train::{
    Batch, Event, Inputs, Learner, Method, Optimiser, Targets, Task, TrainError, Training,
};
use kernels::{CancelToken, Control, LocalBoxFuture, RunError};

use crate::common;
use crate::support::{bits, drive, recipe, start, weights};

thread_local! {
    /// Cancelled at one of the next breaths of a run.
    static TOKEN: RefCell<CancelToken> = RefCell::default();
    static BREATHS: Cell<usize> = const { Cell::new(0) };
}

fn breathe() -> LocalBoxFuture<'static, ()> {
    let left = BREATHS.get();
    BREATHS.set(left.saturating_sub(1));
    if left == 1 {
        TOKEN.with_borrow(CancelToken::cancel);
    }
    Box::pin(async {})
}

/// A control that is cancelled at its `breaths`-th breath; at once if that is 0.
fn cancelled_at(breaths: usize) -> Control {
    let token = CancelToken::default();
    if breaths == 0 {
        token.cancel();
    }
    TOKEN.set(token.clone());
    BREATHS.set(breaths);
    Control::new(token, breathe)
}

/// Cancels every call of `advance` once or twice, and asks the model something in between.
fn disturbed(training: &mut Training, model: &mut Model) -> (Vec<Event>, usize) {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let (mut events, mut cancelled) = (Vec::new(), 0);
    loop {
        let mut found = None;
        for breaths in [0, 1] {
            let control = cancelled_at(breaths);
            match pollster::block_on(training.advance(model, &control)) {
                Err(TrainError::Run(RunError::Cancelled)) => cancelled += 1,
                Ok(event) => {
                    found = Some(event);
                    break;
                }
                Err(error) => panic!("{error}"),
            }
            let control = Control::default();
            let tried = training.classify(model, &tokenizer, "a good film", None, &control);
            let logits = pollster::block_on(tried).expect("logits");
            assert!(logits.len() == 2 && logits.iter().all(|x| x.is_finite()));
        }
        let event = found.unwrap_or_else(|| crate::support::advance(training, model));
        events.push(event);
        if matches!(events.last(), Some(Event::Done { .. })) {
            return (events, cancelled);
        }
    }
}

#[test]
fn a_run_that_is_cancelled_all_the_time_learns_the_same() {
    for (name, device) in common::devices() {
        for method in [Method::Head, Method::All] {
            let run = |disturb: bool| {
                let mut model = common::model(&common::fixture("tiny-bert"), &device);
                let mut training = start(&mut model, recipe(method)).expect("a run");
                let (events, cancelled) = if disturb {
                    disturbed(&mut training, &mut model)
                } else {
                    (drive(&mut training, &mut model), 0)
                };
                assert_eq!(cancelled > 0, disturb, "{name}");
                (events, weights(&training, &mut model))
            };
            assert_eq!(run(false), run(true), "{name}, {method:?}");
        }
    }
}

/// A model that is large enough for a step to breathe on the way.
#[test]
fn a_step_that_is_cancelled_in_its_middle_can_be_taken_again() {
    let (name, device) = common::devices().remove(0);
    let run = |disturb: bool| {
        let mut model = common::model(&common::bundled(), &device);
        let dropout = DropoutRates {
            hidden: 0.1,
            attention: 0.1,
            classifier: 0.1,
        };
        let task = Task::classify(2, Pooling::Mean);
        let method = Method::LastLayers(2);
        let optimiser = Optimiser::default();
        let learner = Learner::new(&mut model, task, method, optimiser, dropout, 4, 1);
        let mut learner = pollster::block_on(learner).expect("a learner");
        let inputs = Inputs::Texts(Batch {
            texts: TokenBatch {
                tokens: 32,
                ids: (0..4).map(|i| (100 + i..132 + i).collect()).collect(),
                types: vec![vec![0; 32]; 4],
            },
            targets: Targets::Classes(vec![0, 1, 0, 1]),
        });
        let mut cancelled = 0;
        for breaths in [1, 2, 5, 100] {
            if disturb {
                let control = cancelled_at(breaths);
                let step = learner.step(&mut model, &inputs, 1e-3, &control);
                match pollster::block_on(step) {
                    Err(RunError::Cancelled) => cancelled += 1,
                    Ok(()) => continue,
                    Err(error) => panic!("{error}"),
                }
            }
            let control = Control::default();
            let step = learner.step(&mut model, &inputs, 1e-3, &control);
            pollster::block_on(step).expect("a step");
        }
        assert!(!disturb || cancelled >= 2, "{name}: {cancelled}");
        let reports = pollster::block_on(learner.reports(&mut model)).expect("reports");
        assert_eq!(reports.len(), 4);
        let names: Vec<String> = learner.trainable().map(str::to_owned).collect();
        let weights: Vec<_> = names.iter().map(|n| bits(&mut model, n)).collect();
        (reports, weights)
    };
    assert_eq!(run(false), run(true));
}
