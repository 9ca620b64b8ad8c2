// y[b, c, r] = x[b, r, c], in blocks of rows x columns numbers. Bound by memory; one thread a number of y.

struct Params { len: u32, rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    if (i >= params.len) { return; }
    let block = params.rows * params.columns;
    let at = i % block;
    y[i] = x[i - at + at % params.rows * params.columns + at / params.rows];
}
