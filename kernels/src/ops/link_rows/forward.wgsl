// Which look-ups are of the same row of a table: links[i] is the next look-up of the row that look-up i is of, NONE where
// there is none; links[R + i] is 1 where none before it is of that row, else 0.
// rows: [P R], of which the R from `offset` on are meant; links: [2 R]. One thread a look-up, R reads of rows at most. So a
// gradient need not search for the row's look-ups again in every column.

struct Params { rows: u32, offset: u32, table_rows: u32 }

const NONE: u32 = 0xffffffffu;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> links: array<u32>;

fn at(i: u32) -> u32 { return min(rows[params.offset + i], params.table_rows - 1u); }

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    if (i >= params.rows) { return; }
    let row = at(i);
    var next = i + 1u;
    while (next < params.rows && at(next) != row) { next++; }
    var before = 0u;
    while (before < i && at(before) != row) { before++; }
    links[i] = select(NONE, next, next < params.rows);
    links[params.rows + i] = select(0u, 1u, before == i);
}
