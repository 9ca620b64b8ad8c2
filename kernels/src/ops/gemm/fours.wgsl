// Factors read four elements at a time, wherever these begin, for shaders of real GPUs.

// Whether four k (else four rows of a, or columns of b) lie side by side in memory.
override A_ALONG_K: bool = true;
override B_ALONG_K: bool = true;
// Whether fours begin at whole vectors.
override A_WHOLE: bool = false;
override B_WHOLE: bool = false;
// Whether K is a multiple of four, so that a vector along k lies within it or beyond it as a whole.
override K_WHOLE: bool = false;

@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> b_half: array<vec2u>; // the same buffer as b

fn four_a(i: u32) -> vec4f {
    if (A_WHOLE) { return a[i / 4u]; }
    var v: vec4f;
    #for j in 4
    v[{j}] = a[(i + {j}u) / 4u][(i + {j}u) % 4u];
    #end
    return v;
}

fn whole_b(i: u32) -> vec4f {
    if (HALF) { return vec4f(unpack2x16float(b_half[i].x), unpack2x16float(b_half[i].y)); }
    return b[i];
}

fn four_b(i: u32) -> vec4f {
    if (B_WHOLE) { return whole_b(i / 4u); }
    var v: vec4f;
    #for j in 4
    v[{j}] = whole_b((i + {j}u) / 4u)[(i + {j}u) % 4u];
    #end
    return v;
}

// What of v belongs to k and the three after it; zero beyond K.
fn within(v: vec4f, k: u32) -> vec4f {
    if (K_WHOLE) { return select(vec4f(), v, k < params.k); }
    return select(vec4f(), v, vec4u(k, k + 1u, k + 2u, k + 3u) < vec4u(params.k));
}
