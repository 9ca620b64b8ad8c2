// The largest number of a row with its column, the first one of equals; see reduce.wgsl, which it stands after.

const LOWEST: f32 = -3.4028234e38;

var<workgroup> lane_columns: array<u32, 256>;

struct Candidate { value: f32, column: u32 }

// Whether a comes before b in falling order.
fn before(a: Candidate, b: Candidate) -> bool {
    return a.value > b.value || (a.value == b.value && a.column < b.column);
}

fn row_first(mine: Candidate, lane: u32, row: u32) -> Candidate {
    if (LANES == 1u) { return mine; }
    let base = row * LANES;
    lane_values[base + lane] = mine.value;
    lane_columns[base + lane] = mine.column;
    workgroupBarrier();
    for (var reach = LANES / 2u; reach > 0u; reach /= 2u) {
        if (lane < reach) {
            let i = base + lane;
            let other = Candidate(lane_values[i + reach], lane_columns[i + reach]);
            if (before(other, Candidate(lane_values[i], lane_columns[i]))) {
                lane_values[i] = other.value;
                lane_columns[i] = other.column;
            }
        }
        workgroupBarrier();
    }
    let first = Candidate(lane_values[base], lane_columns[base]);
    workgroupBarrier();
    return first;
}
