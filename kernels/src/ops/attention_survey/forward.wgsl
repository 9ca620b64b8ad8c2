// Where a row of attention weights lies: for query i, shares on the token before, after, itself, other places with
// the same id, and marked tokens; its entropy in bits; and its sums over `side` stretches of keys.
// weights: [B A T, T]; ids, marked: [B T]; lengths: [B]; out: [B A T, 6 + SIDE]. One thread a row; 12 T flops.

struct Params { len: u32, tokens: u32, heads: u32 }

override SIDE: u32 = 16u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read> marked: array<u32>;
@group(0) @binding(4) var<storage, read> lengths: array<u32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = thread_index(group, groups, lane);
    if (n >= params.len) { return; }
    let i = n % params.tokens;
    let b = n / params.tokens / params.heads;
    let row = n * params.tokens;
    let first = b * params.tokens;
    let to = n * (6u + SIDE);
    let length = clamp(lengths[b], 1u, params.tokens);
    let side = min(SIDE, length);
    var before = 0.0;
    var after = 0.0;
    var same = 0.0;
    var special = 0.0;
    var entropy = 0.0;
    for (var s = 0u; s < SIDE; s++) {
        var sum = 0.0;
        if (s < side) {
            for (var j = s * length / side; j < (s + 1u) * length / side; j++) {
                let w = weights[row + j];
                sum += w;
                if (j + 1u == i) { before = w; }
                if (j == i + 1u) { after = w; }
                if (j != i && ids[first + j] == ids[first + i]) { same += w; }
                if (marked[first + j] != 0u) { special += w; }
                if (w > 0.0) { entropy -= w * log2(w); }
            }
        }
        out[to + 6u + s] = sum;
    }
    var itself = 0.0;
    if (i < length) { itself = weights[row + i]; }
    out[to] = before;
    out[to + 1u] = after;
    out[to + 2u] = itself;
    out[to + 3u] = same;
    out[to + 4u] = special;
    out[to + 5u] = entropy;
}
