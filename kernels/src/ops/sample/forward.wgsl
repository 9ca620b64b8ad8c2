// sampled[r]: a column of row r, drawn with the probabilities softmax(logits[r, :]) (Gumbel 1954: the largest of
// x - log(E) with E standard exponential). E = -log(1 - v) = log(1 + v / (1 - v)) with v uniform in (0, 1).
// logits: [R, V]; seed: [1]; sampled: [R]. One pass over a row; LANES lanes share it. The noise of an element is
// that of its index, see noise.wgsl. Of a row whose logits are no numbers, any of its columns.

struct Params { rows: u32, columns: u32, stream: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> seed: array<u32>;
@group(0) @binding(3) var<storage, read_write> sampled: array<u32>;

@compute @workgroup_size(LANES * ROWS)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let local = place(index);
    let row = row_index(group, groups, local.y);
    let base = min(row, params.rows - 1u) * params.columns;
    var best = Candidate(LOWEST, 0u);
    for (var c = local.x; c < params.columns; c += LANES) {
        // 23 bits, so that v is exact and neither 0 nor 1.
        let bits = random_bits(seed[0], params.stream, base + c) >> 9u;
        let v = (f32(bits) + 0.5) / 8388608.0;
        let candidate = Candidate(logits[base + c] - log(log_1p(v / (1.0 - v))), c);
        if (before(candidate, best)) { best = candidate; }
    }
    best = row_first(best, local.x, local.y);
    if (row < params.rows && local.x == 0u) { sampled[row] = best.column; }
}
