//! A WordPiece vocabulary from plain text, and the files that make a tokenizer of it.

mod merges;

use std::collections::{BTreeMap, HashMap};

use merges::Merges;
use serde_json::{Map, Value, json};
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
};

use super::{Tokenizer, TokenizerError};

/// The special tokens, in BERT's own order.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
/// A pair that stands in the text less often is never merged.
const LEAST: u64 = 2;
/// The most letters that count as such.
const MOST_LETTERS: usize = 1000;
/// The fewest tokens of a vocabulary.
pub const LEAST_VOCABULARY: usize = 64;
/// The most tokens of a vocabulary that is trained here.
pub const MOST_VOCABULARY: usize = 200_000;

/// Why there is no vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VocabularyError {
    /// No words.
    #[error("the text has no words; give some plain text to learn a vocabulary from")]
    Empty,
    /// A size out of range.
    #[error("a vocabulary of {0} tokens: take {LEAST_VOCABULARY} to {MOST_VOCABULARY}")]
    Size(usize),
    /// More than the text bears.
    #[error(
        "this text bears {bears} tokens, not {wanted}: nothing else stands in it twice. Take a vocabulary of \
         {bears} or fewer, or more text"
    )]
    TooLarge {
        /// Tokens that were asked for.
        wanted: usize,
        /// Tokens that there are.
        bears: usize,
    },
    /// A text that cannot be prepared.
    #[error("the text cannot be cut into words: {0}")]
    Text(String),
    /// The files make no tokenizer.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

/// How often which word stands in a text. Words are BERT's: cut at spaces and punctuation, each ideograph alone.
#[derive(Clone, Debug, Default)]
pub struct WordCounts {
    words: HashMap<String, u64>,
    lower_case: bool,
}

impl WordCounts {
    /// Nothing counted yet. With `lower_case` capitals are made small and accents taken off.
    pub fn new(lower_case: bool) -> Self {
        Self {
            words: HashMap::new(),
            lower_case,
        }
    }

    /// Counts the words of a piece of text, a line for instance.
    ///
    /// # Errors
    /// [`VocabularyError::Text`].
    pub fn add(&mut self, text: &str) -> Result<(), VocabularyError> {
        let wrong = |e: tokenizers::Error| VocabularyError::Text(e.to_string());
        let mut prepared = NormalizedString::from(text);
        let normalizer = BertNormalizer::new(true, true, None, self.lower_case);
        normalizer.normalize(&mut prepared).map_err(wrong)?;
        let mut cut = PreTokenizedString::from(prepared);
        BertPreTokenizer.pre_tokenize(&mut cut).map_err(wrong)?;
        for (word, ..) in cut.get_splits(OffsetReferential::Original, OffsetType::Byte) {
            match self.words.get_mut(word) {
                Some(count) => *count += 1,
                None => drop(self.words.insert(word.to_owned(), 1)),
            }
        }
        Ok(())
    }

    /// Different words.
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// Words in all.
    pub fn total(&self) -> u64 {
        self.words.values().sum()
    }

    /// Letters of a word, in the mean over all words.
    pub fn mean_length(&self) -> f64 {
        let letters = self.words.iter();
        let letters: u64 = letters.map(|(w, n)| w.chars().count() as u64 * n).sum();
        letters as f64 / self.total().max(1) as f64
    }

    /// Different letters, how many of them a vocabulary of this size holds, and which share of the text's letters those are.
    pub fn coverage(&self, size: usize) -> (usize, usize, f64) {
        let counts = self.letter_counts();
        let kept = self.letters(size.max(SPECIAL.len()));
        let all: u64 = counts.values().sum();
        let known: u64 = kept.iter().filter_map(|c| counts.get(c)).sum();
        (counts.len(), kept.len(), known as f64 / all.max(1) as f64)
    }

    fn letter_counts(&self) -> BTreeMap<char, u64> {
        let mut counts: BTreeMap<char, u64> = BTreeMap::new();
        for (word, count) in &self.words {
            word.chars()
                .for_each(|c| *counts.entry(c).or_default() += count);
        }
        counts
    }

