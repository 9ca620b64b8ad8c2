//! Examples of like length together.

use serde::{Deserialize, Serialize};

use super::Random;

/// Lengths that batches are padded to: few, since each needs a plan of its own on the device.
const LENGTHS: [usize; 10] = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512];

/// Examples that are computed together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Their places.
    pub examples: Vec<usize>,
    /// Tokens that each is padded to.
    pub tokens: usize,
}

/// What a batch whose longest text has `tokens` tokens is padded to.
fn padded(tokens: usize, limit: usize) -> usize {
    let next = LENGTHS.into_iter().find(|&l| l >= tokens);
    next.unwrap_or_else(|| tokens.next_multiple_of(128))
        .min(limit)
}

/// Every length, rising, that batches of texts of at most `longest` tokens may be padded to.
pub(crate) fn padded_lengths(longest: usize, limit: usize) -> Vec<usize> {
    let mut lengths: Vec<usize> = (1..=longest).map(|n| padded(n, limit)).collect();
    lengths.dedup();
    lengths
}

/// Batches of one epoch in random order: every example once, `size` to a batch except one of them,
/// lengths alike within each. `lengths` are tokens with the special ones, at most `limit` each:
/// the model's, which no batch is padded beyond.
pub fn batches(lengths: &[usize], size: usize, limit: usize, random: &mut Random) -> Vec<Batch> {
    let size = size.max(1);
    let mut examples: Vec<(usize, usize)> = lengths
        .iter()
        .enumerate()
        .map(|(i, &tokens)| (padded(tokens, limit), i))
        .collect();
    random.shuffle(&mut examples);
    // Stable: within a length the order stays random.
    examples.sort_by_key(|&(tokens, _)| tokens);
    let mut batches = Vec::new();
    let mut rest = &examples[..];
    while !rest.is_empty() {
        let (now, later) = rest.split_at(size.min(rest.len()));
        batches.push(Batch {
            examples: now.iter().map(|&(_, i)| i).collect(),
            tokens: now[now.len() - 1].0,
        });
        rest = later;
    }
    random.shuffle(&mut batches);
    batches
}
