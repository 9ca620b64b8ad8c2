//! What a step is given: texts, or rows of features, and what is to be learned of them.

use kernels::ops::NO_TARGET;

use crate::model::TokenBatch;

/// What is to be learned from texts.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Each text's class.
    Classes(Vec<u32>),
    /// Each text's numbers: of labels 1 where it has one and 0 where not, or its score.
    Numbers(Vec<Vec<f32>>),
    /// Of each text its tokens' tags, [`NO_TARGET`] where none is learned; tokens at the end may be left out.
    Tags(Vec<Vec<u32>>),
    /// Each text's answer: its first and its last token. `[CLS]`, 0 and 0, where there is none.
    Spans(Vec<[u32; 2]>),
    /// Of each example the right one of its texts, and how many there are; the batch holds `group` texts for each, of
    /// which those that are too many are of one token.
    Choices {
        /// Texts of each example.
        group: usize,
        /// Each one's right text, from 0, and how many it has.
        right: Vec<[u32; 2]>,
    },
    /// Hidden words: text, place in it, and the token to guess.
    Masks(Vec<Mask>),
    /// Hidden words of pairs, and of each pair whether its second text follows the first (0) or not (1).
    MasksAndNext(Vec<Mask>, Vec<u32>),
    /// Hidden words for a generator to fill; of every token it is to be told whether the word that it drew stands there instead.
    Replaced(Vec<Mask>),
}

/// A hidden word: text, place in it, and the token to guess.
pub type Mask = (usize, usize, u32);

impl Targets {
    /// The hidden words.
    pub fn masks(&self) -> &[Mask] {
        match self {
            Self::Masks(masks) | Self::MasksAndNext(masks, _) | Self::Replaced(masks) => masks,
            _ => &[],
        }
    }

    /// Texts of each example.
    pub(super) fn group(&self) -> usize {
        match self {
            Self::Choices { group, .. } => *group,
            _ => 1,
        }
    }
}

impl Default for Targets {
    fn default() -> Self {
        Self::Classes(Vec::new())
    }
}

/// Texts of one step, and what is to be learned from them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The texts.
    pub texts: TokenBatch,
    /// Of each of them.
    pub targets: Targets,
}

/// What one step gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Inputs {
    /// Texts, through the encoder.
    Texts(Batch),
    /// Rows of the features on the device, with their targets.
    Features {
        /// Rows.
        rows: Vec<u32>,
        /// Of each of them.
        targets: Targets,
    },
}

impl Inputs {
    /// Texts, or groups of them.
    pub(super) fn texts(&self) -> usize {
        match self {
            Self::Texts(batch) => batch.texts.ids.len() / batch.targets.group(),
            Self::Features { rows, .. } => rows.len(),
        }
    }

    /// What is asked: texts, or masked places.
    pub(super) fn items(&self) -> usize {
        match self.targets() {
            Targets::Masks(masks) | Targets::MasksAndNext(masks, _) | Targets::Replaced(masks) => {
                masks.len()
            }
            _ => self.texts(),
        }
    }

    /// What each of its losses is a mean of: texts, masked places, tagged words; with class weights their sum.
    pub(super) fn weights(&self, class_weights: &[f32]) -> Vec<f64> {
        let sum = |classes: &mut dyn Iterator<Item = u32>| -> f64 {
            let weights = classes.filter(|class| *class != NO_TARGET);
            let weight = |class: u32| class_weights.get(class as usize).copied();
            weights
                .map(|class| f64::from(weight(class).unwrap_or(1.0)))
                .sum()
        };
        match self.targets() {
            Targets::Tags(tags) => vec![sum(&mut tags.iter().flatten().copied())],
            Targets::Classes(classes) => vec![sum(&mut classes.iter().copied())],
            Targets::MasksAndNext(masks, next) => vec![masks.len() as f64, next.len() as f64],
            Targets::Replaced(masks) => vec![masks.len() as f64, self.tokens() as f64],
            _ => vec![self.items() as f64],
        }
    }

    /// Of each token, padding left out, its logit and whether it was changed; both are padded to the texts' length.
    pub(super) fn of_tokens(&self, logits: &[f32], changed: &[f32]) -> Vec<(f32, bool)> {
        let Self::Texts(Batch { texts, .. }) = self else {
            return Vec::new();
        };
        let rows = logits
            .chunks(texts.tokens)
            .zip(changed.chunks(texts.tokens));
        let rows = rows.zip(texts.ids.iter().map(Vec::len));
        let tokens =
            rows.flat_map(|((logits, changed), length)| logits.iter().zip(changed).take(length));
        tokens
            .map(|(logit, changed)| (*logit, *changed > 0.5))
            .collect()
    }

    /// Tokens of its texts, padding left out.
    fn tokens(&self) -> usize {
        match self {
            Self::Texts(batch) => batch.texts.ids.iter().map(Vec::len).sum(),
            Self::Features { .. } => 0,
        }
    }

    pub(super) fn targets(&self) -> &Targets {
        match self {
            Self::Texts(batch) => &batch.targets,
            Self::Features { targets, .. } => targets,
        }
    }
}
