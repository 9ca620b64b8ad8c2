//! The right one of several texts.

use super::super::encode::Encoded;
use super::super::event::Mistake;
use super::{Score, largest, surest};
use crate::data::{Example, Truth};
use crate::metrics::Figures;
use crate::probe::softmax;

#[derive(Default)]
pub struct Choices {
    right: usize,
    count: usize,
    /// The sum of one by the number of texts.
    chance: f64,
    mistakes: Vec<Mistake>,
}

impl Score for Choices {
    fn add(&mut self, encoded: &Encoded, example: &Example, logits: &[f32]) {
        let Truth::Choice { options, right } = &example.truth else {
            return;
        };
        let logits = &logits[..options.len().min(logits.len())];
        let found = largest(logits);
        self.count += 1;
        self.chance += 1.0 / options.len() as f64;
        if found == *right {
            self.right += 1;
            return;
        }
        let probabilities = softmax(logits);
        self.mistakes.push(Mistake {
            example: encoded.example,
            found: Truth::Choice {
                options: options.clone(),
                right: found,
            },
            sure: probabilities[found],
            probabilities,
        });
    }

    fn figures(&self) -> Figures {
        let count = self.count.max(1) as f64;
        Figures::Choices {
            accuracy: self.right as f64 / count,
            chance: self.chance / count,
        }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        surest(self.mistakes.clone())
    }
}
