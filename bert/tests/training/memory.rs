//! What the planner says, against what a run takes.

use bert::config::Pooling;
use bert::data::Example;
use bert::model::Model;
use bert::train::{
    Event, Extent, Limits, Method, Needs, Recipe, Task, TrainError, Training, check, needs, offers,
};
use kernels::Device;

use crate::common;
use crate::support::{advance, examples, recipe};

const TASK: Task = Task::classify(2, Pooling::Cls);

/// The most GPU memory in use during a run.
fn measured(device: &Device, model: &mut Model, recipe: Recipe) -> (u64, Needs) {
    let Device::Gpu(gpu) = device else {
        unreachable!("a GPU is asked for")
    };
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let (train, validation) = (examples(26, 0), examples(10, 100));
    let lengths = train.iter().chain(&validation).map(|e| {
        let limit = recipe.max_tokens;
        tokenizer.encode(&e.text, None, limit).ids.len()
    });
    let longest = lengths.max().expect("texts");
    let planned = needs(model, TASK, &recipe, Extent::of(longest, 36)).expect("it can be run");
    let labels = common::classes(2);
    let lesson = common::lesson(&labels, &train, &validation);
    let start = Training::start(model, &tokenizer, &lesson, recipe);
    let mut training = pollster::block_on(start).expect("a run");
    while !matches!(advance(&mut training, model), Event::Done { .. }) {}
    (gpu.memory_peak(), planned)
}

#[test]
fn a_run_takes_what_was_planned() {
    for fixture in ["tiny-bert", "tiny-bert-f16"] {
        for (name, device) in common::devices().into_iter().skip(1) {
            // A device remembers its peak: what takes more comes later.
            let in_parts = Recipe {
                accumulation: 4,
                ..recipe(Method::All)
            };
            let [head, last, all] = [Method::Head, Method::LastLayers(1), Method::All].map(recipe);
            let recipes = [head, last, in_parts, all];
            for recipe in recipes {
                let mut model = common::model(&common::fixture(fixture), &device);
                let (most, planned) = measured(&device, &mut model, recipe);
                let total = planned.total();
                let (method, parts) = (recipe.method, recipe.accumulation);
                let what = format!("{name}, {fixture}, {method:?}, {parts}: {most} of {planned:?}");
                println!("{what}: {:.3}", total as f64 / most as f64);
                // Never less than it takes, and not much more.
                assert!(total >= most, "{what}");
                assert!((total as f64) < 1.10 * most as f64, "{what}: {total}");
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_with_something_that_does() {
    let (_, device) = common::devices().remove(0);
    let model = common::model(&common::bundled(), &device);
    let recipe = Recipe {
        batch: 32,
        max_tokens: 512,
        ..Recipe::scheduled(Method::All)
    };
    let planned =
        |recipe: &Recipe| needs(&model, TASK, recipe, Extent::of(512, 1000)).expect("needs");
    let whole = planned(&recipe);
    assert!(check(&whole, &Limits::of(&device)).is_ok());
    // Gradients, two moments and the copy of the best, of all but the heads that are not used.
    let used = |s: &&kernels::ParamSpec| !s.name.starts_with("cls.") && !s.name.contains("pooler");
    let learned = model.params().specs().iter().filter(used);
    let copies: u64 = learned.map(|s| 4 * 4 * s.shape.len() as u64).sum();
    assert!((copies..copies + copies / 50).contains(&whole.training));
    let fits = |recipe: &Recipe, limits: &Limits| check(&planned(recipe), limits).is_ok();
    // Room for half of it; too small a buffer; room for no gradient of the whole model.
    let tight = [
        (whole.largest_buffer, Some(whole.total() / 2)),
        (whole.largest_buffer / 3, None),
        (u64::MAX, Some(3 * whole.weights)),
    ];
    for (i, (buffer, total)) in tight.into_iter().enumerate() {
        let limits = Limits { buffer, total };
        let message = check(&whole, &limits).expect_err("it does not fit");
        assert!(message.contains("MiB"), "{message}");
        let offered = offers(&model, TASK, &recipe, Extent::of(512, 1000), &limits);
        assert!(!offered.is_empty(), "{limits:?}");
        assert!(offered.iter().all(|r| fits(r, &limits)), "{limits:?}");
        let first = offered[0];
        if i < 2 {
            assert_eq!((first.method, first.max_tokens), (Method::All, 512));
            let larger = Recipe {
                batch: 2 * first.batch,
                ..first
            };
            assert!(!fits(&larger, &limits), "the nearest comes first");
        } else {
            assert_ne!(first.method, Method::All);
        }
        // The features of a head are computed in batches of their own.
        if i != 1 {
            assert_eq!(offered.last().map(|r| r.method), Some(Method::Head));
        }
    }
    let nothing = Limits {
        buffer: 1000,
        total: Some(1000),
    };
    assert!(offers(&model, TASK, &recipe, Extent::of(512, 1000), &nothing).is_empty());
}

#[test]
fn less_is_needed_for_less() {
    let (_, device) = common::devices().remove(0);
    let model = common::model(&common::bundled(), &device);
    let total = |method: Method, batch: usize, max_tokens: usize| {
        let recipe = Recipe {
            batch,
            max_tokens,
            ..Recipe::scheduled(method)
        };
        needs(&model, TASK, &recipe, Extent::of(512, 100))
            .expect("needs")
            .total()
    };
    let all = total(Method::All, 16, 128);
    assert!(total(Method::All, 8, 128) < all);
    assert!(total(Method::All, 16, 64) < all);
    assert!(total(Method::LastLayers(5), 16, 128) < all);
    assert!(total(Method::LastLayers(1), 16, 128) < total(Method::LastLayers(5), 16, 128));
    assert!(total(Method::Head, 16, 128) < total(Method::LastLayers(1), 16, 128));
    let bad = Recipe {
        epochs: 0,
        ..Recipe::scheduled(Method::All)
    };
    assert!(needs(&model, TASK, &bad, Extent::of(512, 100)).is_err());
}

/// A GPU is asked for more than one binding holds.
#[test]
fn a_run_that_cannot_fit_does_not_start() {
    for (name, device) in common::devices().into_iter().skip(1).take(1) {
        let folder = common::bundled();
        let (mut model, tokenizer) = (common::model(&folder, &device), common::tokenizer(&folder));
        let train: Vec<Example> = (0..1024)
            .map(|i| Example::of_class("one text and another ".repeat(40), i % 2))
            .collect();
        let recipe = Recipe {
            batch: 1024,
            ..Recipe::scheduled(Method::All)
        };
        let planned = needs(&model, TASK, &recipe, Extent::of(128, 1025)).expect("needs");
        let limits = Limits::of(&device);
        if planned.largest_buffer <= limits.buffer {
            eprintln!("SKIPPED: {name} has buffers of {}", limits.buffer);
            continue;
        }
        let labels = common::classes(2);
        let lesson = common::lesson(&labels, &train, &train[..1]);
        let start = Training::start(&mut model, &tokenizer, &lesson, recipe);
        let error = pollster::block_on(start).err().expect("it cannot fit");
        assert!(matches!(error, TrainError::Memory(_)), "{error}");
    }
}
