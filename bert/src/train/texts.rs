//! A run's texts as the model reads them, and the batches that are made of them.

use super::graph::{Batch, Inputs};
use crate::data::{Example, Masked, Masker, Random, Text};
use crate::model::TokenBatch;
use crate::tokenizer::{Encoding, Tokenizer};

/// The stream of the seed that masks are drawn from; an epoch adds its number.
const MASKS: u64 = 0x3a5c_0000;
/// The stream of the seed that the sample of the training set is drawn from.
const SAMPLE: u64 = 0x5a3b;
/// The most training texts whose accuracy is measured.
const MAX_SAMPLE: usize = 256;

/// A text as the model reads it.
pub(super) struct Encoded {
    pub ids: Vec<u32>,
    types: Vec<u32>,
    special: Vec<bool>,
    pub label: u32,
}

impl Encoded {
    pub fn example(tokenizer: &Tokenizer, limit: usize, example: &Example) -> Self {
        let encoding = tokenizer.encode(&example.text, example.pair.as_deref(), limit);
        Self::new(encoding, example.label as u32)
    }

    pub fn text(tokenizer: &Tokenizer, limit: usize, text: &Text) -> Self {
        Self::new(tokenizer.encode(&text.text, text.pair.as_deref(), limit), 0)
    }

    /// Whether there is a word to hide.
    pub fn can_be_masked(&self, masker: &Masker) -> bool {
        let masked = masker.mask(&self.encoding(), &mut Random::new(0, 0));
        !masked.positions.is_empty()
    }

    /// What masking reads.
    fn encoding(&self) -> Encoding {
        Encoding {
            ids: self.ids.clone(),
            special: self.special.clone(),
            ..Encoding::default()
        }
    }

    fn new(encoding: Encoding, label: u32) -> Self {
        Self {
            ids: encoding.ids,
            types: encoding.type_ids,
            special: encoding.special,
            label,
        }
    }
}

/// Hidden words: drawn anew for the training set in every epoch, once for the validation set.
struct Masks {
    masker: Masker,
    /// A text each.
    drawn: Vec<Masked>,
}

/// The texts of a run: those to learn from first, then those to check with.
pub(super) struct Texts {
    all: Vec<Encoded>,
    train: usize,
    seed: u64,
    masks: Option<Masks>,
}

impl Texts {
    /// `train` of them are there to learn from.
    pub fn labelled(all: Vec<Encoded>, train: usize, seed: u64) -> Self {
        Self {
            all,
            train,
            seed,
            masks: None,
        }
    }

    /// The same, to hide words in.
    pub fn masked(all: Vec<Encoded>, train: usize, seed: u64, masker: Masker) -> Self {
        let mut texts = Self::labelled(all, train, seed);
        texts.masks = Some(Masks {
            masker,
            drawn: Vec::new(),
        });
        let drawn = texts.draw(0, 0, texts.all.len());
        if let Some(masks) = &mut texts.masks {
            masks.drawn = drawn;
        }
        texts
    }

    /// Whether words are hidden in them.
    pub fn has_masks(&self) -> bool {
        self.masks.is_some()
    }

    pub fn train(&self) -> usize {
        self.train
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn label(&self, place: usize) -> usize {
        self.all[place].label as usize
    }

    /// Tokens of the texts in a range of places.
    pub fn lengths(&self, places: std::ops::Range<usize>) -> Vec<usize> {
        self.all[places].iter().map(|t| t.ids.len()).collect()
    }

    /// Tokens of the longest text.
    pub fn longest(&self) -> usize {
        self.all.iter().map(|t| t.ids.len()).max().unwrap_or(1)
    }

    /// Tokens of the longest text at some places.
    pub fn longest_of(&self, places: &[usize]) -> usize {
        let lengths = places.iter().map(|&place| self.all[place].ids.len());
        lengths.max().unwrap_or(1)
    }

    /// All places, the longest text first: what does not fit shows at once.
    pub fn by_length(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.all.len()).collect();
        places.sort_by_key(|&place| std::cmp::Reverse(self.all[place].ids.len()));
        places
    }

    /// Begins an epoch (from 1).
    pub fn begin(&mut self, epoch: usize) {
        let drawn = self.draw(epoch, 0, self.train);
        if let Some(masks) = &mut self.masks {
            masks.drawn.splice(..drawn.len(), drawn);
        }
    }

    fn draw(&self, epoch: usize, from: usize, to: usize) -> Vec<Masked> {
        let Some(masks) = &self.masks else {
            return Vec::new();
        };
        let mut random = Random::new(self.seed, MASKS + epoch as u64);
        let mask = |text: &Encoded| masks.masker.mask(&text.encoding(), &mut random);
        self.all[from..to].iter().map(mask).collect()
    }

    /// Places of training texts to measure accuracy on: the same in every epoch, in ascending
    /// order, no more than there are validation texts.
    pub fn sample(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.train).collect();
        Random::new(self.seed, SAMPLE).shuffle(&mut places);
        places.truncate((self.all.len() - self.train).min(MAX_SAMPLE));
        places.sort_unstable();
        places
    }

    /// The texts at some places, padded to `tokens`.
    pub fn batch(&self, places: &[usize], tokens: usize) -> Batch {
        let texts = || places.iter().map(|&i| &self.all[i]);
        let mut batch = Batch {
            texts: TokenBatch {
                tokens,
                ids: texts().map(|t| t.ids.clone()).collect(),
                types: texts().map(|t| t.types.clone()).collect(),
            },
            labels: texts().map(|t| t.label).collect(),
            masks: Vec::new(),
        };
        if let Some(masks) = &self.masks {
            for (row, &place) in places.iter().enumerate() {
                let masked = &masks.drawn[place];
                batch.texts.ids[row].clone_from(&masked.ids);
                let hidden = masked.positions.iter().zip(&masked.targets);
                batch.masks.extend(hidden.map(|(&at, &id)| (row, at, id)));
            }
        }
        batch
    }

    /// The features of the texts at some places.
    pub fn features(&self, places: &[usize]) -> Inputs {
        Inputs::Features {
            rows: places.iter().map(|&i| i as u32).collect(),
            labels: places.iter().map(|&i| self.all[i].label).collect(),
        }
    }
}
