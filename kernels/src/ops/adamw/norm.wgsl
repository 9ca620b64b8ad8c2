// The norm of all gradients, sqrt(sum g^2), in two uses of one shader. First, for each buffer of
// gradients: GROUPS workgroups of one lane (or WG lanes) sum squares into sums[first + group].
// Then, with FINISH: one thread adds the partial sums, in order, puts the root in the first one's
// place, and tells it, see report.wgsl.
// g: [n]; sums: [count]. Bound by memory. The same input gives the same bits.

struct Params { len: u32, first: u32, groups: u32, count: u32, rows: u32 }

override FINISH: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read> loss: array<f32>;
@group(0) @binding(3) var<storage, read> row: array<u32>;
@group(0) @binding(4) var<storage, read_write> sums: array<f32>;
@group(0) @binding(5) var<storage, read_write> report: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    let local = place(index);
    // Branches, not early returns: what follows a return is no longer uniform to a browser, and
    // row_sum has barriers.
    if (FINISH) {
        if (index == 0u) {
            var sum = 0.0;
            for (var i = 0u; i < params.count; i++) { sum += sums[i]; }
            sums[0] = sqrt(sum);
            tell(sqrt(sum));
        }
    } else {
        let part = group.x * ROWS + local.y;
        var sum = 0.0;
        for (var i = part * LANES + local.x; i < params.len; i += params.groups * LANES) {
            sum = fma(g[i], g[i], sum);
        }
        sum = row_sum(sum, local.x, local.y);
        if (local.x == 0u && part < params.groups) { sums[params.first + part] = sum; }
    }
}
