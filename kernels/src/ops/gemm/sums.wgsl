// Adds up what the parts of k gave, always in their order, and ends the product. a is [parts, M, N by four].

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) at: vec3u) {
    let wide = (params.n + 3u) / 4u;
    if (at.x >= wide || at.y >= params.m) { return; }
    var sum = vec4f();
    for (var k = 0u; k < params.k; k += params.k_part) {
        sum += a[(k / params.k_part * params.m + at.y) * wide + at.x];
    }
    store_four(at.y, 4u * at.x, sum);
}
