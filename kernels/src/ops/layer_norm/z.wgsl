// z = dropout(x) + residual, what a layer norm normalises; see noise.wgsl. Without RESIDUAL or DROPOUT
// what is bound in their place is not read. Places count Numbers, see one.wgsl.

override RESIDUAL: bool = false;
override DROPOUT: bool = false;

// What element i of x is multiplied by.
fn kept_one(i: u32) -> f32 { return keep(seed[0], params.stream, i, params.threshold, params.scale); }

// What Numbers i of x are multiplied by.
fn kept(i: u32) -> Numbers {
    if (!DROPOUT) { return Numbers(1.0); }
    return Numbers(
#for j in WIDTH
        kept_one({WIDTH}u * i + {j}u),
#end
    );
}

fn z(i: u32) -> Numbers {
    var sum = x[i];
    if (DROPOUT) { sum *= kept(i); }
    if (RESIDUAL) { sum += residual[i]; }
    return sum;
}
