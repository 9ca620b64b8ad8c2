// dx[r, c] = (exp(x[r, c] - lse[r]) - [c = label[r]]) d / count, 0 in rows without a label: the
// gradient of the mean cross-entropy; with WEIGHTED times the row's weight. logits x, dx: [R, V]; labels, losses, lse, weights: [R]; count, d: [1].
// At the label, exp(-loss) stands for the probability: near 1 it keeps the digits that x - lse loses.
// One read and one write an element, bound by memory; LANES lanes share COLUMNS columns of a row.

struct Params { rows: u32, columns: u32 }

override WEIGHTED: bool = false;
override COLUMNS: u32 = 256u;

const FOLD: u32 = 65535u; // groups of rows in the grid's second dimension, at most

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> losses: array<f32>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> count: array<f32>;
@group(0) @binding(6) var<storage, read> d: array<f32>;
@group(0) @binding(7) var<storage, read> weights: array<f32>;
@group(0) @binding(8) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    let local = place(index);
    let row = (group.z * FOLD + group.y) * ROWS + local.y;
    if (row >= params.rows) { return; }
    let base = row * params.columns;
    let end = min((group.x + 1u) * COLUMNS, params.columns);
    let label = labels[row];
    var weight = counts(label);
    if (WEIGHTED) { weight *= weights[row]; }
    // Where nothing counts, the logits may be no numbers.
    let absent = weight == 0.0;
    let scale = d[0] * (weight / count[0]);
    let loss = losses[row];
    let row_lse = lse[row];
    let hit = min(label, params.columns - 1u);
    for (var c = group.x * COLUMNS + local.x; c < end; c += LANES) {
        let p = exp(select(logits[base + c] - row_lse, -loss, c == hit));
        dx[base + c] = select((p - select(0.0, 1.0, c == hit)) * scale, 0.0, absent);
    }
}
