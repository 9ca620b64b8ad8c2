//! One round: its words, what was marked, and who was right.

use super::score::Score;
use crate::state::format::percent;
use bert::inside::Round;
use bert::probe::Replaced;
use std::collections::BTreeSet;

/// From here on a discriminator takes a word for replaced.
const SUSPECT: f32 = 0.5;

/// How a word was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Replaced, and marked.
    Found,
    /// Replaced, and not marked.
    Missed,
    /// The author's, and marked.
    Wrong,
    /// The author's, and left alone.
    Clear,
}

impl Mark {
    /// For those who see it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Found => "✓",
            Self::Missed => "○",
            Self::Wrong => "✗",
            Self::Clear => "·",
        }
    }

    /// In a word; none for what was left alone.
    pub fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Missed => "missed",
            Self::Wrong => "wrong",
            Self::Clear => "",
        }
    }
}

/// What a discriminator said of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub model: String,
    /// Of each word how likely it was replaced; `None` for what the model did not read.
    pub suspicion: Vec<Option<f32>>,
}

impl Verdict {
    /// Of each word the highest of its pieces: the vocabulary may be another than the dealer's.
    pub(super) fn new(model: &str, round: &Round, marks: &Replaced) -> Self {
        let suspicion = round.words.iter().map(|word| {
            let tokens = marks.tokens.iter().zip(&marks.probabilities);
            let within = tokens.filter(|(token, _)| {
                !token.special && token.start < word.end && token.end > word.start
            });
            within.map(|(_, probability)| *probability).reduce(f32::max)
        });
        Self {
            model: model.to_owned(),
            suspicion: suspicion.collect(),
        }
    }

    pub(super) fn marks(&self, word: usize) -> bool {
        self.suspicion
            .get(word)
            .copied()
            .flatten()
            .is_some_and(|suspicion| suspicion > SUSPECT)
    }
}

/// A word as it is laid out, with the marks of the text that touch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub word: usize,
    pub before: String,
    pub shown: String,
    pub after: String,
}

/// A round as it is played.
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    pub round: Round,
    /// The model that dealt it.
    pub dealer: String,
    /// Words that the visitor takes for replaced.
    pub picked: BTreeSet<usize>,
    /// Whether the answer is shown.
    pub shown: bool,
    pub verdicts: Vec<Verdict>,
}

impl Play {
    pub(super) fn new(round: Round, dealer: String) -> Self {
        Self {
            round,
            dealer,
            picked: BTreeSet::new(),
            shown: false,
            verdicts: Vec::new(),
        }
    }

    /// Words that were hidden, and of these those where another word stands now.
    pub fn counts(&self) -> [usize; 2] {
        let hidden = self.round.words.iter().filter(|w| w.chances.is_some());
        let replaced = self.round.words.iter().filter(|w| w.is_replaced());
        [hidden.count(), replaced.count()]
    }

    fn mark(&self, word: usize, marked: bool) -> Mark {
        let replaced = self.round.words.get(word).is_some_and(|w| w.is_replaced());
        match (replaced, marked) {
            (true, true) => Mark::Found,
            (true, false) => Mark::Missed,
            (false, true) => Mark::Wrong,
            (false, false) => Mark::Clear,
        }
    }

    /// How a word was judged by the visitor, and then by each model, once the answer is shown.
    pub fn marks(&self, word: usize) -> Vec<Mark> {
        if !self.shown {
            return Vec::new();
        }
        let models = self.verdicts.iter().map(|verdict| verdict.marks(word));
        let all = std::iter::once(self.picked.contains(&word)).chain(models);
        all.map(|marked| self.mark(word, marked)).collect()
    }

    /// What the author wrote where another word stands, once the answer is shown.
    pub fn was(&self, word: usize) -> Option<String> {
        let word = self.round.words.get(word).filter(|_| self.shown)?;
        word.is_replaced().then(|| word.original.clone())
    }

    pub(super) fn score(&self, marked: impl Fn(usize) -> bool) -> Score {
        let mut score = Score {
            rounds: 1,
            ..Score::default()
        };
        for word in 0..self.round.words.len() {
            match self.mark(word, marked(word)) {
                Mark::Found => score.found += 1,
                Mark::Missed => score.missed += 1,
                Mark::Wrong => score.wrong += 1,
                Mark::Clear => {}
            }
        }
        score
    }

    pub(super) fn own_score(&self) -> Score {
        self.score(|word| self.picked.contains(&word))
    }

    /// The words in order, each with what touches it.
    pub fn parts(&self) -> Vec<Part> {
        let letters: Vec<char> = self.round.text.chars().collect();
        let text = |from: usize, to: usize| letters[from..to].iter().collect::<String>();
        let mut parts: Vec<Part> = Vec::new();
        let mut at = 0;
        for (number, word) in self.round.words.iter().enumerate() {
            let gap = text(at, word.start);
            let (after, before) = match parts.last() {
                // Up to the first space it belongs to the word before.
                Some(_) => match gap.split_once(char::is_whitespace) {
                    Some((after, before)) => (after, before),
                    None => (&*gap, ""),
                },
                None => ("", &*gap),
            };
            if let Some(last) = parts.last_mut() {
                last.after = after.to_owned();
            }
            parts.push(Part {
                word: number,
                before: before.trim().to_owned(),
                shown: word.shown.clone(),
                after: String::new(),
            });
            at = word.end;
        }
        if let Some(last) = parts.last_mut() {
            last.after = text(at, letters.len()).trim().to_owned();
        }
        parts
    }

    /// Who found what, a sentence each; empty before the answer is shown.
    pub fn lines(&self) -> Vec<String> {
        if !self.shown {
            return Vec::new();
        }
        let [hidden, replaced] = self.counts();
        let stayed = match hidden - replaced {
            0 => String::new(),
            1 => " One hidden word was drawn as it was, and counts as the author's.".to_owned(),
            n => {
                format!(" {n} hidden words were drawn as they were, and count as the author's.")
            }
        };
        let own = sentence("You", &self.own_score());
        let mut lines = vec![format!("{own}{stayed}")];
        for verdict in &self.verdicts {
            let score = self.score(|word| verdict.marks(word));
            lines.push(sentence(&verdict.model, &score));
        }
        lines
    }

    /// What the dealer gave each hidden word, once the answer is shown.
    pub fn chances(&self) -> Vec<String> {
        let words = self.round.words.iter().filter(|_| self.shown);
        let line = |word: &bert::inside::RoundWord| {
            let [original, drawn] = word.chances?;
            Some(match word.is_replaced() {
                true => format!(
                    "“{}” {}; the author's “{}” {}.",
                    word.shown,
                    percent(drawn),
                    word.original,
                    percent(original)
                ),
                false => format!("“{}” {}: drawn as it was.", word.shown, percent(original)),
            })
        };
        words.filter_map(line).collect()
    }
}

fn sentence(who: &str, score: &Score) -> String {
    let replaced = score.found + score.missed;
    let found = match replaced {
        0 => "No word was replaced this time.".to_owned(),
        _ => format!("{who} found {} of {replaced}.", score.found),
    };
    match score.wrong {
        0 => found,
        1 => format!("{found} {who} marked 1 word of the author's."),
        n => format!("{found} {who} marked {n} words of the author's."),
    }
}
