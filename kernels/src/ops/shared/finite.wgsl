// Numbers that are none, told by their bits: a compiler may take it that there are no NaN, so that
// `x != x` is always false and `max` drops one.

const INFINITY: u32 = 0x7f800000u; // its bits; those of a NaN are greater

fn magnitude(x: f32) -> u32 { return bitcast<u32>(x) & 0x7fffffffu; }

fn is_finite(x: f32) -> bool { return magnitude(x) < INFINITY; }

fn is_nan(x: f32) -> bool { return magnitude(x) > INFINITY; }

// NaN where `broken`, else x. Made of x, since WGSL refuses a constant that is NaN.
fn nan_where(broken: bool, x: f32) -> f32 { return select(x, bitcast<f32>(bitcast<u32>(x) | 0x7fc00000u), broken); }

// Lanes that share a row count its columns in an f32. One that saw a number which is not finite starts
// from this mark instead of 0: more than any count, so that the sum tells, without a sum of its own.
const BROKEN: f32 = 1073741824.0; // 2^30
