//! What a discriminator says: of each token, how likely it is that someone replaced it.

use super::Probe;
use crate::protocol::RequestId;
use crate::state::format::percent;
use bert::probe::Replaced;

impl Probe {
    pub(in crate::state) fn on_marked(
        &mut self,
        id: RequestId,
        marks: Replaced,
        milliseconds: f64,
    ) {
        if self.is_answered(id, milliseconds) {
            self.marks = Some(marks);
        }
    }

    /// How likely a word of the text was replaced, between 0 and 1. Special tokens have no author,
    /// and an answer to an earlier text, of another length, belongs to other words.
    pub fn suspicion_of(&self, position: usize) -> Option<f32> {
        let marks = self.marks.as_ref()?;
        let same = marks.tokens.len() == self.tokens.len();
        let is_word = self
            .tokens
            .get(position)
            .is_some_and(|token| !token.special);
        (same && is_word).then(|| marks.probabilities.get(position).copied())?
    }

    /// What to write under a token: the best guess for a hidden one, or how likely it was replaced.
    pub fn note(&self, position: usize) -> Option<String> {
        let suspicion = || self.suspicion_of(position).map(percent);
        self.guess(position).or_else(suspicion)
    }

    /// Whether a word looks replaced.
    pub fn is_suspect(&self, position: usize) -> bool {
        self.suspicion_of(position)
            .is_some_and(|probability| probability > 0.5)
    }

    /// The verdict in a sentence, for those who listen.
    pub(super) fn suspicion(&self) -> String {
        if self.marks.is_none() {
            return String::new();
        }
        let words = (0..self.tokens.len()).filter_map(|position| {
            let probability = self.suspicion_of(position).filter(|&p| p > 0.5)?;
            Some(format!(
                "{} {}",
                self.tokens[position].text,
                percent(probability)
            ))
        });
        let words: Vec<String> = words.collect();
        match words.len() {
            0 => "No word looks replaced.".to_owned(),
            _ => format!("Looks replaced: {}.", words.join(", ")),
        }
    }
}
