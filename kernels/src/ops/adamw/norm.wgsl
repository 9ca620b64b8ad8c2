// The norm of all gradients, sqrt(sum g^2), in two uses of one shader. First, for each buffer of
// gradients, `groups` groups of LANES lanes sum squares into sums[first + group].
// Then, with FINISH, one group adds the partial sums, puts the root in the first one's place, and tells it, see
// report.wgsl.
// g: [n], read four at a time, see squares.wgsl; sums: [count]. Bound by memory. The same input gives the same bits.

struct Params { len: u32, first: u32, groups: u32, count: u32, rows: u32 }

override FINISH: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> g: array<vec4f>;
@group(0) @binding(2) var<storage, read> loss: array<f32>;
@group(0) @binding(3) var<storage, read> row: array<u32>;
@group(0) @binding(4) var<storage, read_write> sums: array<f32>;
@group(0) @binding(5) var<storage, read_write> report: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    let local = place(index);
    var sum = 0.0;
    // Branches, not early returns: what follows a return is no longer uniform to a browser, and
    // row_sum has barriers.
    if (FINISH) {
        if (local.y == 0u) {
            for (var i = local.x; i < params.count; i += LANES) { sum += sums[i]; }
        }
        let norm = sqrt(row_sum(sum, local.x, local.y));
        if (index == 0u) {
            sums[0] = norm;
            tell(norm);
        }
    } else {
        let part = group.x * ROWS + local.y;
        sum = row_sum(squares(part * LANES + local.x, params.groups * LANES), local.x, local.y);
        if (local.x == 0u && part < params.groups) { sums[params.first + part] = sum; }
    }
}
