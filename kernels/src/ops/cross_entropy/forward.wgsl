// losses[r] = lse(x[r, :]) - x[r, label[r]], 0 where label[r] is the ignored one; lse[r] is kept for
// the backward pass. A loss is (max - x[label]) + log(1 + rest), where the rest leaves the largest
// logits out: a row that is nearly certain has a loss smaller than the rounding of its logits, and
// made of many terms that would each vanish beside the 1. logits x: [R, V]; labels: [R]; losses, lse: [R].
// A row with a logit that is not finite has NaN for both.
// One read of the logits, bound by memory: what was summed beside a logit that is no longer the largest shrinks when a
// larger one comes (Milakov & Gimelshein 2018, algorithm 3). LANES lanes share a row.

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let local = place(index);
    let row = row_index(group, groups, local.y);
    let safe = min(row, params.rows - 1u);
    let base = safe * params.columns;
    var largest = logits[base];
    var ties = 0.0; // logits as large as it
    var rest = 0.0; // sum of exp(x - largest) over the others
    var mark = 0.0; // see finite.wgsl
    for (var c = local.x; c < params.columns; c += LANES) {
        let x = logits[base + c];
        mark = select(BROKEN, mark, is_finite(x));
        let share = exp(-abs(x - largest));
        let same = select(0.0, 1.0, x == largest);
        let above = x > largest;
        rest = select(rest + share * (1.0 - same), (rest + ties) * share, above);
        ties = select(ties + same, 1.0, above);
        largest = max(largest, x);
    }
    let own = largest;
    largest = row_max(own, local.x, local.y);
    if (own < largest) {
        rest = (rest + ties) * exp(own - largest);
        ties = 0.0;
    }
    rest = row_sum(rest, local.x, local.y);
    ties = max(row_sum(ties + mark, local.x, local.y), 1.0);
    if (row >= params.rows || local.x != 0u) { return; }
    let log_sum = nan_where(ties >= BROKEN, log_1p(rest / ties) + select(0.0, log(ties), ties > 1.0));
    let label = labels[row];
    lse[row] = largest + log_sum;
    let below = largest - logits[base + min(label, params.columns - 1u)];
    losses[row] = select(below + log_sum, 0.0, label == IGNORED);
}
