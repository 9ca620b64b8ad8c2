//! Figures of random data against seqeval, scikit-learn, SciPy and SQuAD's script (`tests/tools/metrics_golden.py`).

mod common;

use bert::metrics::{EntityCounts, LabelCounts, ScoreMetrics, exact_match, overlap_f1};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Golden {
    entities: Entities,
    labels: Labels,
    scores: Scores,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Entities {
    truth: Vec<Vec<String>>,
    found: Vec<Vec<String>>,
    precision: f64,
    recall: f64,
    f1: f64,
    accuracy: f64,
    types: BTreeMap<String, (f64, f64, f64, u64)>,
}

#[derive(Deserialize)]
struct Labels {
    truth: Vec<Vec<u8>>,
    found: Vec<Vec<f32>>,
    subset_accuracy: f64,
    micro: [f64; 3],
    r#macro: [f64; 3],
    best: Vec<f64>,
}

#[derive(Deserialize)]
struct Scores {
    truth: Vec<f64>,
    found: Vec<f64>,
    pearson: f64,
    spearman: f64,
    mean_squared_error: f64,
}

#[derive(Deserialize)]
struct Answer {
    right: Vec<String>,
    found: String,
    exact: f64,
    f1: f64,
}

fn golden() -> Golden {
    let text = std::fs::read_to_string(common::fixture("metrics.json")).expect("the golden file");
    serde_json::from_str(&text).expect("JSON")
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
}

#[test]
fn entities_are_counted_as_by_seqeval() {
    let golden = golden().entities;
    let mut counts = EntityCounts::default();
    fn of(row: &[String]) -> Vec<&str> {
        row.iter().map(String::as_str).collect()
    }
    for (truth, found) in golden.truth.iter().zip(&golden.found) {
        counts.add(&of(truth), &of(found));
    }
    let metrics = counts.metrics();
    near(metrics.overall.precision, golden.precision);
    near(metrics.overall.recall, golden.recall);
    near(metrics.overall.f1, golden.f1);
    near(metrics.accuracy, golden.accuracy);
    assert_eq!(metrics.types.len(), golden.types.len());
    for (name, class) in &metrics.types {
        let (precision, recall, f1, support) = golden.types[name];
        near(class.precision, precision);
        near(class.recall, recall);
        near(class.f1, f1);
        assert_eq!(class.support, support, "{name}");
    }
}

#[test]
fn several_labels_are_counted_as_by_scikit_learn() {
    let golden = golden().labels;
    let mut counts = LabelCounts::default();
    for (truth, found) in golden.truth.iter().zip(&golden.found) {
        counts.add(truth.iter().map(|t| *t == 1).collect(), found.clone());
    }
    let metrics = counts.metrics(4);
    let [precision, recall, f1] = golden.micro;
    near(metrics.micro.precision, precision);
    near(metrics.micro.recall, recall);
    near(metrics.micro.f1, f1);
    near(metrics.macro_f1, golden.r#macro[2]);
    near(metrics.subset_accuracy, golden.subset_accuracy);
    for (label, best) in golden.best.iter().enumerate() {
        let threshold = metrics.thresholds[label].expect("it occurs");
        near(threshold.f1, *best);
        // With it, it is what was promised.
        let given = |i: usize| golden.found[i][label] > threshold.probability;
        let count =
            |test: &dyn Fn(usize) -> bool| (0..golden.truth.len()).filter(|i| test(*i)).count();
        let truth = |i: usize| golden.truth[i][label] == 1;
        let right = count(&|i| truth(i) && given(i));
        near(
            2.0 * right as f64 / (count(&truth) + count(&given)) as f64,
            *best,
        );
    }
    assert_eq!(metrics.thresholds[3], None);
}

#[test]
fn scores_are_compared_as_by_scipy() {
    let golden = golden().scores;
    let pairs: Vec<(f64, f64)> = golden.truth.into_iter().zip(golden.found).collect();
    let metrics = ScoreMetrics::of(&pairs);
    near(metrics.pearson.expect("both vary"), golden.pearson);
    near(metrics.spearman.expect("both vary"), golden.spearman);
    near(metrics.mean_squared_error, golden.mean_squared_error);
    let flat = ScoreMetrics::of(&[(1.0, 2.0), (1.0, 3.0)]);
    assert_eq!((flat.pearson, flat.spearman), (None, None));
}

#[test]
fn answers_are_compared_as_by_squad_s_script() {
    let golden = golden().answers;
    assert!(golden.iter().any(|case| case.right.is_empty()));
    for case in golden {
        let right: Vec<&str> = case.right.iter().map(String::as_str).collect();
        near(exact_match(&right, &case.found), case.exact);
        near(overlap_f1(&right, &case.found), case.f1);
    }
}
