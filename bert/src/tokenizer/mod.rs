//! Text to token ids and back to places in the text, as `transformers` does it: the `tokenizers` crate behind one
//! small type.

mod classes;
mod files;
mod load;
mod pipeline;
mod prepare;
mod sound;
mod special;
mod template;
mod vocabulary;
mod word;

pub use files::TokenizerFiles;
pub use load::{MAX_TOKENIZER_BYTES, TokenizerConfig, TokenizerError};
pub use special::{SpecialNames, TokenName, TokenSettings};
pub use vocabulary::{
    LEAST_VOCABULARY, MOST_VOCABULARY, Vocabulary, VocabularyError, VocabularyTrainer, WordCounts,
};
pub use word::WordError;

use pipeline::Pipeline;
use serde::{Deserialize, Serialize};
use tokenizers::{PostProcessor, PostProcessorWrapper, TruncationDirection};

/// A tokenizer with the special tokens of its family.
pub struct Tokenizer {
    inner: Pipeline,
    /// Puts `[CLS]` and `[SEP]` around. Taken out of `inner`, since truncation comes in between.
    template: PostProcessorWrapper,
    vocab_size: usize,
    special: SpecialTokens,
}

/// Tokens of a second text that two windows in a row share at most.
pub const STRIDE: usize = 128;

/// A vocabulary with so many capitalised words is cased.
const CASED: usize = 100;

/// A token with a part to play, under BERT's name for it; RoBERTa's `<s>`, for one, is its `[CLS]`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Special {
    id: u32,
    text: String,
}

/// The tokens that every family has, whatever their spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SpecialTokens {
    cls: Special,
    sep: Special,
    unk: Special,
    pad: Option<Special>,
    mask: Option<Special>,
}

/// A text, or a pair of texts, as tokens; all lists have one entry per token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoding {
    /// The vocabulary's numbers.
    pub ids: Vec<u32>,
    /// The vocabulary's spellings.
    pub tokens: Vec<String>,
    /// 0 for the first text and the special tokens around it, 1 for the second.
    pub type_ids: Vec<u32>,
    /// Characters (not bytes) from..to in the text that the token comes from; (0, 0) for special tokens.
    pub offsets: Vec<(usize, usize)>,
    /// Whether the token was put around the text. A `[MASK]` or `[SEP]` typed in the text is not special here.
    pub special: Vec<bool>,
    /// 0 for the first text, 1 for the second, `None` for special tokens.
    pub sequence: Vec<Option<u8>>,
    /// Which word of its text the token is a piece of, as the tokenizer cuts words, counted from 0 in each text; `None` for
    /// special tokens.
    pub words: Vec<Option<u32>>,
    /// Set where the text did not fit.
    pub truncated: Option<Truncated>,
}

/// How much of a text was kept, in tokens, special tokens counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truncated {
    /// Tokens that were kept.
    pub kept: usize,
    /// Tokens that the text has.
    pub total: usize,
    /// Whether there are more than `total`: far beyond the limit a text is not tokenised just to be counted.
    pub or_more: bool,
}

impl Tokenizer {
    /// One more than the highest token id: as many rows the word embedding must have at least.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// How many special tokens are put around a text, or around a pair.
    pub fn added_tokens(&self, pair: bool) -> usize {
        self.template.added_tokens(pair)
    }

    /// Whether capitals are made small although the vocabulary has words with them, which no text can reach
    /// then. So it is with checkpoints whose vocabulary is cased and whose settings do not say so:
    /// `transformers` makes them small as well.
    pub fn loses_capitals(&self) -> bool {
        let is_word = |id: &u32| {
            let token = self.id_to_token(*id).unwrap_or_default();
            let mut letters = token.chars();
            let begins = letters.next().is_some_and(|c| c.is_ascii_uppercase());
            begins && token.len() > 1 && letters.all(|c| c.is_ascii_lowercase())
        };
        let words = (0..self.vocab_size as u32).filter(is_word);
        let written = |letter| self.encode(letter, None, 8).ids;
        written("A") == written("a") && words.take(CASED).count() == CASED
    }

