//! Hiding words for the model to find (Devlin et al. 2019, section 3.1).

use serde::{Deserialize, Serialize};

use super::Random;
use crate::tokenizer::{Encoding, Tokenizer};

/// The share of a text's tokens that are asked for, as in BERT's own training.
pub const MASKED_SHARE: f64 = 0.15;

/// How many tokens are asked for, and what becomes of them; BERT's 15%, of which 80% are hidden, 10% swapped and 10% kept, unless
/// told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Masking {
    /// Of a text's tokens, those that are asked for.
    pub share: f64,
    /// Of those, the ones that become `[MASK]`.
    pub hidden: f64,
    /// Of those, the ones that become a random token. The others stay.
    pub swapped: f64,
    /// Whether the pieces of a word are chosen together or not at all.
    pub whole_words: bool,
}

impl Default for Masking {
    fn default() -> Self {
        Self {
            share: MASKED_SHARE,
            hidden: 0.8,
            swapped: 0.1,
            whole_words: false,
        }
    }
}

impl Masking {
    /// What is wrong with it, in words; empty if words can be hidden so.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(self.share > 0.0 && self.share < 1.0) {
            problems.push(format!(
                "share of tokens asked for {}: above 0, below 1",
                self.share
            ));
        }
        let (hidden, swapped) = (self.hidden, self.swapped);
        if !(hidden >= 0.0 && swapped >= 0.0 && hidden + swapped <= 1.0 + 1e-9) {
            problems.push(format!(
                "shares hidden {hidden} and swapped {swapped}: from 0, and no more than 1 together"
            ));
        }
        problems
    }
}

/// What became of a token that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Treatment {
    /// It is `[MASK]` now.
    Hidden,
    /// It is a random token now, perhaps the one that stood there.
    Swapped,
    /// It stands there still.
    Kept,
}

/// A text with words hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// What the model sees.
    pub ids: Vec<u32>,
    /// The places that it is asked for, in ascending order.
    pub positions: Vec<usize>,
    /// What stood there.
    pub targets: Vec<u32>,
    /// What became of it.
    pub treatments: Vec<Treatment>,
}

/// Hides words of texts.
#[derive(Clone, Debug)]
pub struct Masker {
    masking: Masking,
    mask: u32,
    vocab_size: usize,
    special: Vec<u32>,
    /// Of each id, whether it goes on with a word; empty unless whole words are chosen.
    continues: Vec<bool>,
}

impl Masker {
    /// As BERT does. `None` if the vocabulary has no `[MASK]`.
    pub fn new(tokenizer: &Tokenizer) -> Option<Masker> {
        Self::with(tokenizer, Masking::default())
    }

    /// In this way. `None` if the vocabulary has no `[MASK]`.
    pub fn with(tokenizer: &Tokenizer, masking: Masking) -> Option<Masker> {
        let mask = tokenizer.mask_id()?;
        let others = [
            tokenizer.cls_id(),
            tokenizer.sep_id(),
            tokenizer.pad_id(),
            tokenizer.unk_id(),
        ];
        Some(Masker {
            masking,
            mask,
            vocab_size: tokenizer.vocab_size(),
            special: others.into_iter().chain([mask]).collect(),
            continues: match masking.whole_words {
                true => continuing(tokenizer),
                false => Vec::new(),
            },
        })
    }

    /// Chooses the share of the text's tokens, rounded, but at least one; what becomes of each is drawn. Special tokens are neither
    /// chosen, typed ones included, nor drawn. A text of special tokens only has no positions. Of whole words those are left out that
    /// would be too many tokens, as in BERT's own script; where all would, the shortest one is chosen.
    pub fn mask(&self, encoding: &Encoding, random: &mut Random) -> Masked {
        let ids = &encoding.ids;
        let word = |&i: &usize| !encoding.special[i] && !self.special.contains(&ids[i]);
        let mut positions: Vec<usize> = (0..ids.len()).filter(word).collect();
        let chosen = (self.masking.share * positions.len() as f64).round() as usize;
        let chosen = chosen.max(1).min(positions.len());
        if self.masking.whole_words {
            positions = self.whole_words(ids, &positions, chosen, random);
        } else {
            random.shuffle(&mut positions);
            positions.truncate(chosen);
        }
        positions.sort_unstable();
        let targets = positions.iter().map(|&i| ids[i]).collect();
        let mut ids = ids.clone();
        let mut treatments = Vec::with_capacity(positions.len());
        let (hidden, swapped) = (self.masking.hidden, self.masking.swapped);
        for &i in &positions {
            let drawn = random.uniform();
            treatments.push(if drawn < hidden {
                ids[i] = self.mask;
                Treatment::Hidden
            } else if drawn < hidden + swapped {
                ids[i] = self.word(random).unwrap_or(ids[i]);
                Treatment::Swapped
            } else {
                Treatment::Kept
            });
        }
        Masked {
            ids,
            positions,
            targets,
            treatments,
        }
    }

    /// Places of whole words, `wanted` at most where a word is that short.
    fn whole_words(
        &self,
        ids: &[u32],
        positions: &[usize],
        wanted: usize,
        random: &mut Random,
    ) -> Vec<usize> {
        let mut words: Vec<Vec<usize>> = Vec::new();
        for &at in positions {
            let goes_on = self.continues.get(ids[at] as usize) == Some(&true);
            match words.last_mut() {
                Some(word) if goes_on && word.last() == Some(&at.wrapping_sub(1)) => word.push(at),
                _ => words.push(vec![at]),
            }
        }
        random.shuffle(&mut words);
        let mut chosen: Vec<usize> = Vec::new();
        for word in &words {
            if chosen.len() + word.len() <= wanted {
                chosen.extend(word);
            }
        }
        if chosen.is_empty() {
            let shortest = words.iter().min_by_key(|word| word.len());
            chosen.extend(shortest.into_iter().flatten());
        }
        chosen
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

/// Of each id, whether its token goes on with a word: it begins with `##`, or in a vocabulary whose words begin with a mark for
/// the space before them, without that.
fn continuing(tokenizer: &Tokenizer) -> Vec<bool> {
    let ids = 0..tokenizer.vocab_size() as u32;
    let tokens: Vec<String> = ids
        .map(|id| tokenizer.id_to_token(id).unwrap_or_default())
        .collect();
    let starts = |token: &String| token.starts_with(['Ġ', '▁']);
    match tokens.iter().any(starts) {
        true => tokens.iter().map(|token| !starts(token)).collect(),
        false => tokens
            .iter()
            .map(|token| token.len() > 2 && token.starts_with("##"))
            .collect(),
    }
}
