// mean[0] = the mean of the losses of the rows that have a label (0 if none has), count[0] = their
// number or, with WEIGHTED, the sum of their weights. losses (0 where there is no label), labels, weights: [R].
// One workgroup, whose LANES lanes share the rows.

struct Params { rows: u32 }

override WEIGHTED: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> losses: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> count: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    var n = 0.0;
    for (var r = lane; r < params.rows; r += LANES) {
        var weight = counts(labels[r]);
        if (WEIGHTED) { weight *= weights[r]; }
        // A loss that is no number stays so, but where it does not count.
        if (weight > 0.0) { sum += weight * losses[r]; }
        n += weight;
    }
    sum = row_sum(sum, lane, 0u);
    n = row_sum(n, lane, 0u);
    if (lane == 0u) {
        mean[0] = select(0.0, sum / n, n > 0.0);
        count[0] = n;
    }
}
