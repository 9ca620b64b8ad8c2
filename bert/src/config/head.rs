//! What the heads say that tasks put on an encoder.

use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

use super::{MAX_LABELS, Problem};

/// What a head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadKind {
    /// One of several classes of a text: their softmax.
    Classes,
    /// Any of several labels of a text: a logistic function each.
    Labels,
    /// One number of a text.
    Score,
    /// One of several tags of each token.
    Tokens,
    /// Of each token, whether an answer begins there, and whether it ends there.
    Span,
    /// One number of a text, to be compared with those of other texts.
    Choice,
}

impl HeadKind {
    /// Whether it reads every token, not one vector of the text.
    pub fn reads_tokens(self) -> bool {
        matches!(self, Self::Tokens | Self::Span)
    }

    /// Whether it reads one vector of each example.
    pub fn reads_one_vector(self) -> bool {
        !self.reads_tokens() && self != Self::Choice
    }

    /// How many outputs such a head may have.
    pub fn outputs(self) -> RangeInclusive<usize> {
        match self {
            Self::Classes | Self::Tokens => 2..=MAX_LABELS,
            Self::Labels => 1..=MAX_LABELS,
            Self::Span => 2..=2,
            Self::Score | Self::Choice => 1..=1,
        }
    }

    /// How the names of the classes of `transformers` end that have such a head.
    pub fn class_ending(self) -> &'static str {
        match self {
            Self::Classes | Self::Labels | Self::Score => "ForSequenceClassification",
            Self::Tokens => "ForTokenClassification",
            Self::Span => "ForQuestionAnswering",
            Self::Choice => "ForMultipleChoice",
        }
    }

    /// The kind that a class of `transformers` has, by its name; `problem` tells those of whole texts apart.
    pub(crate) fn of(architecture: &str, problem: Option<Problem>, outputs: usize) -> Option<Self> {
        const ENDINGS: [(&str, HeadKind); 4] = [
            ("ForTokenClassification", HeadKind::Tokens),
            ("ForQuestionAnswering", HeadKind::Span),
            ("ForMultipleChoice", HeadKind::Choice),
            ("ForSequenceClassification", HeadKind::Classes),
        ];
        let ends = |(ending, _): &&(&str, Self)| architecture.ends_with(ending);
        let (_, kind) = ENDINGS.iter().find(ends)?;
        Some(match (kind, problem) {
            (Self::Classes, Some(Problem::Labels)) => Self::Labels,
            (Self::Classes, Some(Problem::Score)) => Self::Score,
            // As in `transformers`: one output is a score unless it is said to be something else.
            (Self::Classes, None) if outputs == 1 => Self::Score,
            (kind, _) => *kind,
        })
    }
}
