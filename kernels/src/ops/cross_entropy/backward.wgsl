// dx[r, c] = (exp(x[r, c] - lse[r]) - [c = label[r]]) d / count, 0 in rows without a label: the
// gradient of the mean cross-entropy; with WEIGHTED times the row's weight. logits x, dx: [R, V]; labels, losses, lse, weights: [R]; count, d: [1].
// At the label, exp(-loss) stands for the probability: near 1 it keeps the digits that x - lse loses.
// One read and one write an element, bound by memory; one thread an element.

struct Params { rows: u32, columns: u32 }

override WEIGHTED: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> losses: array<f32>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> count: array<f32>;
@group(0) @binding(6) var<storage, read> d: array<f32>;
@group(0) @binding(7) var<storage, read> weights: array<f32>;
@group(0) @binding(8) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    if (i >= params.rows * params.columns) { return; }
    let row = i / params.columns;
    let label = labels[row];
    var weight = counts(label);
    if (WEIGHTED) { weight *= weights[row]; }
    if (weight == 0.0) {
        dx[i] = 0.0;
        return;
    }
    let hit = min(label, params.columns - 1u) == i % params.columns;
    let p = exp(select(logits[i] - lse[row], -losses[row], hit));
    dx[i] = (p - select(0.0, 1.0, hit)) * d[0] * (weight / count[0]);
}
