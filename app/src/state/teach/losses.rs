//! The two losses of a run that learns two things at once.

use super::chart::{Frame, Span, thin};
use super::run::Run;
use super::view::{Chart, Curve};
use crate::recipe::Goal;
use bert::train::EpochReport;

/// The title of the chart, which its values are written by.
const BOTH: &str = "Both losses on held-out text";

impl Run {
    /// Each loss after every epoch, on the validation set; `None` where there is only one.
    pub fn losses_chart(&self) -> Option<Chart> {
        let (second, of) = match self.setup.goal {
            Goal::Next => ("next sentence", "pairs"),
            Goal::Replaced => ("replaced words", "all tokens"),
            Goal::Labels | Goal::Masks | Goal::NextWord => return None,
        };
        let points = |i: usize| -> Vec<(f64, f64)> {
            let point = |e: &EpochReport| Some((e.epoch as f64, e.both_losses()?[i]));
            self.epochs.iter().filter_map(point).collect()
        };
        let [words, other] = [points(0), points(1)];
        let highest = words.iter().chain(&other).map(|p| p.1).fold(1e-3, f64::max);
        let summary = match (words.last(), other.last()) {
            (Some(word), Some(told)) => format!(
                "After epoch {:.0} the mean loss over hidden words is {:.3}, and over {of} {:.3}.",
                word.0, word.1, told.1
            ),
            _ => "No epoch has ended yet.".to_owned(),
        };
        let curve = |name, class, points: &[(f64, f64)]| Curve {
            name,
            class,
            points: thin(points),
        };
        Some(Chart {
            title: BOTH,
            across: "epoch",
            frame: Frame {
                x: Span {
                    low: 1.0,
                    high: self.setup.recipe.epochs.max(2) as f64,
                },
                y: Span {
                    low: 0.0,
                    high: highest,
                },
            },
            curves: vec![
                curve("hidden words", "training", &words),
                curve(second, "validation", &other),
            ],
            level: None,
            summary,
        })
    }
}
