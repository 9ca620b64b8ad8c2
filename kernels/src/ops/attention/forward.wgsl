// out_i = sum_j w_ij v_j, w_i = softmax_j(q_i . k_j / sqrt D) over the keys j < length
// (Vaswani et al. 2017, eq. 1), for every head, in one pass over the keys: the running maximum m
// and sum l rescale what was summed so far whenever a larger score appears (Milakov & Gimelshein
// 2018; Rabe & Staats 2021). No [B, A, T, T] exists; lse = m + ln l is kept for the backward pass.
// Dropout acts on the weights, after the softmax.
// qkv: [B T, 3 A D], a row holds q, k, v, each [A, D]; lengths: [B]; out: [B T, A D]; lse: [B, A, T].
// One thread a query of one head: no barrier, each key and value is read by neighbouring threads
// at the same time. 4 T D flops a query.

struct Params { tokens: u32, heads: u32, scale: f32, stream: u32, threshold: u32, keep_scale: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let quads = (HEAD + 3u) / 4u;
    let i = group.x * WG + lane;
    let head = group.y;
    let batch = group.z;
    if (i >= params.tokens) { return; }
    let sequence_head = batch * params.heads + head;
    let width = params.heads * HEAD;
    let first = batch * params.tokens;
    let base = (first + i) * 3u * width + head * HEAD;
    var query: array<vec4f, QUADS>;
    var sum: array<vec4f, QUADS>;
    for (var c = 0u; c < quads; c++) {
        query[c] = quad(base, c) * params.scale;
        sum[c] = vec4f();
    }
    let length = clamp(lengths[batch], 1u, params.tokens);
    var m = -3.0e38;
    var l = 0.0;
    for (var j = 0u; j < length; j++) {
        let key = (first + j) * 3u * width + width + head * HEAD;
        var score = 0.0;
        for (var c = 0u; c < quads; c++) { score += dot(query[c], quad(key, c)); }
        let value = key + width;
        let k = kept(sequence_head, i, j);
        if (score > m) {
            let shrink = exp(m - score);
            m = score;
            l = fma(l, shrink, 1.0);
            for (var c = 0u; c < quads; c++) { sum[c] = fma(sum[c], vec4f(shrink), k * quad(value, c)); }
        } else {
            let p = exp(score - m);
            l += p;
            for (var c = 0u; c < quads; c++) { sum[c] = fma(vec4f(p * k), quad(value, c), sum[c]); }
        }
    }
    // A score that overflows is no weight of 1.
    l = nan_where(!is_finite(m), l);
    let to = (first + i) * width + head * HEAD;
    for (var c = 0u; c < HEAD; c++) { out[to + c] = sum[c / 4u][c % 4u] / l; }
    lse[sequence_head * params.tokens + i] = m + log(l);
}
