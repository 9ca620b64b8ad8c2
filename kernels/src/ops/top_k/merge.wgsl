// The second stage: of the parts' largest the row's, and of the parts' figures the row's three: log-sum-exp,
// the target's logit, the target's rank (1 = largest).
// logits: [R, V]; targets: [R], NONE = none; parts: see parts.wgsl, `kept` = a part's k; values, columns:
// [R, k]; figures: [R, 3]. A row with a logit that is not finite has no order: NaN for log-sum-exp and rank,
// the first k columns. LANES lanes share a row.

struct Params { rows: u32, columns: u32, k: u32, kept: u32, parts: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read> parts: array<u32>;
@group(0) @binding(4) var<storage, read_write> values: array<f32>;
@group(0) @binding(5) var<storage, read_write> columns: array<u32>;
@group(0) @binding(6) var<storage, read_write> figures: array<f32>;

fn candidate(span: Span, i: u32) -> Candidate {
    let at = span.start + i;
    return Candidate(bitcast<f32>(parts[at]), parts[at + span.end]);
}

@compute @workgroup_size(LANES * ROWS)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let local = place(index);
    let row = row_index(group, groups, local.y);
    let writes = row < params.rows && local.x == 0u;
    let safe_row = min(row, params.rows - 1u);
    let span = Span(safe_row * params.parts * (2u * params.kept + 3u), 0u, params.parts * params.kept, LANES);
    let found = span.start + 2u * span.end;
    var largest = LOWEST;
    for (var p = local.x; p < params.parts; p += LANES) {
        largest = max(largest, bitcast<f32>(parts[found + 3u * p]));
    }
    largest = row_max(largest, local.x, local.y);
    var sum = 0.0;
    var better = 0.0;
    for (var p = local.x; p < params.parts; p += LANES) {
        let at = found + 3u * p;
        sum += bitcast<f32>(parts[at + 1u]) * exp(bitcast<f32>(parts[at]) - largest);
        better += bitcast<f32>(parts[at + 2u]);
    }
    sum = row_sum(sum, local.x, local.y);
    better = row_sum(better, local.x, local.y);
    let broken = better >= BROKEN;
    let base = safe_row * params.columns;
    let wanted = targets[safe_row];
    if (writes) {
        let logit = logits[base + min(wanted, params.columns - 1u)];
        figures[3u * row] = nan_where(broken, largest + log(sum));
        figures[3u * row + 1u] = select(logit, 0.0, wanted == NONE);
        figures[3u * row + 2u] = select(nan_where(broken, better + 1.0), 0.0, wanted == NONE);
    }
    var last = Candidate(0.0, 0u);
    for (var i = 0u; i < params.k; i++) {
        last = next(span, last, i == 0u, local.x, local.y);
        if (writes) {
            let column = select(last.column, i, broken);
            values[row * params.k + i] = logits[base + column];
            columns[row * params.k + i] = column;
        }
    }
}
