//! How well a classifier does, in scikit-learn's terms and by its defaults: a quotient by zero is
//! zero, and a mean over the classes leaves out those that are neither true nor predicted anywhere.

use serde::{Deserialize, Serialize};

use super::{of_counts, ratio};

/// How often which class was taken for which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// `counts[truth][predicted]`: rows are the true classes, columns the predicted ones.
    pub counts: Vec<Vec<u64>>,
}

/// The figures of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Of what was predicted as this class, the share that is.
    pub precision: f64,
    /// Of what is this class, the share that was predicted so.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// Examples of this class.
    pub support: u64,
}

/// The figures of all classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The share of examples that were predicted right.
    pub accuracy: f64,
    /// The unweighted mean of the F1 of the classes that occur, as truth or as prediction:
    /// `f1_score(average="macro")`.
    pub macro_f1: f64,
    /// How many classes occur.
    pub occurring: usize,
    /// Class by class, those that do not occur too.
    pub classes: Vec<ClassMetrics>,
}

impl Metrics {
    /// Over which classes the macro F1 is a mean, where some do not occur: "over the 2 of 4 classes
    /// that occur".
    pub fn over(&self) -> Option<String> {
        let (occurring, all) = (self.occurring, self.classes.len());
        (occurring < all).then(|| format!("over the {occurring} of {all} classes that occur"))
    }
}

impl Confusion {
    /// Nothing counted yet.
    pub fn new(classes: usize) -> Self {
        Self {
            counts: vec![vec![0; classes]; classes],
        }
    }

    /// What always answering with the class that is the most frequent in `train` (the first of
    /// equals) gives on `evaluation`; both are examples by class, of the same classes. A
    /// classifier that is not better has learned nothing.
    pub fn of_majority(train: &[usize], evaluation: &[usize]) -> Self {
        let mut confusion = Self::new(evaluation.len());
        let most = (0..train.len()).rev().max_by_key(|&class| train[class]);
        for (truth, &count) in evaluation.iter().enumerate() {
            if let Some(cell) = most.and_then(|class| confusion.counts[truth].get_mut(class)) {
                *cell = count as u64;
            }
        }
        confusion
    }

    /// Counts one example. Classes beyond those it was made for are not counted.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        let row = self.counts.get_mut(truth);
        if let Some(cell) = row.and_then(|row| row.get_mut(predicted)) {
            *cell += 1;
        }
    }

    /// Examples counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// The figures.
    pub fn metrics(&self) -> Metrics {
        let class = |c: usize| {
            let right = self.counts[c][c];
            let support = self.counts[c].iter().sum();
            let predicted = self.counts.iter().map(|row| row[c]).sum();
            of_counts(right, predicted, support)
        };
        let classes: Vec<ClassMetrics> = (0..self.counts.len()).map(class).collect();
        let right = (0..self.counts.len()).map(|c| self.counts[c][c]).sum();
        let occurs =
            |&c: &usize| classes[c].support > 0 || self.counts.iter().any(|row| row[c] > 0);
        let occurring = (0..classes.len()).filter(occurs).count();
        // Those that do not occur have an F1 of zero.
        let f1: f64 = classes.iter().map(|c| c.f1).sum();
        Metrics {
            accuracy: ratio(right, self.total()),
            macro_f1: f1 / occurring.max(1) as f64,
            occurring,
            classes,
        }
    }
}

