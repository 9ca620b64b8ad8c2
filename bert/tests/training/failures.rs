//! What cannot be run, what diverges, and going on after a device was lost.

use bert::config::Pooling;
use bert::data::Example;
use bert::train::{Event, Method, Recipe, RunState, TrainError, Training};
use kernels::Device;

use crate::common;
use crate::support::{advance, bits, drive, examples, recipe, start, texts, weights};

fn tiny(device: &Device) -> bert::model::Model {
    common::model(&common::fixture("tiny-bert"), device)
}

#[test]
fn a_run_that_turns_nan_returns_to_its_best_weights() {
    for (name, device) in common::devices() {
        for after_epoch in [false, true] {
            let mut model = tiny(&device);
            let mut training = start(&mut model, recipe(Method::All)).expect("a run");
            training.set_report_every(2);
            if after_epoch {
                while !matches!(advance(&mut training, &mut model), Event::Epoch(_)) {}
            }
            let kept = |training: &Training, model: &mut bert::model::Model| -> Vec<_> {
                let specs = training.trainable();
                let name = |s: &kernels::ParamSpec| training.best_weight_name(&s.name);
                specs.iter().map(|s| bits(model, &name(s))).collect()
            };
            let best = kept(&training, &mut model);
            model
                .params_mut()
                .write("classifier.weight", 0, &[f32::NAN])
                .expect("it fits");
            let events = drive(&mut training, &mut model);
            let Some(Event::Diverged { step, try_rate }) = events.last() else {
                panic!("{name}: {events:?}");
            };
            assert_eq!(*step, if after_epoch { 5 } else { 1 }, "{name}");
            assert_eq!(*try_rate, 5e-3 / 4.0, "{name}");
            assert_eq!(weights(&training, &mut model), best, "{name}");
            training.finish(&mut model).expect("the best weights");
            assert!(
                bits(&mut model, "classifier.weight")
                    .iter()
                    .all(|&b| f64::from_bits(b).is_finite())
            );
        }
    }
}

#[test]
fn an_absurd_learning_rate_is_run_and_survived() {
    for (name, device) in common::devices() {
        let mut model = tiny(&device);
        let wild = Recipe {
            learning_rate: 1.0,
            epochs: 3,
            warmup: 0.0,
            ..recipe(Method::All)
        };
        let mut training = start(&mut model, wild).expect("a run");
        drive(&mut training, &mut model);
        for weights in weights(&training, &mut model) {
            assert!(
                weights.iter().all(|&b| f64::from_bits(b).is_finite()),
                "{name}"
            );
        }
    }
}

#[test]
fn bad_input_is_refused_in_words() {
    let (_, device) = common::devices().remove(0);
    let mut model = tiny(&device);
    let mut refused = |change: fn(&mut Recipe)| {
        let mut recipe = recipe(Method::All);
        change(&mut recipe);
        match start(&mut model, recipe) {
            Err(TrainError::Recipe(problems)) => problems.join("; "),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{recipe:?} was run"),
        }
    };
    assert!(refused(|r| r.epochs = 0).contains("epochs 0"));
    assert!(refused(|r| r.learning_rate = f64::NAN).contains("learning rate NaN"));
    assert!(refused(|r| r.learning_rate = 10.0).contains("learning rate 10"));
    assert!(refused(|r| r.batch = 0).contains("batch 0"));
    assert!(refused(|r| r.method = Method::LastLayers(0)).contains("head"));

    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let recipe = recipe(Method::All);
    let mut begin = |train: &[Example], validation: &[Example]| {
        let labels = common::classes(2);
        let lesson = common::lesson(&labels, train, validation);
        let start = Training::start(&mut model, &tokenizer, &lesson, recipe);
        pollster::block_on(start).map(|training| training.steps())
    };
    let (none, some) = (Vec::new(), examples(3, 0));
    for (train, validation) in [(&none, &some), (&some, &none)] {
        let error = begin(train, validation).expect_err("no texts");
        assert!(matches!(error, TrainError::Data(_)), "{error}");
    }
    let mut wrong = some.clone();
    wrong[1].truth = bert::data::Truth::Class(2);
    let error = begin(&some, &wrong).expect_err("a class too many");
    assert!(error.to_string().contains("class 2"), "{error}");
    // A batch of 8 from 3 texts is one of 3.
    assert_eq!(begin(&some, &some), Ok(2));
}

