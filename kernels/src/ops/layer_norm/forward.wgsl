// y = (z - mean z) / sqrt(var z + eps) * gamma + beta, z = dropout(x) + residual   (Ba et al. 2016,
// eq. 4). x, residual, y: [R, C]; seed: [1]; gamma, beta: [C]. The variance is the biased one, around
// the mean that a first pass found (a one-pass formula cancels). A row whose
// variance is not finite becomes NaN. Cost: three reads of x and residual,
// one write an element, bound by memory. LANES lanes share a row, so that their reads are neighbours; a read is of Numbers,
// see one.wgsl.

struct Params { rows: u32, columns: u32, eps: f32, stream: u32, threshold: u32, scale: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Numbers>;
@group(0) @binding(2) var<storage, read> residual: array<Numbers>;
@group(0) @binding(3) var<storage, read> seed: array<u32>;
@group(0) @binding(4) var<storage, read> gamma: array<Numbers>;
@group(0) @binding(5) var<storage, read> beta: array<Numbers>;
@group(0) @binding(6) var<storage, read_write> y: array<Numbers>;

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
    var sum = Numbers();
    for (var c = local.x; c < columns; c += LANES) { sum += z(base + c); }
    let mean = row_sum(total(sum), local.x, local.y) / f32(params.columns);
    var squares = Numbers();
    for (var c = local.x; c < columns; c += LANES) {
        let d = z(base + c) - mean;
        squares = fma(d, d, squares);
    }
    let variance = row_sum(total(squares), local.x, local.y) / f32(params.columns);
    if (row >= params.rows) { return; }
    // Of numbers whose squares overflow it would be 0, and the result beta.
    let scale = nan_where(!is_finite(variance), 1.0 / sqrt(variance + params.eps));
    for (var c = local.x; c < columns; c += LANES) {
        y[base + c] = fma((z(base + c) - mean) * scale, gamma[c], beta[c]);
    }
}
