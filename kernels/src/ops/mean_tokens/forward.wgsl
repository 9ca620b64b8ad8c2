// out[b, c] = the mean of x[b, t, c] over the tokens t < length of b: mean pooling; or, BACKWARD, its
// gradient dx[b, t, c] = d[b, c] / length, 0 beyond the length.
// x, dx: [B T, C]; lengths: [B]; out, d: [B, C]. Bound by memory. One thread an element of the result.

struct Params { batch: u32, tokens: u32, columns: u32 }

override BACKWARD: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> lengths: array<u32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    let c = i % params.columns;
    let row = i / params.columns;
    if (BACKWARD) {
        if (row >= params.batch * params.tokens) { return; }
        let b = row / params.tokens;
        let length = clamp(lengths[b], 1u, params.tokens);
        out[i] = select(0.0, x[b * params.columns + c] / f32(length), row % params.tokens < length);
        return;
    }
    if (row >= params.batch) { return; }
    let length = clamp(lengths[row], 1u, params.tokens);
    var sum = 0.0;
    for (var t = 0u; t < length; t++) { sum += x[(row * params.tokens + t) * params.columns + c]; }
    out[i] = sum / f32(length);
}
