// dx = y (dy - sum_c y dy), row by row: the gradient of y = softmax(x).
// y, dy, dx: [R, C]. Cost: four reads and one write an element, bound by memory. LANES lanes share
// a row.

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let local = place(index);
    let row = row_index(group, groups, local.y);
    let base = min(row, params.rows - 1u) * params.columns;
    var sum = 0.0;
    for (var c = local.x; c < params.columns; c += LANES) { sum = fma(y[base + c], dy[base + c], sum); }
    sum = row_sum(sum, local.x, local.y);
    if (row >= params.rows) { return; }
    for (var c = local.x; c < params.columns; c += LANES) {
        dx[base + c] = y[base + c] * (dy[base + c] - sum);
    }
}
