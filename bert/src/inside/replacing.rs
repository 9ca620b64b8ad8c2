//! Words of a text replaced by the model's own guesses: what ELECTRA's discriminator learns to tell.

use kernels::Control;
use serde::{Deserialize, Serialize};

use super::InsideError;
use super::writing::{DRAWN_AMONG, draw};
use crate::data::Random;
use crate::model::Model;
use crate::probe::{Prediction, ProbeError, Request, Token, fill_mask, tokenize};
use crate::tokenizer::Tokenizer;

/// The most words that are replaced at a time.
pub const MAX_REPLACED: usize = 12;

/// Which words of what to replace, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplaceRequest {
    /// The text; what does not fit into the model stays as it is.
    pub text: String,
    /// Words to hide and to draw anew: 1 to [`MAX_REPLACED`]; fewer where the text has fewer that can be.
    pub count: usize,
    /// What logits are divided by before a word is drawn; 0 takes the likeliest.
    pub temperature: f64,
    /// Seeds which words are hidden, and what is drawn.
    pub seed: u64,
}

/// A word of a text in which some may be replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundWord {
    /// Its first character in the new text.
    pub start: usize,
    /// One past its last character there.
    pub end: usize,
    /// As the text has it.
    pub original: String,
    /// As the new text has it.
    pub shown: String,
    /// The probabilities that the model gave the original and the word that was drawn, where this word was hidden.
    pub chances: Option<[f32; 2]>,
}

impl RoundWord {
    /// Whether another word stands here now. One that was drawn and is the original counts as the original, whatever its capitals.
    pub fn is_replaced(&self) -> bool {
        self.shown != self.original
    }
}

/// A text with words replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// The new text.
    pub text: String,
    /// All its words: runs of letters and digits.
    pub words: Vec<RoundWord>,
}

/// The stream of the seed that words are drawn from.
const STREAM: u64 = 0x5b07;

/// Hides some words of a text, all at once, and puts in their places what is drawn among the model's likeliest guesses. Only words that
/// are one token are hidden, and only such words are drawn: no special token, no piece of a word, no mark, no number. What is drawn
/// gets the capitals of the word that it replaces, so that they do not tell.
///
/// # Errors
/// [`InsideError`]: a model that fills no blanks, numbers that are out of range, a text without a word that is one token; the model can be
/// used on.
pub async fn replace(
    model: &mut Model,
    tokenizer: &Tokenizer,
    request: &ReplaceRequest,
    control: &Control,
) -> Result<Round, InsideError> {
    let range = |what, found, least, most| InsideError::Range {
        what,
        found,
        least,
        most,
    };
    if !(1..=MAX_REPLACED).contains(&request.count) {
        let what = "words to replace";
        return Err(range(what, request.count, 1, MAX_REPLACED));
    }
    if !(0.0..=10.0).contains(&request.temperature) {
        let found = request.temperature.max(0.0) as usize;
        return Err(range("temperature", found, 0, 10));
    }
    model.has_mlm().map_err(ProbeError::NoHead)?;
    let mut asked = Request {
        text: request.text.clone(),
        pair: None,
        hidden: Vec::new(),
        top_k: DRAWN_AMONG,
        compare: Vec::new(),
    };
    let (tokens, _) = tokenize(tokenizer, model.config(), &asked);
    let letters: Vec<char> = request.text.chars().collect();
    let spans = spans(&letters);
    let mark = mark(tokenizer, &tokens);
    // Each word that is one token, with that token's place.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        let whole = !token.special && !token.masked && token.id != tokenizer.unk_id();
        if whole && is_word(&token.text, mark) {
            let own = trimmed(token, &letters);
            open.extend(spans.binary_search(&own).ok().map(|word| (word, place)));
        }
    }
    if open.is_empty() {
        return Err(InsideError::NoWholeWord);
    }
    let mut random = Random::new(request.seed, STREAM);
    random.shuffle(&mut open);
    open.truncate(request.count);
    open.sort_unstable();
    asked.hidden = open.iter().map(|(_, place)| *place).collect();
    let fill = fill_mask(model, tokenizer, &asked, control).await?;
    let text = |(from, to): (usize, usize)| letters[from..to].iter().collect::<String>();
    let mut drawn = vec![None; spans.len()];
    for (word, place) in open {
        let Some(mask) = fill.masks.iter().find(|mask| mask.position == place) else {
            continue;
        };
        let may = |guess: &&Prediction| is_word(&guess.token, mark);
        let guesses: Vec<&Prediction> = mask.predictions.iter().filter(may).collect();
        let original = (mask.original.as_ref()).map_or(0.0, |original| original.probability);
        if let Some(guess) = draw(&guesses, request.temperature, &mut random) {
            let bare = guess.token.trim_start_matches(MARKS);
            let shown = with_capitals_of(&text(spans[word]), bare);
            drawn[word] = Some((shown, [original, guess.probability]));
        }
    }
    let mut round = Round {
        text: String::new(),
        words: Vec::with_capacity(spans.len()),
    };
    let (mut at, mut length) = (0, 0);
    for (span, drawn) in spans.into_iter().zip(drawn) {
        let between = text((at, span.0));
        length += between.chars().count();
        round.text += &between;
        at = span.1;
        let original = text(span);
        let (shown, chances) = match drawn {
            Some((shown, chances)) if !is_same(&shown, &original) => (shown, Some(chances)),
            Some((_, chances)) => (original.clone(), Some(chances)),
            None => (original.clone(), None),
        };
        let start = length;
        length += shown.chars().count();
        round.text += &shown;
        round.words.push(RoundWord {
            start,
            end: length,
            original,
            shown,
            chances,
        });
    }
    round.text += &text((at, letters.len()));
    Ok(round)
}

