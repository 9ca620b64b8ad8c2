//! What shaders for products there are.

use super::kernels::{
    BARE_4X4, BARE_8X4, LANES_8X8, QUADS_4X8, QUADS_8X8, QUADS_16X16, QUADS_32X16, QUADS_64X16,
    ROWS_1, ROWS_4, ROWS_8, SPLIT, STRIPS_32, STRIPS_64, STRIPS_64_AHEAD, STRIPS_64X32,
    STRIPS_128X64, TILES_16, TILES_32, TILES_64, TILES_64_OF_8, TILES_128X64,
};
use crate::shader::{Capabilities, Kernel, Kind, Product};

/// A shader with its tile.
///
/// Whatever makes a product is one of these, and no other code knows which there are: a further one is a row
/// here and in what this file says of each, a line of `Variant::all` with what an adapter must have
/// ([`Capabilities`]), and a place among the candidates (`choice.rs`). The self-test, trials, records and
/// leaving out go by its name. So would products by matrices of a subgroup's (an extension of some drivers,
/// not of WebGPU): a flag of the adapter's, a shader that stores by [`Store`], and f32 sums, or else it is
/// another operation with tolerances of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// No shared memory, a quad hands loads around: this many rows by columns a lane.
    Quads(Quads),
    /// The same without subgroups.
    Lanes,
    /// Shared memory and barriers.
    Tiles(Tiles),
    /// The same, with factors that are loaded along rows and lie in shared memory as they do elsewhere.
    Strips(Strips),
    /// Strips whose k is dealt out to workgroups; a second dispatch adds up.
    Split,
    /// For GPUs too, but neither shared memory nor barriers: this many rows by columns a thread.
    Bare(Bare),
    /// Few rows at once, threads that share a column of the result.
    Rows(Rows),
}

/// Sums a lane keeps, rows by columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quads {
    By4x8,
    By8x8,
    By16x16,
    By32x16,
    By64x16,
}

/// Sizes of the tile of a workgroup, and the slices that its k are dealt to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tiles {
    By16x64In4,
    By32x32In4,
    By64x64,
    By64x64Of8x8,
    By128x64,
}

/// The same; one loads the next slab before it makes the sums of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strips {
    By32x32In4,
    By64x32,
    By64x64,
    By64x64Ahead,
    By128x64,
}

/// Sums a thread keeps, rows by columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bare {
    By4x4,
    By8x4,
}

/// How a shader for GPUs stores what it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    /// Each column by itself.
    Each,
    /// Four columns at a time, where these begin at whole vectors.
    Fours,
}

/// Rows that are made at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    By1,
    By4,
    By8,
}

impl Variant {
    pub(super) const ALL: [Self; 22] = [
        Variant::Quads(Quads::By4x8),
        Variant::Quads(Quads::By8x8),
        Variant::Quads(Quads::By16x16),
        Variant::Quads(Quads::By32x16),
        Variant::Quads(Quads::By64x16),
        Variant::Lanes,
        Variant::Rows(Rows::By1),
        Variant::Rows(Rows::By4),
        Variant::Rows(Rows::By8),
        Variant::Tiles(Tiles::By16x64In4),
        Variant::Tiles(Tiles::By32x32In4),
        Variant::Tiles(Tiles::By64x64),
        Variant::Tiles(Tiles::By64x64Of8x8),
        Variant::Tiles(Tiles::By128x64),
        Variant::Bare(Bare::By4x4),
        Variant::Bare(Bare::By8x4),
        Variant::Strips(Strips::By32x32In4),
        Variant::Strips(Strips::By64x32),
        Variant::Strips(Strips::By64x64),
        Variant::Strips(Strips::By64x64Ahead),
        Variant::Strips(Strips::By128x64),
        Variant::Split,
    ];

