//! Several labels a text, as scikit-learn counts them.

use serde::{Deserialize, Serialize};

use super::{ClassMetrics, of_counts, ratio};

/// Probability from which on a label is given.
const THRESHOLD: f32 = 0.5;

/// Texts that were judged: what was given, and how probable it was.
#[derive(Clone, Debug, Default)]
pub struct LabelCounts {
    rows: Vec<(Vec<bool>, Vec<f32>)>,
}

/// The probability of a label from which on giving it does best on these texts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The probability.
    pub probability: f32,
    /// The label's F1 with it.
    pub f1: f64,
}

/// The figures; a label is given where its probability is over one half.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelMetrics {
    /// Over all labels of all texts: `average="micro"`.
    pub micro: ClassMetrics,
    /// The unweighted mean of the labels' F1, with 0 for one that neither occurs nor is given: `average="macro"`.
    pub macro_f1: f64,
    /// The share of texts with exactly the right labels: `accuracy_score`.
    pub subset_accuracy: f64,
    /// Label by label.
    pub labels: Vec<ClassMetrics>,
    /// Label by label, where it occurs.
    pub thresholds: Vec<Option<Threshold>>,
}

impl LabelCounts {
    /// Counts a text: which labels it has, and the probability of each.
    pub fn add(&mut self, truth: Vec<bool>, probabilities: Vec<f32>) {
        self.rows.push((truth, probabilities));
    }

    /// What it came to, of so many labels.
    pub fn metrics(&self, labels: usize) -> LabelMetrics {
        let count = |test: &dyn Fn(bool, bool) -> bool, label: usize| -> u64 {
            let rows = self.rows.iter();
            let given = rows.filter(|(truth, found)| test(truth[label], found[label] > THRESHOLD));
            given.count() as u64
        };
        let (mut all, mut each) = ([0; 3], Vec::with_capacity(labels));
        for label in 0..labels {
            let counts = [
                count(&|truth, given| truth && given, label),
                count(&|_, given| given, label),
                count(&|truth, _| truth, label),
            ];
            all.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
            each.push(of_counts(counts[0], counts[1], counts[2]));
        }
        let same = |(truth, found): &&(Vec<bool>, Vec<f32>)| {
            truth
                .iter()
                .zip(found)
                .all(|(truth, p)| *truth == (*p > THRESHOLD))
        };
        let right = self.rows.iter().filter(same).count() as u64;
        LabelMetrics {
            micro: of_counts(all[0], all[1], all[2]),
            macro_f1: each.iter().map(|label| label.f1).sum::<f64>() / labels.max(1) as f64,
            subset_accuracy: ratio(right, self.rows.len() as u64),
            labels: each,
            thresholds: (0..labels).map(|label| self.threshold(label)).collect(),
        }
    }

    /// The best threshold of a label: halfway between two neighbouring probabilities, the highest of equals.
    fn threshold(&self, label: usize) -> Option<Threshold> {
        let pair = |(truth, found): &(Vec<bool>, Vec<f32>)| (found[label], truth[label]);
        let mut rows: Vec<(f32, bool)> = self.rows.iter().map(pair).collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        let support = rows.iter().filter(|(_, truth)| *truth).count() as u64;
        let (mut right, mut best) = (0, None::<Threshold>);
        for (i, &(probability, truth)) in rows.iter().enumerate() {
            right += u64::from(truth);
            let next = rows.get(i + 1).map_or(0.0, |row| row.0);
            if next == probability && i + 1 < rows.len() {
                continue;
            }
            let f1 = ratio(2 * right, support + i as u64 + 1);
            if support > 0 && best.is_none_or(|best| f1 > best.f1) {
                let probability = (probability + next) / 2.0;
                best = Some(Threshold { probability, f1 });
            }
        }
        best
    }
}
