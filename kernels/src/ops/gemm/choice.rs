//! Which shader makes a product.

use super::split::Split;
use super::variant::{Bare, Quads, Rows, Strips, Tiles, Variant};
use crate::shader::{Capabilities, Choice, Class, Kind, Product, Style};

/// Operations of a product of few rows that is worth quads of 16x16, which take SwiftShader half a second
/// to compile.
const SMALL: f64 = (1_u64 << 22) as f64;
/// Operations of a product that is worth the quads of 32x16: SwiftShader takes a second to compile
/// them, and they are 1.3 times as fast as those before.
const BIG: f64 = (1_u64 << 25) as f64;
/// The same for 64x16: three seconds, and 1.1 times as fast again.
const HUGE: f64 = (1_u64 << 28) as f64;

impl Variant {
    /// The variant for a product: the one that is forced, or that a trial found to be the fastest
    /// for its class, or else the likeliest.
    pub fn chosen(choice: &Choice, product: &Product) -> Self {
        let capabilities = &*choice.capabilities;
        let tuned = || choice.tuning.get(&Class::of(product));
        let named = choice.forced.or_else(tuned);
        let named = named.and_then(|name| Self::named(name, capabilities));
        named.unwrap_or_else(|| {
            let candidates = Self::candidates(capabilities, product);
            // Where nothing right is left, the device is not trusted any more, but must not stop.
            let first = candidates.first().copied();
            first.unwrap_or_else(|| Self::suited(capabilities, product)[0])
        })
    }

    /// What may suit a product here, the likeliest first and at most six, without what was left
    /// out: a pure function of device and sizes. There are several only where a trial pays; on a
    /// software adapter it would take longer than what it could save, and the figures are known
    /// (`BENCHMARKS.md`).
    pub fn candidates(capabilities: &Capabilities, product: &Product) -> Vec<Self> {
        let right = |variant: &Self| !capabilities.left_out.contains(variant.name());
        let mut found = Self::suited(capabilities, product);
        found.retain(right);
        if found.is_empty() {
            // The next smaller one, or else any.
            let all = Self::all(capabilities);
            let suited = Self::suited(capabilities, product)[0];
            let at = all.iter().position(|&v| v == suited).unwrap_or(0);
            let (smaller, larger) = all.split_at(at);
            found.extend(smaller.iter().rev().chain(larger).copied().find(right));
        }
        found
    }

    /// Every variant that may be chosen on a device, the smallest tile first.
    pub fn all(capabilities: &Capabilities) -> Vec<Self> {
        let suits = |variant: &Self| match variant {
            Variant::Quads(_) => capabilities.style == Style::Lanes && capabilities.subgroups,
            Variant::Lanes => capabilities.style == Style::Lanes,
            Variant::Tiles(_)
            | Variant::Strips(_)
            | Variant::Split
            | Variant::Bare(_)
            | Variant::Rows(_) => capabilities.style == Style::Tiles,
        };
        Self::ALL.into_iter().filter(suits).collect()
    }

