// What all attention shaders share: heads of D elements in rows of [3, A, D], read four at a time.
// Buffers end at whole vectors, so that heads of any size can be read through vectors.
// The lines between `#for` and `#end` are repeated, see shader/template.rs.

struct Params { tokens: u32, heads: u32, scale: f32, before: u32, after: u32, stream: u32, threshold: u32, keep_scale: f32 }

override HEAD: u32 = 64u; // D, at most 4 {PARTS}
override DROPOUT: bool = false;
override MASKED: bool = false; // whether a query sees only `before` keys before its own place and `after` after it
override TAKEN: u32 = {ROWS}u * WG / {TEAM}u; // tokens of a workgroup

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

// The keys, from x to before y, of which some are seen by queries i to `to`. A query beyond the length sees the last
// key at least.
fn keys_of(i: u32, to: u32, length: u32) -> vec2u {
    if (!MASKED) { return vec2u(0u, length); }
    return vec2u(min(i - min(i, params.before), length - 1u), min(to + params.after + 1u, length));
}

// The queries that see some of the keys j to `to`.
fn queries_of(j: u32, to: u32, length: u32) -> vec2u {
    if (j >= length) { return vec2u(); }
    if (!MASKED) { return vec2u(0u, params.tokens); }
    let end = select(to + params.before + 1u, params.tokens, to + 1u >= length);
    return vec2u(j - min(j, params.after), min(end, params.tokens));
}

fn sees(i: u32, j: u32, length: u32) -> bool {
    let keys = keys_of(i, i, length);
    return j >= keys.x && j < keys.y;
}
