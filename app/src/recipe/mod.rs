//! What a run learns from, and how: texts, settings, and the setup that they make.

pub mod carried;
mod fields;
pub mod host;
mod web;

pub use fields::{Field, MethodChoice, rate_text, typed};
pub use web::{MAX_WEB_TEXTS, WebTexts};

use bert::config::HeadKind;
use bert::data::Columns;
use bert::train::Recipe;
use serde::{Deserialize, Serialize};

/// Where texts come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextSource {
    /// A set that is published with the page: its name, and its address below the page's.
    Sample { name: String, address: String },
    /// A file on some host, which the visitor has agreed to ask.
    Web { address: WebTexts },
    /// What someone pasted.
    Pasted { text: String },
    /// What someone typed under labels, as JSON Lines.
    Typed { text: String },
    /// A file that someone dropped or picked; its bytes are the message's first attachment.
    File {
        name: String,
        bytes: u64,
        slot: usize,
    },
}

impl TextSource {
    /// Whether both are the same texts; a file that is picked again lies in another slot.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::File { name, bytes, .. },
                Self::File {
                    name: n, bytes: b, ..
                },
            ) => (name, bytes) == (n, b),
            (one, other) => one == other,
        }
    }

    /// What to call the set on the page.
    pub fn name(&self) -> &str {
        match self {
            Self::Sample { name, .. } | Self::File { name, .. } => name,
            Self::Web { address } => address.name(),
            Self::Pasted { .. } => "Pasted texts",
            Self::Typed { .. } => "Typed examples",
        }
    }
}

/// How a table is read, where someone overruled the guess.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Whether the first row names the columns.
    pub header: Option<bool>,
    pub columns: Option<Columns>,
    /// What the labels are: a class each, several, a score.
    #[serde(default)]
    pub kind: Option<HeadKind>,
    /// Whether it is no table but running text.
    #[serde(default)]
    pub prose: bool,
}

/// What is learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// What is said of texts: labels, scores, marked words, answers.
    #[default]
    Labels,
    /// Hidden words of texts, without labels: masked language modelling.
    Masks,
    /// Hidden words of pairs of texts, and whether the second follows the first.
    Next,
    /// Hidden words that a generator fills, and which words are replaced.
    Replaced,
    /// Each next word, by a model that reads left to right.
    NextWord,
}

impl Goal {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Labels,
        Self::Masks,
        Self::Next,
        Self::Replaced,
        Self::NextWord,
    ];

    /// Whether words are guessed, so that labels do not matter.
    pub fn guesses_words(self) -> bool {
        self != Self::Labels
    }

    /// Whether the words that are guessed are hidden.
    pub fn hides_words(self) -> bool {
        self.guesses_words() && self != Self::NextWord
    }

    /// What to call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Labels => "What is marked",
            Self::Masks => "Hidden words",
            Self::Next => "Hidden words and the next sentence",
            Self::Replaced => "Replaced words",
            Self::NextWord => "Next word",
        }
    }
}

/// All that decides a run, but for the texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    pub goal: Goal,
    pub recipe: Recipe,
    /// The share of the examples put aside to check with.
    pub share: f64,
    /// Another text, whose hidden words are guessed before and after: what is forgotten.
    #[serde(default)]
    pub other: Option<String>,
}

/// The most bytes of running text that are read.
pub const MAX_PROSE: usize = 50 << 20;
