//! Weights from their bytes, and the search for values that are not finite.

use super::Dtype;

/// Appends the elements of `bytes` (little endian, any alignment) to `out` as f32. Exact but for F64, which is rounded.
///
/// `bytes` must be a whole number of elements, as a [`super::Sink`] gets them; a remainder is left out.
/// Elements of [`Dtype::Other`] are not decoded: nothing is appended.
pub fn decode(dtype: Dtype, bytes: &[u8], out: &mut Vec<f32>) {
    match dtype {
        Dtype::F32 => out.extend(words(bytes).map(f32::from_bits)),
        Dtype::F16 => out.extend(halves(bytes).map(f16_to_f32)),
        Dtype::BF16 => out.extend(halves(bytes).map(|h| f32::from_bits(u32::from(h) << 16))),
        Dtype::F64 => out.extend(doubles(bytes)),
        Dtype::Other(_) => {}
    }
}

/// Index of the first NaN or infinity among the elements of `bytes`, taken as f32, if there is one.
pub fn first_non_finite(dtype: Dtype, bytes: &[u8]) -> Option<usize> {
    // A float is finite exactly if its exponent bits are not all ones.
    match dtype {
        Dtype::F32 => scan(bytes, 4, |block| {
            words(block).fold(false, |bad, w| bad | (w & 0x7f80_0000 == 0x7f80_0000))
        }),
        Dtype::F16 => scan(bytes, 2, |block| {
            halves(block).fold(false, |bad, h| bad | (h & 0x7c00 == 0x7c00))
        }),
        Dtype::BF16 => scan(bytes, 2, |block| {
            halves(block).fold(false, |bad, h| bad | (h & 0x7f80 == 0x7f80))
        }),
        Dtype::F64 => scan(bytes, 8, |block| {
            doubles(block).fold(false, |bad, x| bad | !x.is_finite())
        }),
        Dtype::Other(_) => None,
    }
}

/// Tests whole blocks, which the compiler turns into wide instructions, and only a bad block by element.
fn scan(bytes: &[u8], size: usize, bad: impl Fn(&[u8]) -> bool) -> Option<usize> {
    const BLOCK: usize = 4096;
    let block = bytes.chunks(BLOCK).position(&bad)?;
    let element = bytes[block * BLOCK..].chunks_exact(size).position(bad)?;
    Some(block * (BLOCK / size) + element)
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word))
}

/// Doubles, rounded to f32; one beyond its range becomes infinite.
fn doubles(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|double| f64::from_le_bytes(*double) as f32)
}

fn halves(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|half| u16::from_le_bytes(*half))
}

/// Moves exponent and fraction to their f32 places and rebiases by an exact multiplication, which also
/// normalises subnormals. No branch on the value, so it vectorises.
fn f16_to_f32(half: u16) -> f32 {
    let half = u32::from(half);
    let rebias = f32::from_bits((127 + 112) << 23);
    let magnitude = (f32::from_bits((half & 0x7fff) << 13) * rebias).to_bits();
    let infinite = if half & 0x7c00 == 0x7c00 {
        0x7f80_0000
    } else {
        0
    };
    f32::from_bits(magnitude | infinite | (half & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_decodes_exactly() {
        let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        let (mut f16, mut bf16) = (Vec::new(), Vec::new());
        decode(Dtype::F16, &bytes, &mut f16);
        decode(Dtype::BF16, &bytes, &mut bf16);
        for bits in 0..=u16::MAX {
            let got = [f16[bits as usize], bf16[bits as usize]];
            let want = [
                half::f16::from_bits(bits).to_f32(),
                half::bf16::from_bits(bits).to_f32(),
            ];
            for (got, want) in got.into_iter().zip(want) {
                assert!(
                    got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan(),
                    "{bits:#x}"
                );
            }
        }
    }

    #[test]
    fn decode_appends_and_takes_unaligned_bytes() {
        let mut out = vec![7.0];
        let bytes: Vec<u8> = [0]
            .into_iter()
            .chain([1.5f32, -2.0].iter().flat_map(|x| x.to_le_bytes()))
            .collect();
        decode(Dtype::F32, &bytes[1..], &mut out);
        assert_eq!(out, [7.0, 1.5, -2.0]);
    }

    #[test]
    fn doubles_are_rounded_and_must_fit() {
        let bytes =
            |values: &[f64]| -> Vec<u8> { values.iter().flat_map(|x| x.to_le_bytes()).collect() };
        let mut out = Vec::new();
        decode(Dtype::F64, &bytes(&[1.5, 0.1, -1e-300]), &mut out);
        assert_eq!(out, [1.5, 0.1f32, 0.0]);
        for bad in [f64::NAN, f64::NEG_INFINITY, 3.5e38] {
            let bytes = bytes(&[1.0, 3.4e38, bad]);
            assert_eq!(first_non_finite(Dtype::F64, &bytes), Some(2), "{bad}");
            assert_eq!(first_non_finite(Dtype::F64, &bytes[..16]), None);
        }
    }

    #[test]
    fn the_first_value_that_is_not_finite_is_found() {
        for (dtype, size, nan, infinity, largest) in [
            (Dtype::F32, 4, 0x7fc0_0000u32, 0xff80_0000, 0x7f7f_ffff),
            (Dtype::F16, 2, 0x7e00, 0xfc00, 0x7bff),
            (Dtype::BF16, 2, 0x7fc0, 0xff80, 0x7f7f),
        ] {
            for bad in [nan, infinity] {
                for at in [0usize, 1, 1023, 1024, 2047, 2048, 5000] {
                    let values = (0..=5001).map(|i| if i >= at { bad } else { largest });
                    let bytes: Vec<u8> = values
                        .flat_map(|bits: u32| bits.to_le_bytes().into_iter().take(size))
                        .collect();
                    assert_eq!(first_non_finite(dtype, &bytes), Some(at), "{dtype}");
                    assert_eq!(
                        first_non_finite(dtype, &bytes[..at * size]),
                        None,
                        "{dtype}"
                    );
                }
            }
        }
    }
}
