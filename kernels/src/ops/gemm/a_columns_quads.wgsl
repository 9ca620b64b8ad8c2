// a^T, stored as [K, M]. Each lane of a quad loads one of four neighbouring rows of a, and hands it to
// the others.

@group(0) @binding(1) var<storage, read> a: array<f32>;

// Where this lane's row begins.
fn rows_of_a(m: u32, lane: u32) -> u32 {
    return params.a_first + min(m + lane, params.m - 1u);
}

// This lane's part of a[m .. m+3, k .. k+3]: a row of it; zero beyond K.
fn load_a(start: u32, k: u32, lane: u32) -> vec4f {
    let steps = vec4u(k, k + 1u, k + 2u, k + 3u);
    let i = start + min(steps, vec4u(params.k - 1u)) * params.a_pitch;
    return select(vec4f(), vec4f(a[i.x], a[i.y], a[i.z], a[i.w]), steps < vec4u(params.k));
}

#for i in 4
// Row {i} of what the quad loaded.
fn row{i}_of_a(part: vec4f) -> vec4f { return quadBroadcast(part, {i}u); }
#end
