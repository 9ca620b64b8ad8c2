// One shader, three results by MODE, of weights w, values v and contexts out_i = sum_j w_ij v_j of every head:
// 0: out = w v; 1: dw_ij = dout_i . v_j; 2: dqkv, whose values' part is dv_j = sum_i w_ij dout_i and the rest 0.
// qkv, dqkv: [B T, 3 A D], a row holds q, k, v, each [A, D]; weights, dw: [B A T, T];
// out, dout: [B T, A D]. What a mode does not read is not bound. One thread an element of the result; 2 T flops each (2 D in mode 1).

struct Params { len: u32, tokens: u32, heads: u32, head: u32 }

override MODE: u32 = 0u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> qkv: array<f32>;
@group(0) @binding(3) var<storage, read> dout: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = thread_index(group, groups, lane);
    if (n >= params.len) { return; }
    let tokens = params.tokens;
    let width = params.heads * params.head;
    var sum = 0.0;
    if (MODE == 1u) {
        let j = n % tokens;
        let row = n / tokens; // (b A + a) T + i
        let sequence_head = row / tokens;
        let b = sequence_head / params.heads;
        let a = sequence_head % params.heads;
        let d = (b * tokens + row % tokens) * width + a * params.head;
        let v = (b * tokens + j) * 3u * width + 2u * width + a * params.head;
        for (var c = 0u; c < params.head; c++) { sum = fma(dout[d + c], qkv[v + c], sum); }
        out[n] = sum;
        return;
    }
    let columns = select(width, 3u * width, MODE == 2u);
    let row = n / columns;
    let b = row / tokens;
    let t = row % tokens;
    let column = n % columns;
    let first = (b * params.heads + column % width / params.head) * tokens; // this head's first row of weights
    if (MODE == 0u) {
        for (var j = 0u; j < tokens; j++) {
            let value = qkv[(b * tokens + j) * 3u * width + 2u * width + column];
            sum = fma(weights[(first + t) * tokens + j], value, sum);
        }
    } else if (column >= 2u * width) {
        for (var i = 0u; i < tokens; i++) {
            sum = fma(weights[(first + i) * tokens + t], dout[(b * tokens + i) * width + column - 2u * width], sum);
        }
    }
    out[n] = sum;
}