    /// The name by which a choice is remembered.
    pub fn name(self) -> &'static str {
        let name = self.kernel(Kind::Nt, Store::Each).variant;
        name.expect("every shader here belongs to a variant")
    }

    /// Its shader for a product.
    pub fn kernel_for(self, product: &Product) -> &'static Kernel {
        self.kernel(product.kind, product.store())
    }

    /// What its shaders for a kind of product are called in reports.
    pub fn kernel_name(self, kind: Kind) -> &'static str {
        self.kernel(kind, Store::Each).name
    }

    fn kernel(self, kind: Kind, store: Store) -> &'static Kernel {
        let of_kind = |kernels: &'static [Kernel; 3]| &kernels[kind as usize];
        let storing = |kernels: &'static [Kernel; 2]| &kernels[store as usize];
        match self {
            Variant::Quads(Quads::By4x8) => of_kind(&QUADS_4X8),
            Variant::Quads(Quads::By8x8) => of_kind(&QUADS_8X8),
            Variant::Quads(Quads::By16x16) => of_kind(&QUADS_16X16),
            Variant::Quads(Quads::By32x16) => of_kind(&QUADS_32X16),
            Variant::Quads(Quads::By64x16) => of_kind(&QUADS_64X16),
            Variant::Lanes => of_kind(&LANES_8X8),
            Variant::Rows(Rows::By1) => &ROWS_1,
            Variant::Rows(Rows::By4) => &ROWS_4,
            Variant::Rows(Rows::By8) => &ROWS_8,
            Variant::Tiles(Tiles::By16x64In4) => storing(&TILES_16),
            Variant::Tiles(Tiles::By32x32In4) => storing(&TILES_32),
            Variant::Tiles(Tiles::By64x64) => storing(&TILES_64),
            Variant::Tiles(Tiles::By64x64Of8x8) => storing(&TILES_64_OF_8),
            Variant::Tiles(Tiles::By128x64) => storing(&TILES_128X64),
            Variant::Strips(Strips::By32x32In4) => storing(&STRIPS_32),
            Variant::Strips(Strips::By64x32) => storing(&STRIPS_64X32),
            Variant::Strips(Strips::By64x64) => storing(&STRIPS_64),
            Variant::Strips(Strips::By64x64Ahead) => storing(&STRIPS_64_AHEAD),
            Variant::Strips(Strips::By128x64) => storing(&STRIPS_128X64),
            Variant::Split => &SPLIT,
            Variant::Bare(Bare::By4x4) => storing(&BARE_4X4),
            Variant::Bare(Bare::By8x4) => storing(&BARE_8X4),
        }
    }

    /// Columns and rows of the result that a workgroup makes.
    pub fn tile(self, capabilities: &Capabilities) -> [u32; 2] {
        let lanes = capabilities.lanes;
        match self {
            Variant::Quads(Quads::By4x8) => [8 * lanes, 4],
            Variant::Quads(Quads::By8x8) | Variant::Lanes => [8 * lanes, 8],
            Variant::Quads(Quads::By16x16) => [16 * lanes, 16],
            Variant::Quads(Quads::By32x16) => [16 * lanes, 32],
            Variant::Quads(Quads::By64x16) => [16 * lanes, 64],
            Variant::Rows(Rows::By1) => [32, 1],
            Variant::Rows(Rows::By4) => [32, 4],
            Variant::Rows(Rows::By8) => [32, 8],
            Variant::Tiles(Tiles::By16x64In4) => [64, 16],
            Variant::Tiles(Tiles::By32x32In4) => [32, 32],
            Variant::Tiles(Tiles::By64x64 | Tiles::By64x64Of8x8) => [64, 64],
            Variant::Tiles(Tiles::By128x64) => [64, 128],
            Variant::Strips(Strips::By32x32In4) | Variant::Bare(Bare::By4x4) => [32, 32],
            Variant::Strips(Strips::By64x32) | Variant::Bare(Bare::By8x4) | Variant::Split => {
                [32, 64]
            }
            Variant::Strips(Strips::By64x64 | Strips::By64x64Ahead) => [64, 64],
            Variant::Strips(Strips::By128x64) => [64, 128],
        }
    }

    /// Its `override` constants beside the epilogue's.
    pub fn constants(
        self,
        product: &Product,
        capabilities: &Capabilities,
    ) -> Vec<(&'static str, f64)> {
        if let Variant::Quads(_) | Variant::Lanes = self {
            let mut constants = vec![("WG", f64::from(capabilities.lanes))];
            if product.kind == Kind::Nt {
                constants.push(("B_WHOLE", f64::from(product.k.is_multiple_of(4))));
            }
            return constants;
        };
        let [first, pitch] = product.a_columns;
        let b_pitch = match product.kind {
            Kind::Nt => product.k,
            Kind::Nn | Kind::Tn => product.n,
        };
        let fours = |lengths: &[usize]| lengths.iter().all(|length| length.is_multiple_of(4));
        [
            ("A_ALONG_K", product.kind != Kind::Tn),
            ("B_ALONG_K", product.kind == Kind::Nt),
            ("A_WHOLE", fours(&[first, pitch])),
            ("B_WHOLE", fours(&[b_pitch])),
            ("K_WHOLE", fours(&[product.k])),
        ]
        .map(|(name, value)| (name, f64::from(value)))
        .to_vec()
    }
}

impl Product {
    /// How it may be stored.
    pub(super) fn store(&self) -> Store {
        let [first, pitch] = self.c_columns;
        let whole = [self.n, first, pitch];
        match whole.iter().all(|length| length.is_multiple_of(4)) {
            true => Store::Fours,
            false => Store::Each,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shader_tells_its_variant() {
        for variant in Variant::ALL {
            for kind in [Kind::Nt, Kind::Nn, Kind::Tn] {
                for store in [Store::Each, Store::Fours] {
                    let kernel = variant.kernel(kind, store);
                    assert_eq!(kernel.variant, Some(variant.name()));
                }
            }
        }
    }
}
