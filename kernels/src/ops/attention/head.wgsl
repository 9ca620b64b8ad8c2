// Attention (Vaswani et al. 2017, eq. 1), for every head: what its three passes and the families of shaders share.
//
//   FORWARD: w_i = softmax_j(q_i . k_j / sqrt D) over the keys that query i sees, out_i = sum_j w_ij v_j, in one
//     pass over the keys: the running maximum m and sum l rescale what was summed so far whenever a larger score
//     appears (Milakov & Gimelshein 2018; Rabe & Staats 2021). No [B, A, T, T] exists; lse = m + ln l is kept.
//   QUERIES, their gradient, weights computed again from lse: w_ij = exp(q_i . k_j / sqrt D - lse_i),
//     delta_i = dout_i . out_i, ds_ij = w_ij (keep_ij dout_i . v_j - delta_i), dq_i = sum_j ds_ij k_j / sqrt D
//     (Dao et al. 2022, algorithm 4). delta is kept.
//   KEYS, their gradient and the values': dk_j = sum_i ds_ij q_i / sqrt D, dv_j = sum_i w_ij keep_ij dout_i;
//     0 for keys beyond the length.
// Dropout (keep) acts on the weights, after the softmax. 4, 6 and 8 T D flops a token.
// qkv, dqkv: [B T, 3 A D], a row holds q, k, v, each [A, D]; lengths: [B]; out, dout: [B T, A D]; lse, delta: [B, A, T].
// All are read four elements at a time: buffers end at whole vectors.
//
// A workgroup takes some tokens as its own, queries or (KEYS) keys, and goes over the others. A token has two vectors
// of a head, a and b: a query q and dout, a key k and v.
// The template's lines are repeated or left out by shader/template.rs.

struct Params {
    tokens: u32, heads: u32, scale: f32, before: u32, after: u32, stream: u32, threshold: u32, keep_scale: f32
}

override HEAD: u32 = 64u; // D, at most 4 {PARTS}
override DROPOUT: bool = false;
override MASKED: bool = false; // whether a query sees only `before` keys before its own place and `after` after it
override TAKEN: u32 = {ROWS}u * WG / {TEAM}u; // a workgroup's own tokens

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read> lengths: array<u32>;
@group(0) @binding(3) var<storage, read> seed: array<u32>;
#if FORWARD
@group(0) @binding(4) var<storage, read_write> result: array<f32>; // out
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
#end
#if BACKWARD
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> result: array<f32>; // dqkv
#end
#if QUERIES
@group(0) @binding(5) var<storage, read> out: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> delta: array<f32>;
#end
#if KEYS
@group(0) @binding(5) var<storage, read> delta: array<f32>;
#end

// Where token 0 of a sequence has its a and b, in units of UNIT elements, and how far the next token's b is.
struct Side { a: u32, b: u32, next_b: u32 }

// From one token's a to the next one's.
fn next_a() -> u32 { return 3u * params.heads * (HEAD / UNIT); }

fn queries_side(batch: u32, head: u32) -> Side {
    let width = next_a() / 3u;
    let first = batch * params.tokens * width;
    let own = head * (HEAD / UNIT);
    return Side(3u * first + own, first + own, width);
}

fn keys_side(batch: u32, head: u32) -> Side {
    let width = next_a() / 3u;
    let a = queries_side(batch, head).a + width;
    return Side(a, a + width, 3u * width);
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

#if OVER_KEYS
fn pair(own: u32, other: u32) -> vec2u { return vec2u(own, other); } // a query and a key
fn own_side(batch: u32, head: u32) -> Side { return queries_side(batch, head); }
fn other_side(batch: u32, head: u32) -> Side { return keys_side(batch, head); }
fn others_of(first: u32, to: u32, length: u32) -> vec2u { return keys_of(first, to, length); }
fn other_b(base: u32, c: u32) -> vec4f { return quad(base, c); }
#end
#if QUERIES
fn own_b(base: u32, c: u32) -> vec4f { return quad_of_dout(base, c); }
#end
#if KEYS
fn pair(own: u32, other: u32) -> vec2u { return vec2u(other, own); }
fn own_side(batch: u32, head: u32) -> Side { return keys_side(batch, head); }
fn other_side(batch: u32, head: u32) -> Side { return queries_side(batch, head); }
fn others_of(first: u32, to: u32, length: u32) -> vec2u { return queries_of(first, to, length); }
fn other_b(base: u32, c: u32) -> vec4f { return quad_of_dout(base, c); }
fn own_b(base: u32, c: u32) -> vec4f { return quad(base, c); }
#end

// Whether an own token's weight on another counts, which lies among `others_of` that own token alone.
fn counts(others: vec2u, other: u32) -> bool { return other >= others.x && other < others.y; }

// The factor of a weight.
fn kept(sequence_head: u32, own: u32, other: u32) -> f32 {
    if (!DROPOUT) { return 1.0; }
    let query_key = pair(own, other);
    let index = (sequence_head * params.tokens + query_key.x) * params.tokens + query_key.y;
    return keep(seed[0], params.stream, index, params.threshold, params.keep_scale);
}
