// Heads of any size. HEAD and `c` are known when a shader is compiled, so that of the branches here nothing
// is left, nor of what is computed with the zeros of a head that is smaller than 4 {PARTS}.

override QUADS: u32 = (HEAD + 3u) / 4u; // vectors of a head

// Vector c of a head that begins at `base`, zero beyond its end; its elements are in the vectors a and b.
fn within(base: u32, c: u32, a: vec4f, b: vec4f) -> vec4f {
    if (HEAD % 4u == 0u) { return a; }
    let odd = base % 2u == 1u;
    let low = select(a, vec4f(a.yzw, b.x), odd);
    let high = select(vec4f(a.zw, b.xy), vec4f(a.w, b.xyz), odd);
    let v = select(low, high, base % 4u >= 2u);
    return select(vec4f(), v, 4u * c + vec4u(0u, 1u, 2u, 3u) < vec4u(HEAD));
}

// Where the last element of vector c lies, as far as there is one.
fn last_of(base: u32, c: u32) -> u32 { return (base + min(4u * c + 3u, HEAD - 1u)) / 4u; }

fn quad(base: u32, c: u32) -> vec4f {
    if (4u * c >= HEAD) { return vec4f(); }
    return within(base, c, qkv[base / 4u + c], qkv[last_of(base, c)]);
}

// `sum` and the product of two vectors.
fn add_dot(a: vec4f, b: vec4f, sum: f32) -> f32 {
    return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

// Where queries of a sequence's head begin in qkv, and what of [B T, A D] does; rows have `width`
// elements there, three times as many in qkv.
struct Starts { width: u32, queries: u32, keys: u32, values: u32, out: u32 }

fn starts(batch: u32, head: u32) -> Starts {
    let width = params.heads * HEAD;
    let first = batch * params.tokens * width;
    let queries = 3u * first + head * HEAD;
    return Starts(width, queries, queries + width, queries + 2u * width, first + head * HEAD);
}
