//! Which tokens attend to which.

use std::ops::Range;

/// Which keys a query sees, of those within its sequence's length: its own place and its neighbours on both sides.
/// All of them by default. A query beyond the length sees the last key within it at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mask {
    /// How many places before its own; `None` for all.
    pub before: Option<u32>,
    /// How many places after its own; `None` for all.
    pub after: Option<u32>,
}

impl Mask {
    /// All keys.
    pub const ALL: Self = Self::of(None, None);
    /// A query's own place and those before it: the causal mask.
    pub const LEFT: Self = Self::of(None, Some(0));
    /// A query's own place and those after it.
    pub const RIGHT: Self = Self::of(Some(0), None);

    const fn of(before: Option<u32>, after: Option<u32>) -> Self {
        Self { before, after }
    }

    /// Both fields as the shaders know them, at most `tokens`.
    pub(super) fn reach(self, tokens: usize) -> [u32; 2] {
        let most = tokens as u32;
        [self.before, self.after].map(|reach| reach.map_or(most, |reach| reach.min(most)))
    }

    /// The keys of which some are seen by the given queries (one or more), in a sequence of `length` tokens, at least 1.
    pub(super) fn keys(self, queries: Range<usize>, length: usize) -> Range<usize> {
        let start = match self.before {
            Some(before) => queries.start.saturating_sub(before as usize),
            None => 0,
        };
        let end = match self.after {
            Some(after) => queries.end.saturating_add(after as usize),
            None => length,
        };
        start.min(length - 1)..end.min(length)
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;

    #[test]
    fn a_query_sees_what_its_mask_reaches() {
        let near = Mask::of(Some(2), Some(1));
        assert_eq!(Mask::ALL.keys(3..4, 5), 0..5);
        assert_eq!(Mask::LEFT.keys(3..4, 5), 0..4);
        assert_eq!(Mask::RIGHT.keys(3..4, 5), 3..5);
        assert_eq!(near.keys(3..4, 9), 1..5);
        assert_eq!(near.keys(3..6, 9), 1..7);
        // Beyond the length.
        assert_eq!(Mask::LEFT.keys(7..8, 5), 0..5);
        assert_eq!(Mask::RIGHT.keys(7..8, 5), 4..5);
        assert_eq!(near.keys(8..9, 5), 4..5);
    }
}
