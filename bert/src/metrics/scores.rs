//! Scores against scores, as SciPy and scikit-learn compare them.

use serde::{Deserialize, Serialize};

/// The figures of scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreMetrics {
    /// `scipy.stats.pearsonr`; `None` where either side is one number only.
    pub pearson: Option<f64>,
    /// `scipy.stats.spearmanr`, likewise.
    pub spearman: Option<f64>,
    /// `mean_squared_error`.
    pub mean_squared_error: f64,
}

impl ScoreMetrics {
    /// Of pairs of what is true and what was found.
    pub fn of(pairs: &[(f64, f64)]) -> Self {
        let (truth, found): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        let squares = pairs.iter().map(|(a, b)| (a - b) * (a - b));
        Self {
            pearson: pearson(&truth, &found),
            spearman: spearman(&truth, &found),
            mean_squared_error: squares.sum::<f64>() / pairs.len().max(1) as f64,
        }
    }
}

/// Pearson's correlation of two lists of one length; `None` where either does not vary.
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let centred = |list: &[f64]| -> Vec<f64> {
        let mean = list.iter().sum::<f64>() / list.len().max(1) as f64;
        list.iter().map(|x| x - mean).collect()
    };
    let (a, b) = (centred(a), centred(b));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let scale = (product(&a, &a) * product(&b, &b)).sqrt();
    (scale > 0.0 && scale.is_finite()).then(|| (product(&a, &b) / scale).clamp(-1.0, 1.0))
}

/// Spearman's rank correlation: Pearson's of the ranks, equal numbers sharing the mean of theirs.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    pearson(&ranks(a), &ranks(b))
}

fn ranks(list: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..list.len()).collect();
    order.sort_by(|&i, &j| list[i].total_cmp(&list[j]));
    let mut ranks = vec![0.0; list.len()];
    let mut first = 0;
    for group in order.chunk_by(|&i, &j| list[i] == list[j]) {
        let mean = first as f64 + (group.len() - 1) as f64 / 2.0;
        group.iter().for_each(|&i| ranks[i] = mean);
        first += group.len();
    }
    ranks
}
