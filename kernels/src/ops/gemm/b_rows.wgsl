// b^T as PyTorch stores the weight of nn.Linear: [N, K], four k side by side.

override B_WHOLE: bool = true; // whether rows begin at whole vectors: K % 4 == 0

@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> b_half: array<vec2u>; // the same buffer as b

fn at_b(i: u32) -> f32 {
    if (HALF) { return unpack2x16float(b_half[i / 4u][i / 2u % 2u])[i % 2u]; }
    return b[i / 4u][i % 4u];
}

// b[k .. k+3, n]; what lies beyond K meets zeros of a.
fn load_b(k: u32, n: u32) -> vec4f {
    let i = n * params.k + k;
    if (!B_WHOLE) { return vec4f(at_b(i), at_b(i + 1u), at_b(i + 2u), at_b(i + 3u)); }
    if (HALF) { return vec4f(unpack2x16float(b_half[i / 4u].x), unpack2x16float(b_half[i / 4u].y)); }
    return b[i / 4u];
}
