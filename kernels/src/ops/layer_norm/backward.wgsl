// The gradient of a layer norm with respect to its input, with the figures that the gradients of
// gamma and beta need: with n = (z - mean) s, s = 1 / sqrt(var + eps), g = dy gamma,
//   dz = s (g - mean g - n mean(g n)),  dx = dz keep / (1 - p)
// x, residual, dy, dz: [R, C]; seed: [1]; gamma: [C]; figures: [R, 2] = mean, s; dx: [R, C], with DROPOUT
// only. z = dropout(x) + residual, so that dz is the residual's gradient, and without dropout that of x.
// Everything is computed again from x: nothing but the input is kept from the forward pass. Six reads
// and one write an element, bound by memory. LANES lanes share a row; a read is of Numbers, see one.wgsl.

struct Params { rows: u32, columns: u32, eps: f32, stream: u32, threshold: u32, scale: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Numbers>;
@group(0) @binding(2) var<storage, read> residual: array<Numbers>;
@group(0) @binding(3) var<storage, read> seed: array<u32>;
@group(0) @binding(4) var<storage, read> gamma: array<Numbers>;
@group(0) @binding(5) var<storage, read> dy: array<Numbers>;
@group(0) @binding(6) var<storage, read_write> dz: array<Numbers>;
@group(0) @binding(7) var<storage, read_write> figures: array<f32>;
@group(0) @binding(8) var<storage, read_write> dx: array<Numbers>;

@compute @workgroup_size(LANES * ROWS)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let local = place(index);
    let row = row_index(group, groups, local.y);
    let columns = params.columns / {WIDTH}u;
    let base = min(row, params.rows - 1u) * columns;
    let count = f32(params.columns);
    var sum = Numbers();
    for (var c = local.x; c < columns; c += LANES) { sum += z(base + c); }
    let mean = row_sum(total(sum), local.x, local.y) / count;
    var squares = Numbers();
    var sum_g = Numbers();
    var sum_gd = Numbers();
    for (var c = local.x; c < columns; c += LANES) {
        let d = z(base + c) - mean;
        let g = dy[base + c] * gamma[c];
        squares = fma(d, d, squares);
        sum_g += g;
        sum_gd = fma(g, d, sum_gd);
    }
    let s = 1.0 / sqrt(row_sum(total(squares), local.x, local.y) / count + params.eps);
    let mean_g = row_sum(total(sum_g), local.x, local.y) / count;
    let mean_gn = row_sum(total(sum_gd), local.x, local.y) * s / count;
    if (row >= params.rows) { return; }
    for (var c = local.x; c < columns; c += LANES) {
        let i = base + c;
        let n = (z(i) - mean) * s;
        let gradient = s * (dy[i] * gamma[c] - mean_g - n * mean_gn);
        dz[i] = gradient;
        if (DROPOUT) { dx[i] = gradient * kept(i); }
    }
    if (local.x == 0u) {
        figures[2u * row] = mean;
        figures[2u * row + 1u] = s;
    }
}
