// The k largest logits of every row with their columns, in falling order (equal ones by column),
// and three figures of the row: log-sum-exp, the target's logit, the target's rank (1 = largest).
// logits: [R, V]; targets: [R], 0xffffffff = none; values, columns: [R, k]; figures: [R, 3].
// A row with a logit that is not finite has no order: NaN for log-sum-exp and rank, the first k columns.
// k + 3 passes over the row, each taking the largest element after the one before: for the k of a
// few dozen that people look at, this beats sorting and needs no memory. LANES lanes share a row.

struct Params { rows: u32, columns: u32, k: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;
@group(0) @binding(4) var<storage, read_write> columns: array<u32>;
@group(0) @binding(5) var<storage, read_write> figures: array<f32>;

const NONE: u32 = 0xffffffffu;

@compute @workgroup_size(LANES, ROWS)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_id) local: vec3u,
) {
    let row = (group.y * groups.x + group.x) * ROWS + local.y;
    let exists = row < params.rows;
    let safe_row = min(row, params.rows - 1u);
    let base = safe_row * params.columns;
    let writes = exists && local.x == 0u;
    var largest = LOWEST;
    var mark = 0.0; // see finite.wgsl
    for (var c = local.x; c < params.columns; c += LANES) {
        let logit = logits[base + c];
        largest = max(largest, logit);
        mark = select(BROKEN, mark, is_finite(logit));
    }
    largest = row_max(largest, local.x, local.y);
    let wanted = targets[safe_row];
    let mine = Candidate(logits[base + min(wanted, params.columns - 1u)], wanted);
    var sum = 0.0;
    var better = mark; // and the count, exact: V is far below 2^24
    for (var c = local.x; c < params.columns; c += LANES) {
        let logit = logits[base + c];
        sum += exp(logit - largest);
        if (before(Candidate(logit, c), mine)) { better += 1.0; }
    }
    sum = row_sum(sum, local.x, local.y);
    better = row_sum(better, local.x, local.y);
    let broken = better >= BROKEN;
    if (writes) {
        figures[3u * row] = nan_where(broken, largest + log(sum));
        figures[3u * row + 1u] = select(mine.value, 0.0, wanted == NONE);
        figures[3u * row + 2u] = select(nan_where(broken, better + 1.0), 0.0, wanted == NONE);
    }
    var last = Candidate(0.0, 0u);
    for (var i = 0u; i < params.k; i++) {
        var best = Candidate(LOWEST, NONE);
        for (var c = local.x; c < params.columns; c += LANES) {
            let candidate = Candidate(logits[base + c], c);
            if ((i == 0u || before(last, candidate)) && before(candidate, best)) { best = candidate; }
        }
        last = row_first(best, local.x, local.y);
        if (writes) {
            let column = select(last.column, i, broken);
            values[row * params.k + i] = logits[base + column];
            columns[row * params.k + i] = column;
        }
    }
}
