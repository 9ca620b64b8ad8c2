// What a part of k gives, as it is: sums.wgsl is the rest. c is [parts, M, N by four].

@group(0) @binding(4) var<storage, read> extra: array<vec4f>; // not read here
@group(0) @binding(5) var<storage, read_write> c: array<vec4f>;

fn store_four(row: u32, column: u32, sums: vec4f) {
    if (row >= params.m || column >= params.n) { return; }
    c[(part * params.m + row) * ((params.n + 3u) / 4u) + column / 4u] = sums;
}
