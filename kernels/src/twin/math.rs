//! `exp`, `tanh` and `erf` of eight `f32` at a time, without branches or tables. The tests below
//! measure their errors.

use bytemuck::cast;
use wide::{f32x8, i32x8};

/// Horner's scheme, highest coefficient first.
#[inline(always)]
fn polynomial<const N: usize>(x: f32x8, coefficients: [f32; N]) -> f32x8 {
    let coefficients = coefficients.into_iter().map(f32x8::splat);
    coefficients
        .reduce(|sum, c| sum.mul_add(x, c))
        .unwrap_or_default()
}

/// `x`, or the nearer end of the range. What is not a number stays so, unlike with `min` and `max`.
#[inline(always)]
fn bounded(x: f32x8, low: f32, high: f32) -> f32x8 {
    let (low, high) = (f32x8::splat(low), f32x8::splat(high));
    let x = x.simd_lt(low).select(low, x);
    x.simd_gt(high).select(high, x)
}

/// eˣ within 2 units in the last place, with gradual underflow, and infinity above.
///
/// It is 2ⁿ eʳ with `n` the integer next to `x / ln 2`, so |r| ≤ ln 2 / 2, and eʳ from the polynomial of
/// Cephes' `expf` (Moshier 1989).
#[inline(always)]
pub fn exp(x: f32x8) -> f32x8 {
    /// Numbers of this size are integers apart: adding it rounds, and leaves the integer in the
    /// low bits.
    const ROUND: f32 = 1.5 * (1 << 23) as f32;
    /// ln 2 in two parts, of which the first has so few bits that `n` times it is exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    // Beyond these the result is 0 or infinite in any case.
    let x = bounded(x, -104.0, 89.0);
    let round = f32x8::splat(ROUND);
    let shifted = x.mul_add(f32x8::splat(std::f32::consts::LOG2_E), round);
    let n = shifted - round;
    let r = (x - n * f32x8::splat(LN_2[0])) - n * f32x8::splat(LN_2[1]);
    let tail = polynomial(
        r,
        [
            1.987_569_1e-4,
            1.398_199_9e-3,
            8.333_452e-3,
            4.166_579_6e-2,
            1.666_666_5e-1,
            5e-1,
        ],
    );
    let power = (r * r).mul_add(tail, r) + f32x8::splat(1.0);
    // In two steps: where the result is near an end of the range, 2ⁿ is beyond it.
    let n = cast::<f32x8, i32x8>(shifted) - i32x8::splat(ROUND.to_bits() as i32);
    let half = n >> 1;
    let two_to = |n: i32x8| cast::<i32x8, f32x8>((n + i32x8::splat(127)) << 23);
    power * two_to(half) * two_to(n - half)
}

/// tanh x, relative error below 4e-7: a quotient of polynomials fitted up to where it is 1 in `f32`
/// (those of Eigen).
#[inline(always)]
pub fn tanh(x: f32x8) -> f32x8 {
    let x = bounded(x, -7.905_311, 7.905_311);
    let square = x * x;
    let above = polynomial(
        square,
        [
            -2.760_768_5e-16,
            2.000_188e-13,
            -8.604_672e-11,
            5.122_297e-8,
            1.485_722_4e-5,
            6.372_619e-4,
            4.893_524_6e-3,
        ],
    );
    let below = polynomial(
        square,
        [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3],
    );
    x * above / below
}

/// erf x, relative error below 5e-7: as [`tanh`], with the polynomials of Eigen and XLA.
#[inline(always)]
pub fn erf(x: f32x8) -> f32x8 {
    let x = bounded(x, -4.0, 4.0);
    let square = x * x;
    let above = polynomial(
        square,
        [
            -2.726_142_3e-10,
            2.770_681_4e-8,
            -2.101_024e-6,
            -5.692_506_4e-5,
            -7.349_906_3e-4,
            -2.954_6e-3,
            -1.609_603_3e-2,
        ],
    );
    let below = polynomial(
        square,
        [
            -1.456_607_2e-5,
            -2.133_740_5e-4,
            -1.682_827e-3,
            -7.373_329e-3,
            -1.426_473_9e-2,
        ],
    );
    x * above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function's value at one number, which all lanes agree on.
    fn one(f: fn(f32x8) -> f32x8, x: f32) -> f32 {
        let [first, rest @ ..] = f(f32x8::splat(x)).to_array();
        assert!(rest.iter().all(|lane| lane.to_bits() == first.to_bits()));
        first
    }

    /// The largest error of `f` against `exact` over numbers of both signs in [2⁻³⁰, `largest`],
    /// relative to the exact value.
    fn relative_error(f: fn(f32x8) -> f32x8, exact: fn(f64) -> f64, largest: f32) -> f64 {
        // Neighbouring bit patterns are neighbouring numbers: a step through them is even in every
        // binade.
        let (first, last) = (2f32.powi(-30).to_bits(), largest.to_bits());
        let numbers = (first..=last).step_by(997).map(f32::from_bits);
        let errors = numbers.flat_map(|x| [x, -x]).map(|x| {
            let exact = exact(f64::from(x));
            (f64::from(one(f, x)) - exact).abs() / exact.abs()
        });
        errors.fold(0.0, |worst, error| match error <= worst {
            true => worst,
            false => error,
        })
    }

    #[test]
    fn exp_is_right_to_two_units() {
        let error = relative_error(exp, f64::exp, 87.0);
        assert!(error < 2.0 * f64::from(f32::EPSILON) / 2.0, "{error:e}");
    }

    #[test]
    fn exp_ends_in_zero_and_infinity() {
        for x in [-87.5f32, -95.0, -103.0] {
            let error = f64::from(one(exp, x)) - f64::from(x).exp();
            assert!(
                error.abs() <= f64::from(f32::from_bits(1)),
                "{x}: {error:e}"
            );
        }
        assert!((one(exp, 88.7) / 88.7f32.exp() - 1.0).abs() < 3e-7);
        assert_eq!(one(exp, f32::MIN), 0.0);
        assert_eq!(one(exp, f32::NEG_INFINITY), 0.0);
        assert_eq!(one(exp, 89.0), f32::INFINITY);
        assert_eq!(one(exp, f32::INFINITY), f32::INFINITY);
    }

    #[test]
    fn tanh_and_erf_are_as_near_as_documented() {
        let error = relative_error(tanh, f64::tanh, 30.0);
        assert!(error < 4e-7, "tanh: {error:e}");
        let error = relative_error(erf, libm::erf, 10.0);
        assert!(error < 5e-7, "erf: {error:e}");
    }

    #[test]
    fn bounds_hold_and_what_is_no_number_stays_none() {
        for f in [exp, tanh, erf] as [fn(f32x8) -> f32x8; 3] {
            assert!(one(f, f32::NAN).is_nan());
        }
        for f in [tanh, erf] as [fn(f32x8) -> f32x8; 2] {
            assert_eq!(one(f, 0.0), 0.0);
            for x in [3.9f32, 4.0, 7.9, 8.0, 1e30, f32::INFINITY] {
                let (y, mirrored) = (one(f, x), one(f, -x));
                assert!(y <= 1.0 && y == -mirrored, "{x}: {y}");
            }
        }
    }
}