#[test]
fn what_a_checkpoint_lacks_is_said() {
    let (_, device) = common::devices().remove(0);
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let mut encoder = common::model(&common::fixture("tiny-encoder"), &device);
    let (train, validation) = (texts(4, 0), texts(2, 50));
    let recipe = recipe(Method::All);
    let run = Training::start_mlm(&mut encoder, &tokenizer, &train, &validation, recipe);
    let Err(TrainError::NoMlmHead(message)) = pollster::block_on(run) else {
        panic!("an encoder cannot guess");
    };
    assert!(message.contains("cls.predictions"), "{message}");
    if !encoder.heads().pooler {
        let pooled = Recipe {
            pooling: Pooling::Pooler,
            ..recipe
        };
        assert_eq!(
            start(&mut encoder, pooled).err(),
            Some(TrainError::NoPooler)
        );
    }
    let mut model = tiny(&device);
    let head = Recipe {
        method: Method::Head,
        ..recipe
    };
    let run = Training::start_mlm(&mut model, &tokenizer, &train, &validation, head);
    let error = pollster::block_on(run).err().expect("nothing to learn");
    assert!(matches!(error, TrainError::Recipe(_)), "{error}");
}

#[test]
fn a_run_goes_on_after_its_device_was_lost() {
    for (name, device) in common::devices() {
        for method in [Method::Head, Method::LastLayers(1)] {
            let recipe = Recipe {
                epochs: 3,
                ..recipe(method)
            };
            let mut model = tiny(&device);
            let mut training = start(&mut model, recipe).expect("a run");
            assert_eq!(training.state().epoch, 0);
            while !matches!(advance(&mut training, &mut model), Event::Epoch(_)) {}
            let state = training.state();
            assert_eq!((state.epoch, state.step), (1, 4), "{name}");
            let saved: Vec<(String, Vec<f32>)> = training
                .trainable()
                .iter()
                .map(|s| {
                    let best = training.best_weight_name(&s.name);
                    let read = pollster::block_on(model.read(&best)).expect("weights");
                    (s.name.clone(), read.to_f32())
                })
                .collect();
            // What was under way is not part of the state.
            advance(&mut training, &mut model);
            assert_eq!(training.state(), state, "{name}");
            let json = serde_json::to_string(&state).expect("JSON");
            let state: RunState = serde_json::from_str(&json).expect("a state");

            let mut model = tiny(&device);
            let mut training = start(&mut model, recipe).expect("a run");
            for (name, weights) in &saved {
                model.params_mut().write(name, 0, weights).expect("it fits");
            }
            let later = RunState { epoch: 4, ..state };
            let other = RunState { step: 5, ..state };
            for wrong in [later, other] {
                let error = training
                    .resume(&mut model, &wrong)
                    .expect_err("it does not fit");
                assert!(matches!(error, TrainError::Resume(_)), "{error}");
            }
            training.resume(&mut model, &state).expect("it fits");
            assert_eq!(training.state(), state, "{name}");
            let events = drive(&mut training, &mut model);
            let steps = events.iter().filter_map(|e| match e {
                Event::Steps(read) => Some(read.clone()),
                _ => None,
            });
            let steps: Vec<_> = steps.flatten().collect();
            assert_eq!(steps[0].step, 5, "{name}");
            assert_eq!(steps[0].rate, recipe.rate(4, 12), "{name}");
            let epochs = events.iter().filter_map(|e| match e {
                Event::Epoch(report) => Some(report.epoch),
                _ => None,
            });
            assert_eq!(epochs.collect::<Vec<_>>(), [2, 3], "{name}");
            let error = training.resume(&mut model, &state).expect_err("it ran");
            assert!(error.to_string().contains("begun"), "{error}");
        }
    }
}
