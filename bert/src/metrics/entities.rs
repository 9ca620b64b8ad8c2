//! Tags of words as entities, counted as seqeval does it: an entity is right where its words and its type are.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{ClassMetrics, of_counts, ratio};
use crate::tags::{Chunk, chunks};

/// Texts that were judged.
#[derive(Clone, Debug, Default)]
pub struct EntityCounts {
    /// By type: right, found, there.
    types: BTreeMap<String, [u64; 3]>,
    words: u64,
    right_words: u64,
}

/// The figures of entities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntityMetrics {
    /// Over all entities: seqeval's `precision_score`, `recall_score` and `f1_score`.
    pub overall: ClassMetrics,
    /// Type by type, in the order of their names.
    pub types: Vec<(String, ClassMetrics)>,
    /// The share of words with the right tag: seqeval's `accuracy_score`.
    pub accuracy: f64,
}

impl EntityCounts {
    /// Counts a text: the true tag of each word, and the one that was found.
    pub fn add(&mut self, truth: &[&str], found: &[&str]) {
        let same = truth.iter().zip(found).filter(|(a, b)| a == b);
        self.right_words += same.count() as u64;
        self.words += truth.len() as u64;
        let (truth, found) = (chunks(truth.iter().copied()), chunks(found.iter().copied()));
        let there: HashSet<&Chunk<'_>> = truth.iter().collect();
        for chunk in &found {
            let counts = self.types.entry(chunk.label.to_owned()).or_default();
            counts[0] += u64::from(there.contains(chunk));
            counts[1] += 1;
        }
        for chunk in &truth {
            self.types.entry(chunk.label.to_owned()).or_default()[2] += 1;
        }
    }

    /// What it came to.
    pub fn metrics(&self) -> EntityMetrics {
        let sum = |i: usize| self.types.values().map(|counts| counts[i]).sum();
        let of_type = |(name, [right, found, there]): (&String, &[u64; 3])| {
            (name.clone(), of_counts(*right, *found, *there))
        };
        EntityMetrics {
            overall: of_counts(sum(0), sum(1), sum(2)),
            types: self.types.iter().map(of_type).collect(),
            accuracy: ratio(self.right_words, self.words),
        }
    }
}
