// a [M, K] as it is. Each lane of a quad loads one of four neighbouring k, and hands it to the others.

@group(0) @binding(1) var<storage, read> a: array<f32>;

// Where the four rows from m on begin.
fn rows_of_a(m: u32, lane: u32) -> vec4u {
    let rows = min(vec4u(m, m + 1u, m + 2u, m + 3u), vec4u(params.m - 1u));
    return params.a_first + rows * params.a_pitch;
}

// This lane's part of a[m .. m+3, k .. k+3]: a column of it; zero beyond K.
fn load_a(start: vec4u, k: u32, lane: u32) -> vec4f {
    let i = start + min(k + lane, params.k - 1u);
    return select(vec4f(), vec4f(a[i.x], a[i.y], a[i.z], a[i.w]), k + lane < params.k);
}

#for i in 4
// Row {i} of what the quad loaded.
fn row{i}_of_a(part: vec4f) -> vec4f { return gathered(part[{i}]); }
#end
