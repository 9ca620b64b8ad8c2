// AdamW's step of four elements (Loshchilov & Hutter 2019, algorithm 2, as in torch.optim.AdamW), after
// clipping the gradients' global norm (Pascanu et al. 2013):
//   c = min(1, max_norm / (norm + 1e-6)), g' = c g + l2 w
//   w = w (1 - rate decay), m = b1 m + (1 - b1) g', v = b2 v + (1 - b2) g'^2
//   w = w - rate / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps)
// schedule: [3] = rate, 1 - b1^t, 1 - b2^t; the rate times params.scale. Elements from decay_end on are not decayed,
// and have no l2. Borders lie between fours, but for the end of a buffer: what stands beyond it in its last four
// is updated too, and nobody's.

override CLIP: bool = true;

// Updates elements 4 i to 4 i + 3 of w, m and v.
fn update(i: u32, norm: f32) {
    let decays = 4u * i < params.decay_end;
    let rate = schedule[0] * params.scale;
    let weight = w[i];
    var gradient = g[i];
    if (CLIP) { gradient *= min(1.0, params.max_norm / (norm + 1e-6)); }
    if (decays) { gradient += params.l2 * weight; }
    let m1 = params.beta1 * m[i] + (1.0 - params.beta1) * gradient;
    let v1 = params.beta2 * v[i] + (1.0 - params.beta2) * gradient * gradient;
    m[i] = m1;
    v[i] = v1;
    let shrunk = weight * select(1.0, 1.0 - rate * params.decay, decays);
    w[i] = shrunk - rate / schedule[1] * m1 / (sqrt(v1 / schedule[2]) + params.eps);
}
