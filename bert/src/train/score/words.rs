//! Hidden words, and whether one text follows another.

use super::largest;
use crate::metrics::{Figures, NextMetrics};
use crate::train::{Guessed, Targets};

/// Right guesses among all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words {
    right: usize,
    /// Those whose word is among the likeliest.
    near: usize,
    of: usize,
    /// Of pairs: those judged rightly, all, and the sum of their losses.
    next: (usize, usize, f64),
}

impl Words {
    /// Counts what is asked and what was guessed.
    pub fn add(&mut self, targets: &Targets, found: &Guessed) {
        let masks = targets.masks();
        for ((.., id), found) in masks.iter().zip(&found.tokens) {
            self.right += usize::from(found.first() == Some(id));
            self.near += usize::from(found.contains(id));
        }
        self.of += masks.len();
        if let Targets::MasksAndNext(_, next) = targets {
            let right = next.iter().zip(&found.next);
            let right = right.filter(|(next, logits)| **next as usize == largest(&logits[..]));
            self.next.0 += right.count();
            self.next.1 += next.len();
            self.next.2 += found.losses[1] * next.len() as f64;
        }
    }

    pub fn figures(self) -> Figures {
        let (right, of, loss) = self.next;
        let next = (of > 0).then(|| NextMetrics {
            accuracy: right as f64 / of as f64,
            loss: loss / of as f64,
        });
        Figures::Words {
            accuracy: self.right as f64 / self.of.max(1) as f64,
            top5: self.near as f64 / self.of.max(1) as f64,
            next,
        }
    }
}
