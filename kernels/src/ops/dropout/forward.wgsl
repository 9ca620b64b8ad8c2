// y = x keep / (1 - p), element by element (Srivastava et al. 2014); see noise.wgsl for keep. Its
// gradient is itself.
// x, y: [n]; seed: [1]. Bound by memory; one thread an element.

struct Params { len: u32, stream: u32, threshold: u32, scale: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> seed: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    if (i >= params.len) { return; }
    y[i] = x[i] * keep(seed[0], params.stream, i, params.threshold, params.scale);
}