    /// The variants that suit a product, the likeliest first, whether they are left out or not.
    fn suited(capabilities: &Capabilities, product: &Product) -> Vec<Self> {
        let Product { m, n, k, .. } = *product;
        if capabilities.style == Style::Lanes {
            // With eight lanes, as Mesa's, they gain nothing; nor do they where rows are filled up.
            let suits = |size, rows| {
                let filled_up = 3 * m.next_multiple_of(rows) >= 4 * m.next_multiple_of(16);
                capabilities.lanes == 4 && product.flops() >= size && !filled_up
            };
            return vec![match capabilities.subgroups {
                false => Variant::Lanes,
                true if m <= 4 => Variant::Quads(Quads::By4x8),
                true if m <= 8 || n < 64 => Variant::Quads(Quads::By8x8),
                true if m <= 32 && product.flops() < SMALL => Variant::Quads(Quads::By8x8),
                true if suits(HUGE, 64) => Variant::Quads(Quads::By64x16),
                true if suits(BIG, 32) => Variant::Quads(Quads::By32x16),
                true => Variant::Quads(Quads::By16x16),
            }];
        }
        // The first as measured on an H200 (BENCHMARKS.md); where fewer tiles fill the card, or others suit it
        // better, the trial says so.
        use Variant::{Bare as B, Strips as S, Tiles as T};
        let tiles = |high: usize, wide: usize| m.div_ceil(high) * n.div_ceil(wide);
        let mut found = if m <= 16 {
            vec![
                T(Tiles::By16x64In4),
                T(Tiles::By32x32In4),
                S(Strips::By32x32In4),
                B(Bare::By4x4),
            ]
        } else if tiles(128, 64) >= 512 {
            vec![
                T(Tiles::By128x64),
                T(Tiles::By64x64Of8x8),
                S(Strips::By128x64),
                S(Strips::By64x64Ahead),
                S(Strips::By64x32),
                B(Bare::By8x4),
            ]
        } else if tiles(64, 64) >= 512 {
            vec![
                T(Tiles::By64x64Of8x8),
                T(Tiles::By128x64),
                S(Strips::By64x64),
                S(Strips::By64x64Ahead),
                S(Strips::By64x32),
                B(Bare::By8x4),
            ]
        } else if tiles(64, 64) >= 192 {
            vec![
                T(Tiles::By64x64),
                T(Tiles::By64x64Of8x8),
                T(Tiles::By32x32In4),
                S(Strips::By64x64),
                S(Strips::By64x32),
                B(Bare::By8x4),
            ]
        } else {
            vec![
                T(Tiles::By32x32In4),
                T(Tiles::By64x64),
                S(Strips::By32x32In4),
                S(Strips::By64x32),
                B(Bare::By4x4),
                Variant::Split,
            ]
        };
        if !Split::of(product).is_worth_it() {
            found.retain(|&variant| variant != Variant::Split);
        }
        // Slices share out k, and need some.
        if k < 64 {
            found.retain(|variant| !variant.has_slices());
            if !found.iter().any(|variant| matches!(variant, T(_))) {
                found.insert(0, T(Tiles::By64x64));
            }
        }
        // A weight as it is stored is read along k, by neighbouring threads.
        if product.kind == Kind::Nt && m <= 8 {
            let rows = match m {
                1 => Rows::By1,
                2..=4 => Rows::By4,
                _ => Rows::By8,
            };
            found.insert(0, Variant::Rows(rows));
        }
        found
    }

    /// Whether it deals k out to slices of a workgroup.
    fn has_slices(self) -> bool {
        matches!(
            self,
            Variant::Tiles(Tiles::By16x64In4 | Tiles::By32x32In4)
                | Variant::Strips(Strips::By32x32In4)
        )
    }

