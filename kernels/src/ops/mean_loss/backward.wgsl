// dx = d w f'(x, y) / total, 0 where there is no weight; see forward.wgsl for f. x, y, w, dx: [n];
// total, d: [1]. Bound by memory; one thread a number.

struct Params { len: u32 }

override BINARY: bool = true;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read> total: array<f32>;
@group(0) @binding(5) var<storage, read> d: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;

fn slope(a: f32, b: f32) -> f32 {
    if (BINARY) { return 1.0 / (1.0 + exp(-clamp(a, -80.0, 80.0))) - b; }
    return 2.0 * (a - b);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    if (i >= params.len) { return; }
    if (w[i] == 0.0) {
        dx[i] = 0.0;
    } else {
        dx[i] = d[0] / total[0] * w[i] * slope(x[i], y[i]);
    }
}
