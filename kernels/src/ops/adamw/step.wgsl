// One AdamW step over a buffer of parameters (Loshchilov & Hutter 2019, algorithm 2, as in
// torch.optim.AdamW), after clipping the gradients' global norm (Pascanu et al. 2013):
//   c = min(1, max_norm / (norm + 1e-6)), g' = c g
//   w = w (1 - rate decay), m = b1 m + (1 - b1) g', v = b2 v + (1 - b2) g'^2
//   w = w - rate / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps)
// schedule: [3] = rate, 1 - b1^t, 1 - b2^t. Elements from decay_end on are not decayed.
// g, w, m, v: [n]. Four reads and three writes an element, bound by memory; one thread an element.
// Between the parameters of a buffer lie a few elements that are zero and stay so.

struct Params { len: u32, decay_end: u32, beta1: f32, beta2: f32, eps: f32, decay: f32, max_norm: f32 }

override CLIP: bool = true;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read> norm: array<f32>;
@group(0) @binding(3) var<storage, read> schedule: array<f32>;
@group(0) @binding(4) var<storage, read_write> w: array<f32>;
@group(0) @binding(5) var<storage, read_write> m: array<f32>;
@group(0) @binding(6) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    if (i >= params.len) { return; }
    var gradient = g[i];
    if (CLIP) { gradient *= min(1.0, params.max_norm / (norm[0] + 1e-6)); }
    let rate = schedule[0];
    let m1 = params.beta1 * m[i] + (1.0 - params.beta1) * gradient;
    let v1 = params.beta2 * v[i] + (1.0 - params.beta2) * gradient * gradient;
    m[i] = m1;
    v[i] = v1;
    let shrunk = w[i] * select(1.0, 1.0 - rate * params.decay, i < params.decay_end);
    w[i] = shrunk - rate / schedule[1] * m1 / (sqrt(v1 / schedule[2]) + params.eps);
}
