// out_i[j, c] = the sum of x_i[r, c] over the rows r of chunk j, for COUNT matrices at once: the gradients of the
// biases of a layer. x_i: [R_i, C_i]; out_i: [chunks, C_i], or [C_i] where a chunk is all rows: so a second use adds up
// what the first one made of each chunk. Bound by memory. The grid is columns (of
// Numbers, see one.wgsl), chunks, matrices; see columns.wgsl for who adds up what.

#let COUNT = 1

struct Params {
#for i in COUNT
    rows{i}: u32, columns{i}: u32, chunk{i}: u32, // a chunk's rows
#end
}

@group(0) @binding(0) var<uniform> params: Params;
#for i in COUNT
@group(0) @binding({i+1}) var<storage, read> x{i}: array<Numbers>;
@group(0) @binding({COUNT+i+1}) var<storage, read_write> out{i}: array<Numbers>;
#end

@compute @workgroup_size(COLUMNS, LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let column = group.x * COLUMNS + local.x;
    var sum = Numbers();
#for i in COUNT
    let columns{i} = params.columns{i} / {WIDTH}u;
    let first{i} = group.y * params.chunk{i};
    let exists{i} = group.z == {i}u && column < columns{i} && first{i} < params.rows{i};
    // What does not exist has no row to add.
    let end{i} = select(0u, min(first{i} + params.chunk{i}, params.rows{i}), exists{i});
    for (var r = first{i} + local.y; r < end{i}; r += LANES) { sum += x{i}[r * columns{i} + column]; }
#end
    sum = column_sum(sum, local.x, local.y);
    if (local.y != 0u) { return; }
#for i in COUNT
    if (exists{i}) { out{i}[group.y * columns{i} + column] = sum; }
#end
}
