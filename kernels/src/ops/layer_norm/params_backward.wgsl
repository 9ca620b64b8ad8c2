// The gradients of a layer norm's parameters: dgamma[j, c] = the sum of dy n over the rows of chunk j, dbeta[j, c] that
// of dy, with n = (z - mean) s.
// x, residual, dy: [R, C]; seed: [1]; figures: [R, 2] = mean, s; dgamma, dbeta: [chunks, C], or [C] where a chunk is
// all rows; sum_rows/ adds up those of several. Bound by memory. The grid is columns, chunks; see columns.wgsl for
// who adds up what.

struct Params { rows: u32, columns: u32, chunk: u32, stream: u32, threshold: u32, scale: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Numbers>;
@group(0) @binding(2) var<storage, read> residual: array<Numbers>;
@group(0) @binding(3) var<storage, read> seed: array<u32>;
@group(0) @binding(4) var<storage, read> figures: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<Numbers>;
@group(0) @binding(6) var<storage, read_write> dgamma: array<Numbers>;
@group(0) @binding(7) var<storage, read_write> dbeta: array<Numbers>;

@compute @workgroup_size(COLUMNS, LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let columns = params.columns / {WIDTH}u;
    let column = group.x * COLUMNS + local.x;
    let c = min(column, columns - 1u);
    let end = min((group.y + 1u) * params.chunk, params.rows);
    var sum_gamma = Numbers();
    var sum_beta = Numbers();
    for (var r = group.y * params.chunk + local.y; r < end; r += LANES) {
        let i = r * columns + c;
        sum_gamma += dy[i] * ((z(i) - figures[2u * r]) * figures[2u * r + 1u]);
        sum_beta += dy[i];
    }
    sum_gamma = column_sum(sum_gamma, local.x, local.y);
    sum_beta = column_sum(sum_beta, local.x, local.y);
    if (column < columns && local.y == 0u) {
        dgamma[group.y * columns + c] = sum_gamma;
        dbeta[group.y * columns + c] = sum_beta;
    }
}
