//! A text's words, counted, and what should be known of them.

use super::{Ended, Material, Pace, unmade};
use crate::engine::teach::text_of;
use crate::engine::words::sentence;
use crate::failure::Failure;
use crate::protocol::{MakeStage, RequestId, TextFacts};
use crate::recipe::TextSource;
use bert::data::{Prose, sentences};
use bert::tokenizer::WordCounts;
use kernels::CancelToken;
use web_sys::Blob;

/// Fewer words teach nothing.
const FEWEST_WORDS: u64 = 100;
/// Letters of a word, in the mean, beyond which a text has no spaces between words.
const LONG_WORDS: f64 = 16.0;
/// The share of signs beyond which their script is the text's.
const SIGNS: f64 = 0.02;

/// Reads a text and counts its words.
pub(super) async fn read(
    id: RequestId,
    source: &TextSource,
    lower_case: bool,
    file: Option<Blob>,
    cancel: CancelToken,
) -> Result<(Material, TextFacts), Ended> {
    Pace::new(id, cancel.clone(), MakeStage::Read)
        .at(0, 0)
        .await?;
    let text = text_of(source, file).await?;
    let letters = text.chars().count() as f64;
    let signs = text.chars().filter(|c| is_sign(*c)).count() as f64;
    let sentences = sentences(&text);
    let documents = Prose::read(&text).documents().len();
    drop(text);
    let total = sentences.len() as u64;
    let mut pace = Pace::new(id, cancel, MakeStage::Count);
    let mut counts = WordCounts::new(lower_case);
    for (i, sentence_text) in sentences.iter().enumerate() {
        counts.add(sentence_text).map_err(|error| {
            unmade(
                sentence(&error),
                "Take the part of the text that is named out of it.",
            )
        })?;
        pace.at(i as u64 + 1, total).await?;
    }
    let words = counts.total();
    if words < FEWEST_WORDS {
        return Err(too_short(sentences.len(), words).into());
    }
    let mut notes = Vec::new();
    if counts.mean_length() > LONG_WORDS {
        notes.push(format!(
            "Between spaces stand {:.0} letters in the mean: this text has few spaces, or its script writes none \
             between words. What is cut into pieces are whole phrases then.",
            counts.mean_length()
        ));
    }
    if lower_case && signs > SIGNS * letters {
        notes.push(
            "This script's signs for vowels or tones count as accents, and are taken off: tell capitals and accents apart, \
             unless that is wanted."
                .to_owned(),
        );
    }
    let facts = TextFacts {
        name: source.name().to_owned(),
        sentences: sentences.len(),
        documents,
        words,
        different: counts.words(),
        notes,
    };
    Ok((Material { sentences, counts }, facts))
}

/// Whether taking off accents takes off this letter, which is no accent in its script: signs of Hebrew, Arabic, Devanagari and its
/// kin, and Thai.
fn is_sign(c: char) -> bool {
    matches!(c,
        '\u{5b0}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{93a}'..='\u{94f}' | '\u{9bc}'..='\u{9cd}'
        | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}')
}

fn too_short(sentences: usize, words: u64) -> Failure {
    let some = |count: u64, name: &str| match count {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    };
    unmade(
        match words {
            0 => "The text has no words.".to_owned(),
            _ => format!(
                "The text has {} in {}: at least {FEWEST_WORDS} words are needed, and some ten thousand to learn much.",
                some(words, "word"),
                some(sentences as u64, "sentence")
            ),
        },
        "Take a longer text, such as a book.",
    )
}

/// The letters that a vocabulary of this size has no place for, in a sentence.
pub(super) fn uncovered(counts: &WordCounts, size: usize) -> Option<String> {
    let (letters, kept, share) = counts.coverage(size);
    (kept < letters).then(|| {
        format!(
            "The text has {letters} different letters; a vocabulary of {size} has room for the {kept} most frequent. \
             {:.1}% of the text become [UNK].",
            100.0 * (1.0 - share)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_and_rare_letters_are_named() {
        assert_eq!(too_short(0, 0).cause, "The text has no words.");
        let one = too_short(1, 1).cause;
        assert!(
            one.starts_with("The text has 1 word in 1 sentence: at least 100"),
            "{one}"
        );
        let mut counts = WordCounts::new(true);
        counts
            .add("天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏")
            .expect("words");
        let note = uncovered(&counts, 64).expect("more letters than room");
        assert!(
            note.starts_with(
                "The text has 24 different letters; a vocabulary of 64 has room for the 14"
            ),
            "{note}"
        );
        assert_eq!(uncovered(&counts, 1000), None);
    }
}
