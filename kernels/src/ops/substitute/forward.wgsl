// out[i] = others[sources[i]] where i < M and sources[i] is one of its R places, else ids[i]; changed[i] = 1 where that is
// another id than ids[i], else 0. ids, out: [N]; others: [R]; sources, changed: [M]. Bound by memory; one thread an id.

struct Params { ids: u32, others: u32, places: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> others: array<u32>;
@group(0) @binding(3) var<storage, read> sources: array<u32>;
@group(0) @binding(4) var<storage, read_write> out: array<u32>;
@group(0) @binding(5) var<storage, read_write> changed: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    if (i >= params.ids) { return; }
    var id = ids[i];
    if (i < params.places) {
        let place = sources[i];
        if (place < params.others) { id = others[place]; }
        changed[i] = select(0.0, 1.0, id != ids[i]);
    }
    out[i] = id;
}
