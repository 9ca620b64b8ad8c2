// What forward_lanes.wgsl computes, by tiles of queries and keys.

@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

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
    var m = vec4f(-3.0e38);
    var l = vec4f(); // over the thread's own columns
    #for c in COLUMNS
    var o{c} = mat4x4f();
    #end
    let others = keys_of(group.x * TAKEN, group.x * TAKEN + TAKEN - 1u, length);
    for (var first = others.x; first < others.y; first += 32u) {
        var s = mat4x4f();
        for (var slab = 0u; slab < SLABS; slab++) {
            stage(MINE, at.queries, top, last, slab, index);
            stage(OTHERS, at.keys, first, length - 1u, slab, index);
            workgroupBarrier();
            s = add_products(s, y, x);
            workgroupBarrier();
        }
        let j = four(first + x);
        var largest = vec4f();
        #for r in 4
        s[{r}] = select(vec4f(-3.0e38), s[{r}] * params.scale, four_seen(vec4u(rows[{r}]), j, length));
        largest[{r}] = max(max(s[{r}].x, s[{r}].y), max(s[{r}].z, s[{r}].w));
        #end
        let next = max(m, row_max(largest, y, x));
        let shrink = exp(m - next);
        m = next;
        l *= shrink;
        #for r in 4
        s[{r}] = exp(s[{r}] - next[{r}]);
        l[{r}] += s[{r}].x + s[{r}].y + s[{r}].z + s[{r}].w;
        s[{r}] *= four_kept(sequence_head, vec4u(rows[{r}]), j);
        #end
        keep_weights(s, y, x);
        #for c in COLUMNS
        if ({c}u < SLABS) {
            stage(OTHERS, at.values, first, length - 1u, {c}u, index);
            workgroupBarrier();
            #for r in 4
            o{c}[{r}] *= shrink[{r}];
            #end
            o{c} = add_weighted(o{c}, y, x);
            workgroupBarrier();
        }
        #end
    }
    l = row_sum(l, y, x);
    #for r in 4
    if (rows[{r}] <= last) {
        let to = at.out + rows[{r}] * at.width + 4u * x;
        #for c in COLUMNS
        #for e in 4
        if (4u * x + 32u * {c}u + {e}u < HEAD) { out[to + 32u * {c}u + {e}u] = o{c}[{r}][{e}] / l[{r}]; }
        #end
        #end
        if (x == 0u) { lse[sequence_head * params.tokens + rows[{r}]] = m[{r}] + log(l[{r}]); }
    }
    #end
}
