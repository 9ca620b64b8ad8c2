//! Tags of tokens as entities of the text.

use serde::{Deserialize, Serialize};

use super::{Said, softmax};
use crate::data::{Stretch, Text};
use crate::probe::Token;
use crate::tags::{Chunk, chunks};

/// A stretch of the text with one tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// The tag, without `B-` and `I-`.
    pub label: String,
    /// First character in the text.
    pub start: usize,
    /// One past its last.
    pub end: usize,
    /// 0 where it stands in the first text, 1 in the second.
    pub sequence: u8,
    /// The mean of its tokens' probabilities.
    pub probability: f32,
}

impl Entity {
    /// Its characters in its text.
    pub fn at(&self) -> Stretch {
        let (start, end) = (self.start, self.end);
        Stretch { start, end }
    }

    /// Its words, in the text that was asked of.
    pub fn words(&self, asked: &Text) -> String {
        match self.sequence {
            0 => self.at().of(&asked.text),
            _ => self.at().of(asked.passage()),
        }
    }
}

/// The entities in what a head says of tokens: neighbouring tokens of one tag together, unless one begins anew. What is
/// tagged `O` is none. As the `simple` strategy of `transformers`' token-classification pipeline groups them.
pub fn entities(said: &Said) -> Vec<Entity> {
    let own = |token: &Token| token.sequence.filter(|_| !token.special);
    let places = (0..said.tokens.len()).filter_map(|i| Some((i, own(&said.tokens[i])?)));
    let places: Vec<(usize, u8)> = places.collect();
    let mut found = Vec::new();
    for text in places.chunk_by(|a, b| a.1 == b.1) {
        let best: Vec<(usize, f32)> = text
            .iter()
            .map(|(i, _)| likeliest(said.token(*i)))
            .collect();
        let tags = best.iter().map(|&(tag, _)| said.head.labels[tag].as_str());
        for Chunk { label, first, last } in chunks(tags) {
            let sum: f32 = best[first..=last]
                .iter()
                .map(|(_, probability)| probability)
                .sum();
            found.push(Entity {
                label: label.to_owned(),
                start: said.tokens[text[first].0].start,
                end: said.tokens[text[last].0].end,
                sequence: text[first].1,
                probability: sum / (last - first + 1) as f32,
            });
        }
    }
    found
}

/// The likeliest of a token's tags, the first of equals, and its probability.
fn likeliest(logits: &[f32]) -> (usize, f32) {
    let shares = softmax(logits);
    let best = (0..shares.len())
        .rev()
        .max_by(|&a, &b| shares[a].total_cmp(&shares[b]));
    best.map_or((0, 0.0), |best| (best, shares[best]))
}
