// What a step takes from forward.wgsl's results, one thread (or LANES of them) an element:
//   dw[n, k] = sum_r dx[r, n] h[r, k],  db[n] = sum_r dx[r, n],  mean = sum_r losses[r] / count
// h: [R, K]; dx: [R, N]; losses, labels: [R]; dw: [N, K]; db: [N]; mean: [1]. 2 R K N flops. Element i
// of the grid is one of dw, then of db, then the mean; see columns.wgsl for who adds up what.

struct Params { inputs: u32 }

override SAMPLES: u32 = 1u; // R
override OUTPUTS: u32 = 16u; // N

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> h: array<f32>;
@group(0) @binding(2) var<storage, read> dx: array<f32>;
@group(0) @binding(3) var<storage, read> losses: array<f32>;
@group(0) @binding(4) var<storage, read> labels: array<u32>;
@group(0) @binding(5) var<storage, read_write> dw: array<f32>;
@group(0) @binding(6) var<storage, read_write> db: array<f32>;
@group(0) @binding(7) var<storage, read_write> mean: array<f32>;

@compute @workgroup_size(COLUMNS, LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_id) local: vec3u,
) {
    let i = (group.y * groups.x + group.x) * COLUMNS + local.x;
    let weights = OUTPUTS * params.inputs;
    let n = i / params.inputs;
    let k = i % params.inputs;
    var sum = 0.0;
    var count = 0.0;
    if (i < weights) {
        for (var r = local.y; r < SAMPLES; r += LANES) {
            sum = fma(dx[r * OUTPUTS + n], h[r * params.inputs + k], sum);
        }
    } else if (i < weights + OUTPUTS) {
        for (var r = local.y; r < SAMPLES; r += LANES) { sum += dx[r * OUTPUTS + i - weights]; }
    } else {
        for (var r = local.y; r < SAMPLES; r += LANES) {
            sum += losses[r];
            count += counts(labels[r]);
        }
    }
    sum = column_sum(sum, local.x, local.y);
    count = column_sum(count, local.x, local.y);
    if (local.y != 0u) { return; }
    if (i < weights) {
        dw[i] = sum;
    } else if (i < weights + OUTPUTS) {
        db[i - weights] = sum;
    } else if (i == weights + OUTPUTS) {
        mean[0] = sum / max(count, 1.0);
    }
}