/// What vocabularies put before a word for the space there.
const MARKS: [char; 2] = ['Ġ', '▁'];

/// Runs of letters and digits, with the apostrophes and hyphens inside them, as characters from..to.
fn spans(letters: &[char]) -> Vec<(usize, usize)> {
    let is_letter = |at: usize| letters.get(at).is_some_and(|c| c.is_alphanumeric());
    let joins = |at: usize| matches!(letters.get(at), Some('\'' | '’' | '-')) && is_letter(at + 1);
    let mut spans = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let start = at;
        while is_letter(at) || (at > start && joins(at)) {
            at += 1;
        }
        match at > start {
            true => spans.push((start, at)),
            false => at += 1,
        }
    }
    spans
}

/// Where a token stands, without the space that some vocabularies count to it.
fn trimmed(token: &Token, letters: &[char]) -> (usize, usize) {
    let (start, end) = (token.start, token.end.min(letters.len()));
    let space = (start..end).take_while(|at| letters[*at].is_whitespace());
    (start + space.count(), end)
}

/// What this vocabulary puts before a word for the space there; `None` where it marks the other pieces instead.
fn mark(tokenizer: &Tokenizer, tokens: &[Token]) -> Option<char> {
    MARKS.into_iter().find(|mark| {
        let known = tokenizer.token_to_id(&mark.to_string()).is_some();
        known || tokens.iter().any(|token| token.text.starts_with(*mark))
    })
}

/// Whether a token of the vocabulary is a whole word of letters.
fn is_word(token: &str, mark: Option<char>) -> bool {
    let word = match mark {
        Some(mark) => token.strip_prefix(mark),
        None => Some(token),
    };
    word.is_some_and(|word| {
        let letters = match mark {
            // Byte-level vocabularies spell other letters byte by byte.
            Some('Ġ') => word.chars().all(|c| c.is_ascii_alphabetic()),
            _ => word.chars().all(char::is_alphabetic),
        };
        !word.is_empty() && letters
    })
}

/// A word, capital where the original is.
fn with_capitals_of(original: &str, word: &str) -> String {
    let upper = |c: char| c.is_uppercase();
    let first = original.chars().next().is_some_and(upper);
    if first && original.chars().count() > 1 && original.chars().all(upper) {
        return word.to_uppercase();
    }
    let mut letters = word.chars();
    match letters.next() {
        Some(letter) if first => letter.to_uppercase().chain(letters).collect(),
        _ => word.to_owned(),
    }
}

fn is_same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_what_joins_them() {
        let words = |text: &str| {
            let letters: Vec<char> = text.chars().collect();
            let word = |(from, to): (usize, usize)| letters[from..to].iter().collect::<String>();
            spans(&letters).into_iter().map(word).collect::<Vec<_>>()
        };
        assert_eq!(
            words("Don't “stop”, re-read: it's 5 o’clock-"),
            ["Don't", "stop", "re-read", "it's", "5", "o’clock"]
        );
        assert_eq!(words("'tis -"), ["tis"]);
        assert!(words(" … ").is_empty());
    }

    #[test]
    fn only_whole_words_of_letters_count() {
        for (token, mark, word) in [
            ("cat", None, true),
            ("##cat", None, false),
            ("[MASK]", None, false),
            ("1990", None, false),
            (",", None, false),
            ("Ġcat", Some('Ġ'), true),
            ("cat", Some('Ġ'), false),
            ("ĠÃ©t", Some('Ġ'), false),
            ("▁été", Some('▁'), true),
            ("▁", Some('▁'), false),
        ] {
            assert_eq!(is_word(token, mark), word, "{token}");
        }
    }

    #[test]
    fn capitals_are_those_of_the_original() {
        assert_eq!(with_capitals_of("The", "every"), "Every");
        assert_eq!(with_capitals_of("BBC", "news"), "NEWS");
        assert_eq!(with_capitals_of("I", "we"), "We");
        assert_eq!(with_capitals_of("the", "Paris"), "Paris");
        assert!(is_same("The", "the"));
    }
}
