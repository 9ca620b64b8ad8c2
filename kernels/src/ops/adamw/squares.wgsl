// The sum of squares of every `stride`-th four of the gradients g, from four `first` on. Where the last is not
// whole, what lies beyond `params.len` is no gradient.
fn squares(first: u32, stride: u32) -> f32 {
    var sums = vec4f();
    for (var i = first; 4u * i < params.len; i += stride) {
        let inside = 4u * i + vec4u(0u, 1u, 2u, 3u) < vec4u(params.len);
        let each = select(vec4f(), g[i], inside);
        sums = fma(each, each, sums);
    }
    return (sums.x + sums.y) + (sums.z + sums.w);
}