    /// The token of this id; `None` for an id that the vocabulary leaves out.
    pub fn id_to_token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The id of this token; `None` where the vocabulary lacks it.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The id of the token before a text: `[CLS]`, `<s>`.
    pub fn cls_id(&self) -> u32 {
        self.special.cls.id
    }

    /// The id of the token after a text: `[SEP]`, `</s>`.
    pub fn sep_id(&self) -> u32 {
        self.special.sep.id
    }

    /// The id of the token for what the vocabulary lacks: `[UNK]`, `<unk>`.
    pub fn unk_id(&self) -> u32 {
        self.special.unk.id
    }

    /// The padding id; 0 where the vocabulary has no `[PAD]`, since padding is never attended to.
    pub fn pad_id(&self) -> u32 {
        self.special.pad.as_ref().map_or(0, |pad| pad.id)
    }

    /// `None` where the vocabulary has no `[MASK]`: then nothing can be hidden.
    pub fn mask_id(&self) -> Option<u32> {
        self.special.mask.as_ref().map(|mask| mask.id)
    }

    /// How the mask is typed in a text: `[MASK]`, `<mask>`.
    pub fn mask_token(&self) -> Option<&str> {
        self.special.mask.as_ref().map(|mask| mask.text.as_str())
    }

    /// How many tokens a text has, without special ones around it.
    pub fn count(&self, text: &str) -> usize {
        self.encode(text, None, usize::MAX).ids.len() - self.added_tokens(false)
    }

    /// Tokens of a text or a pair, special tokens around them, at most `max_len` in all.
    ///
    /// A pair that is too long loses tokens at the end of the longer text first, as in `transformers`
    /// (`longest_first`). If not even the special tokens fit, they alone are returned.
    pub fn encode(&self, text: &str, pair: Option<&str>, max_len: usize) -> Encoding {
        let around = self.added_tokens(pair.is_some());
        let room = max_len.saturating_sub(around);
        let mut first = self.start(text, room);
        let second = pair.map(|pair| self.start(pair, room));
        let mut lens = (
            first.tokens.len(),
            second.as_ref().map_or(0, |s| s.tokens.len()),
        );
        let or_more = !first.whole || second.as_ref().is_some_and(|s| !s.whole);
        let total = lens.0 + lens.1 + around;
        if let (false, Some(Start { whole: false, .. })) = (first.whole, &second) {
            // Neither was counted to its end; their lengths in bytes stand in for which is the longer.
            lens = (text.len(), pair.map_or(0, str::len));
        }
        let keep = longest_first(lens, room);
        cut(&mut first.tokens, keep.0);
        let second = second.map(|mut second| {
            cut(&mut second.tokens, keep.1);
            second.tokens
        });
        let mut encoding = self.around(first.tokens, second);
        let kept = encoding.ids.len();
        encoding.truncated = (kept < total).then_some(Truncated {
            kept,
            total,
            or_more,
        });
        encoding
    }

    /// A text with all of a second one, in as many pieces as it takes: each has the first text (its first half of the room, where
    /// it it is longer) and a part of the second, of which up to 128 tokens stand in the part before too, as in the scripts for SQuAD.
    pub fn windows(&self, text: &str, pair: &str, max_len: usize) -> Vec<Encoding> {
        let room = max_len.saturating_sub(self.added_tokens(true));
        let mut first = self.start(text, room / 2).tokens;
        cut(&mut first, room / 2);
        let mut rest = self.raw(pair);
        let size = room - first.len();
        if size == 0 {
            return vec![self.around(first, None)];
        }
        rest.truncate(size, STRIDE.min(size / 2), TruncationDirection::Right);
        let more = rest.take_overflowing();
        let parts = std::iter::once(rest).chain(more);
        parts
            .map(|part| self.around(first.clone(), Some(part)))
            .collect()
    }

