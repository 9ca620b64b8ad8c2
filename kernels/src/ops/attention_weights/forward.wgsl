// w_ij = softmax_j(q_i . k_j / sqrt D) over the keys that query i sees (Vaswani et al. 2017, eq. 1), for
// every head, written out; 0 for the keys that it does not see. It sees the keys j < length from
// `before` before its own place to `after` after it; beyond the length the last at least.
// qkv: [B T, 3 A D], a row holds q, k, v, each [A, D]; lengths: [B]; weights: [B A T, T].
// One thread a row: scores first, then their exponentials, each lane reading only what it wrote itself.
// 2 T D flops a row.

struct Params { tokens: u32, heads: u32, scale: f32, before: u32, after: u32 }

override HEAD: u32 = 64u; // D, at most 128

const QUADS: u32 = 32u; // registers of the largest head

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read> lengths: array<u32>;
@group(0) @binding(3) var<storage, read_write> weights: array<f32>;

// Elements 4c to 4c+3 of the vector that begins at `base`, zero beyond its end.
fn quad(base: u32, c: u32) -> vec4f {
    if (HEAD % 4u == 0u) { return qkv[base / 4u + c]; }
    var v = vec4f();
    for (var j = 0u; j < 4u; j++) {
        let i = base + 4u * c + j;
        if (4u * c + j < HEAD) { v[j] = qkv[i / 4u][i % 4u]; }
    }
    return v;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let quads = (HEAD + 3u) / 4u;
    let i = group.x * WG + lane;
    let head = group.y;
    let batch = group.z;
    if (i >= params.tokens) { return; }
    let width = params.heads * HEAD;
    let first = batch * params.tokens;
    let base = (first + i) * 3u * width + head * HEAD;
    var query: array<vec4f, QUADS>;
    for (var c = 0u; c < quads; c++) { query[c] = quad(base, c) * params.scale; }
    let length = clamp(lengths[batch], 1u, params.tokens);
    let start = min(i - min(i, params.before), length - 1u);
    let end = min(i + params.after + 1u, length);
    let row = ((batch * params.heads + head) * params.tokens + i) * params.tokens;
    var m = -3.0e38;
    for (var j = start; j < end; j++) {
        let key = (first + j) * 3u * width + width + head * HEAD;
        var score = 0.0;
        for (var c = 0u; c < quads; c++) { score += dot(query[c], quad(key, c)); }
        weights[row + j] = score;
        m = max(m, score);
    }
    var sum = 0.0;
    for (var j = start; j < end; j++) { sum += exp(weights[row + j] - m); }
    // A score that overflows is no weight of 1.
    sum = nan_where(!is_finite(m), sum);
    for (var j = 0u; j < params.tokens; j++) {
        var weight = 0.0;
        if (j >= start && j < end) { weight = exp(weights[row + j] - m) / sum; }
        weights[row + j] = weight;
    }
}
