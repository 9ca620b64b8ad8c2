// out[n, :] = sum of d[i, :] over the i with at(i) = first + n, 0 where there is none: the gradient of a
// look-up. d: [R, C]; at(i) = rows[offset + i], of several look-ups' rows; links: [2 R], see link_rows; out: [N, C],
// all rows of the table or a block of them.
// Three uses of one shader. CLEAR: a thread an element of out writes zero. SCATTER, after it: a thread
// an element of d; the first i that names a row follows the links to all that name it, in order, and writes their sum
// once, so that the same input gives the same bits and no atomic is needed. COLLECT, alone and without links, for a
// table of a few rows: a thread an element of out adds up the d that name it, in the same order. The row `skip` is
// left zero (the padding token's embedding).

struct Params {
    rows: u32, columns: u32, offset: u32, target_rows: u32,
    first: u32, table_rows: u32, // the block's first row, and the whole table's rows
    skip: u32,
}

const SCATTER: u32 = 0u;
const CLEAR: u32 = 1u;
const COLLECT: u32 = 2u;

override USE: u32 = 0u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> d: array<f32>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> links: array<u32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

// The row of the table that row i of d is of.
fn at(i: u32) -> u32 { return min(rows[params.offset + i], params.table_rows - 1u); }

// Column `column` of every d that names the row `to`.
fn collect(to: u32, column: u32) -> f32 {
    var sum = 0.0;
    for (var j = 0u; j < params.rows; j++) {
        if (at(j) == to) { sum += d[j * params.columns + column]; }
    }
    return sum;
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    let row = i / params.columns;
    let column = i % params.columns;
    if (USE != SCATTER) {
        if (row >= params.target_rows) { return; }
        let to = params.first + row;
        if (USE == CLEAR || to == params.skip) {
            out[i] = 0.0;
        } else {
            out[i] = collect(to, column);
        }
        return;
    }
    if (row >= params.rows || links[params.rows + row] == 0u) { return; }
    let to = at(row);
    let place = to - params.first; // beyond the block also where this wraps around
    if (to == params.skip || place >= params.target_rows) { return; }
    var sum = 0.0;
    for (var j = row; j < params.rows; j = links[j]) { sum += d[j * params.columns + column]; }
    out[place * params.columns + column] = sum;
}
