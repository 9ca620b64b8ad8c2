//! Running text: documents of sentences, and the pairs of sentences that pretraining learns from.

use serde::{Deserialize, Serialize};

use super::blocks::sentences;
use super::{Random, Text};

/// Documents of sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prose {
    documents: Vec<Vec<String>>,
}

/// What stands in the place of the second text where it does not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Second {
    /// Text of another document: BERT's (Devlin et al. 2019, section 3.1).
    Random,
    /// The first text; the second stands before it: ALBERT's (Lan et al. 2020, section 3.1).
    Swapped,
}

/// Two texts, and whether the second follows the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentencePair {
    /// The texts.
    pub text: Text,
    /// Whether they stand so in a document.
    pub follows: bool,
}

impl Prose {
    /// Reads text as BERT's own files have it: an empty line ends a document. Lines that end within a sentence go on in
    /// the next. Where there is no empty line and several lines are of more than one sentence, each line is a document.
    pub fn read(text: &str) -> Self {
        if !text.trim().lines().any(|line| line.trim().is_empty()) {
            let lines = Self::of(text.lines());
            let several = lines.documents.iter().filter(|line| line.len() > 1);
            if several.count() > 1 {
                return lines;
            }
        }
        let mut documents = Vec::new();
        let mut paragraph = String::new();
        for line in text.lines().chain([""]) {
            let line = line.trim();
            if !line.is_empty() {
                paragraph.push_str(line);
                paragraph.push(if ends(line) { '\n' } else { ' ' });
                continue;
            }
            documents.push(sentences(&paragraph));
            paragraph.clear();
        }
        documents.retain(|document| !document.is_empty());
        Self { documents }
    }

    /// Each text is a document.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut documents: Vec<_> = texts.into_iter().map(sentences).collect();
        documents.retain(|document| !document.is_empty());
        Self { documents }
    }

    /// The documents, each of a sentence at least.
    pub fn documents(&self) -> &[Vec<String>] {
        &self.documents
    }

    /// All sentences, document by document.
    pub fn sentences(&self) -> impl Iterator<Item = &String> {
        self.documents.iter().flatten()
    }

    /// Splits it by documents: about `share` of the sentences go to the second part. Of two documents or more each part
    /// has one; of four or more each has two, so that pairs can be made of either.
    pub fn split(mut self, share: f64, seed: u64) -> (Self, Self) {
        Random::new(seed, 0x5e17).shuffle(&mut self.documents);
        let total: usize = self.documents.iter().map(Vec::len).sum();
        let wanted = (share * total as f64).round() as usize;
        let least = if self.documents.len() < 4 { 1 } else { 2 };
        let (mut count, mut documents) = (0, 0);
        while documents + least < self.documents.len() && (count < wanted || documents < least) {
            count += self.documents[documents].len();
            documents += 1;
        }
        let train = self.documents.split_off(documents);
        let validation = self.documents;
        (
            Self { documents: train },
            Self {
                documents: validation,
            },
        )
    }

    /// Pairs of texts that follow one another, and as many, in the mean, that do not. Each text is as many sentences as fill
    /// half of `room` tokens; `tokens` counts those of a sentence. Of a sentence that is longer, the first words that could fill it
    /// are taken. Of a document of one sentence there is no pair, and without a second document none with [`Second::Random`].
    pub fn pairs(
        &self,
        second: Second,
        room: usize,
        tokens: impl Fn(&str) -> usize,
        random: &mut Random,
    ) -> Vec<SentencePair> {
        let half = (room / 2).max(1);
        let lengths = |document: &Vec<String>| document.iter().map(|s| tokens(s).max(1)).collect();
        let lengths: Vec<Vec<usize>> = self.documents.iter().map(lengths).collect();
        // As many sentences from one on as have room, at least one.
        let segment = |document: usize, from: usize, to: usize| {
            let mut sum = 0;
            let fits = |length: &&usize| {
                sum += **length;
                sum <= half
            };
            let more = lengths[document][from..to].iter().take_while(fits).count();
            from + more.max(1)
        };
        // A word is a token at least: more of them than have room, many pairs would hold.
        let joined = |document: usize, from: usize, to: usize| {
            let sentences = self.documents[document][from..to].iter();
            let words = sentences
                .flat_map(|sentence| sentence.split(' '))
                .take(half);
            words.collect::<Vec<_>>().join(" ")
        };
        let mut found = Vec::new();
        for (i, document) in self.documents.iter().enumerate() {
            let mut from = 0;
            while from + 1 < document.len() {
                let middle = segment(i, from, document.len() - 1);
                let to = segment(i, middle, document.len());
                let (first, next) = (joined(i, from, middle), joined(i, middle, to));
                let mut follows = random.below(2) == 0;
                // Where a text of elsewhere was taken, what would have followed is used later.
                let mut end = to;
                let (text, pair) = match second {
                    _ if follows => (first, next),
                    Second::Swapped => (next, first),
                    Second::Random => match self.elsewhere(i, random) {
                        Some((other, at)) => {
                            end = middle;
                            let last = segment(other, at, lengths[other].len());
                            (first, joined(other, at, last))
                        }
                        None => {
                            follows = true;
                            (first, next)
                        }
                    },
                };
                found.push(SentencePair {
                    text: Text {
                        text,
                        pair: Some(pair),
                    },
                    follows,
                });
                from = end;
            }
        }
        match found.iter().any(|pair| !pair.follows) {
            true => found,
            // Nothing to tell apart.
            false => Vec::new(),
        }
    }

    /// A sentence of another document.
    fn elsewhere(&self, here: usize, random: &mut Random) -> Option<(usize, usize)> {
        let others = self.documents.len().checked_sub(1).filter(|n| *n > 0)?;
        let mut other = random.below(others);
        other += usize::from(other >= here);
        Some((other, random.below(self.documents[other].len())))
    }
}

