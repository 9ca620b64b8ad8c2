//! How K is dealt out to workgroups where a product has few tiles: a weight's gradient, or a short text's
//! layer. Each makes the sums over its part of K, and a second dispatch adds these up, always in the same
//! order: the same bits every time.

use crate::shader::Product;

/// Rows and columns of the tile.
const TILE: [usize; 2] = [64, 32];
/// Parts of K are multiples of what passes through shared memory at a time.
const SLAB: usize = 16;
/// Workgroups that fill a card.
const FULL: usize = 512;
/// The fewest k of a part, and the most parts.
const LEAST: usize = 64;
const MOST_PARTS: usize = 8;
/// The most numbers that all parts take together: 16 MiB.
const MOST_SCRATCH: usize = 1 << 22;
/// Rows and vectors of four columns that a workgroup adds up.
const SUMS: [usize; 2] = [4, 16];

/// How one product is dealt out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    pub parts: usize,
    /// k of each but the last, which may have fewer.
    pub k_part: usize,
    /// Numbers of all parts' sums, `[parts, M, N to the next four]`.
    pub scratch: usize,
    /// Of the second dispatch.
    pub workgroups: [u32; 3],
}

impl Split {
    /// A pure function of the sizes. There is one part where more have no room, or are not worth it.
    pub fn of(product: &Product) -> Self {
        let Product { m, n, k, .. } = *product;
        let tiles = m.div_ceil(TILE[0]) * n.div_ceil(TILE[1]);
        let sums = m * n.next_multiple_of(4);
        let most = [k.div_ceil(LEAST), MOST_PARTS, MOST_SCRATCH / sums];
        let parts = most.into_iter().fold(FULL.div_ceil(tiles), usize::min);
        let k_part = k.div_ceil(parts.max(1)).next_multiple_of(SLAB);
        let parts = k.div_ceil(k_part);
        let groups = |length: usize, of: usize| length.div_ceil(of) as u32;
        Self {
            parts,
            k_part,
            scratch: parts * sums,
            workgroups: [groups(n.div_ceil(4), SUMS[1]), groups(m, SUMS[0]), 1],
        }
    }

    /// Whether that may pay.
    pub fn is_worth_it(&self) -> bool {
        self.parts > 1 && self.parts * self.k_part >= 8 * LEAST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shader::Kind;

    fn split([m, n, k]: [usize; 3]) -> Split {
        Split::of(&Product {
            kind: Kind::Tn,
            m,
            n,
            k,
            a_columns: [0, m],
            c_columns: [0, n],
            half: false,
        })
    }

    #[test]
    fn parts_cover_k_where_tiles_are_few() {
        let sizes = |sizes| {
            let Split { parts, k_part, .. } = split(sizes);
            [parts, k_part]
        };
        assert_eq!(sizes([768, 768, 2048]), [2, 1024]);
        assert_eq!(sizes([128, 768, 3072]), [8, 384]);
        assert_eq!(sizes([128, 768, 100]), [2, 64]);
        assert_eq!(sizes([4096, 4096, 4096]), [1, 4096]);
        for m in [1, 100, 2048, 30_522] {
            for k in [1, 63, 65, 1000, 4096] {
                let Split {
                    parts,
                    k_part,
                    scratch,
                    ..
                } = split([m, 768, k]);
                assert!((parts - 1) * k_part < k && k <= parts * k_part);
                assert!(k_part.is_multiple_of(SLAB));
                assert!(parts == 1 || scratch <= MOST_SCRATCH);
            }
        }
    }

    #[test]
    fn a_short_sum_is_not_dealt_out() {
        assert!(split([768, 768, 2048]).is_worth_it());
        assert!(!split([128, 768, 256]).is_worth_it());
        assert!(!split([4096, 4096, 4096]).is_worth_it());
    }
}
