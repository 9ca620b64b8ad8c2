//! What this device keeps of earlier visits: runs, a curve, a lesson, a score.

use crate::damage::Format;
use app::link::Link;
use app::recipe::{Goal, Setup};
use app::state::teach::KeptRun;
use app::state::{Memory, State};
use bert::metrics::Figures;
use bert::train::curve::{Curve, CurvePoint, CurveSetup, Place};
use bert::train::{Best, EpochReport, Method, Progress, Recipe, RunState};
use serde_json::{Value, json};

fn setup(method: Method) -> Setup {
    Setup {
        goal: Goal::Labels,
        recipe: Recipe::scheduled(method),
        share: 0.2,
        other: None,
    }
}

fn step(step: usize) -> Progress {
    Progress {
        step,
        steps: 6,
        epoch: step.div_ceil(2),
        loss: 0.7 / step as f64,
        rate: 1e-3,
        norm: 1.5,
    }
}

fn epoch(epoch: usize, best: bool) -> EpochReport {
    EpochReport {
        epoch,
        train_loss: 0.5,
        train_figure: 0.75,
        validation_loss: 0.6,
        figures: Figures::Choices {
            accuracy: 0.5,
            chance: 0.25,
        },
        mistakes: Vec::new(),
        best,
    }
}

/// A run that was cut short after its second epoch.
fn run() -> Value {
    let state = RunState {
        epoch: 2,
        step: 4,
        best: Some(Best {
            epoch: 2,
            figure: 0.5,
            loss: 0.6,
        }),
        ..RunState::default()
    };
    json!({
        "version": 1, "began": 1000.0, "saved": 2000.0, "model": "ab".repeat(32), "state": state,
        "source": {"bundled": {"name": "Seedling", "folder": "models/x", "sha256": null, "packed": false}},
        "texts": {"pasted": {"text": "good\tyes\nbad\tno"}}, "reading": {"header": null, "columns": null},
        "run": {
            "id": 3, "began": 1000.0, "phase": "Running", "setup": setup(Method::All), "labels": ["no", "yes"],
            "train": 8, "validation": 2, "majority": 0.5, "steps": [step(1), step(2), step(3), step(4)], "carried": 0,
            "epochs": [epoch(1, false), epoch(2, true)], "wrong": [], "best_wrong": [], "features": [3, 8],
            "evaluating": null, "milliseconds": 500.0, "since": [100.0, 1], "saved": false, "machine": null,
            "doubt": null, "is_present": true,
        },
    })
}

fn past() -> Value {
    let one = |began: f64, method| {
        json!({
            "began": began, "texts": "moods.tsv", "model": "Seedling", "setup": setup(method), "train": 8,
            "validation": 2, "steps": 4, "milliseconds": 500.0, "ending": "all epochs",
            "best": [2, 0.5, "accuracy", 0.75], "training": [[1.0, 0.7], [2.0, 0.5]], "validating": [[2.0, 0.6]],
        })
    };
    json!([one(1.0, Method::Head), one(2.0, Method::LastLayers(2))])
}

fn curve() -> Value {
    let methods = [Method::Head, Method::Scratch];
    let point = |method, size, seed, accuracy, diverged| CurvePoint {
        place: Place { method, size, seed },
        accuracy,
        macro_f1: accuracy,
        train_loss: if diverged { f64::NAN } else { 0.1 },
        steps: 200,
        diverged,
    };
    let curve = Curve {
        setup: CurveSetup {
            sizes: vec![8, 16, 32],
            seeds: vec![1, 2],
            steps: 200,
            lines: methods.map(Recipe::new).to_vec(),
        },
        source: "0123456789abcdef".to_owned(),
        tested: 100,
        majority: 0.5,
        points: vec![
            point(Method::Head, 8, 1, 0.75, false),
            point(Method::Head, 8, 2, 0.8, false),
            point(Method::Head, 16, 1, 0.85, false),
            point(Method::Scratch, 32, 1, 0.6, false),
            point(Method::Scratch, 32, 2, 0.5, true),
        ],
    };
    json!({
        "curve": curve, "of": {"texts": null, "model": "ab".repeat(32)},
        "asked": {"methods": methods, "sizes": [8, 16, 32], "all": false, "seeds": 2, "steps": 200, "share": 0.25},
    })
}

