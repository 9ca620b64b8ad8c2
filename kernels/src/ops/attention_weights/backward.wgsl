// The gradient of attention weights w_ij = softmax_j(q_i . k_j / sqrt D), through the softmax:
// ds_ij = w_ij (dw_ij - sum_j w_ij dw_ij) / sqrt D; dq_i = sum_j ds_ij k_j; dk_j = sum_i ds_ij q_i; dv = 0.
// qkv, dqkv: [B T, 3 A D]; weights, dweights: [B A T, T]; sums: [B A T], each row's sum of w dw.
// SUMS: one thread a row makes its sum. Else one thread an element of dqkv. 4 T flops an element.

struct Params { len: u32, tokens: u32, heads: u32, head: u32, scale: f32 }

override SUMS: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> dweights: array<f32>;
@group(0) @binding(4) var<storage, read> sums_read: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = thread_index(group, groups, lane);
    if (n >= params.len) { return; }
    let tokens = params.tokens;
    if (SUMS) {
        var sum = 0.0;
        for (var j = 0u; j < tokens; j++) { sum = fma(weights[n * tokens + j], dweights[n * tokens + j], sum); }
        out[n] = sum;
        return;
    }
    let width = params.heads * params.head;
    let row = n / (3u * width);
    let column = n % (3u * width);
    let part = column / width;
    let b = row / tokens;
    let t = row % tokens;
    let first = (b * params.heads + column % width / params.head) * tokens; // this head's first row of weights
    var sum = 0.0;
    if (part == 0u) {
        let own = (first + t) * tokens;
        let delta = sums_read[first + t];
        for (var j = 0u; j < tokens; j++) {
            let key = qkv[(b * tokens + j) * 3u * width + column + width];
            sum = fma(weights[own + j] * (dweights[own + j] - delta), key, sum);
        }
    }
    if (part == 1u) {
        for (var i = 0u; i < tokens; i++) {
            let at = (first + i) * tokens + t;
            let query = qkv[(b * tokens + i) * 3u * width + column - width];
            sum = fma(weights[at] * (dweights[at] - sums_read[first + i]), query, sum);
        }
    }
    out[n] = sum * params.scale;
}
