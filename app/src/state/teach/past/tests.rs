//! Past runs compared, kept and read.

use super::*;
use crate::recipe::Goal;
use bert::train::{Progress, Recipe};

fn run(began: f64, rate: f64, losses: &[f64]) -> PastRun {
    let recipe = Recipe {
        learning_rate: rate,
        ..Recipe::new(Method::All)
    };
    let setup = Setup {
        goal: Goal::Labels,
        recipe,
        share: 0.2,
        other: None,
    };
    let mut run = Run::new(3, setup, began);
    run.phase = Phase::Stopped;
    run.steps = (losses.iter().enumerate())
        .map(|(i, &loss)| Progress {
            step: i + 1,
            steps: losses.len(),
            epoch: 1,
            loss,
            rate,
            norm: 1.0,
        })
        .collect();
    PastRun::of(&run, "moods.tsv", "Seedling")
}

#[test]
fn what_differs_is_told_and_what_is_the_same_said_once() {
    let past = Past {
        runs: vec![run(1.0, 1e-3, &[0.7, 0.5]), run(2.0, 1e-4, &[0.7, 0.6])],
        chosen: Vec::new(),
    };
    let (columns, rows, same) = past.table();
    assert_eq!(
        columns,
        ["Rate", "Result", "Validation loss", "Ended", "Time"]
    );
    let first: Vec<&str> = rows.iter().map(|row| &*row.cells[0]).collect();
    assert_eq!(first, ["1e-4", "1e-3"], "the newest first");
    assert!(
        same.contains("texts moods.tsv") && same.contains("method whole model"),
        "{same}"
    );
    assert!(!same.contains("rate"));
    let sight = past.sight(500.0).expect("two curves");
    assert!(sight.sentence.starts_with("The loss of 2 runs"));
    assert_eq!(sight.table.rows.len(), 4);
}

#[test]
fn as_many_are_drawn_as_there_are_colours() {
    let runs = (1..=6).map(|i| run(f64::from(i), 1e-3, &[0.7, 0.5]));
    let mut past = Past {
        runs: runs.collect(),
        chosen: Vec::new(),
    };
    assert_eq!(past.drawn(), [2, 3, 4, 5]);
    past.chosen = vec![(6.0, false), (1.0, true)];
    assert_eq!(past.drawn(), [0, 2, 3, 4]);
}

#[test]
fn what_was_kept_comes_back_and_anything_else_is_none() {
    let many: Vec<f64> = (0..5000).map(|i| 1.0 / (1.0 + f64::from(i))).collect();
    let past = Past {
        runs: vec![run(1.0, 1e-3, &many), run(2.0, 1e-3, &[f64::NAN, 0.5])],
        chosen: Vec::new(),
    };
    let text = past.to_text();
    assert!(text.len() < 8000, "{}", text.len());
    assert_eq!(Past::parse(&text), past.runs);
    for text in ["", "[]", "{}", "[1]", &text[..text.len() - 4], "null"] {
        assert_eq!(Past::parse(text), []);
    }
    let wild = text.replacen("\"epochs\":", "\"epochs\":999999999", 1);
    assert_eq!(Past::parse(&wild).len(), 1);
}

#[test]
fn twins_are_drawn_over_one_another_where_both_learned_of_the_same_text() {
    let of = |began: f64, goal: Goal, model: &str| {
        let mut one = run(began, 1e-3, &[6.0, 5.5]);
        (one.setup.goal, one.model) = (goal, model.to_owned());
        one
    };
    let mut past = Past {
        runs: vec![
            of(1.0, Goal::Masks, "garden"),
            of(2.0, Goal::NextWord, "garden-left-to-right"),
            of(3.0, Goal::Masks, "another"),
        ],
        chosen: Vec::new(),
    };
    let twins = [("garden", false), ("garden-left-to-right", true)];
    let sight = past.side_by_side(twins, 500.0).expect("both");
    assert!(
        sight.sentence.contains("garden was taught by 15"),
        "{}",
        sight.sentence
    );
    assert!(sight.sentence.contains("left-to-right was taught by 100%"));
    assert_eq!(sight.table.rows.len(), 4);
    // One that was kept after its run.
    let kept = [("garden-moods-tsv", false), twins[1]];
    assert!(past.side_by_side(kept, 500.0).is_some());
    for none in [
        [twins[0], twins[0]],
        [("gardens", false), twins[1]],
        [("seedling", false), twins[1]],
    ] {
        assert_eq!(past.side_by_side(none, 500.0), None, "{none:?}");
    }
    past.runs[1].texts = "other.txt".to_owned();
    assert_eq!(past.side_by_side(twins, 500.0), None, "another text");
}
