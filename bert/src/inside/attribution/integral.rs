//! Points and weights of an integral from 0 to 1.

/// The points and weights of Gauss-Legendre quadrature on [0, 1], as `numpy.polynomial.legendre.leggauss` has them on
/// [-1, 1]: exact for polynomials of degree `2 count - 1`. Newton's method on the Legendre polynomial.
pub(super) fn gauss_legendre(count: usize) -> Vec<(f64, f64)> {
    let n = count as f64;
    let point = |i: usize| {
        // A close first guess (Abramowitz and Stegun 22.16.6).
        let mut x = -(std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..100 {
            let (value, derivative) = legendre(count, x);
            slope = derivative;
            let step = value / derivative;
            x -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        let weight = 2.0 / ((1.0 - x * x) * slope * slope);
        ((1.0 + x) / 2.0, weight / 2.0)
    };
    (0..count).map(point).collect()
}

/// The Legendre polynomial of degree `n` at x, and its derivative.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for k in 2..=n {
        let k = k as f64;
        (before, value) = (
            value,
            ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k,
        );
    }
    (value, n as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::gauss_legendre;

    #[test]
    fn polynomials_are_integrated_exactly() {
        for count in [1, 2, 3, 8, 16, 50, 256] {
            let points = gauss_legendre(count);
            assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
            for degree in [0, 1, 2 * count - 1] {
                let found: f64 = points
                    .iter()
                    .map(|(x, weight)| weight * x.powi(degree as i32))
                    .sum();
                let expected = 1.0 / (degree as f64 + 1.0);
                assert!(
                    (found - expected).abs() < 1e-12,
                    "{count}, x^{degree}: {found}"
                );
            }
        }
    }

    #[test]
    fn two_points_are_the_known_ones() {
        let third = 1.0 / 3f64.sqrt();
        let points = gauss_legendre(2);
        assert!((points[0].0 - (1.0 - third) / 2.0).abs() < 1e-15);
        assert!((points[1].1 - 0.5).abs() < 1e-15);
    }
}
