// What the attention shaders for quads share. The head's size is 4 {PARTS}. A quad takes {ROWS} tokens of a
// head over blocks of 4 {OTHERS} others: in products of two tokens its lanes hold neighbouring others, in
// sums over the others neighbouring elements, and they hand around what one of them loaded or computed.
// No shared memory, no barrier; WG is a multiple of 4.

// Four neighbouring others, none beyond the last token.
fn four(other: u32) -> vec4u {
    return min(vec4u(other, other + 1u, other + 2u, other + 3u), vec4u(params.tokens - 1u));
}

// Where queries, keys and values of a sequence's head begin in qkv, and what of [B T, A D] does, in
// vectors of four, which a row has `width` of.
struct Starts { width: u32, queries: u32, keys: u32, values: u32, out: u32 }

fn starts(batch: u32, head: u32) -> Starts {
    let width = params.heads * {PARTS}u;
    let first = batch * params.tokens * width;
    let queries = 3u * first + head * {PARTS}u;
    return Starts(width, queries, queries + width, queries + 2u * width, first + head * {PARTS}u);
}
