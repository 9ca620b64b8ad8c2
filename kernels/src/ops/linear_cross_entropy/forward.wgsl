// A linear layer of few outputs, each row's cross-entropy, and the gradient of their mean with respect
// to the logits, in one pass:
//   x[r, n] = sum_k h[r, k] w[n, k] + b[n],  losses[r] = lse(x[r, :]) - x[r, label[r]]
//   dx[r, n] = (exp(x[r, n] - lse[r]) - [n = label[r]]) d / count
// A row with a logit that is not finite has NaN for both. Rows without a label have neither loss nor gradient; count is the number of the others. As in
// cross_entropy/, a loss is (max - x[label]) + log(1 + rest), and exp(-loss) stands for the label's
// probability. h: [R, K]; w: [N, K], N <= 16; b: [N]; labels: [R]; d: [1]; losses: [R]; dx: [R, N].
// 2 R K N flops; N is too small for a tile, so LANES lanes share a row and its N sums, one after
// another; the rest is done by each lane, which has all N logits. R and N are constants, as Mesa's
// llvmpipe compiles short loops over uniforms anew at each launch.

struct Params { inputs: u32 }

override SAMPLES: u32 = 1u; // R
override OUTPUTS: u32 = 16u; // N
override HALF: bool = false; // w rests in f16, two to a word

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> h: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<u32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> labels: array<u32>;
@group(0) @binding(5) var<storage, read> d: array<f32>;
@group(0) @binding(6) var<storage, read_write> losses: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<f32>;

fn weight(i: u32) -> f32 {
    if (HALF) { return unpack2x16float(w[i / 2u])[i % 2u]; }
    return bitcast<f32>(w[i]);
}

@compute @workgroup_size(LANES * ROWS)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let local = place(index);
    let row = row_index(group, groups, local.y);
    let safe = min(row, SAMPLES - 1u);
    let base = safe * params.inputs;
    var logits: array<f32, 16>;
    var largest = 0.0;
    var broken = false;
    for (var n = 0u; n < OUTPUTS; n++) {
        let first = n * params.inputs;
        var sum = 0.0;
        for (var k = local.x; k < params.inputs; k += LANES) { sum = fma(h[base + k], weight(first + k), sum); }
        let logit = row_sum(sum, local.x, local.y) + bias[n];
        largest = select(max(largest, logit), logit, n == 0u);
        logits[n] = logit;
        broken = broken | !is_finite(logit);
    }
    if (row >= SAMPLES || local.x != 0u) { return; }
    let first = row * OUTPUTS;
    let label = labels[row];
    if (label == IGNORED) {
        losses[row] = 0.0;
        for (var n = 0u; n < OUTPUTS; n++) { dx[first + n] = 0.0; }
        return;
    }
    var rest = 0.0;
    var ties = 0.0;
    for (var n = 0u; n < OUTPUTS; n++) {
        if (logits[n] < largest) { rest += exp(logits[n] - largest); } else { ties += 1.0; }
    }
    ties = max(ties, 1.0);
    let log_sum = nan_where(broken, log_1p(rest / ties) + select(0.0, log(ties), ties > 1.0));
    let place = min(label, OUTPUTS - 1u);
    let loss = (largest - logits[place]) + log_sum;
    losses[row] = loss;
    var count = 0.0;
    for (var r = 0u; r < SAMPLES; r++) { count += counts(labels[r]); }
    let scale = d[0] / count;
    for (var n = 0u; n < OUTPUTS; n++) {
        let hit = n == place;
        let p = exp(select(logits[n] - (largest + log_sum), -loss, hit));
        dx[first + n] = (p - select(0.0, 1.0, hit)) * scale;
    }
}
