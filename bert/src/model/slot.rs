//! Where the numbers of a model's tensors lie on the device.

/// One tensor of the model: its name in `transformers`, and the parameter that holds it. Queries,
/// keys and values are three tensors in one parameter; a matrix over the vocabulary may be one
/// tensor in several.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Its name in `transformers`, with the family's prefix, as in
    /// `bert.encoder.layer.0.output.dense.weight`. (The file may leave the prefix out.)
    pub name: String,
    /// Its shape there.
    pub shape: Vec<usize>,
    /// The parameter; where it lies in blocks, the name before their numbers ([`Blocks`]).
    pub param: String,
    /// First element within the parameter.
    pub offset: usize,
    /// Elements of a block, of which the last may have fewer; `None` where it lies in one piece.
    pub block: Option<usize>,
}

/// Neighbouring elements of a tensor that lie in one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The parameter.
    pub param: String,
    /// First element within it.
    pub offset: usize,
    /// Number of elements.
    pub len: usize,
}

impl Slot {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Where `count` of its elements lie, from element `first` on, in their order.
    pub fn parts(&self, first: usize, count: usize) -> Vec<Part> {
        let Some(block) = self.block else {
            return vec![Part {
                param: self.param.clone(),
                offset: self.offset + first,
                len: count,
            }];
        };
        let (mut at, end) = (first, first + count);
        let mut parts = Vec::new();
        while at < end {
            let (i, offset) = (at / block, at % block);
            let len = (block - offset).min(end - at);
            parts.push(Part {
                param: block_name(&self.param, i),
                offset,
                len,
            });
            at += len;
        }
        parts
    }
}

/// The name of block `i` of a parameter.
fn block_name(param: &str, i: usize) -> String {
    format!("{param}/{i}")
}

/// How a matrix over the vocabulary lies: whole, or, where a device binds less than that, as
/// several parameters of some of its rows each, one below the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    rows: usize,
    columns: usize,
    /// Rows of a block; the last may have fewer.
    each: usize,
}

impl Blocks {
    /// For a matrix `[rows, columns]`, neither zero, on a device that binds `limit` bytes. A matrix
    /// counts as it rests while it learns, in f32, so that one that rests in f16 can learn too.
    pub fn new([rows, columns]: [usize; 2], limit: u64) -> Self {
        // Buffers are whole vectors of 16 bytes. An even number of rows, so that each block begins
        // at a whole word also in f16; at least two, though they be too large.
        let fit = limit / 16 * 16 / (4 * columns as u64);
        let each = match usize::try_from(fit) {
            Ok(fit) if fit < rows => (fit & !1).max(2).min(rows),
            _ => rows,
        };
        Self {
            rows,
            columns,
            each,
        }
    }

    /// Elements of a block; `None` where the matrix lies in one piece.
    pub fn block(&self) -> Option<usize> {
        (self.each < self.rows).then_some(self.each * self.columns)
    }

    /// The parameters that hold a matrix of this name, with their shapes.
    pub fn params(&self, name: &str) -> Vec<(String, [usize; 2])> {
        if self.block().is_none() {
            return vec![(name.to_owned(), [self.rows, self.columns])];
        }
        let firsts = (0..self.rows).step_by(self.each).enumerate();
        let param = |(i, first): (usize, usize)| {
            let rows = self.each.min(self.rows - first);
            (block_name(name, i), [rows, self.columns])
        };
        firsts.map(param).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_that_fits_lies_in_one_piece() {
        for limit in [u64::MAX, 4 * 11 * 8, 4 * 11 * 8 + 15] {
            let blocks = Blocks::new([11, 8], limit);
            assert_eq!(blocks.block(), None);
            assert_eq!(blocks.params("w"), [("w".to_owned(), [11, 8])]);
        }
    }

    #[test]
    fn no_block_is_over_the_limit_and_all_begin_at_whole_words() {
        for columns in [1, 3, 7, 8, 16] {
            for rows in 1..40 {
                for limit in 8 * columns as u64 + 16..200 * columns as u64 {
                    let blocks = Blocks::new([rows, columns], limit);
                    let params = blocks.params("w");
                    assert_eq!(params.iter().map(|(_, s)| s[0]).sum::<usize>(), rows);
                    for (i, (name, [rows, _])) in params.iter().enumerate() {
                        let bytes = (4 * rows * columns).next_multiple_of(16);
                        assert!(bytes as u64 <= limit, "{rows}x{columns} in {limit}");
                        assert!(*rows > 0);
                        if i + 1 < params.len() {
                            assert!((rows * columns).is_multiple_of(2));
                            assert_eq!(blocks.block(), Some(rows * columns));
                        }
                        assert!(params.len() == 1 || *name == format!("w/{i}"));
                    }
                }
            }
        }
    }

    #[test]
    fn parts_cover_what_was_asked_for_and_cross_blocks() {
        let slot = Slot {
            name: "tensor".to_owned(),
            shape: vec![11, 3],
            param: "w".to_owned(),
            offset: 0,
            block: Blocks::new([11, 3], 64).block(),
        };
        assert_eq!(slot.block, Some(12));
        let found: Vec<_> = slot
            .parts(10, 20)
            .into_iter()
            .map(|p| (p.param, p.offset, p.len))
            .collect();
        let expected = [("w/0", 10, 2), ("w/1", 0, 12), ("w/2", 0, 6)];
        assert_eq!(found, expected.map(|(p, o, l)| (p.to_owned(), o, l)));
        for first in 0..33 {
            for count in 0..=33 - first {
                let mut at = first;
                for part in slot.parts(first, count) {
                    assert_eq!(
                        (part.param, part.offset),
                        (format!("w/{}", at / 12), at % 12)
                    );
                    assert!(part.len > 0 && part.offset + part.len <= 12);
                    at += part.len;
                }
                assert_eq!(at, first + count);
            }
        }
    }
}
