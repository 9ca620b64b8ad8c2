// sum = keep sum + share x, in place: numbers[0] is keep, numbers[1] is share. Where keep is 0, what was there does not
// matter, whatever it was. x, sum: [n]; bound by memory, one thread four elements: what stands beyond the end in the last
// four is nobody's.

struct Params { len: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> numbers: array<f32>;
@group(0) @binding(3) var<storage, read_write> sum: array<vec4f>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    if (4u * i < params.len) {
        var before = vec4f();
        if (numbers[0] != 0.0) { before = numbers[0] * sum[i]; }
        sum[i] = before + numbers[1] * x[i];
    }
}
