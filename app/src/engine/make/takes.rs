//! What learning takes, worked out from a size alone.

use crate::protocol::Size;
use crate::recipe::Goal;
use bert::train::Limits;

/// The share of tokens that are asked for.
const SHARE: f64 = bert::data::MASKED_SHARE;

/// What learning takes, worked out from the size alone.
pub(super) struct Takes {
    /// Operations of a step.
    pub flops: f64,
    /// Bytes on the device: weights, gradients, two moments, the best weights, and what lies between.
    pub bytes: u64,
    /// Bytes of the largest thing between.
    largest: u64,
}

impl Takes {
    pub fn of(size: Size, batch: usize) -> Self {
        let Size {
            layers,
            hidden,
            vocabulary,
            max_tokens,
            heads,
            goal,
        } = size;
        let tokens = batch * max_tokens;
        // Of the next word every place teaches.
        let share = if goal == Goal::NextWord { 1.0 } else { SHARE };
        let masks = (share * tokens as f64).ceil() as usize;
        let (t, h, v, m) = (
            tokens as f64,
            hidden as f64,
            vocabulary as f64,
            masks as f64,
        );
        let layer = 2.0 * t * 12.0 * h * h + 4.0 * t * max_tokens as f64 * h;
        let decoder = 2.0 * m * (h * h + v * h);
        let logits = 4 * (masks * vocabulary) as u64;
        let row = 4 * (tokens * hidden) as u64;
        let between = 16 * row * layers as u64 + 3 * logits + 8 * row;
        let own = Self {
            flops: 3.0 * (layers as f64 * layer + decoder),
            bytes: 5 * 4 * size.shape().parameters() + between,
            largest: logits.max(4 * row),
        };
        match goal {
            Goal::Replaced => own.beside_generator(size, heads, batch),
            _ => own,
        }
    }

    /// With the generator that draws the words: of as many layers, a quarter of the heads and of the width.
    fn beside_generator(self, size: Size, heads: usize, batch: usize) -> Self {
        let few = (heads / 4).max(1);
        let generator = Self::of(
            Size {
                heads: few,
                hidden: size.hidden / heads.max(1) * few,
                goal: Goal::Masks,
                ..size
            },
            batch,
        );
        Self {
            flops: self.flops + generator.flops,
            bytes: self.bytes + generator.bytes,
            largest: self.largest.max(generator.largest),
        }
    }

    /// Why a device cannot hold it.
    pub fn problem(&self, limits: &Limits) -> Option<String> {
        let mib = |bytes: u64| format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20));
        if self.largest > limits.buffer {
            return Some(format!(
                "Learning needs {} in one piece, and this device allows {}: take a smaller vocabulary, shorter texts or a \
                 narrower model.",
                mib(self.largest),
                mib(limits.buffer)
            ));
        }
        let total = limits.total.filter(|total| self.bytes > *total)?;
        Some(format!(
            "Learning needs about {}, and there are {}: take fewer layers, a smaller hidden size or a smaller vocabulary.",
            mib(self.bytes),
            mib(total)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: Size = Size {
        layers: 2,
        hidden: 128,
        heads: 2,
        vocabulary: 2000,
        max_tokens: 64,
        goal: Goal::Masks,
    };

    #[test]
    fn what_does_not_fit_is_told_with_its_numbers() {
        let takes = Takes::of(TINY, 32);
        let roomy = Limits {
            buffer: 1 << 30,
            total: Some(1 << 31),
        };
        assert_eq!(takes.problem(&roomy), None);
        let twin = Takes::of(
            Size {
                goal: Goal::NextWord,
                ..TINY
            },
            32,
        );
        assert!(twin.flops > takes.flops && twin.bytes > takes.bytes);
        let two = Takes::of(
            Size {
                goal: Goal::Replaced,
                ..TINY
            },
            32,
        );
        assert!(two.flops > takes.flops && two.bytes > takes.bytes);
        let total = Limits {
            total: Some(1 << 20),
            ..roomy
        };
        let words = takes.problem(&total).expect("too little");
        assert!(words.contains("and there are 1 MiB"), "{words}");
        let buffer = Limits {
            buffer: 1 << 20,
            ..roomy
        };
        let words = takes.problem(&buffer).expect("too small");
        assert!(words.contains("this device allows 1 MiB"), "{words}");
        let large = Size {
            layers: 24,
            hidden: 2048,
            heads: 32,
            vocabulary: 200_000,
            max_tokens: 512,
            goal: Goal::Masks,
        };
        assert!(Takes::of(large, 32).problem(&roomy).is_some());
        assert!(Takes::of(large, 32).flops > 1e4 * takes.flops);
    }
}