/// Whether a line ends where a sentence may.
fn ends(line: &str) -> bool {
    let last = line.trim_end_matches(['"', '\'', ')', '\u{201d}', '\u{2019}', '\u{bb}']);
    last.ends_with(['.', '!', '?', ':', ';', '\u{2026}', '\u{3002}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "A first sentence that goes\non here. A second one!\nA third?\n\nAnother text. It ends.\n\n\nLast one stands alone.";

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    #[test]
    fn empty_lines_end_documents_and_lines_do_not_end_sentences() {
        let prose = Prose::read(TEXT);
        let lengths: Vec<usize> = prose.documents().iter().map(Vec::len).collect();
        assert_eq!(lengths, [3, 2, 1]);
        assert_eq!(
            prose.documents()[0][0],
            "A first sentence that goes on here."
        );
        assert_eq!(Prose::read(" \n\n "), Prose::default());
        // A paragraph a line; and sentences a line, of one document.
        let lines = |text: &str| Prose::read(text).documents().len();
        assert_eq!(lines("One. Two.\nThree. Four.\nFive."), 3);
        assert_eq!(lines("One.\nTwo.\nThree.\n"), 1);
    }

    #[test]
    fn pairs_follow_or_do_not_and_stay_within_their_documents() {
        let text: Vec<String> = (0..40)
            .map(|d| (0..12).map(|s| format!("Text {d} says {s}. ")).collect())
            .collect();
        let prose = Prose::of(text.iter().map(String::as_str));
        // The document and the first and last sentence of a text.
        let place = |text: &str| {
            let numbers: Vec<usize> = text
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|n| n.parse().ok())
                .collect();
            (numbers[0], numbers[1], numbers[numbers.len() - 1])
        };
        for second in [Second::Random, Second::Swapped] {
            let pairs = prose.pairs(second, 16, words, &mut Random::new(5, 0));
            let following = pairs.iter().filter(|pair| pair.follows).count();
            let share = following as f64 / pairs.len() as f64;
            assert!(
                pairs.len() > 100 && (0.35..0.65).contains(&share),
                "{share}"
            );
            for SentencePair { text, follows } in &pairs {
                assert!(words(&text.text) <= 8 && words(text.passage()) <= 8);
                let (first, next) = (place(&text.text), place(text.passage()));
                match (follows, second) {
                    (true, _) => assert!(first.0 == next.0 && first.2 + 1 == next.1),
                    (false, Second::Random) => assert_ne!(first.0, next.0),
                    (false, Second::Swapped) => {
                        assert!(first.0 == next.0 && next.2 + 1 == first.1);
                    }
                }
            }
        }
    }

    #[test]
    fn a_sentence_of_any_length_gives_pairs_of_the_room_s() {
        let prose = Prose::of(["One. Two. Three. Four.", &"word ".repeat(100_000)]);
        for second in [Second::Random, Second::Swapped] {
            for SentencePair { text, .. } in prose.pairs(second, 16, words, &mut Random::new(3, 0))
            {
                assert!(words(&text.text) <= 8 && words(text.passage()) <= 8);
            }
        }
    }

    #[test]
    fn one_document_has_no_other_to_draw_from() {
        let prose = Prose::of(["One. Two. Three. Four."]);
        let pairs = |second| prose.pairs(second, 4, words, &mut Random::new(1, 0));
        assert_eq!(pairs(Second::Random), []);
        let alone = Prose::of(["One.", "Two."]);
        assert_eq!(
            alone.pairs(Second::Swapped, 4, words, &mut Random::new(1, 0)),
            []
        );
    }

    #[test]
    fn a_split_shares_no_document() {
        let text: Vec<String> = (0..10).map(|d| format!("Text {d}. Ends {d}.")).collect();
        let prose = Prose::of(text.iter().map(String::as_str));
        let (train, validation) = prose.clone().split(0.2, 7);
        assert_eq!(
            (train.documents().len(), validation.documents().len()),
            (8, 2)
        );
        assert!(
            validation
                .documents()
                .iter()
                .all(|d| !train.documents().contains(d))
        );
    }
}
