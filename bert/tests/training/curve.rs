//! The sample-efficiency curve: what its runs leave behind, that they repeat, stop and go on.

use bert::data::Example;
use bert::model::Model;
use bert::train::curve::{Curve, CurveEvent, CurveRun, CurveSetup};
use bert::train::{Method, Recipe, TrainError};
use kernels::{CancelToken, Control, Device, Precision};

use crate::common;
use crate::support::{bits, examples};

fn device() -> Device {
    Device::Cpu(Precision::F32)
}

fn setup(model: &Model, methods: &[Method]) -> CurveSetup {
    let setup = CurveSetup::new(model, methods, vec![4, 12, 40], 2);
    let quick = |line: Recipe| Recipe {
        max_tokens: 64,
        learning_rate: match line.method {
            Method::Head => line.learning_rate,
            _ => 5e-3,
        },
        ..line
    };
    CurveSetup {
        steps: 12,
        lines: setup.lines.into_iter().map(quick).collect(),
        ..setup
    }
}

fn start(
    model: &mut Model,
    setup: CurveSetup,
    (train, test): (&[Example], &[Example]),
    earlier: Option<&Curve>,
) -> Result<CurveRun, TrainError> {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let labels = common::classes(2);
    let lesson = common::lesson(&labels, train, test);
    let run = CurveRun::start(model, &tokenizer, &lesson, setup, earlier);
    pollster::block_on(run)
}

fn advance(run: &mut CurveRun, model: &mut Model) -> CurveEvent {
    let control = Control::default();
    pollster::block_on(run.advance(model, &control)).expect("an event")
}

/// To the end, or until so many points are known.
fn drive(run: &mut CurveRun, model: &mut Model, points: usize) -> Vec<CurveEvent> {
    let mut events = Vec::new();
    while run.curve().points.len() < points {
        events.push(advance(run, model));
        if events.last() == Some(&CurveEvent::Done) {
            break;
        }
    }
    events
}

const ALL: [Method; 3] = [Method::Head, Method::All, Method::Scratch];

/// The bits of all weights, by their names.
fn weights(model: &mut Model) -> Vec<(String, Vec<u64>)> {
    let mut names: Vec<String> = (model.params().specs().iter())
        .map(|spec| spec.name.clone())
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|n| (n.clone(), bits(model, &n)))
        .collect()
}

#[test]
fn a_curve_has_all_its_points_and_leaves_the_model_as_it_was() {
    let sets = (examples(40, 0), examples(20, 100));
    let mut model = common::model(&common::fixture("tiny-bert"), &device());
    let before = weights(&mut model);
    let setup = setup(&model, &ALL);
    let mut run = start(&mut model, setup, (&sets.0, &sets.1), None).expect("a run");
    let work = run.work();
    assert_eq!((work.heads, work.features), (6, 60));
    assert_eq!((work.steps, work.judged), (12 * 12, 12 * 20));
    let events = drive(&mut run, &mut model, usize::MAX);
    assert_eq!(events.last(), Some(&CurveEvent::Done));
    let curve = pollster::block_on(run.finish(&mut model)).expect("the model's own weights");
    assert_eq!(weights(&mut model), before);

    assert_eq!((curve.points.len(), curve.tested), (18, 20));
    for point in &curve.points {
        assert!(!point.diverged && (0.0..=1.0).contains(&point.accuracy));
        match point.place.method {
            Method::Head => assert!(point.steps >= 6 * 50, "{point:?}"),
            // As many steps for 4 examples as for 40.
            _ => assert_eq!(point.steps, 12),
        }
    }
    // Single words tell the classes apart: with all examples the head finds them.
    let line = curve.line(Method::Head);
    assert_eq!(line.len(), 3);
    assert!(
        line[2].mean > curve.majority && line[2].mean > line[0].mean,
        "{line:?}"
    );
    // Of random weights no two seeds are alike, and neither is the pretrained encoder's run.
    let loss = |method, seed| {
        let of = |p: &&bert::train::curve::CurvePoint| {
            (p.place.method, p.place.seed, p.place.size) == (method, seed, 12)
        };
        curve.points.iter().find(of).map(|p| p.train_loss)
    };
    assert_ne!(loss(Method::Scratch, 1), loss(Method::Scratch, 2));
    assert_ne!(loss(Method::Scratch, 1), loss(Method::All, 1));
}

