//! Hiding words for the model to find (Devlin et al. 2019, section 3.1).

use super::Random;
use crate::tokenizer::{Encoding, Tokenizer};

/// The share of a text's tokens that are asked for.
pub const MASKED_SHARE: f64 = 0.15;

/// A text with words hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// What the model sees.
    pub ids: Vec<u32>,
    /// The places that it is asked for, in ascending order.
    pub positions: Vec<usize>,
    /// What stood there.
    pub targets: Vec<u32>,
}

/// Hides words of texts.
#[derive(Clone, Debug)]
pub struct Masker {
    mask: u32,
    vocab_size: usize,
    special: Vec<u32>,
}

impl Masker {
    /// `None` if the vocabulary has no `[MASK]`.
    pub fn new(tokenizer: &Tokenizer) -> Option<Masker> {
        let mask = tokenizer.mask_id()?;
        let others = [
            tokenizer.cls_id(),
            tokenizer.sep_id(),
            tokenizer.pad_id(),
            tokenizer.unk_id(),
        ];
        Some(Masker {
            mask,
            vocab_size: tokenizer.vocab_size(),
            special: others.into_iter().chain([mask]).collect(),
        })
    }

    /// Chooses [`MASKED_SHARE`] of the text's tokens, rounded, but at least one; of the chosen, in
    /// the mean 80% become `[MASK]`, 10% a random token and 10% stay. Special tokens are neither
    /// chosen, typed ones included, nor drawn. A text of special tokens only has no positions.
    pub fn mask(&self, encoding: &Encoding, random: &mut Random) -> Masked {
        let ids = &encoding.ids;
        let word = |&i: &usize| !encoding.special[i] && !self.special.contains(&ids[i]);
        let mut positions: Vec<usize> = (0..ids.len()).filter(word).collect();
        let chosen = (MASKED_SHARE * positions.len() as f64).round() as usize;
        let chosen = chosen.max(1).min(positions.len());
        random.shuffle(&mut positions);
        positions.truncate(chosen);
        positions.sort_unstable();
        let targets = positions.iter().map(|&i| ids[i]).collect();
        let mut ids = ids.clone();
        for &i in &positions {
            match random.below(10) {
                0..8 => ids[i] = self.mask,
                8 => ids[i] = self.word(random).unwrap_or(ids[i]),
                _ => {}
            }
        }
        Masked {
            ids,
            positions,
            targets,
        }
    }

    /// Any token that is not special.
    fn word(&self, random: &mut Random) -> Option<u32> {
        let mut special = self.special.clone();
        special.sort_unstable();
        special.dedup();
        let words = self.vocab_size.checked_sub(special.len())?;
        if words == 0 {
            return None;
        }
        // The n-th word's id: every special id up to it moves it on by one.
        let mut id = random.below(words) as u32;
        for special in special {
            id += u32::from(special <= id);
        }
        Some(id)
    }
}