    /// The variant of this name, if it is one for such a device and was not left out.
    pub fn named(name: &str, capabilities: &Capabilities) -> Option<Self> {
        let mut all = Self::all(capabilities).into_iter();
        all.find(|variant| variant.name() == name && !capabilities.left_out.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn product(kind: Kind, [m, n, k]: [usize; 3]) -> Product {
        let a_columns = [0, if kind == Kind::Tn { m } else { k }];
        Product {
            kind,
            m,
            n,
            k,
            a_columns,
            c_columns: [0, n],
            half: false,
        }
    }

    fn capabilities(style: Style, subgroups: bool) -> Capabilities {
        Capabilities {
            style,
            subgroups,
            lanes: 4,
            max_binding: 1 << 27,
            max_buffer: 1 << 28,
            left_out: BTreeSet::new(),
        }
    }

    fn names(style: Style, subgroups: bool, kind: Kind, sizes: [usize; 3]) -> Vec<&'static str> {
        let product = product(kind, sizes);
        let variants = Variant::candidates(&capabilities(style, subgroups), &product);
        variants.into_iter().map(Variant::name).collect()
    }

    #[test]
    fn a_software_adapter_has_one_choice() {
        let choice = |subgroups, kind, sizes| names(Style::Lanes, subgroups, kind, sizes);
        assert_eq!(choice(true, Kind::Nt, [128, 768, 768]), ["quads-32x16"]);
        assert_eq!(choice(true, Kind::Nt, [512, 512, 512]), ["quads-64x16"]);
        assert_eq!(choice(true, Kind::Nt, [128, 256, 256]), ["quads-16x16"]);
        assert_eq!(choice(true, Kind::Nt, [33, 768, 768]), ["quads-16x16"]);
        assert_eq!(choice(true, Kind::Tn, [2, 384, 32]), ["quads-4x8"]);
        assert_eq!(choice(true, Kind::Nn, [16, 384, 384]), ["quads-16x16"]);
        assert_eq!(choice(true, Kind::Nn, [8, 384, 384]), ["quads-8x8"]);
        assert_eq!(choice(true, Kind::Nn, [16, 128, 128]), ["quads-8x8"]);
        assert_eq!(choice(false, Kind::Nt, [128, 768, 768]), ["lanes-8x8"]);
        assert_eq!(choice(true, Kind::Nt, [128, 768, 3]), ["quads-16x16"]);
    }

    #[test]
    fn a_gpu_tries_a_few_that_suit_the_sizes() {
        let choice = |sizes| names(Style::Tiles, true, Kind::Nt, sizes);
        let few = [
            "tiles-16x64-4",
            "tiles-32x32-4",
            "strips-32x32-4",
            "bare-4x4",
        ];
        assert_eq!(choice([16, 384, 384]), few);
        assert_eq!(choice([2048, 3072, 768])[0], "tiles-128x64");
        assert_eq!(choice([128, 384, 1536])[0], "tiles-32x32-4");
        assert_eq!(choice([2048, 768, 768])[0], "tiles-64x64");
        assert_eq!(choice([1024, 3072, 768])[0], "tiles-64x64-8x8");
        assert_eq!(choice([16, 384, 32]), ["tiles-64x64", "bare-4x4"]);
        assert_eq!(choice([128, 384, 32])[0], "tiles-64x64");
        assert_eq!(choice([1, 30_522, 768])[0], "rows-1");
        assert_eq!(choice([3, 768, 768])[0], "rows-4");
        assert_eq!(choice([8, 768, 768])[0], "rows-8");
        for m in [1, 7, 16, 17, 128, 4096] {
            for n in [1, 2, 384, 30_522] {
                for k in [1, 64, 3072] {
                    assert!((1..=6).contains(&choice([m, n, k]).len()));
                }
            }
        }
    }

    #[test]
    fn what_is_left_out_is_no_candidate_and_something_right_takes_its_place() {
        let candidates = |style, left_out: &[&str], sizes| {
            let mut capabilities = capabilities(style, true);
            capabilities.left_out = left_out.iter().map(|&name| name.to_owned()).collect();
            let found = Variant::candidates(&capabilities, &product(Kind::Nt, sizes));
            found.into_iter().map(Variant::name).collect::<Vec<_>>()
        };
        let large = [2048, 3072, 768];
        let tiles = |left_out: &[&str]| candidates(Style::Tiles, left_out, large);
        let all = tiles(&[]);
        assert_eq!(tiles(&["tiles-128x64"]), all[1..]);
        assert_eq!(tiles(&all), ["tiles-64x64"]);
        let lanes = |left_out: &[&str]| candidates(Style::Lanes, left_out, [128, 768, 768]);
        assert_eq!(lanes(&["quads-32x16"]), ["quads-16x16"]);
        let all = Variant::ALL.map(Variant::name);
        assert!(candidates(Style::Tiles, &all, large).is_empty());
    }
}