#[test]
fn a_curve_that_was_stopped_goes_on_to_the_same_points() {
    let sets = (examples(40, 0), examples(20, 100));
    let fresh = || common::model(&common::fixture("tiny-bert"), &device());
    let mut model = fresh();
    let whole = setup(&model, &ALL);
    let mut run = start(&mut model, whole.clone(), (&sets.0, &sets.1), None).expect("a run");
    drive(&mut run, &mut model, usize::MAX);
    let at_once = pollster::block_on(run.finish(&mut model)).expect("its weights");

    // Stopped among the heads, and again within a run of the whole model.
    let mut known: Option<Curve> = None;
    for points in [4, 9, usize::MAX] {
        let mut model = fresh();
        let before = weights(&mut model);
        let earlier = known.as_ref();
        let mut run = start(&mut model, whole.clone(), (&sets.0, &sets.1), earlier).expect("a run");
        let events = drive(&mut run, &mut model, points);
        let again = events.iter().filter_map(|event| match event {
            CurveEvent::Point(point) => Some(point.place),
            _ => None,
        });
        let had = earlier.map_or(Vec::new(), |c| c.points.iter().map(|p| p.place).collect());
        assert!(again.into_iter().all(|place| !had.contains(&place)));
        if points != usize::MAX {
            for _ in 0..5 {
                advance(&mut run, &mut model);
            }
        }
        let curve = pollster::block_on(run.finish(&mut model)).expect("its weights");
        assert_eq!(weights(&mut model), before);
        // It travels as text.
        let text = serde_json::to_string(&curve).expect("plain data");
        known = Some(serde_json::from_str(&text).expect("the same"));
    }
    assert_eq!(known, Some(at_once.clone()));

    // Of other texts or settings nothing is taken over.
    let mut model = fresh();
    let other = examples(40, 7);
    let refused = start(&mut model, whole.clone(), (&other, &sets.1), Some(&at_once));
    let message = refused.err().map(|e| e.to_string()).unwrap_or_default();
    assert!(
        message.contains("the texts or the labels are others"),
        "{message}"
    );
    let longer = CurveSetup { steps: 13, ..whole };
    let refused = start(&mut model, longer, (&sets.0, &sets.1), Some(&at_once));
    let message = refused.err().map(|e| e.to_string()).unwrap_or_default();
    assert!(message.contains("have 12 steps, these 13"), "{message}");
}

#[test]
fn a_cancelled_piece_of_work_comes_again() {
    let sets = (examples(40, 0), examples(20, 100));
    let run = |cancels: bool| {
        let mut model = common::model(&common::fixture("tiny-bert"), &device());
        let setup = setup(&model, &[Method::Head, Method::All]);
        let mut run = start(&mut model, setup, (&sets.0, &sets.1), None).expect("a run");
        for i in 0.. {
            if cancels && i % 3 == 0 {
                let token = CancelToken::default();
                token.cancel();
                let control = Control::new(token, || Box::pin(async {}));
                let cancelled = pollster::block_on(run.advance(&mut model, &control));
                // Only what begins a run computes nothing that could be cancelled.
                let begun = matches!(cancelled, Ok(CurveEvent::Learning { step: 0, .. }));
                let known = matches!(cancelled, Ok(CurveEvent::Point(_) | CurveEvent::Done));
                assert!(cancelled.is_err() || begun || known, "{cancelled:?}");
            }
            if advance(&mut run, &mut model) == CurveEvent::Done {
                break;
            }
        }
        pollster::block_on(run.finish(&mut model)).expect("its weights")
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn a_rehearsal_changes_nothing() {
    fn clock() -> f64 {
        use std::time::Instant;
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1000.0
    }
    let sets = (examples(40, 0), examples(20, 100));
    let mut model = common::model(&common::fixture("tiny-bert"), &device());
    let before = weights(&mut model);
    let setup = setup(&model, &ALL);
    let mut run = start(&mut model, setup, (&sets.0, &sets.1), None).expect("a run");
    let control = Control::default();
    let rates = run.rehearse(&mut model, clock, &control);
    let rates = pollster::block_on(rates).expect("rates");
    assert!(rates.step > 0.0 && rates.text > 0.0);
    assert!(run.work().seconds(&rates) > 0.1 * rates.step);
    pollster::block_on(run.finish(&mut model)).expect("its weights");
    assert_eq!(weights(&mut model), before);
}

#[test]
fn a_head_that_was_there_is_there_again() {
    let sets = (examples(40, 0), examples(20, 100));
    let mut model = common::model(&common::fixture("tiny-classifier"), &device());
    let head = model.head().cloned().expect("its own head");
    let before = weights(&mut model);
    let setup = setup(&model, &[Method::Head]);
    let mut run = start(&mut model, setup, (&sets.0, &sets.1), None).expect("a run");
    drive(&mut run, &mut model, 1);
    assert!(run.leaves_encoder());
    pollster::block_on(run.finish(&mut model)).expect("its weights");
    assert_eq!(model.head(), Some(&head));
    assert_eq!(weights(&mut model), before);
}

#[test]
fn what_has_no_curve_is_refused_in_words() {
    let sets = (examples(40, 0), examples(20, 100));
    let mut model = common::model(&common::fixture("tiny-bert"), &device());
    let whole = setup(&model, &ALL);
    let mut refused = |setup: CurveSetup, sets: (&[Example], &[Example])| {
        let refused = start(&mut model, setup, sets, None);
        refused.err().map(|e| e.to_string()).unwrap_or_default()
    };
    let too_many = CurveSetup {
        sizes: vec![8, 80],
        ..whole.clone()
    };
    let message = refused(too_many, (&sets.0, &sets.1));
    assert!(message.contains("size 80: there are 40 texts"), "{message}");
    let message = refused(whole.clone(), (&sets.0, &[]));
    assert!(message.contains("0 texts to test with"), "{message}");
    let scores: Vec<Example> = (sets.0.iter().cloned())
        .map(|example| Example {
            truth: bert::data::Truth::Score(1.0),
            ..example
        })
        .collect();
    let message = refused(whole, (&scores, &sets.1));
    assert!(message.contains("one class each"), "{message}");
}
