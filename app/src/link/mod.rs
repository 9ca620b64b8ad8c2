//! A link: what differs from the page's defaults, in the address after its `#`.
//!
//! ```text
//! #v=1&model=google-bert/bert-base-uncased&text=She+went+to+the+[MASK].&mask=3,7&panel=teach
//! ```
//!
//! A link is data. [`Link::parse`] turns whatever stands there into a bounded [`Link`] once, with a
//! notice in plain words for each thing that could not be read; nothing in it is ever run, and its
//! texts are shown as texts. [`Link::to_fragment`] writes what `parse` reads back exactly.

mod badge;
pub mod embed;
mod escape;
pub mod inside;
pub mod prove;
pub mod qr;
mod read;
mod write;

pub use badge::badge;

use crate::checkpoint::address::Address;
use crate::recipe::WebTexts;
use crate::recipe::carried::Carried;
use inside::Inside;
use prove::Drawn;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Longest fragment that is read, in bytes.
pub const MAX_FRAGMENT: usize = 64 << 10;
/// Longest text that is carried, in characters.
pub const MAX_TEXT: usize = 20_000;
/// The most hidden places.
pub const MAX_MASKS: usize = 512;
/// Every hidden place lies below this.
pub const MAX_POSITION: usize = 10_000;

/// More steps than any lesson has.
pub const MAX_LESSON: usize = 99;
/// The sentence that a visitor finds.
pub const FIRST_TEXT: &str = "He poured a cup of [MASK] and sat down.";
/// Longest text of words to compare, in characters.
pub const MAX_COMPARE: usize = 200;
/// How many predictions one may ask for.
pub const TOP_K: std::ops::RangeInclusive<usize> = 1..=20;
/// How many are asked for by default.
const FIRST_TOP_K: usize = 5;

/// The page's panels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Panel {
    #[default]
    Probe,
    Inside,
    Teach,
    Prove,
    Learn,
    Bench,
}

impl Panel {
    pub const ALL: [Self; 6] = [
        Self::Probe,
        Self::Inside,
        Self::Teach,
        Self::Prove,
        Self::Learn,
        Self::Bench,
    ];

    pub fn label(self) -> &'static str {
        match self {
            Self::Probe => "Probe",
            Self::Inside => "Inside",
            Self::Teach => "Teach",
            Self::Prove => "Prove",
            Self::Learn => "Learn",
            Self::Bench => "Bench",
        }
    }
}

/// Something of a link that could not be read, in a sentence that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice(pub String);

/// A part of the page that a link can hide, for embedding it in a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The bar at the top, with the engine's badge, Share and the colours.
    Header,
    /// Title and subtitle.
    Hero,
    /// The model's card, once nothing there waits for the visitor.
    Model,
    Tabs,
    /// The Share button and its box.
    Share,
    Footer,
}

impl Part {
    pub const ALL: [Self; 6] = [
        Self::Header,
        Self::Hero,
        Self::Model,
        Self::Tabs,
        Self::Share,
        Self::Footer,
    ];

    /// For whoever chooses what to leave out.
    pub fn label(self) -> &'static str {
        match self {
            Self::Header => "The bar at the top",
            Self::Hero => "Title",
            Self::Model => "Model",
            Self::Tabs => "Tabs",
            Self::Share => "Share button",
            Self::Footer => "Footer",
        }
    }

    /// As links and the style sheet call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Hero => "hero",
            Self::Model => "model",
            Self::Tabs => "tabs",
            Self::Share => "share",
            Self::Footer => "footer",
        }
    }
}

/// What a link says. Only [`Link::parse`] and the page's own state make one, and both keep the
/// bounds: texts of at most [`MAX_TEXT`] characters, at most [`MAX_MASKS`] places.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// `None` is the bundled model.
    pub model: Option<Address>,
    pub panel: Panel,
    /// The step of the lesson that is open, from 1.
    pub lesson: Option<usize>,
    pub text: String,
    /// The second text, where it is in use.
    pub pair: Option<String>,
    /// Hidden tokens, rising.
    pub masks: Vec<usize>,
    pub top_k: usize,
    /// Words that are compared at each blank.
    pub compare: String,
    /// What the Inside panel is asked.
    pub inside: Inside,
    /// The recipe, as far as it is not the default one.
    pub recipe: Carried,
    /// Texts to learn from, which the page offers to fetch.
    pub data: Option<WebTexts>,
    /// A text to classify, and its second text.
    pub trial: String,
    pub trial_pair: String,
    /// The curve of the Prove panel.
    pub curve: Option<Box<Drawn>>,
    pub hide: BTreeSet<Part>,
    /// A trained classifier, as [`bert::export::Head::to_link_text`] writes it. Here only its
    /// alphabet and its length are known to be right.
    pub head: Option<Arc<str>>,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            model: None,
            panel: Panel::default(),
            lesson: None,
            text: FIRST_TEXT.to_owned(),
            pair: None,
            masks: Vec::new(),
            top_k: FIRST_TOP_K,
            compare: String::new(),
            inside: Inside::default(),
            recipe: Carried::default(),
            data: None,
            trial: String::new(),
            trial_pair: String::new(),
            curve: None,
            hide: BTreeSet::new(),
            head: None,
        }
    }
}

/// The keys, in the order in which they are written.
mod key {
    pub const VERSION: &str = "v";
    pub const MODEL: &str = "model";
    pub const PANEL: &str = "panel";
    pub const LESSON: &str = "lesson";
    pub const TEXT: &str = "text";
    pub const PAIR: &str = "pair";
    pub const MASK: &str = "mask";
    pub const TOP: &str = "top";
    pub const COMPARE: &str = "compare";
    pub const SEE: &str = "see";
    pub const AT: &str = "at";
    pub const FOLLOW: &str = "follow";
    pub const MAP: &str = "map";
    pub const ROW: &str = "row";
    pub const ARRIVES: &str = "arrives";
    pub const OFF: &str = "off";
    pub const BASELINE: &str = "baseline";
    pub const OTHER: &str = "other";
    pub const SWAPS: &str = "swaps";
    pub const APART: &str = "apart";
    pub const SENTENCES: &str = "sentences";
    pub const ROUND_WORDS: &str = "round-words";
    pub const ROUND_HEAT: &str = "round-heat";
    pub const ROUND: &str = "round";
    pub const ROUND_OWN: &str = "round-text";
    pub const GOAL: &str = "goal";
    pub const METHOD: &str = "method";
    pub const LAYERS: &str = "layers";
    pub const POOLING: &str = "pooling";
    pub const WHOLE_WORDS: &str = "whole-words";
    pub const DATA: &str = "data";
    pub const TRY: &str = "try";
    pub const TRY_PAIR: &str = "try-pair";
    pub const CURVE: &str = "curve";
    pub const HIDE: &str = "hide";
    pub const HEAD: &str = "head";
}

#[cfg(test)]
mod tests;
