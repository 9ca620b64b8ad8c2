// Heads of any size. HEAD and `c` are known when a shader is compiled, so that of the branches here nothing
// is left, nor of what is computed with the zeros of a head that is smaller than 4 {PARTS}.

const UNIT: u32 = 1u; // elements, by which a head's place is counted

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
#if BACKWARD

fn quad_of_dout(base: u32, c: u32) -> vec4f {
    if (4u * c >= HEAD) { return vec4f(); }
    return within(base, c, dout[base / 4u + c], dout[last_of(base, c)]);
}
#end
#if QUERIES

fn quad_of_out(base: u32, c: u32) -> vec4f {
    if (4u * c >= HEAD) { return vec4f(); }
    return within(base, c, out[base / 4u + c], out[last_of(base, c)]);
}
#end

// `sum` and the product of two vectors.
fn add_dot(a: vec4f, b: vec4f, sum: f32) -> f32 {
    return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}