/// All that the page draws of what it remembers.
fn look(state: &mut State) {
    let (columns, rows, _) = state.teach.past.table();
    assert!(rows.len() <= 20 && rows.iter().all(|row| row.cells.len() == columns.len()));
    let sight = state.teach.past.sight(500.0).into_iter();
    for sight in sight.chain(state.curve_sight(500.0)) {
        let svg = sight.drawing.to_svg("a picture");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(svg.len() < 200_000, "{} bytes", svg.len());
    }
    state.prove.line();
    state.curve_spoken();
    assert!(state.inside.spot.scores.models.len() <= 8);
    state.inside.spot.scores.you.line();
    let fragment = state.link().to_fragment();
    let (link, notices) = Link::parse(&fragment);
    assert_eq!((link, notices), (state.link(), Vec::new()), "{fragment}");
    for row in rows {
        state.take_past(row.began);
        // A number out of its range is in the form then, with what is wrong with it.
        if let Err(problems) = state.teach.settings.setup() {
            assert!(!problems.is_empty());
        }
    }
}

#[test]
fn what_was_remembered() {
    let scores = json!({
        "you": {"rounds": 3, "found": 5, "missed": 2, "wrong": 2},
        "models": [["Seedling", {"rounds": 1, "found": 2, "missed": 0, "wrong": 1}]],
    });
    let lesson = json!([{"answer": 1, "done": true}, {"answer": null, "done": false}]);
    let texts = [past(), curve(), lesson, scores].map(|value| value.to_string());
    // The seeds are what they seem.
    let mut state = State::default();
    for (memory, text) in Memory::ALL.into_iter().zip(&texts) {
        state.on_remembered(memory, text);
    }
    assert_eq!(state.teach.past.len(), 2);
    assert!(state.curve_sentence().is_some());
    assert_eq!(
        (state.learn.done(), state.inside.spot.scores.you.rounds),
        (1, 3)
    );
    look(&mut state);
    let format = Format {
        files: texts.map(String::into_bytes).to_vec(),
        words: &[
            "\"sizes\"",
            "\"points\"",
            "\"accuracy\"",
            "\"seeds\"",
            "\"recipe\"",
            "\"training\"",
            "\"rounds\"",
            "\"answer\"",
            "1e-320",
            "1e308",
            "-1e308",
            "[1e308,5e-324]",
        ],
    };
    format.attack_text(|text| {
        for memory in Memory::ALL {
            let mut state = State::default();
            state.on_remembered(memory, text);
            look(&mut state);
        }
    });
}

#[test]
fn the_run_that_was_kept() {
    let text = run().to_string();
    let kept = KeptRun::parse(&text).expect("a run");
    assert_eq!(kept.epoch(), 2);
    let format = Format {
        files: vec![text.into_bytes()],
        words: &[
            "\"state\"",
            "\"epoch\"",
            "\"steps\"",
            "\"loss\"",
            "\"phase\"",
            "\"Stopped\"",
            "{\"Done\":{\"best_epoch\":9,\"ending\":\"Epochs\"}}",
            "\"features\"",
            "[9,1]",
            "1e-320",
            "1e308",
            "5e-324",
        ],
    };
    format.attack_text(|text| {
        let Some(kept) = KeptRun::parse(text) else {
            return;
        };
        let json = kept.to_json().expect("JSON");
        // Numbers may differ in their last digit.
        let again = KeptRun::parse(&json).expect("what was written");
        assert_eq!((again.epoch(), &again.texts), (kept.epoch(), &kept.texts));
        assert!(!kept.words(5e12).is_empty());
        let mut state = State::default();
        state.on_kept_run(kept.clone());
        state.bring_back();
        state.on_run_fetched(kept, Some(None));
        let run = state.teach.run.as_ref().expect("it is back");
        assert!((0.0..=1.0).contains(&run.fraction()));
        run.left();
        run.phase_line();
        run.time_line();
        run.figures();
        run.before_after_lines();
        for chart in [run.loss_chart(), run.rate_chart(), run.accuracy_chart()] {
            let ticks = chart.frame.y.ticks(4).len() + chart.frame.x.ticks(6).len();
            assert!(ticks < 40, "{ticks} ticks");
        }
    });
}
