//! Hidden words.

use crate::metrics::Figures;

/// Right guesses among all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words {
    right: usize,
    of: usize,
}

impl Words {
    /// Counts what is hidden and what was guessed.
    pub fn add(&mut self, targets: &[u32], found: &[u32]) {
        let right = targets.iter().zip(found).filter(|(a, b)| a == b);
        self.right += right.count();
        self.of += targets.len();
    }

    pub fn figures(self) -> Figures {
        let accuracy = self.right as f64 / self.of.max(1) as f64;
        Figures::Words { accuracy }
    }
}
