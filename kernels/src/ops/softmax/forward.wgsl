// y = exp(x - max x) / sum exp(x - max x), row by row
// x, y: [R, C]. Cost: three reads and one write an element, bound by memory. The largest element
// is subtracted first, so that no exponential overflows. LANES lanes share a row.

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let local = place(index);
    let row = row_index(group, groups, local.y);
    let base = min(row, params.rows - 1u) * params.columns;
    var largest = x[base];
    for (var c = local.x; c < params.columns; c += LANES) { largest = max(largest, x[base + c]); }
    largest = row_max(largest, local.x, local.y);
    var sum = 0.0;
    for (var c = local.x; c < params.columns; c += LANES) { sum += exp(x[base + c] - largest); }
    sum = row_sum(sum, local.x, local.y);
    if (row >= params.rows) { return; }
    for (var c = local.x; c < params.columns; c += LANES) {
        y[base + c] = exp(x[base + c] - largest) / sum;
    }
}
