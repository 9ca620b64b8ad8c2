//! Loops over rows of numbers, a register at a time.

use super::{Lanes, Real};

/// At least the lanes of any type.
const MOST: usize = 8;
/// Groups of lanes that a sum runs in: one addition need not wait for the last, and fewer roundings
/// lie behind each (Higham 2002, §4.2).
const SUMS: usize = 2;

/// The numbers from `at` on, as many as there are lanes.
#[inline(always)]
fn load<F: Real>(row: &[F], at: usize) -> F::Lanes {
    F::Lanes::load(&row[at..][..F::Lanes::COUNT])
}

/// The numbers from `at` to the end, fewer than there are lanes, and zeros.
#[inline(always)]
fn load_rest<F: Real>(row: &[F], at: usize) -> F::Lanes {
    let mut padded = [F::default(); MOST];
    padded[..row.len() - at].copy_from_slice(&row[at..]);
    F::Lanes::load(&padded[..F::Lanes::COUNT])
}

/// `out = f(out, inputs)`, number by number; every input is as long as `out`.
#[inline(always)]
pub fn update<F: Real, const N: usize>(
    out: &mut [F],
    inputs: [&[F]; N],
    f: impl Fn(F::Lanes, [F::Lanes; N]) -> F::Lanes,
) {
    let count = F::Lanes::COUNT;
    let inputs = inputs.map(|row| &row[..out.len()]);
    let whole = out.len() / count * count;
    for at in (0..whole).step_by(count) {
        let found = f(load(out, at), inputs.map(|row| load(row, at)));
        found.store(&mut out[at..][..count]);
    }
    if whole < out.len() {
        let found = f(
            load_rest(out, whole),
            inputs.map(|row| load_rest(row, whole)),
        );
        let mut padded = [F::default(); MOST];
        found.store(&mut padded[..count]);
        let rest = &mut out[whole..];
        rest.copy_from_slice(&padded[..rest.len()]);
    }
}

/// `Σ f(inputs)` over rows of one length.
#[inline(always)]
pub fn sum_of<F: Real, const N: usize>(
    inputs: [&[F]; N],
    f: impl Fn([F::Lanes; N]) -> F::Lanes,
) -> F {
    let count = F::Lanes::COUNT;
    let len = inputs[0].len();
    let inputs = inputs.map(|row| &row[..len]);
    let mut sums = [F::Lanes::splat(F::default()); SUMS];
    let block = SUMS * count;
    let blocks = len / block * block;
    for at in (0..blocks).step_by(block) {
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = *sum + f(inputs.map(|row| load(row, at + i * count)));
        }
    }
    let whole = len / count * count;
    for at in (blocks..whole).step_by(count) {
        sums[0] = sums[0] + f(inputs.map(|row| load(row, at)));
    }
    let lanes = |x: F::Lanes, count: usize| {
        let mut all = [F::default(); MOST];
        x.store(&mut all[..F::Lanes::COUNT]);
        all.into_iter().take(count).sum::<F>()
    };
    let sum = lanes(sums[0] + sums[1], count);
    if whole == len {
        return sum;
    }
    sum + lanes(f(inputs.map(|row| load_rest(row, whole))), len - whole)
}

/// `Σ x` over a row.
pub fn sum<F: Real>(x: &[F]) -> F {
    sum_of([x], |[x]| x)
}

/// `Σ x y` over two rows of one length.
pub fn dot<F: Real>(x: &[F], y: &[F]) -> F {
    sum_of([x, y], |[x, y]| x * y)
}

/// Whether there is neither NaN nor an infinity in a row.
pub fn all_finite<F: Real>(x: &[F]) -> bool {
    let zero = F::Lanes::splat(F::default());
    // Of anything else the product is NaN, and so is the sum.
    sum_of([x], |[x]| x * zero) == F::default()
}

/// The largest number of a row that is not empty.
pub fn largest<F: Real>(x: &[F]) -> F {
    let count = F::Lanes::COUNT;
    let whole = x.len() / count * count;
    let mut lanes = F::Lanes::splat(x[0]);
    for at in (0..whole).step_by(count) {
        lanes = lanes.max(load(x, at));
    }
    let mut all = [x[0]; MOST];
    lanes.store(&mut all[..count]);
    let rest = x[whole..].iter().copied();
    all.into_iter().chain(rest).fold(x[0], F::max)
}

/// Adds a row to another.
pub fn add<F: Real>(out: &mut [F], x: &[F]) {
    update(out, [x], |out, [x]| out + x);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths on both sides of every border between lanes, groups and rest.
    const LENGTHS: std::ops::RangeInclusive<usize> = 0..=2 * SUMS * MOST + 1;

    /// Small integers, whose sums and products are exact in any order.
    fn integers<F: Real>(len: usize, factor: usize) -> Vec<F> {
        let integer = |i: usize| F::new((i * factor % 17) as f64 - 8.0);
        (0..len).map(integer).collect()
    }

    fn assert_loops_go_over_every_number_once<F: Real>() {
        for len in LENGTHS {
            let (x, y) = (integers::<F>(len, 5), integers::<F>(len, 3));
            let pairs = || x.iter().zip(&y).map(|(x, y)| (x.f64(), y.f64()));
            let expected: f64 = pairs().map(|(x, y)| x * y).sum();
            assert_eq!(dot(&x, &y).f64(), expected, "{len}");
            // What stands in for missing numbers must not count, whatever the function makes of it.
            let three = F::Lanes::splat(F::new(3.0));
            let expected: f64 = pairs().map(|(x, _)| x + 3.0).sum();
            assert_eq!(sum_of([&x], |[x]| x + three).f64(), expected, "{len}");
            let mut out = y.clone();
            update(&mut out, [&x], |y, [x]| y * three - x);
            for ((x, y), out) in pairs().zip(out) {
                assert_eq!(out.f64(), 3.0 * y - x, "{len}");
            }
        }
    }

    #[test]
    fn loops_go_over_every_number_once() {
        assert_loops_go_over_every_number_once::<f32>();
        assert_loops_go_over_every_number_once::<f64>();
    }

    #[test]
    fn what_is_not_finite_is_found_wherever_it_stands() {
        for len in LENGTHS {
            let row = vec![f32::MAX; len];
            assert!(all_finite(&row), "{len}");
            for (place, none) in (0..len).zip(
                [f32::NAN, f32::INFINITY, -f32::INFINITY]
                    .into_iter()
                    .cycle(),
            ) {
                let mut row = row.clone();
                row[place] = none;
                assert!(!all_finite(&row), "{none} at {place} of {len}");
            }
        }
    }

    #[test]
    fn the_largest_is_found_wherever_it_stands() {
        for len in LENGTHS.skip(1) {
            for place in 0..len {
                // All below zero, which padding would win against.
                let mut row = vec![-2.0f32; len];
                row[place] = -1.0;
                assert_eq!(largest(&row), -1.0, "{place} of {len}");
            }
        }
    }
}
