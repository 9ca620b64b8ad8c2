// norm[b, a, t] = |W_a v[b, t, a]|: how long a head's value is once the output matrix has carried it, where
// W_a are the head's columns of W (Kobayashi et al. 2020, eq. 8). 0 where the head is off (its `on` is 0).
// qkv: [B T, 3 A D], a row holds q, k, v, each [A, D]; w: [H, A D]; on: [A]; norms: [B, A T].
// One thread a value: its D elements rest in registers, each row of W is read by neighbours at the same time.
// 2 H D flops a value.

struct Params { len: u32, tokens: u32, heads: u32, rows: u32 }

override HEAD: u32 = 64u; // D, at most 128

const QUADS: u32 = 32u; // registers of the largest head

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read> on: array<f32>;
@group(0) @binding(4) var<storage, read_write> norms: array<f32>;

// Elements 4c to 4c+3 of the head's part of a row of W that begins at `base`, zero beyond its end.
// Buffers end at whole vectors.
fn quad(base: u32, c: u32) -> vec4f {
    if (HEAD % 4u == 0u) { return w[base / 4u + c]; }
    var found = vec4f();
    for (var j = 0u; j < 4u; j++) {
        let i = base + 4u * c + j;
        if (4u * c + j < HEAD) { found[j] = w[i / 4u][i % 4u]; }
    }
    return found;
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = thread_index(group, groups, lane);
    if (n >= params.len) { return; }
    let t = n % params.tokens;
    let a = n / params.tokens % params.heads;
    let b = n / params.tokens / params.heads;
    let width = params.heads * HEAD;
    let quads = (HEAD + 3u) / 4u;
    let base = (b * params.tokens + t) * 3u * width + 2u * width + a * HEAD;
    var v: array<vec4f, QUADS>;
    for (var c = 0u; c < quads; c++) {
        v[c] = vec4f();
        for (var j = 0u; j < 4u; j++) {
            if (4u * c + j < HEAD) { v[c][j] = qkv[base + 4u * c + j]; }
        }
    }
    var squares = 0.0;
    for (var r = 0u; r < params.rows; r++) {
        let start = r * width + a * HEAD;
        var sum = 0.0;
        for (var c = 0u; c < quads; c++) { sum += dot(v[c], quad(start, c)); }
        squares = fma(sum, sum, squares);
    }
    norms[n] = sqrt(squares) * abs(on[a]);
}
