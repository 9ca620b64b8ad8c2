//! Tags of words.

use kernels::ops::NO_TARGET;

use super::super::encode::Encoded;
use super::super::event::Mistake;
use super::{Score, largest, surest};
use crate::data::{Example, Tagged, Truth};
use crate::metrics::{EntityCounts, Figures};
use crate::probe::softmax;
use crate::tags::chunks;

pub struct Tags {
    names: Vec<String>,
    counts: EntityCounts,
    mistakes: Vec<Mistake>,
}

impl Tags {
    pub fn new(names: &[String]) -> Self {
        Self {
            names: names.to_vec(),
            counts: EntityCounts::default(),
            mistakes: Vec::new(),
        }
    }
}

impl Score for Tags {
    fn add(&mut self, encoded: &Encoded, example: &Example, logits: &[f32]) {
        let Truth::Tags(tagged) = &example.truth else {
            return;
        };
        let outputs = self.names.len();
        let outside = self.names.iter().position(|name| name == "O").unwrap_or(0);
        let mut sure = 0.0f32;
        let mut found = Vec::with_capacity(tagged.len());
        for (one, first) in tagged.iter().zip(&encoded.words) {
            // What was cut off is said nothing of.
            let tag = first.map_or(outside, |first| {
                let row = &logits[first * outputs..][..outputs];
                let tag = largest(row);
                if tag != one.tag && one.tag as u32 != NO_TARGET {
                    sure = sure.max(softmax(row)[tag]);
                }
                tag
            });
            found.push(Tagged {
                word: one.word,
                tag,
            });
        }
        let name = |one: &Tagged| self.names[one.tag].as_str();
        let (truth_names, found_names): (Vec<&str>, Vec<&str>) = (
            tagged.iter().map(name).collect(),
            found.iter().map(name).collect(),
        );
        let same = chunks(truth_names.iter().copied()) == chunks(found_names.iter().copied());
        self.counts.add(&truth_names, &found_names);
        if !same {
            self.mistakes.push(Mistake {
                example: encoded.example,
                found: Truth::Tags(found),
                sure,
                probabilities: Vec::new(),
            });
        }
    }

    fn figures(&self) -> Figures {
        Figures::Entities(self.counts.metrics())
    }

    fn mistakes(&self) -> Vec<Mistake> {
        surest(self.mistakes.clone())
    }
}
