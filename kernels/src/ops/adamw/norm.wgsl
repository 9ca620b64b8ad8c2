// The norm of all gradients, sqrt(sum g^2), in two uses of one shader. First, for each buffer of
// gradients: GROUPS workgroups of one lane (or WG lanes) sum squares into partial[first + group].
// Then, with FINISH: one thread adds the partial sums, in order, and takes the root.
// g: [n]; partial: [count]; norm: [1]. Bound by memory. The same input gives the same bits.

struct Params { len: u32, first: u32, groups: u32, count: u32 }

override FINISH: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial_sums: array<f32>;
@group(0) @binding(3) var<storage, read_write> norm: array<f32>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    // Branches, not early returns: what follows a return is no longer uniform to a browser, and
    // row_sum has barriers.
    if (FINISH) {
        if (local.x + local.y == 0u) {
            var sum = 0.0;
            for (var i = 0u; i < params.count; i++) { sum += partial_sums[i]; }
            norm[0] = sqrt(sum);
        }
    } else {
        let row = group.x * ROWS + local.y;
        var sum = 0.0;
        for (var i = row * LANES + local.x; i < params.len; i += params.groups * LANES) {
            sum = fma(g[i], g[i], sum);
        }
        sum = row_sum(sum, local.x, local.y);
        if (local.x == 0u && row < params.groups) { partial_sums[params.first + row] = sum; }
    }
}
