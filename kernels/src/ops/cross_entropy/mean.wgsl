// mean[0] = the mean of the losses of the rows that have a label (0 if none has), count[0] = their
// number. losses (0 where there is no label), labels: [R]. One thread: R is the rows of a batch, and the
// order is fixed.

struct Params { rows: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> losses: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> count: array<f32>;

@compute @workgroup_size(1)
fn main() {
    var sum = 0.0;
    var n = 0.0;
    for (var r = 0u; r < params.rows; r++) {
        sum += losses[r];
        n += counts(labels[r]);
    }
    mean[0] = sum / max(n, 1.0);
    count[0] = n;
}
