//! Parts of a long axis: what is too large for one binding lies in several.

/// A part of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its first place.
    pub first: usize,
    /// Its places.
    pub len: usize,
    /// Places of the whole axis.
    pub of: usize,
}

impl Block {
    /// A whole axis.
    pub fn whole(len: usize) -> Self {
        Self {
            first: 0,
            len,
            of: len,
        }
    }

    /// The blocks of these lengths, one after another, that make up an axis.
    pub fn all(lengths: impl IntoIterator<Item = usize>) -> Vec<Self> {
        let mut blocks: Vec<Self> = Vec::new();
        let mut of = 0;
        for len in lengths {
            blocks.push(Self { first: of, len, of });
            of += len;
        }
        blocks.iter_mut().for_each(|block| block.of = of);
        blocks
    }

    /// Whether a place of the axis lies within.
    pub fn contains(&self, place: usize) -> bool {
        (self.first..self.first + self.len).contains(&place)
    }
}
