// z = dropout(x) + residual, what a layer norm normalises; see noise.wgsl. Without RESIDUAL or DROPOUT
// what is bound in their place is not read.

override RESIDUAL: bool = false;
override DROPOUT: bool = false;

// What element i of x is multiplied by.
fn kept(i: u32) -> f32 {
    if (DROPOUT) { return keep(seed[0], params.stream, i, params.threshold, params.scale); }
    return 1.0;
}

fn z(i: u32) -> f32 {
    var sum = x[i];
    if (DROPOUT) { sum *= kept(i); }
    if (RESIDUAL) { sum += residual[i]; }
    return sum;
}
