//! What a link carries of the Inside panel: which picture, of what, with which heads switched off.

use std::collections::BTreeSet;
use std::fmt;

/// Longest word that is followed, in characters.
pub const MAX_WORD: usize = 100;
/// The most heads that are switched off: all of the largest models that a page can hold.
pub const MAX_OFF: usize = 1024;
/// Every layer and every head lies below this.
pub const MAX_HEADS: usize = 256;

/// The pictures of the Inside panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Picture {
    /// What the head would say after each layer.
    #[default]
    Lens,
    /// Who looks at whom.
    Attention,
    /// What the left side says, the right side, both.
    Sides,
    /// How unexpected each word is.
    Surprise,
    /// Which words a guess rests on.
    Grounds,
}

impl Picture {
    pub const ALL: [Self; 5] = [
        Self::Lens,
        Self::Attention,
        Self::Sides,
        Self::Surprise,
        Self::Grounds,
    ];

    pub fn label(self) -> &'static str {
        match self {
            Self::Lens => "Layer by layer",
            Self::Attention => "Attention",
            Self::Sides => "Left and right",
            Self::Surprise => "Surprise",
            Self::Grounds => "What it rests on",
        }
    }

    /// As links call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lens => "lens",
            Self::Attention => "attention",
            Self::Sides => "sides",
            Self::Surprise => "surprise",
            Self::Grounds => "grounds",
        }
    }
}

/// One attention head; both count from 0. People and links count from 1: `3.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeadAt {
    pub layer: usize,
    pub head: usize,
}

impl HeadAt {
    /// Reads `3.5`.
    pub fn parse(text: &str) -> Option<Self> {
        let (layer, head) = text.split_once('.')?;
        let from_one = |text: &str| {
            let digits = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse::<usize>().ok().filter(|_| digits)?;
            (1..=MAX_HEADS).contains(&number).then(|| number - 1)
        };
        Some(Self {
            layer: from_one(layer)?,
            head: from_one(head)?,
        })
    }
}

impl fmt::Display for HeadAt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.layer + 1, self.head + 1)
    }
}

/// What is asked of the Inside panel. All but the text, which is Probe's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inside {
    pub picture: Picture,
    /// The token that is looked at; `None` is the first that is hidden.
    pub place: Option<usize>,
    /// A word whose rank is followed, or that a guess is explained for; empty for the model's best.
    pub follow: String,
    /// The head that is enlarged; `None` is the first of the last layer.
    pub map: Option<HeadAt>,
    /// Whether the map shows what arrives at a word rather than where it looks.
    pub arrives: bool,
    /// Heads that are switched off.
    pub off: BTreeSet<HeadAt>,
    /// A text to compare with; empty for none.
    pub other: String,
}
