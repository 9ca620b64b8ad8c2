// What keys_lanes.wgsl computes, by tiles of keys and queries.

@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<f32>;

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
    #for c in COLUMNS
    var dk{c} = mat4x4f();
    var dv{c} = mat4x4f();
    #end
    let others = queries_of(group.x * TAKEN, group.x * TAKEN + TAKEN - 1u, length);
    for (var first = others.x; first < others.y; first += 32u) {
        var s = mat4x4f();
        var dw = mat4x4f();
        for (var slab = 0u; slab < SLABS; slab++) {
            stage(MINE, at.keys, top, last, slab, index);
            stage(OTHERS, at.queries, first, last, slab, index);
            workgroupBarrier();
            s = add_products(s, y, x);
            workgroupBarrier();
            stage(MINE, at.values, top, last, slab, index);
            stage_dout(OTHERS, at.out, first, last, slab, index);
            workgroupBarrier();
            dw = add_products(dw, y, x);
            workgroupBarrier();
        }
        let i = four(first + x);
        let row = sequence_head * params.tokens + min(i, vec4u(last));
        let lses = vec4f(lse[row.x], lse[row.y], lse[row.z], lse[row.w]);
        let deltas = vec4f(delta[row.x], delta[row.y], delta[row.z], delta[row.w]);
        // From here on dw is what the queries' dout adds to dv, and s what the queries add to dk.
        #for r in 4
        {
            let here = (i <= vec4u(last)) & four_seen(i, vec4u(rows[{r}]), length);
            let w = select(vec4f(), exp(s[{r}] * params.scale - lses), here);
            let factor = four_kept(sequence_head, i, vec4u(rows[{r}]));
            s[{r}] = w * (factor * dw[{r}] - deltas) * params.scale;
            dw[{r}] = w * factor;
        }
        #end
        keep_weights(s, y, x);
        #for c in COLUMNS
        if ({c}u < SLABS) {
            stage(OTHERS, at.queries, first, last, {c}u, index);
            workgroupBarrier();
            dk{c} = add_weighted(dk{c}, y, x);
            workgroupBarrier();
        }
        #end
        keep_weights(dw, y, x);
        #for c in COLUMNS
        if ({c}u < SLABS) {
            stage_dout(OTHERS, at.out, first, last, {c}u, index);
            workgroupBarrier();
            dv{c} = add_weighted(dv{c}, y, x);
            workgroupBarrier();
        }
        #end
    }
    #for r in 4
    if (rows[{r}] <= last) {
        let key = at.keys + rows[{r}] * 3u * at.width + 4u * x;
        #for c in COLUMNS
        #for e in 4
        if (4u * x + 32u * {c}u + {e}u < HEAD) {
            dqkv[key + 32u * {c}u + {e}u] = dk{c}[{r}][{e}];
            dqkv[key + at.width + 32u * {c}u + {e}u] = dv{c}[{r}][{e}];
        }
        #end
        #end
    }
    #end
}
