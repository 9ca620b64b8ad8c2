//! A number a text.

use super::super::encode::Encoded;
use super::super::event::Mistake;
use super::{Score, surest};
use crate::data::{Example, Truth};
use crate::metrics::{Figures, ScoreMetrics};

#[derive(Default)]
pub struct Scores {
    pairs: Vec<(f64, f64)>,
    mistakes: Vec<Mistake>,
}

impl Score for Scores {
    fn add(&mut self, encoded: &Encoded, example: &Example, logits: &[f32]) {
        let Truth::Score(truth) = example.truth else {
            return;
        };
        let found = logits.first().copied().unwrap_or_default();
        self.pairs.push((truth, f64::from(found)));
        // How far off it is tells how wrong.
        self.mistakes.push(Mistake {
            example: encoded.example,
            found: Truth::Score(found.into()),
            sure: (f64::from(found) - truth).abs() as f32,
            probabilities: Vec::new(),
        });
    }

    fn figures(&self) -> Figures {
        Figures::Score(ScoreMetrics::of(&self.pairs))
    }

    fn mistakes(&self) -> Vec<Mistake> {
        surest(self.mistakes.clone())
    }
}
