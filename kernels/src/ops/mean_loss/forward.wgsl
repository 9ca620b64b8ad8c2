// mean[0] = sum of w f(x, y) / sum of w (0 where no weight is), total[0] = sum of w. x, y, w: [n].
// f is the binary cross-entropy of a logit, or the squared error. A number that has a weight and is not
// finite makes the mean NaN. One read of each, bound by memory; one workgroup, whose LANES lanes share them.

struct Params { len: u32 }

override BINARY: bool = true;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> total: array<f32>;

fn loss(a: f32, b: f32) -> f32 {
    if (BINARY) { return max(a, 0.0) - a * b + log_1p(exp(-abs(a))); }
    return (a - b) * (a - b);
}

@compute @workgroup_size(LANES * ROWS)
fn main(@builtin(local_invocation_index) index: u32) {
    let local = place(index);
    var sum = 0.0;
    var weights = 0.0;
    var mark = 0.0; // see finite.wgsl
    for (var i = local.x; i < params.len; i += LANES) {
        let each = w[i];
        if (each == 0.0) { continue; }
        let a = x[i];
        mark = select(BROKEN, mark, is_finite(a));
        sum += each * loss(a, y[i]);
        weights += each;
    }
    sum = row_sum(sum, local.x, local.y);
    weights = row_sum(weights, local.x, local.y);
    mark = row_sum(mark, local.x, local.y);
    if (local.x != 0u || local.y != 0u) { return; }
    mean[0] = nan_where(mark >= BROKEN, select(sum / weights, 0.0, weights == 0.0));
    total[0] = weights;
}
