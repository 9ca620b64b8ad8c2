// out[c] = sum_r x[r, c]: the gradient of a bias.
// x: [R, C]; out: [C]. Bound by memory. See columns.wgsl for who adds up what.

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(COLUMNS, LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_id) local: vec3u,
) {
    let column = (group.y * groups.x + group.x) * COLUMNS + local.x;
    let c = min(column, params.columns - 1u);
    var sum = 0.0;
    for (var r = local.y; r < params.rows; r += LANES) { sum += x[r * params.columns + c]; }
    sum = column_sum(sum, local.x, local.y);
    if (column < params.columns && local.y == 0u) { out[c] = sum; }
}