    /// Texts with the special tokens around them.
    fn around(
        &self,
        first: tokenizers::Encoding,
        second: Option<tokenizers::Encoding>,
    ) -> Encoding {
        let merged = self
            .template
            .process(first, second, true)
            .unwrap_or_else(|error| {
                // Checked when the tokenizer was loaded.
                log::error!("the tokenizer's post-processor failed: {error}");
                tokenizers::Encoding::default()
            });
        // An encoding has the text's own letters where the vocabulary lacks them, or spaces that a mask took.
        let spelling = |(&id, token): (&u32, &String)| {
            self.inner.id_to_token(id).unwrap_or_else(|| token.clone())
        };
        let spellings = merged.get_ids().iter().zip(merged.get_tokens());
        let spellings = spellings.map(spelling).collect();
        Encoding {
            ids: merged.get_ids().to_vec(),
            tokens: spellings,
            type_ids: merged.get_type_ids().to_vec(),
            offsets: merged.get_offsets().to_vec(),
            special: merged
                .get_special_tokens_mask()
                .iter()
                .map(|&bit| bit == 1)
                .collect(),
            sequence: merged
                .get_sequence_ids()
                .iter()
                .map(|id| id.map(|id| id as u8))
                .collect(),
            words: merged.get_word_ids().to_vec(),
            truncated: None,
        }
    }

    /// The first tokens of a text: all of them, or more than `want` where the text goes on for long.
    ///
    /// A tokenizer cuts a text into words by what stands next to them, so the words before the last one of a
    /// prefix are those of the whole. This spares a megabyte of text its seconds and hundreds of megabytes.
    fn start(&self, text: &str, want: usize) -> Start {
        let mut limit = want.saturating_mul(32).max(16 << 10);
        while limit < text.len() {
            let mut tokens = self.raw(&text[..boundary(text, limit)]);
            let words = tokens.get_word_ids();
            let last = words.last().copied();
            let trusted = words.iter().take_while(|&&word| Some(word) != last).count();
            if trusted > want {
                cut(&mut tokens, trusted);
                return Start {
                    tokens,
                    whole: false,
                };
            }
            limit = limit.saturating_mul(4);
        }
        Start {
            tokens: self.raw(text),
            whole: true,
        }
    }

    /// A text's own tokens. Should the model of the tokenizer fail, the whole text is one unknown token.
    fn raw(&self, text: &str) -> tokenizers::Encoding {
        self.inner
            .encode_char_offsets(text, false)
            .unwrap_or_else(|error| {
                log::error!(
                    "the tokenizer failed on a text of {} bytes: {error}",
                    text.len()
                );
                let Special { id, text: name } = self.special.unk.clone();
                let unknown = tokenizers::Token::new(id, name, (0, text.chars().count()));
                tokenizers::Encoding::from_tokens(vec![unknown], 0)
            })
    }
}

/// The character boundary at or before byte `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}

/// The tokens at the start of a text, without special tokens around.
struct Start {
    tokens: tokenizers::Encoding,
    /// Whether these are all the text has.
    whole: bool,
}

/// How many tokens of each text stay when there is `room` for both: the longer one gives way until they are equal.
fn longest_first((first, second): (usize, usize), room: usize) -> (usize, usize) {
    if first.saturating_add(second) <= room {
        return (first, second);
    }
    // The shorter text keeps up to half; of two equally long ones the second gets the odd token.
    let shorter = first.min(second).min(room / 2);
    if first <= second {
        (shorter, room - shorter)
    } else {
        (room - shorter, shorter)
    }
}

/// Keeps the first `keep` tokens.
fn cut(encoding: &mut tokenizers::Encoding, keep: usize) {
    if keep < encoding.len() {
        encoding.truncate(keep, 0, TruncationDirection::Right);
        // The rest is kept aside in windows, which the post-processor would wrap one by one.
        drop(encoding.take_overflowing());
    }
}

#[cfg(test)]
mod tests {
    use super::longest_first;

    #[test]
    fn the_longer_text_gives_way_first() {
        for (lens, room, kept) in [
            ((3, 4), 7, (3, 4)),
            ((3, 9), 7, (3, 4)),
            ((9, 3), 7, (4, 3)),
            ((9, 9), 7, (3, 4)),
            ((9, 8), 7, (4, 3)),
            ((9, 0), 7, (7, 0)),
            ((0, 9), 7, (0, 7)),
            ((9, 9), 0, (0, 0)),
            ((9, 9), 1, (0, 1)),
        ] {
            assert_eq!(longest_first(lens, room), kept, "{lens:?} in {room}");
        }
    }
}
