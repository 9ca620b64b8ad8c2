// Norm, report and AdamW step over one small buffer of parameters, in one workgroup; see squares.wgsl,
// update.wgsl and report.wgsl. A classifier's few hundred weights take less time than the launch of a shader.
// g, w, m, v: [n], four at a time. LANES lanes share the sum of squares; with one (software adapters), each of the
// ROWS lanes makes the whole sum, which is cheaper there than a barrier. The same input gives the
// same bits.

struct Params {
    len: u32, decay_end: u32, rows: u32, // the last of them the log's, the others in elements
    beta1: f32, beta2: f32, eps: f32, decay: f32, l2: f32, max_norm: f32, scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> g: array<vec4f>;
@group(0) @binding(2) var<storage, read> schedule: array<f32>;
@group(0) @binding(3) var<storage, read> loss: array<f32>;
@group(0) @binding(4) var<storage, read> row: array<u32>;
@group(0) @binding(5) var<storage, read_write> w: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> report: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn main(@builtin(local_invocation_index) index: u32) {
    let local = place(index);
    let norm = sqrt(row_sum(squares(local.x, LANES), local.x, local.y));
    if (index == 0u) { tell(norm); }
    for (var i = index; 4u * i < params.len; i += LANES * ROWS) { update(i, norm); }
}
