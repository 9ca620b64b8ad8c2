//! How well a head does, in the terms and by the rules of the field's own tools: scikit-learn, seqeval, SQuAD's script.

mod answers;
mod classes;
mod entities;
mod labels;
mod scores;

pub use answers::{AnswerMetrics, exact_match, overlap_f1};
pub use classes::{ClassMetrics, Confusion, Metrics, wilson};
pub use entities::{EntityCounts, EntityMetrics};
pub use labels::{LabelCounts, LabelMetrics, Threshold};
pub use scores::{ScoreMetrics, pearson, spearman};

use serde::{Deserialize, Serialize};

/// What a head came to on the texts that it is checked with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figures {
    /// One of several classes a text.
    Classes {
        /// Class by class.
        metrics: Metrics,
        /// Truth against prediction.
        confusion: Confusion,
    },
    /// Any of several labels a text.
    Labels(LabelMetrics),
    /// A number a text.
    Score(ScoreMetrics),
    /// Tags of words.
    Entities(EntityMetrics),
    /// Answers in a passage.
    Answers(AnswerMetrics),
    /// The right one of several texts.
    Choices {
        /// The share that was chosen rightly.
        accuracy: f64,
        /// What choosing at random comes to: the mean of one by the number of texts.
        chance: f64,
    },
    /// Hidden words.
    Words {
        /// The share that was guessed.
        accuracy: f64,
        /// The share that was among the five likeliest guesses.
        #[serde(default)]
        top5: f64,
        /// Of pairs, whether the second text follows the first.
        #[serde(default)]
        next: Option<NextMetrics>,
        /// Of texts that a generator filled, which words are replaced.
        #[serde(default)]
        replaced: Option<ReplacedMetrics>,
    },
}

/// How well it is told which tokens a generator replaced.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplacedMetrics {
    /// The share of tokens that was judged rightly.
    pub accuracy: f64,
    /// The share of tokens that was replaced: 1 less this is right by saying that none was.
    pub share: f64,
    /// Of those said to be replaced, the ones that were; 0 where none was said to be.
    pub precision: f64,
    /// Of those replaced, the ones that were said to be; 0 where none was replaced.
    pub recall: f64,
    /// The mean binary cross-entropy.
    pub loss: f64,
}

impl ReplacedMetrics {
    /// The harmonic mean of precision and recall; 0 where both are 0.
    pub fn f1(&self) -> f64 {
        let sum = self.precision + self.recall;
        match sum > 0.0 {
            true => 2.0 * self.precision * self.recall / sum,
            false => 0.0,
        }
    }
}

/// How well it is told whether one text follows another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextMetrics {
    /// The share of pairs that was judged rightly.
    pub accuracy: f64,
    /// The mean cross-entropy.
    pub loss: f64,
}

impl Figures {
    /// The one figure by which epochs are compared, higher being better, and what it is called.
    pub fn first(&self) -> (&'static str, f64) {
        match self {
            Self::Classes { metrics, .. } => ("accuracy", metrics.accuracy),
            Self::Labels(labels) => ("micro F1", labels.micro.f1),
            Self::Score(score) => ("Pearson", score.pearson.unwrap_or(0.0)),
            Self::Entities(entities) => ("entity F1", entities.overall.f1),
            Self::Answers(answers) => ("answer F1", answers.f1),
            Self::Choices { accuracy, .. } | Self::Words { accuracy, .. } => {
                ("accuracy", *accuracy)
            }
        }
    }

    /// The figures of each class, label or type; empty where there are none. `labels` are the head's.
    pub fn each<'a>(&'a self, labels: &'a [String]) -> Vec<(&'a str, &'a ClassMetrics)> {
        let named = |found: &'a [ClassMetrics]| {
            let labels = labels.iter().map(String::as_str);
            labels.zip(found).collect()
        };
        match self {
            Self::Classes { metrics, .. } => named(&metrics.classes),
            Self::Labels(found) => named(&found.labels),
            Self::Entities(found) => found.types.iter().map(|(n, m)| (n.as_str(), m)).collect(),
            Self::Score(_) | Self::Answers(_) | Self::Choices { .. } | Self::Words { .. } => {
                Vec::new()
            }
        }
    }

    /// All of the figures that are one number, by the names that scikit-learn, seqeval, SciPy and SQuAD's script give them.
    pub fn named(&self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Classes { metrics, .. } => {
                vec![
                    ("accuracy", metrics.accuracy),
                    ("macro_f1", metrics.macro_f1),
                ]
            }
            Self::Labels(labels) => vec![
                ("micro_f1", labels.micro.f1),
                ("micro_precision", labels.micro.precision),
                ("micro_recall", labels.micro.recall),
                ("macro_f1", labels.macro_f1),
                ("subset_accuracy", labels.subset_accuracy),
            ],
            Self::Score(score) => {
                let correlations = [("pearson", score.pearson), ("spearman", score.spearman)];
                let known = correlations
                    .into_iter()
                    .filter_map(|(name, x)| Some((name, x?)));
                known
                    .chain([("mean_squared_error", score.mean_squared_error)])
                    .collect()
            }
            Self::Entities(entities) => vec![
                ("f1", entities.overall.f1),
                ("precision", entities.overall.precision),
                ("recall", entities.overall.recall),
                ("accuracy", entities.accuracy),
            ],
            Self::Answers(answers) => {
                vec![("exact_match", answers.exact_match), ("f1", answers.f1)]
            }
            Self::Choices { accuracy, .. } => vec![("accuracy", *accuracy)],
            Self::Words {
                accuracy,
                top5,
                next,
                replaced,
            } => {
                let replaced = replaced.iter().flat_map(|found| {
                    [
                        ("replaced_accuracy", found.accuracy),
                        ("replaced_share", found.share),
                        ("replaced_precision", found.precision),
                        ("replaced_recall", found.recall),
                        ("replaced_f1", found.f1()),
                        ("replaced_loss", found.loss),
                    ]
                });
                let next = next.iter().flat_map(|next| {
                    [
                        ("next_sentence_accuracy", next.accuracy),
                        ("next_sentence_loss", next.loss),
                    ]
                });
                let words = [("accuracy", *accuracy), ("top5_accuracy", *top5)];
                words.into_iter().chain(next).chain(replaced).collect()
            }
        }
    }
}

/// A quotient; zero by zero.
fn ratio(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        _ => part as f64 / whole as f64,
    }
}

/// Precision, recall and F1 of what was found: `right` of `found`, where there are `support`.
fn of_counts(right: u64, found: u64, support: u64) -> ClassMetrics {
    ClassMetrics {
        precision: ratio(right, found),
        recall: ratio(right, support),
        f1: ratio(2 * right, support + found),
        support,
    }
}
