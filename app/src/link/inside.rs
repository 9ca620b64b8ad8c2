//! What a link carries of the Inside panel: which picture, of what, with which heads switched off.

use bert::inside::{Baseline, Head, MAX_WRITTEN, Order};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Longest word that is followed, in characters.
pub const MAX_WORD: usize = 100;
/// The most heads that are switched off: all of the largest models that a page can hold.
pub const MAX_OFF: usize = 1024;
/// Every layer and every head lies below this.
pub const MAX_HEADS: usize = 256;

/// Words of a round that are hidden.
pub const ROUND_WORDS: RangeInclusive<usize> = 1..=8;
/// The temperature that a round's words are drawn at, in tenths.
pub const ROUND_HEAT: RangeInclusive<usize> = 0..=20;
/// Every round has a lower number.
pub const MAX_ROUND: usize = 1_000_000;

/// How a round of spotting swaps is dealt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rounds {
    /// Words that are hidden and drawn anew.
    pub words: usize,
    /// The temperature, in tenths.
    pub heat: usize,
    /// The round's number, which seeds it and chooses the sentence; `None` for the device's next.
    pub number: Option<usize>,
    /// The visitor's own sentence; empty for those of the page.
    pub own: String,
}

impl Default for Rounds {
    fn default() -> Self {
        Self {
            words: 3,
            heat: 10,
            number: None,
            own: String::new(),
        }
    }
}

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
    /// What lies near a word.
    Neighbours,
    /// What the model writes, and how likely it finds that.
    Writing,
    /// What this model guesses, and another one.
    Beside,
    /// What a run has changed.
    Change,
    /// A game: which words are the model's and not the author's.
    Spot,
}

impl Picture {
    pub const ALL: [Self; 10] = [
        Self::Lens,
        Self::Attention,
        Self::Sides,
        Self::Surprise,
        Self::Grounds,
        Self::Neighbours,
        Self::Writing,
        Self::Beside,
        Self::Change,
        Self::Spot,
    ];

    pub fn label(self) -> &'static str {
        match self {
            Self::Lens => "Layer by layer",
            Self::Attention => "Attention",
            Self::Sides => "Left and right",
            Self::Surprise => "Surprise",
            Self::Grounds => "What it rests on",
            Self::Neighbours => "Neighbours",
            Self::Writing => "Writing",
            Self::Beside => "Beside another model",
            Self::Change => "Before and after",
            Self::Spot => "Spot the swaps",
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
            Self::Neighbours => "neighbours",
            Self::Writing => "writing",
            Self::Beside => "beside",
            Self::Change => "change",
            Self::Spot => "spot",
        }
    }
}

/// A head as people and links write it, both counted from 1: `3.5`.
pub fn written(head: Head) -> String {
    format!("{}.{}", head.layer + 1, head.head + 1)
}

/// Reads `3.5`.
pub fn read_head(text: &str) -> Option<Head> {
    let (layer, head) = text.split_once('.')?;
    let from_one = |text: &str| {
        let digits = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<usize>().ok().filter(|_| digits)?;
        (1..=MAX_HEADS).contains(&number).then(|| number - 1)
    };
    Some(Head {
        layer: from_one(layer)?,
        head: from_one(head)?,
    })
}

/// A map of attention that is enlarged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enlarged {
    /// That of one head.
    Head(Head),
    /// The mean of a layer's heads.
    Mean(usize),
    /// The rollout from the first layer up to this one.
    Rollout(usize),
}

impl Enlarged {
    /// Its layer.
    pub fn layer(self) -> usize {
        match self {
            Self::Head(head) => head.layer,
            Self::Mean(layer) | Self::Rollout(layer) => layer,
        }
    }

    /// The head, where it is one's.
    pub fn head(self) -> Option<Head> {
        match self {
            Self::Head(head) => Some(head),
            Self::Mean(_) | Self::Rollout(_) => None,
        }
    }

    /// As links write it: `3.5`, `3.mean`, `3.rollout`.
    pub fn written(self) -> String {
        match self {
            Self::Head(head) => written(head),
            Self::Mean(layer) => format!("{}.mean", layer + 1),
            Self::Rollout(layer) => format!("{}.rollout", layer + 1),
        }
    }

    /// Reads what links write.
    pub fn read(text: &str) -> Option<Self> {
        let together = |name: &str| {
            let layer = text.strip_suffix(name)?;
            Some(read_head(&format!("{layer}.1"))?.layer)
        };
        match (together(".mean"), together(".rollout")) {
            (Some(layer), _) => Some(Self::Mean(layer)),
            (_, Some(layer)) => Some(Self::Rollout(layer)),
            _ => read_head(text).map(Self::Head),
        }
    }
}

/// As links call what integrated gradients begin from.
pub const BASELINES: [(Baseline, &str); 3] = [
    (Baseline::Mask, "mask"),
    (Baseline::Pad, "pad"),
    (Baseline::Zero, "zero"),
];

/// As links call the orders in which blanks are filled.
pub const ORDERS: [(Order, &str); 3] = [
    (Order::LeftToRight, "left-to-right"),
    (Order::RightToLeft, "right-to-left"),
    (Order::SurestFirst, "surest-first"),
];

/// How many tokens are written.
pub const TO_WRITE: RangeInclusive<usize> = 1..=MAX_WRITTEN;
/// The highest temperature, in tenths.
pub const MOST_TENTHS: u32 = 20;
/// The highest seed of a draw.
pub const MAX_DRAW: u32 = 9999;

/// How the model writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writing {
    /// Tokens that are added where none is hidden.
    pub tokens: usize,
    /// The temperature, in tenths: 0 to [`MOST_TENTHS`].
    pub tenths: u32,
    /// The seed of the draws, to [`MAX_DRAW`].
    pub draw: u32,
    /// The order whose text is multiplied in all three.
    pub order: Order,
}

impl Default for Writing {
    fn default() -> Self {
        Self {
            tokens: 6,
            tenths: 7,
            draw: 1,
            order: Order::LeftToRight,
        }
    }
}

impl Writing {
    /// The temperature.
    pub fn temperature(&self) -> f64 {
        f64::from(self.tenths) / 10.0
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
    /// The map that is enlarged; `None` is that of the last layer's first head.
    pub map: Option<Enlarged>,
    /// The token that is chosen: whose row of the map is drawn (`None` is the one that is looked at), whose
    /// neighbours are looked for (`None` is the text's longest).
    pub row: Option<usize>,
    /// Whether the map shows what arrives at a word rather than where it looks.
    pub arrives: bool,
    /// Heads that are switched off.
    pub off: BTreeSet<Head>,
    /// What integrated gradients begin from.
    pub baseline: Baseline,
    /// A text to compare with; empty for none.
    pub other: String,
    /// A sentence with choices in braces; empty for none.
    pub swaps: String,
    /// Whether the later pieces of a word stay in sight while an earlier one is hidden.
    pub apart: bool,
    /// Other sentences with the word whose neighbours are looked for, one a line.
    pub sentences: String,
    /// How rounds of spotting swaps are dealt.
    pub rounds: Rounds,
    /// How the model writes.
    pub writing: Writing,
}
