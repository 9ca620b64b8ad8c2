//! Any of several labels a text.

use super::super::encode::Encoded;
use super::super::event::Mistake;
use super::{Score, surest};
use crate::data::{Example, Truth};
use crate::metrics::{Figures, LabelCounts};
use crate::probe::logistic;

pub struct Labels {
    outputs: usize,
    counts: LabelCounts,
    mistakes: Vec<Mistake>,
}

impl Labels {
    pub fn new(outputs: usize) -> Self {
        Self {
            outputs,
            counts: LabelCounts::default(),
            mistakes: Vec::new(),
        }
    }
}

impl Score for Labels {
    fn add(&mut self, encoded: &Encoded, example: &Example, logits: &[f32]) {
        let probabilities: Vec<f32> = logits.iter().map(|x| logistic(*x)).collect();
        let mut truth = vec![false; self.outputs];
        if let Truth::Labels(labels) = &example.truth {
            labels.iter().for_each(|&label| truth[label] = true);
        }
        // The label that is furthest from what is right.
        let off = |(p, truth): (&f32, &bool)| if *truth { 1.0 - p } else { *p };
        let worst = probabilities
            .iter()
            .zip(&truth)
            .map(off)
            .fold(0.0, f32::max);
        if worst >= 0.5 {
            let given = (0..self.outputs).filter(|&label| probabilities[label] > 0.5);
            self.mistakes.push(Mistake {
                example: encoded.example,
                found: Truth::Labels(given.collect()),
                sure: worst,
                probabilities: probabilities.clone(),
            });
        }
        self.counts.add(truth, probabilities);
    }

    fn figures(&self) -> Figures {
        Figures::Labels(self.counts.metrics(self.outputs))
    }

    fn mistakes(&self) -> Vec<Mistake> {
        surest(self.mistakes.clone())
    }
}
