// y = x, as f32: how a parameter that rests in f16 becomes one that can be trained.
// x, y: [n]. Bound by memory; one thread an element.

struct Params { len: u32 }

override HALF: bool = false; // x rests in f16, two to a word

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    if (i >= params.len) { return; }
    if (HALF) { y[i] = unpack2x16float(x[i / 2u])[i % 2u]; } else { y[i] = bitcast<f32>(x[i]); }
}
