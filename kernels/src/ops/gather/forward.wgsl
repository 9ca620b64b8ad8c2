// out[i, :] = x[rows[i], :], with DROPOUT times keep / (1 - p), see noise.wgsl.
// x: [N, C]; rows: [R]; seed: [1]; out: [R, C]. Cost: one read and one write an element; one thread
// an element. A row beyond x reads the last one: the caller has checked it.

struct Params {
    rows: u32, columns: u32, source_rows: u32,
    stream: u32, threshold: u32, scale: f32,
}

override DROPOUT: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> seed: array<u32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    if (i >= params.rows * params.columns) { return; }
    let row = min(rows[i / params.columns], params.source_rows - 1u);
    var value = x[row * params.columns + i % params.columns];
    if (DROPOUT) { value *= keep(seed[0], params.stream, i, params.threshold, params.scale); }
    out[i] = value;
}
