// a^T, stored as [K, M], for adapters without subgroups: each lane loads all that it needs, at the
// same addresses as its neighbours.

@group(0) @binding(1) var<storage, read> a: array<f32>;

// Where the four rows from m on begin.
fn rows_of_a(m: u32, lane: u32) -> vec4u {
    return params.a_first + min(vec4u(m, m + 1u, m + 2u, m + 3u), vec4u(params.m - 1u));
}

fn at_a(i: u32, k: u32) -> f32 {
    return select(0.0, a[i + min(k, params.k - 1u) * params.a_pitch], k < params.k);
}

// a[m .. m+3, k .. k+3], zero beyond K.
fn load_a(start: vec4u, k: u32, lane: u32) -> mat4x4f {
    var rows: mat4x4f;
    #for i in 4
    rows[{i}] = vec4f(at_a(start[{i}], k), at_a(start[{i}], k + 1u), at_a(start[{i}], k + 2u), at_a(start[{i}], k + 3u));
    #end
    return rows;
}

#for i in 4
fn row{i}_of_a(rows: mat4x4f) -> vec4f { return rows[{i}]; }
#end
