// b [K, N] as it is: neighbouring lanes read neighbouring columns.

@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> b_half: array<u32>; // the same buffer as b

fn at_b(k: u32, n: u32) -> f32 {
    let i = min(k, params.k - 1u) * params.n + n;
    if (HALF) { return unpack2x16float(b_half[i / 2u])[i % 2u]; }
    return b[i];
}

// b[k .. k+3, n]; rows beyond the last repeat it, and meet zeros of a.
fn load_b(k: u32, n: u32) -> vec4f {
    return vec4f(at_b(k, n), at_b(k + 1u, n), at_b(k + 2u, n), at_b(k + 3u, n));
}
