// b^T as PyTorch stores the weight of nn.Linear: [N, K], so that four k are one vector; K % 4 == 0.

@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> b_half: array<vec2u>; // the same buffer as b

// b[k .. k+3, n]
fn load_b(k: u32, n: u32) -> vec4f {
    let i = (n * params.k + k) / 4u;
    if (HALF) { return vec4f(unpack2x16float(b_half[i].x), unpack2x16float(b_half[i].y)); }
    return b[i];
}
