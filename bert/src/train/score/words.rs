//! Hidden words, and whether one text follows another.

use super::largest;
use crate::metrics::{Figures, NextMetrics, ReplacedMetrics};
use crate::train::{Guessed, REPLACED_WEIGHT, Targets};

/// Right guesses among all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words {
    right: usize,
    /// Those whose word is among the likeliest.
    near: usize,
    of: usize,
    /// Of pairs: those judged rightly, all, and the sum of their losses.
    next: (usize, usize, f64),
    replaced: Tokens,
}

/// Tokens of which it was said whether they were replaced.
#[derive(Clone, Copy, Debug, Default)]
struct Tokens {
    all: usize,
    /// Judged rightly.
    right: usize,
    /// Replaced.
    replaced: usize,
    /// Said to be replaced.
    said: usize,
    /// Replaced, and said to be.
    found: usize,
    /// The sum of their losses.
    loss: f64,
}

impl Tokens {
    fn add(&mut self, found: &Guessed) {
        for &(logit, replaced) in &found.replaced {
            let said = logit > 0.0;
            self.all += 1;
            self.right += usize::from(said == replaced);
            self.replaced += usize::from(replaced);
            self.said += usize::from(said);
            self.found += usize::from(said && replaced);
        }
        self.loss += found.losses[1] / REPLACED_WEIGHT * found.replaced.len() as f64;
    }

    fn metrics(&self) -> Option<ReplacedMetrics> {
        let of = |part: usize, all: usize| part as f64 / all.max(1) as f64;
        (self.all > 0).then(|| ReplacedMetrics {
            accuracy: of(self.right, self.all),
            share: of(self.replaced, self.all),
            precision: of(self.found, self.said),
            recall: of(self.found, self.replaced),
            loss: self.loss / self.all as f64,
        })
    }
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
        if let Targets::Replaced(_) = targets {
            self.replaced.add(found);
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
            replaced: self.replaced.metrics(),
        }
    }
}
