//! What was found, missed and wrongly suspected, over all rounds on this device.

use serde::{Deserialize, Serialize};

/// Models whose rounds are counted; of more the oldest go.
const MOST_MODELS: usize = 8;
/// Longest name of a model that is read back, in characters.
const MOST_NAME: usize = 200;

/// How rounds went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Score {
    pub rounds: usize,
    /// Replaced words that were marked.
    pub found: usize,
    /// Replaced words that were not.
    pub missed: usize,
    /// Words of the author that were marked.
    pub wrong: usize,
}

impl Score {
    pub(super) fn add(&mut self, other: Self) {
        let sum = |a: &mut usize, b: usize| *a = a.saturating_add(b);
        sum(&mut self.rounds, other.rounds);
        sum(&mut self.found, other.found);
        sum(&mut self.missed, other.missed);
        sum(&mut self.wrong, other.wrong);
    }

    /// In words: `found 5 of 7, 2 wrong, in 3 rounds`.
    pub fn line(&self) -> String {
        let replaced = self.found.saturating_add(self.missed);
        let rounds = match self.rounds {
            1 => "round",
            _ => "rounds",
        };
        format!(
            "found {} of {replaced}, {} wrong, in {} {rounds}",
            self.found, self.wrong, self.rounds
        )
    }
}

/// The score of the visitor, and of the models that judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scores {
    pub you: Score,
    /// By the model's name, in the order in which they came.
    pub models: Vec<(String, Score)>,
}

impl Scores {
    pub(super) fn add_to_model(&mut self, name: &str, score: Score) {
        match self.models.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => known.add(score),
            None => self.models.push((name.to_owned(), score)),
        }
        if self.models.len() > MOST_MODELS {
            self.models.remove(0);
        }
    }

    /// Whether nothing was played.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As the device keeps it.
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What the device kept; nothing where that is damaged.
    pub(super) fn of_text(text: &str) -> Self {
        let mut scores: Self = serde_json::from_str(text).unwrap_or_default();
        let is_name = |name: &String| !name.is_empty() && name.chars().count() <= MOST_NAME;
        scores.models.retain(|(name, _)| is_name(name));
        scores.models.truncate(MOST_MODELS);
        scores
    }
}
