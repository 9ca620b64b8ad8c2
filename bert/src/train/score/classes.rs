//! One of several classes a text.

use super::super::encode::Encoded;
use super::super::event::Mistake;
use super::{Score, largest, surest};
use crate::data::{Example, Truth};
use crate::metrics::{Confusion, Figures};
use crate::probe::softmax;

pub struct Classes {
    confusion: Confusion,
    mistakes: Vec<Mistake>,
}

impl Classes {
    pub fn new(classes: usize) -> Self {
        Self {
            confusion: Confusion::new(classes),
            mistakes: Vec::new(),
        }
    }
}

impl Score for Classes {
    fn add(&mut self, encoded: &Encoded, example: &Example, logits: &[f32]) {
        let (truth, found) = (example.truth.class().unwrap_or(0), largest(logits));
        self.confusion.add(truth, found);
        if found != truth {
            let probabilities = softmax(logits);
            self.mistakes.push(Mistake {
                example: encoded.example,
                found: Truth::Class(found),
                sure: probabilities[found],
                probabilities,
            });
        }
    }

    fn figures(&self) -> Figures {
        Figures::Classes {
            metrics: self.confusion.metrics(),
            confusion: self.confusion.clone(),
        }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        surest(self.mistakes.clone())
    }
}
