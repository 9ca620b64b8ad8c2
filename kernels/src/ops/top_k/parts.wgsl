// The first of two stages: a row is dealt out to `parts` parts, LANES columns at a time. Of each the k largest
// logits with their columns, in falling order (equal ones by column), and its figures: the largest, the sum of
// exp(logit - largest), and how many come before the target (at least BROKEN where a logit is not finite).
// logits: [R, V]; targets: [R], NONE = none; parts: [R, P (2 k + 3)], a row holding values [P, k], columns
// [P, k] and figures [P, 3]. LANES lanes share a part, of P R parts in all.

struct Params { rows: u32, columns: u32, k: u32, parts: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read_write> parts: array<u32>;

fn candidate(span: Span, column: u32) -> Candidate { return Candidate(logits[span.start + column], column); }

@compute @workgroup_size(LANES * ROWS)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let local = place(index);
    let item = row_index(group, groups, local.y);
    let writes = item < params.rows * params.parts && local.x == 0u;
    let safe = min(item, params.rows * params.parts - 1u);
    let row = safe / params.parts;
    let part = safe % params.parts;
    let span = Span(row * params.columns, part * LANES, params.columns, params.parts * LANES);
    var largest = LOWEST;
    var mark = 0.0; // see finite.wgsl
    for (var i = span.first + local.x; i < span.end; i += span.step) {
        let logit = candidate(span, i).value;
        largest = max(largest, logit);
        mark = select(BROKEN, mark, is_finite(logit));
    }
    largest = row_max(largest, local.x, local.y);
    let wanted = targets[row];
    let mine = Candidate(logits[span.start + min(wanted, params.columns - 1u)], wanted);
    var sum = 0.0;
    var better = mark; // and the count, exact: V is far below 2^24
    for (var i = span.first + local.x; i < span.end; i += span.step) {
        let found = candidate(span, i);
        sum += exp(found.value - largest);
        if (before(found, mine)) { better += 1.0; }
    }
    sum = row_sum(sum, local.x, local.y);
    better = row_sum(better, local.x, local.y);
    let all = params.parts * params.k;
    let begin = row * params.parts * (2u * params.k + 3u);
    if (writes) {
        let figures = begin + 2u * all + 3u * part;
        parts[figures] = bitcast<u32>(largest);
        parts[figures + 1u] = bitcast<u32>(sum);
        parts[figures + 2u] = bitcast<u32>(better);
    }
    var last = Candidate(0.0, 0u);
    for (var i = 0u; i < params.k; i++) {
        last = next(span, last, i == 0u, local.x, local.y);
        if (writes) {
            let to = begin + part * params.k + i;
            parts[to] = bitcast<u32>(last.value);
            parts[to + all] = last.column;
        }
    }
}
