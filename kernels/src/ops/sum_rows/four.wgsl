// out_i[c] = sum_r x_i[r, c] for four matrices at once: the gradients of the biases of a layer.
// x_i: [R_i, C_i]; out_i: [C_i]. Bound by memory. Row i of the grid's second dimension makes out_i; see
// columns.wgsl for who adds up what.

struct Params {
    rows0: u32, rows1: u32, rows2: u32, rows3: u32,
    columns0: u32, columns1: u32, columns2: u32, columns3: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x0: array<f32>;
@group(0) @binding(2) var<storage, read> x1: array<f32>;
@group(0) @binding(3) var<storage, read> x2: array<f32>;
@group(0) @binding(4) var<storage, read> x3: array<f32>;
@group(0) @binding(5) var<storage, read_write> out0: array<f32>;
@group(0) @binding(6) var<storage, read_write> out1: array<f32>;
@group(0) @binding(7) var<storage, read_write> out2: array<f32>;
@group(0) @binding(8) var<storage, read_write> out3: array<f32>;

@compute @workgroup_size(COLUMNS, LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let which = group.y;
    let column = group.x * COLUMNS + local.x;
    let all_rows = vec4u(params.rows0, params.rows1, params.rows2, params.rows3);
    let all_columns = vec4u(params.columns0, params.columns1, params.columns2, params.columns3);
    let columns = all_columns[which];
    let exists = column < columns;
    // What lies beyond the last column has no row to add.
    let rows = select(0u, all_rows[which], exists);
    var sum = 0.0;
    switch (which) {
        case 0u: { for (var r = local.y; r < rows; r += LANES) { sum += x0[r * columns + column]; } }
        case 1u: { for (var r = local.y; r < rows; r += LANES) { sum += x1[r * columns + column]; } }
        case 2u: { for (var r = local.y; r < rows; r += LANES) { sum += x2[r * columns + column]; } }
        default: { for (var r = local.y; r < rows; r += LANES) { sum += x3[r * columns + column]; } }
    }
    sum = column_sum(sum, local.x, local.y);
    if (exists && local.y == 0u) {
        switch (which) {
            case 0u: { out0[column] = sum; }
            case 1u: { out1[column] = sum; }
            case 2u: { out2[column] = sum; }
            default: { out3[column] = sum; }
        }
    }
}
