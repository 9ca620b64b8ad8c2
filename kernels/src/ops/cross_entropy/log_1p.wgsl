// log(1 + x) for x >= 0. Near 0, log itself is only good for an absolute error (WGSL, "Accuracy"):
// there 2 atanh(x / (x + 2)) as a series, whose next term is below 1e-8 of the first.
fn log_1p(x: f32) -> f32 {
    if (x > 0.5) { return log(1.0 + x); }
    let z = x / (x + 2.0);
    let s = z * z;
    return 2.0 * z * (1.0 + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * (1.0 / 7.0 + s / 9.0))));
}
