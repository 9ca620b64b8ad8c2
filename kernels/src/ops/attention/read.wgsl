// What the attention shaders share: heads of D elements in rows of [3, A, D], read four at a time.
// Buffers end at whole vectors, so that heads of any size can be read through vectors.

override HEAD: u32 = 64u; // D, at most 128
override DROPOUT: bool = false;

const QUADS: u32 = 32u; // registers of the largest head

@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read> lengths: array<u32>;
@group(0) @binding(3) var<storage, read> seed: array<u32>;

// Elements 4c to 4c+3 of the vector that begins at `base`, zero beyond its end.
fn quad(base: u32, c: u32) -> vec4f {
    if (HEAD % 4u == 0u) { return qkv[base / 4u + c]; }
    var v = vec4f();
    for (var j = 0u; j < 4u; j++) {
        let i = base + 4u * c + j;
        if (4u * c + j < HEAD) { v[j] = qkv[i / 4u][i % 4u]; }
    }
    return v;
}

// The factor of the weight of query i and key j.
fn kept(sequence_head: u32, i: u32, j: u32) -> f32 {
    if (!DROPOUT) { return 1.0; }
    let index = (sequence_head * params.tokens + i) * params.tokens + j;
    return keep(seed[0], params.stream, index, params.threshold, params.keep_scale);
}