    /// The letters for a vocabulary of this size, the most frequent ones: half of it at least is left for longer pieces.
    fn letters(&self, size: usize) -> Vec<char> {
        let counts = self.letter_counts();
        let mut letters: Vec<(char, u64)> = counts.into_iter().collect();
        letters.sort_by_key(|&(c, count)| (std::cmp::Reverse(count), c));
        letters.truncate(MOST_LETTERS.min((size - SPECIAL.len()) / 4));
        let mut letters: Vec<char> = letters.into_iter().map(|(c, _)| c).collect();
        letters.sort_unstable();
        letters
    }
}

/// A vocabulary that is being trained, some pairs of pieces at a time, so that whoever trains it can do something else between.
pub struct VocabularyTrainer {
    merges: Merges,
    size: usize,
    lower_case: bool,
    /// Whether no pair is left that stands in the text often enough.
    exhausted: bool,
}

impl VocabularyTrainer {
    /// Begins one of `size` tokens: the special ones and single letters are there already.
    ///
    /// # Errors
    /// No words, or a size out of range.
    pub fn new(counts: &WordCounts, size: usize) -> Result<Self, VocabularyError> {
        if counts.words.is_empty() {
            return Err(VocabularyError::Empty);
        }
        if !(LEAST_VOCABULARY..=MOST_VOCABULARY).contains(&size) {
            return Err(VocabularyError::Size(size));
        }
        let sorted: BTreeMap<String, u64> = (counts.words.iter())
            .map(|(word, count)| (word.clone(), *count))
            .collect();
        Ok(Self {
            merges: Merges::new(&SPECIAL, &counts.letters(size), &sorted),
            size,
            lower_case: counts.lower_case,
            exhausted: false,
        })
    }

    /// Merges the most frequent pairs, `most` of them at most; `false` once there is nothing more to do.
    pub fn step(&mut self, most: usize) -> bool {
        for _ in 0..most {
            if self.exhausted || self.tokens() >= self.size {
                return false;
            }
            self.exhausted = !self.merges.merge(LEAST);
        }
        true
    }

    /// Tokens so far.
    pub fn tokens(&self) -> usize {
        self.merges.tokens.len()
    }

    /// The whole vocabulary.
    ///
    /// # Errors
    /// The text bears fewer tokens, or not all of them are there yet.
    pub fn finish(self) -> Result<Vocabulary, VocabularyError> {
        match self.tokens() {
            bears if bears < self.size => Err(VocabularyError::TooLarge {
                wanted: self.size,
                bears,
            }),
            _ => Ok(Vocabulary {
                tokens: self.merges.tokens,
                lower_case: self.lower_case,
            }),
        }
    }
}

/// A vocabulary that was trained here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    /// The tokens by their ids: the special ones, single letters by code point, those that go on with a word, and longer pieces
    /// in the order in which they were found.
    pub tokens: Vec<String>,
    lower_case: bool,
}

impl Vocabulary {
    /// Trains one of exactly `size` tokens: the most frequent pair of pieces becomes a piece, again and again. Letters that are too
    /// rare to have a place become `[UNK]`.
    ///
    /// # Errors
    /// No words, a size out of range, or more than the text bears.
    pub fn train(counts: &WordCounts, size: usize) -> Result<Self, VocabularyError> {
        let mut trainer = VocabularyTrainer::new(counts, size)?;
        while trainer.step(usize::MAX) {}
        trainer.finish()
    }

