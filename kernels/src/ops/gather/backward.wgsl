// out[n, :] = sum of d[i, :] over the i with rows[i] = first + n, 0 where there is none: the gradient
// of a look-up. d: [R, C]; rows: [R]; out: [N, C], all rows of the table or a block of them.
// Two uses of one shader. CLEAR: a thread an element of out writes zero. Otherwise: a thread an
// element of d; the first i that names a row adds up all that name it, in order, and writes it once,
// so that the same input gives the same bits and no atomic is needed. R reads of rows a thread, at
// one address for all lanes. The row `skip` is left zero (the padding token's embedding).

struct Params {
    rows: u32, columns: u32, target_rows: u32,
    first: u32, table_rows: u32, // the block's first row, and the whole table's rows
    skip: u32,
}

override CLEAR: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> d: array<f32>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    if (CLEAR) {
        if (i < params.target_rows * params.columns) { out[i] = 0.0; }
        return;
    }
    if (i >= params.rows * params.columns) { return; }
    let row = i / params.columns;
    let column = i % params.columns;
    let last = params.table_rows - 1u;
    let to = min(rows[row], last);
    let place = to - params.first; // beyond the block also where this wraps around
    if (to == params.skip || place >= params.target_rows) { return; }
    for (var j = 0u; j < row; j++) {
        if (min(rows[j], last) == to) { return; }
    }
    var sum = 0.0;
    for (var j = row; j < params.rows; j++) {
        if (min(rows[j], last) == to) { sum += d[j * params.columns + column]; }
    }
    out[place * params.columns + column] = sum;
}
