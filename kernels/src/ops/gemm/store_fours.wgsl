// Four columns at a time, where N, c_first and c_pitch are multiples of four.

@group(0) @binding(4) var<storage, read> extra: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> c: array<vec4f>;

fn store_four(row: u32, column: u32, sums: vec4f) {
    if (row >= params.m || column >= params.n) { return; }
    let to = (params.c_first + column) / 4u;
    var v = sums;
    if (EXTRA > 0u) {
        let z = extra[row * (params.extra_pitch / 4u) + to];
        if (EXTRA == 1u) { v += z; } else { v *= vec4f(slope(z.x), slope(z.y), slope(z.z), slope(z.w)); }
    }
    if (EXTRA != 2u) { v = vec4f(activate(v.x), activate(v.y), activate(v.z), activate(v.w)); }
    c[row * (params.c_pitch / 4u) + to] = v;
}
