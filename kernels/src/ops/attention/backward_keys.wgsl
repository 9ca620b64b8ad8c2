// The gradients of attention with respect to keys and values, with w, ds and delta as in
// backward_queries.wgsl:
//   dv_j = sum_i w_ij keep_ij dout_i, dk_j = sum_i ds_ij q_i / sqrt D; 0 for keys beyond the length.
// qkv, dqkv: [B T, 3 A D]; dout: [B T, A D]; lse, delta: [B, A, T].
// One thread a key of one head, no barrier and no atomic; 8 T D flops a key.

struct Params { tokens: u32, heads: u32, scale: f32, stream: u32, threshold: u32, keep_scale: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<f32>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let quads = (HEAD + 3u) / 4u;
    let j = group.x * WG + lane;
    let head = group.y;
    let batch = group.z;
    if (j >= params.tokens) { return; }
    let sequence_head = batch * params.heads + head;
    let width = params.heads * HEAD;
    let first = batch * params.tokens;
    let base = (first + j) * 3u * width + width + head * HEAD;
    var key: array<vec4f, QUADS>;
    var value: array<vec4f, QUADS>;
    var dk: array<vec4f, QUADS>;
    var dv: array<vec4f, QUADS>;
    for (var c = 0u; c < quads; c++) {
        key[c] = quad(base, c) * params.scale;
        value[c] = quad(base + width, c);
        dk[c] = vec4f();
        dv[c] = vec4f();
    }
    let length = clamp(lengths[batch], 1u, params.tokens);
    if (j < length) {
        for (var i = 0u; i < params.tokens; i++) {
            let query = (first + i) * 3u * width + head * HEAD;
            let at = (first + i) * width + head * HEAD;
            var score = 0.0;
            for (var c = 0u; c < quads; c++) { score += dot(key[c], quad(query, c)); }
            var dw = 0.0;
            for (var c = 0u; c < HEAD; c++) { dw = fma(dout[at + c], value[c / 4u][c % 4u], dw); }
            let row = sequence_head * params.tokens + i;
            let w = exp(score - lse[row]);
            let k = kept(sequence_head, i, j);
            let ds = w * (k * dw - delta[row]) * params.scale;
            for (var c = 0u; c < quads; c++) { dk[c] = fma(vec4f(ds), quad(query, c), dk[c]); }
            for (var c = 0u; c < HEAD; c++) { dv[c / 4u][c % 4u] += w * k * dout[at + c]; }
        }
    }
    for (var c = 0u; c < HEAD; c++) {
        dqkv[base + c] = dk[c / 4u][c % 4u];
        dqkv[base + width + c] = dv[c / 4u][c % 4u];
    }
}
