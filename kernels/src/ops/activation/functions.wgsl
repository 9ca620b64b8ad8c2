// Activation functions, chosen by the override constant ACTIVATION:
//   0 none
//   1 GELU            x/2 (1 + erf(x/sqrt 2))                        Hendrycks & Gimpel 2016
//   2 GELU, tanh form x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))  the same, eq. 2
//   3 tanh
//   4 ReLU
//   5 SiLU            x s(x), s(x) = 1 / (1 + exp(-x))               the same, section 2
//   6 GELU, quick     x s(1.702 x)                                   the same
// What is no number stays none.

override ACTIVATION: u32 = 0u;

// erf(x) as a rational function of x on [-4, 4], beyond which it rounds to +-1; the coefficients
// are the single-precision ones of Eigen (MPL-2.0) and XLA, within 3 units in the last place.
fn erf(v: f32) -> f32 {
    let x = clamp(v, -4.0, 4.0);
    let x2 = x * x;
    var p = -2.72614225801306e-10;
    p = fma(p, x2, 2.77068142495902e-08);
    p = fma(p, x2, -2.10102402082508e-06);
    p = fma(p, x2, -5.69250639462346e-05);
    p = fma(p, x2, -7.34990630326855e-04);
    p = fma(p, x2, -2.95459980854025e-03);
    p = fma(p, x2, -1.60960333262415e-02);
    var q = -1.45660718464996e-05;
    q = fma(q, x2, -2.13374055278905e-04);
    q = fma(q, x2, -1.68282697438203e-03);
    q = fma(q, x2, -7.37332916720468e-03);
    q = fma(q, x2, -1.42647390514189e-02);
    return nan_where(is_nan(v), x * p / q);
}

// tanh that neither overflows in its exponential nor loses small arguments or NaN.
fn safe_tanh(v: f32) -> f32 {
    let x = clamp(v, -9.0, 9.0);
    if (abs(x) < 0.0625) {
        let x2 = x * x;
        return x * fma(x2, fma(x2, 0.13333333, -0.33333333), 1.0);
    }
    let e = exp(2.0 * x);
    return nan_where(is_nan(v), (e - 1.0) / (e + 1.0));
}

// 1 / (1 + exp(-x)), without a number that overflows; NaN stays.
fn logistic(v: f32) -> f32 {
    let x = clamp(v, -80.0, 80.0);
    return nan_where(is_nan(v), 1.0 / (1.0 + exp(-x)));
}

// The slope of x s(x), which is that of x s(k x) at x / k too.
fn logistic_slope(x: f32) -> f32 {
    let s = logistic(x);
    return s * fma(x, 1.0 - s, 1.0);
}

fn activate(x: f32) -> f32 {
    if (ACTIVATION == 1u) { return 0.5 * x * (1.0 + erf(x * 0.70710678)); }
    if (ACTIVATION == 2u) { return 0.5 * x * (1.0 + safe_tanh(0.79788456 * fma(0.044715 * x, x * x, x))); }
    if (ACTIVATION == 3u) { return safe_tanh(x); }
    if (ACTIVATION == 4u) { return select(max(x, 0.0), x, is_nan(x)); }
    if (ACTIVATION == 5u) { return x * logistic(x); }
    if (ACTIVATION == 6u) { return x * logistic(1.702 * x); }
    return x;
}

// The derivative of `activate`.
fn slope(x: f32) -> f32 {
    if (ACTIVATION == 1u) {
        // Phi(x) + x phi(x)
        return 0.5 * (1.0 + erf(x * 0.70710678)) + x * 0.39894228 * exp(-0.5 * x * x);
    }
    if (ACTIVATION == 2u) {
        let t = safe_tanh(0.79788456 * fma(0.044715 * x, x * x, x));
        return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * 0.79788456 * fma(0.134145 * x, x, 1.0);
    }
    if (ACTIVATION == 3u) {
        let t = safe_tanh(x);
        return 1.0 - t * t;
    }
    if (ACTIVATION == 4u) { return select(0.0, 1.0, x > 0.0); }
    if (ACTIVATION == 5u) { return logistic_slope(x); }
    if (ACTIVATION == 6u) { return logistic_slope(1.702 * x); }
    return 1.0;
}