    /// Names and bytes of the files: `tokenizer.json`, `vocab.txt` and `tokenizer_config.json`, the last for texts of
    /// `max_tokens` tokens.
    pub fn files(&self, max_tokens: usize) -> Vec<(String, Vec<u8>)> {
        let special = |(id, token): (usize, &&str)| {
            json!({
                "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true,
            })
        };
        let added: Vec<Value> = SPECIAL.iter().enumerate().map(special).collect();
        let around =
            |token: &str, kind: usize| json!({"SpecialToken": {"id": token, "type_id": kind}});
        let text = |name: &str, kind: usize| json!({"Sequence": {"id": name, "type_id": kind}});
        let named = |id: usize| json!({"id": SPECIAL[id], "ids": [id], "tokens": [SPECIAL[id]]});
        let single = [around("[CLS]", 0), text("A", 0), around("[SEP]", 0)];
        let pair = [&single[..], &[text("B", 1), around("[SEP]", 1)]].concat();
        let vocab: Map<String, Value> = (self.tokens.iter().enumerate())
            .map(|(id, token)| (token.clone(), json!(id)))
            .collect();
        let tokenizer = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
            "normalizer": {
                "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": null, "lowercase": self.lower_case,
            },
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {
                "type": "TemplateProcessing", "single": single, "pair": pair,
                "special_tokens": {"[CLS]": named(2), "[SEP]": named(3)},
            },
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
            "model": {
                "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": vocab,
            },
        });
        let config = json!({
            "cls_token": "[CLS]", "do_lower_case": self.lower_case, "mask_token": "[MASK]",
            "model_max_length": max_tokens, "pad_token": "[PAD]", "sep_token": "[SEP]",
            "strip_accents": null, "tokenize_chinese_chars": true,
            "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]",
        });
        let lines = self.tokens.join("\n") + "\n";
        vec![
            (
                "tokenizer.json".to_owned(),
                format!("{tokenizer:#}\n").into_bytes(),
            ),
            ("vocab.txt".to_owned(), lines.into_bytes()),
            (
                "tokenizer_config.json".to_owned(),
                format!("{config:#}\n").into_bytes(),
            ),
        ]
    }

    /// The tokenizer of these files.
    ///
    /// # Errors
    /// [`VocabularyError::Tokenizer`].
    pub fn tokenizer(&self) -> Result<Tokenizer, VocabularyError> {
        let files = self.files(usize::MAX >> 12);
        Ok(Tokenizer::from_tokenizer_json(&files[0].1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> WordCounts {
        let mut counts = WordCounts::new(true);
        text.lines()
            .for_each(|line| counts.add(line).expect("words"));
        counts
    }

    #[test]
    fn what_cannot_be_trained_is_told() {
        let train = |text: &str, size| Vocabulary::train(&counted(text), size).map(|_| ());
        assert_eq!(train(" \n ", 100), Err(VocabularyError::Empty));
        assert_eq!(train("a word", 10), Err(VocabularyError::Size(10)));
        let Err(VocabularyError::TooLarge { wanted, bears }) = train("a word, a word", 100) else {
            panic!("a short text bears few tokens")
        };
        assert!(wanted == 100 && bears < 30, "{bears}");
    }

    #[test]
    fn steps_of_any_size_train_the_same_vocabulary() {
        let text: String = (0..300)
            .map(|i| format!("text {} says {} and {}.\n", i, i * 37 % 101, i * i % 53))
            .collect();
        let counts = counted(&text);
        let at_once = Vocabulary::train(&counts, 120).expect("a vocabulary");
        for most in [1, 7, 1000] {
            let mut trainer = VocabularyTrainer::new(&counts, 120).expect("words");
            let mut tokens = trainer.tokens();
            while trainer.step(most) {
                assert!(trainer.tokens() <= tokens + most);
                tokens = trainer.tokens();
            }
            assert_eq!(trainer.finish(), Ok(at_once.clone()), "{most} at a time");
        }
        // What was broken off is no vocabulary.
        let mut trainer = VocabularyTrainer::new(&counts, 120).expect("words");
        trainer.step(3);
        assert!(trainer.finish().is_err());
    }

    #[test]
    fn other_scripts_and_texts_without_spaces_have_a_vocabulary() {
        let (first, second) = (
            ["ма", "мы", "ра", "ок", "но", "ла"],
            ["か", "き", "く", "に", "ほ", "ん"],
        );
        let of = |parts: [&str; 6], i: usize| {
            [parts[i % 6], parts[i / 6 % 6], parts[i / 36 % 6]].concat()
        };
        // Words between spaces, and a script that has none.
        let text: String = (0..400)
            .map(|i| format!("{} 東{}\n", of(first, i), of(second, i)))
            .collect();
        let text = text + &"acgtacgatacca".repeat(50);
        let vocabulary = Vocabulary::train(&counted(&text), 200).expect("a vocabulary");
        assert_eq!(vocabulary.tokens.len(), 200);
        let (different, kept, share) = counted(&text).coverage(200);
        assert_eq!(different, kept);
        assert_eq!(share, 1.0);
        let (_, kept, share) = counted(&text).coverage(64);
        assert!(kept == 14 && share > 0.5 && share < 1.0, "{kept}: {share}");
        let tokenizer = vocabulary.tokenizer().expect("a tokenizer");
        assert_eq!(tokenizer.vocab_size(), 200);
        let encoding = tokenizer.encode("мамы рала 東かきに", None, 64);
        assert!(
            !encoding.ids.contains(&tokenizer.unk_id()),
            "{:?}",
            encoding.tokens
        );
    }
}
