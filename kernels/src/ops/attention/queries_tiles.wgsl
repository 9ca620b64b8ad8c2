// What queries_lanes.wgsl computes, by tiles of queries and keys.

@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<f32>;
@group(0) @binding(8) var<storage, read_write> delta: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    let x = index % 8u;
    let y = index / 8u;
    let top = {ROWS}u * group.x;
    let rows = four(top + y);
    let last = params.tokens - 1u;
    let sequence_head = group.z * params.heads + group.y;
    let at = starts(group.z, group.y);
    let length = clamp(lengths[group.z], 1u, params.tokens);
    var dot_out = vec4f();
    var lses = vec4f();
    #for r in 4
    {
        let i = min(rows[{r}], last);
        lses[{r}] = lse[sequence_head * params.tokens + i];
        let base = at.out + i * at.width;
        for (var d = x; d < QUADS; d += 8u) {
            dot_out[{r}] = add_dot(quad_of_dout(base, d), quad_of_out(base, d), dot_out[{r}]);
        }
    }
    #end
    dot_out = row_sum(dot_out, y, x);
    #for c in COLUMNS
    var dq{c} = mat4x4f();
    #end
    let others = keys_of(group.x * TAKEN, group.x * TAKEN + TAKEN - 1u, length);
    for (var first = others.x; first < others.y; first += 32u) {
        var s = mat4x4f();
        var dw = mat4x4f();
        for (var slab = 0u; slab < SLABS; slab++) {
            stage(MINE, at.queries, top, last, slab, index);
            stage(OTHERS, at.keys, first, length - 1u, slab, index);
            workgroupBarrier();
            s = add_products(s, y, x);
            workgroupBarrier();
            stage_dout(MINE, at.out, top, last, slab, index);
            stage(OTHERS, at.values, first, length - 1u, slab, index);
            workgroupBarrier();
            dw = add_products(dw, y, x);
            workgroupBarrier();
        }
        let j = four(first + x);
        #for r in 4
        dw[{r}] = four_kept(sequence_head, vec4u(rows[{r}]), j) * dw[{r}] - dot_out[{r}];
        s[{r}] = exp(s[{r}] * params.scale - lses[{r}]) * dw[{r}] * params.scale;
        s[{r}] = select(vec4f(), s[{r}], four_seen(vec4u(rows[{r}]), j, length));
        #end
        keep_weights(s, y, x);
        #for c in COLUMNS
        if ({c}u < SLABS) {
            stage(OTHERS, at.keys, first, length - 1u, {c}u, index);
            workgroupBarrier();
            dq{c} = add_weighted(dq{c}, y, x);
            workgroupBarrier();
        }
        #end
    }
    #for r in 4
    if (rows[{r}] <= last) {
        let to = at.queries + rows[{r}] * 3u * at.width + 4u * x;
        #for c in COLUMNS
        #for e in 4
        if (4u * x + 32u * {c}u + {e}u < HEAD) { dqkv[to + 32u * {c}u + {e}u] = dq{c}[{r}][{e}]; }
        #end
        #end
        if (x == 0u) { delta[sequence_head * params.tokens + rows[{r}]] = dot_out[{r}]; }
    }
    #end
}
