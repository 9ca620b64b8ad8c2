// Reductions over a row that LANES lanes share, ROWS rows to a workgroup.
// With one lane to a row nothing is exchanged and no barrier is executed, which software adapters
// need: there a barrier costs more than the arithmetic between two of them.
// Every invocation of the workgroup must call these, also those whose row does not exist.

override LANES: u32 = 64u; // a power of two
override ROWS: u32 = 1u;

// Where an invocation stands in its workgroup of LANES * ROWS: its lane in x, its row in y. A workgroup has one
// dimension: Mesa's llvmpipe fills its vectors along the first one only.
fn place(index: u32) -> vec2u { return vec2u(index % LANES, index / LANES); }

// The row of all that is a workgroup's `row`, of a grid that was folded into two dimensions, see `grid_1d`.
fn row_index(group: vec3u, groups: vec3u, row: u32) -> u32 { return (group.y * groups.x + group.x) * ROWS + row; }

var<workgroup> lane_values: array<f32, 256>;

fn row_sum(x: f32, lane: u32, row: u32) -> f32 {
    if (LANES == 1u) { return x; }
    let base = row * LANES;
    lane_values[base + lane] = x;
    workgroupBarrier();
    for (var reach = LANES / 2u; reach > 0u; reach /= 2u) {
        if (lane < reach) { lane_values[base + lane] += lane_values[base + lane + reach]; }
        workgroupBarrier();
    }
    let sum = lane_values[base];
    workgroupBarrier();
    return sum;
}

fn row_max(x: f32, lane: u32, row: u32) -> f32 {
    if (LANES == 1u) { return x; }
    let base = row * LANES;
    lane_values[base + lane] = x;
    workgroupBarrier();
    for (var reach = LANES / 2u; reach > 0u; reach /= 2u) {
        if (lane < reach) { lane_values[base + lane] = max(lane_values[base + lane], lane_values[base + lane + reach]); }
        workgroupBarrier();
    }
    let largest = lane_values[base];
    workgroupBarrier();
    return largest;
}
