// out[c] = sum_r x[r, c]: the gradient of a bias.
// x: [R, C]; out: [C]. Bound by memory. A thread a column, so that neighbours read neighbours; rows
// are added in order, so that the same input gives the same bits.

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let c = thread_index(group, groups, lane);
    if (c >= params.columns) { return; }
    var sum = 0.0;
    for (var r = 0u; r < params.rows; r++) { sum += x[r * params.columns + c]; }
    out[c] = sum;
}
