//! Plain text as texts to hide words in.

use std::collections::HashMap;

use super::Text;
use crate::tokenizer::Tokenizer;

/// A longer word is unknown to a WordPiece tokenizer as a whole: it is broken.
const LONGEST_WORD: usize = 100;

/// The sentences of a text, in its order; a line ends one too. Words of over 100 letters are broken by spaces.
pub fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut sentence = String::new();
        let (mut ends, mut letters) = (false, 0);
        for c in line.trim().chars() {
            letters = if c.is_whitespace() { 0 } else { letters + 1 };
            if ends && c.is_whitespace() {
                found.push(std::mem::take(&mut sentence));
                ends = false;
                continue;
            }
            if letters > LONGEST_WORD {
                sentence.push(' ');
                letters = 1;
            }
            sentence.push(c);
            match c {
                '.' | '!' | '?' => ends = true,
                '"' | '\'' | '”' | '’' | ')' | ']' => {}
                _ => ends = false,
            }
            if matches!(c, '。' | '！' | '？') {
                found.push(std::mem::take(&mut sentence));
                letters = 0;
            }
        }
        found.push(sentence);
    }
    let spaced = found
        .iter()
        .map(|s| s.split_whitespace().collect::<Vec<_>>().join(" "));
    spaced.filter(|s| !s.is_empty()).collect()
}

/// The text in pieces of up to `max_tokens` tokens, special ones counted: sentence after sentence, as many as fit. One that is
/// longer is cut between words.
pub fn blocks(text: &str, tokenizer: &Tokenizer, max_tokens: usize) -> Vec<Text> {
    let mut blocks = Blocks::new(tokenizer, max_tokens);
    for sentence in sentences(text) {
        blocks.push(tokenizer, &sentence);
    }
    blocks.finish()
}

/// [`blocks`] sentence by sentence, so that whoever makes them of a long text can do something else between.
#[derive(Clone, Debug)]
pub struct Blocks {
    room: usize,
    blocks: Vec<Text>,
    /// Tokens in the last of them.
    filled: usize,
}

impl Blocks {
    /// None yet, each to be of `max_tokens` tokens at most, special ones counted.
    pub fn new(tokenizer: &Tokenizer, max_tokens: usize) -> Self {
        Self {
            room: max_tokens
                .saturating_sub(tokenizer.added_tokens(false))
                .max(1),
            blocks: Vec::new(),
            filled: usize::MAX,
        }
    }

    /// Adds the next sentence.
    pub fn push(&mut self, tokenizer: &Tokenizer, sentence: &str) {
        let count = tokenizer.count(sentence);
        if count <= self.room {
            return self.add(sentence, count);
        }
        for word in sentence.split(' ') {
            self.add(word, tokenizer.count(word));
        }
    }

    fn add(&mut self, piece: &str, count: usize) {
        match self.blocks.last_mut() {
            Some(block) if self.filled.saturating_add(count) <= self.room => {
                block.text.push(' ');
                block.text.push_str(piece);
                self.filled += count;
            }
            _ => {
                self.blocks.push(Text {
                    text: piece.to_owned(),
                    pair: None,
                });
                self.filled = count;
            }
        }
    }

    /// All of them.
    pub fn finish(self) -> Vec<Text> {
        self.blocks
    }
}

/// The entropy of the tokens of some texts, in nats: the mean loss of whoever knows how frequent each token is in these very
/// texts, and nothing of what stands around it. Special tokens are not counted.
pub fn unigram_entropy(texts: &[Text], tokenizer: &Tokenizer, max_tokens: usize) -> f64 {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for text in texts {
        let encoding = tokenizer.encode(&text.text, text.pair.as_deref(), max_tokens);
        for (id, special) in encoding.ids.iter().zip(&encoding.special) {
            *counts.entry(*id).or_default() += usize::from(!special);
        }
    }
    let all = counts.values().sum::<usize>().max(1) as f64;
    let shares = counts.values().filter(|&&n| n > 0).map(|&n| n as f64 / all);
    shares.map(|p| -p * p.ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> Tokenizer {
        let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n.\n##b\n##a";
        Tokenizer::from_vocab_txt(vocabulary, true).expect("a vocabulary")
    }

    #[test]
    fn sentences_end_at_their_marks_and_lines() {
        let text = "One here. \"Two!\" she  said.\nA line without an end\n\n京都。東京。";
        let wanted = [
            "One here.",
            "\"Two!\"",
            "she said.",
            "A line without an end",
            "京都。",
            "東京。",
        ];
        assert_eq!(sentences(text), wanted);
        let long = sentences(&"x".repeat(250));
        let words: Vec<usize> = long[0].split(' ').map(str::len).collect();
        assert_eq!(words, [100, 100, 50]);
        assert!(sentences(" \n\t\n").is_empty());
    }

    #[test]
    fn blocks_hold_as_many_sentences_as_fit() {
        let tokenizer = tokenizer();
        let found = blocks("a b. c. a a a a.\nb b b b b b b b b", &tokenizer, 7);
        let found: Vec<&str> = found.iter().map(|block| block.text.as_str()).collect();
        assert_eq!(found, ["a b. c.", "a a a a.", "b b b b b", "b b b b"]);
    }

    #[test]
    fn the_entropy_of_even_tokens_is_the_log_of_their_number() {
        let text = |text: &str| Text {
            text: text.to_owned(),
            pair: None,
        };
        let entropy = |texts: &[Text]| unigram_entropy(texts, &tokenizer(), 64);
        assert!((entropy(&[text("a b"), text("c .")]) - 4f64.ln()).abs() < 1e-12);
        assert_eq!(entropy(&[text("a a a")]), 0.0);
        assert_eq!(entropy(&[]), 0.0);
    }
}
