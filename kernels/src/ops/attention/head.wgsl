// What all attention shaders share: heads of D elements in rows of [3, A, D], read four at a time.
// Buffers end at whole vectors, so that heads of any size can be read through vectors.
// The lines between `#for` and `#end` are repeated, see shader/template.rs.

struct Params { tokens: u32, heads: u32, scale: f32, stream: u32, threshold: u32, keep_scale: f32 }

override HEAD: u32 = 64u; // D, at most 4 {PARTS}
override DROPOUT: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read> lengths: array<u32>;
@group(0) @binding(3) var<storage, read> seed: array<u32>;

// The factor of the weight of query i and key j.
fn kept(sequence_head: u32, i: u32, j: u32) -> f32 {
    if (!DROPOUT) { return 1.0; }
    let index = (sequence_head * params.tokens + i) * params.tokens + j;
    return keep(seed[0], params.stream, index, params.threshold, params.keep_scale);
}
