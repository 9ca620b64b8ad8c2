// The output, which the queries' backward pass reads.

@group(0) @binding(5) var<storage, read> out: array<vec4f>;

fn quad_of_out(base: u32, c: u32) -> vec4f {
    if (4u * c >= HEAD) { return vec4f(); }
    return within(base, c, out[base / 4u + c], out[last_of(base, c)]);
}

