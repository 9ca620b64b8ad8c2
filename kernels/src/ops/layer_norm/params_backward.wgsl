// The gradients of a layer norm's parameters: dgamma[c] = sum_r dy n, dbeta[c] = sum_r dy, with
// n = (z - mean) s.
// x, residual, dy: [R, C]; figures: [R, 2] = mean, s; dgamma, dbeta: [C]. Bound by memory. A thread
// a column, so that neighbours read neighbours; rows are added in order, for the same bits always.

struct Params { rows: u32, columns: u32 }

override RESIDUAL: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read> figures: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dgamma: array<f32>;
@group(0) @binding(6) var<storage, read_write> dbeta: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let c = thread_index(group, groups, lane);
    if (c >= params.columns) { return; }
    var sum_gamma = 0.0;
    var sum_beta = 0.0;
    for (var r = 0u; r < params.rows; r++) {
        let i = r * params.columns + c;
        var z = x[i];
        if (RESIDUAL) { z += residual[i]; }
        sum_gamma = fma(dy[i], (z - figures[2u * r]) * figures[2u * r + 1u], sum_gamma);
        sum_beta += dy[i];
    }
    dgamma[c] = sum_gamma;
    dbeta[c] = sum_beta;
}