/// Where the share of all texts that are right may lie, with a confidence of 95%, if `accuracy` of `texts`
/// were right: Wilson's score interval (1927), low and high, which is not fooled by few texts.
///
/// All of none may be anything: 0 to 1.
pub fn wilson(accuracy: f64, texts: u64) -> (f64, f64) {
    if texts == 0 {
        return (0.0, 1.0);
    }
    let (n, z) = (texts as f64, 1.959_963_984_540_054_f64);
    let z2 = z * z;
    let center = (accuracy + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let variance = accuracy * (1.0 - accuracy) / n + z2 / (4.0 * n * n);
    let half = z / (1.0 + z2 / n) * variance.sqrt();
    ((center - half).max(0.0), (center + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(pairs: &[(usize, usize)], classes: usize) -> Confusion {
        let mut confusion = Confusion::new(classes);
        for &(truth, predicted) in pairs {
            confusion.add(truth, predicted);
        }
        confusion
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    }

    #[test]
    fn few_texts_leave_much_open() {
        // scipy.stats.binomtest(right, texts).proportion_ci(method="wilson")
        for (right, texts, low, high) in [
            (2, 2, 0.342_380_227_506_653, 1.0),
            (0, 2, 0.0, 0.657_619_772_493_347),
            (7, 10, 0.396_778_147_461_145, 0.892_208_732_593_699),
        ] {
            let (l, h) = wilson(f64::from(right) / f64::from(texts), texts as u64);
            assert!(
                (l - low).abs() < 1e-12 && (h - high).abs() < 1e-12,
                "{l} {h}"
            );
        }
        assert_eq!(wilson(0.0, 0), (0.0, 1.0));
    }

    #[test]
    fn two_classes_by_hand() {
        // 3 right and 1 wrong of class 0; 2 wrong and 4 right of class 1.
        let pairs = [
            [(0, 0); 3].to_vec(),
            [(0, 1); 1].to_vec(),
            [(1, 0); 2].to_vec(),
            [(1, 1); 4].to_vec(),
        ]
        .concat();
        let confusion = count(&pairs, 2);
        assert_eq!(confusion.counts, [[3, 1], [2, 4]]);
        let metrics = confusion.metrics();
        near(metrics.accuracy, 0.7);
        near(metrics.classes[0].precision, 3.0 / 5.0);
        near(metrics.classes[0].recall, 3.0 / 4.0);
        near(metrics.classes[0].f1, 2.0 / 3.0);
        near(metrics.classes[1].precision, 4.0 / 5.0);
        near(metrics.classes[1].recall, 4.0 / 6.0);
        near(metrics.classes[1].f1, 8.0 / 11.0);
        near(metrics.macro_f1, (2.0 / 3.0 + 8.0 / 11.0) / 2.0);
        assert_eq!([0, 1].map(|c| metrics.classes[c].support), [4, 6]);
    }

    /// Class 2 is never predicted, class 3 never true, class 4 neither.
    #[test]
    fn what_does_not_occur_is_left_out_of_the_mean() {
        let pairs = [
            (0, 0),
            (0, 0),
            (0, 3),
            (1, 1),
            (1, 0),
            (2, 1),
            (2, 3),
            (1, 1),
        ];
        let metrics = count(&pairs, 5).metrics();
        near(metrics.accuracy, 4.0 / 8.0);
        let expected = [
            (2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 3),
            (2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 3),
            (0.0, 0.0, 0.0, 2),
            (0.0, 0.0, 0.0, 0),
            (0.0, 0.0, 0.0, 0),
        ];
        for (found, (precision, recall, f1, support)) in metrics.classes.iter().zip(expected) {
            near(found.precision, precision);
            near(found.recall, recall);
            near(found.f1, f1);
            assert_eq!(found.support, support);
        }
        // scikit-learn 1.9: f1_score(truth, predicted, average="macro") of the eight pairs.
        near(metrics.macro_f1, 1.0 / 3.0);
        assert_eq!(metrics.occurring, 4);
        assert_eq!(
            metrics.over().as_deref(),
            Some("over the 4 of 5 classes that occur")
        );
    }

    #[test]
    fn nothing_counted_is_zero_and_no_panic() {
        for classes in [0, 3] {
            let mut confusion = Confusion::new(classes);
            confusion.add(7, 0);
            confusion.add(0, 7);
            assert_eq!(confusion.total(), 0);
            let metrics = confusion.metrics();
            assert_eq!((metrics.accuracy, metrics.macro_f1), (0.0, 0.0));
        }
    }

    #[test]
    fn the_majority_is_that_of_training() {
        // Class 1 leads in training, class 2 in evaluation.
        let confusion = Confusion::of_majority(&[3, 9, 9], &[1, 3, 6]);
        assert_eq!(confusion.counts, [[0, 1, 0], [0, 3, 0], [0, 6, 0]]);
        near(confusion.metrics().accuracy, 0.3);
        // Precision 3/10, recall 1: F1 is 6/13, and 0 for the others.
        near(confusion.metrics().macro_f1, 6.0 / 39.0);
        assert_eq!(confusion.metrics().over(), None);
        assert_eq!(Confusion::of_majority(&[], &[]).total(), 0);
    }
}
