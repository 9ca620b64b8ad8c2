//! What is to be learned of a text.

use serde::{Deserialize, Serialize};

use crate::config::HeadKind;
use crate::tags::{Chunk, chunks};

/// A stretch of a text, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stretch {
    /// Its first character.
    pub start: usize,
    /// One past its last.
    pub end: usize,
}

impl Stretch {
    /// The characters of a text that it covers.
    pub fn of(self, text: &str) -> String {
        let count = self.end.saturating_sub(self.start);
        text.chars().skip(self.start).take(count).collect()
    }
}

/// A word with its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tagged {
    /// Where it stands.
    pub word: Stretch,
    /// The place of its tag in [`Dataset::labels`](super::Dataset::labels).
    pub tag: usize,
}

/// What is right for one text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// Its class: the place of its label in [`Dataset::labels`](super::Dataset::labels).
    Class(usize),
    /// The places of all its labels, rising.
    Labels(Vec<usize>),
    /// Its score.
    Score(f64),
    /// The tags of its words.
    Tags(Vec<Tagged>),
    /// Where in the second text the first one is answered, each as good as the others; nowhere, where it cannot be.
    Answers(Vec<Stretch>),
    /// Which of several second texts goes with the text.
    Choice {
        /// The texts to choose from, two at least.
        options: Vec<String>,
        /// The place of the right one.
        right: usize,
    },
}

impl Truth {
    /// The head that learns it.
    pub fn kind(&self) -> HeadKind {
        match self {
            Self::Class(_) => HeadKind::Classes,
            Self::Labels(_) => HeadKind::Labels,
            Self::Score(_) => HeadKind::Score,
            Self::Tags(_) => HeadKind::Tokens,
            Self::Answers(_) => HeadKind::Span,
            Self::Choice { .. } => HeadKind::Choice,
        }
    }

    /// The class, where it is one.
    pub fn class(&self) -> Option<usize> {
        match self {
            Self::Class(class) => Some(*class),
            _ => None,
        }
    }
}

/// The entities in the tags of words: the types' names, and where they stand. `names` are the tags'.
pub fn entities<'a>(tagged: &[Tagged], names: &'a [String]) -> Vec<(&'a str, Stretch)> {
    let name = |tag: usize| names.get(tag).map_or("O", String::as_str);
    let found = chunks(tagged.iter().map(|one| name(one.tag)));
    let stretch = |chunk: Chunk<'a>| {
        let (start, end) = (tagged[chunk.first].word.start, tagged[chunk.last].word.end);
        (chunk.label, Stretch { start, end })
    };
    found.into_iter().map(stretch).collect()
}
