// The gradient of the output, which both backward passes read.

@group(0) @binding(6) var<storage, read> dout: array<vec4f>;

fn quad_of_dout(base: u32, c: u32) -> vec4f {
    if (4u * c >= HEAD) { return vec4f(); }
    return within(base, c, dout[base / 4u + c], dout[last_of(base, c)]);
}

