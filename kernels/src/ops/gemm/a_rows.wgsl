// a [M, K] as it is, for adapters without subgroups: each lane loads all that it needs, at the same
// addresses as its neighbours.

@group(0) @binding(1) var<storage, read> a: array<f32>;

// Where the four rows from m on begin.
fn rows_of_a(m: u32, lane: u32) -> vec4u {
    let rows = min(vec4u(m, m + 1u, m + 2u, m + 3u), vec4u(params.m - 1u));
    return params.a_first + rows * params.a_pitch;
}

fn at_a(i: u32, k: u32) -> f32 { return select(0.0, a[i + min(k, params.k - 1u)], k < params.k); }
