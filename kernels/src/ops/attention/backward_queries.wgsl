// The gradient of attention with respect to the queries, weights computed again from lse:
//   w_ij = exp(q_i . k_j / sqrt D - lse_i), delta_i = dout_i . out_i,
//   ds_ij = w_ij (keep_ij dout_i . v_j - delta_i), dq_i = sum_j ds_ij k_j / sqrt D
// (Dao et al. 2022, algorithm 4). delta is kept for the keys' gradient.
// qkv, dqkv: [B T, 3 A D]; out, dout: [B T, A D]; lse, delta: [B, A, T].
// One thread a query of one head, no barrier; 6 T D flops a query.

struct Params { tokens: u32, heads: u32, scale: f32, stream: u32, threshold: u32, keep_scale: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> out: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<f32>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<f32>;
@group(0) @binding(8) var<storage, read_write> delta: array<f32>;

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
    let at = (first + i) * width + head * HEAD;
    var query: array<vec4f, QUADS>;
    var dy: array<vec4f, QUADS>;
    var dq: array<vec4f, QUADS>;
    for (var c = 0u; c < quads; c++) {
        query[c] = quad(base, c) * params.scale;
        dy[c] = vec4f();
        dq[c] = vec4f();
    }
    var dot_out = 0.0;
    for (var c = 0u; c < HEAD; c++) {
        dy[c / 4u][c % 4u] = dout[at + c];
        dot_out = fma(dout[at + c], out[at + c], dot_out);
    }
    let row = sequence_head * params.tokens + i;
    let length = clamp(lengths[batch], 1u, params.tokens);
    for (var j = 0u; j < length; j++) {
        let key = (first + j) * 3u * width + width + head * HEAD;
        var score = 0.0;
        var dw = 0.0;
        for (var c = 0u; c < quads; c++) {
            score += dot(query[c], quad(key, c));
            dw += dot(dy[c], quad(key + width, c));
        }
        let ds = exp(score - lse[row]) * (kept(sequence_head, i, j) * dw - dot_out) * params.scale;
        for (var c = 0u; c < quads; c++) { dq[c] = fma(vec4f(ds), quad(key, c), dq[c]); }
    }
    for (var c = 0u; c < HEAD; c++) { dqkv[base + c] = dq[c / 4u][c % 4u]; }
    delta[row] = dot_out;
}
