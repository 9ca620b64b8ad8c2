// One AdamW step over elements first to end of a buffer of parameters, see update.wgsl; sums[0] is the gradients' norm, see norm.wgsl.
// g, w, m, v: [n]. Four reads and three writes an element, bound by memory; one thread four elements.
// Between the parameters of a buffer lie a few elements that are zero and stay so.

struct Params {
    first: u32, end: u32, decay_end: u32, // first: a multiple of 4
    beta1: f32, beta2: f32, eps: f32, decay: f32, l2: f32, max_norm: f32, scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> g: array<vec4f>;
@group(0) @binding(2) var<storage, read> sums: array<f32>;
@group(0) @binding(3) var<storage, read> schedule: array<f32>;
@group(0) @binding(4) var<storage, read_write> w: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> v: array<vec4f>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = params.first / 4u + thread_index(group, groups, lane);
    if (4u * i < params.end) { update(i, sums[0]); }
}
