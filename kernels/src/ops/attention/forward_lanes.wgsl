// out_i = sum_j w_ij v_j, w_i = softmax_j(q_i . k_j / sqrt D) over the keys j < length
// (Vaswani et al. 2017, eq. 1), for every head, in one pass over the keys: the running maximum m
// and sum l rescale what was summed so far whenever a larger score appears (Milakov & Gimelshein
// 2018; Rabe & Staats 2021). No [B, A, T, T] exists; lse = m + ln l is kept for the backward pass.
// Dropout acts on the weights, after the softmax.
// qkv: [B T, 3 A D], a row holds q, k, v, each [A, D]; lengths: [B]; out: [B T, A D]; lse: [B, A, T].
// For software adapters: a thread takes {ROWS} queries of one head with their sums, since there a load costs
// as much as ten to a hundred products. No shared memory, no barrier. 4 T D flops a query.

@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let top = {ROWS}u * (group.x * WG + lane);
    let last = params.tokens - 1u;
    let sequence_head = group.z * params.heads + group.y;
    let at = starts(group.z, group.y);
    let length = clamp(lengths[group.z], 1u, params.tokens);
    #for i in ROWS
    var m{i} = -3.0e38;
    var l{i} = 0.0;
    #for d in PARTS
    var q{i}_{d} = vec4f();
    var o{i}_{d} = vec4f();
    #end
    {
        let query = at.queries + min(top + {i}u, last) * 3u * at.width;
        for (var d = 0u; d < QUADS; d++) {
            let q = quad(query, d) * params.scale;
            #for d in PARTS
            q{i}_{d} = select(q{i}_{d}, q, d == {d}u);
            #end
        }
    }
    #end
    let others = keys_of(group.x * TAKEN, group.x * TAKEN + TAKEN - 1u, length);
    for (var j = others.x; j < others.y; j++) {
        let key = at.keys + j * 3u * at.width;
        #for i in ROWS
        var s{i} = 0.0;
        #end
        #for d in PARTS
        {
            let k = quad(key, {d}u);
            #for i in ROWS
            s{i} = add_dot(q{i}_{d}, k, s{i});
            #end
        }
        #end
        #for i in ROWS
        if (MASKED) { s{i} = select(-3.0e38, s{i}, sees(top + {i}u, j, length)); }
        let next{i} = max(m{i}, s{i});
        let shrink{i} = exp(m{i} - next{i});
        m{i} = next{i};
        s{i} = exp(s{i} - next{i});
        l{i} = fma(l{i}, shrink{i}, s{i});
        s{i} *= kept(sequence_head, top + {i}u, j);
        #end
        #for d in PARTS
        {
            let v = quad(key + at.width, {d}u);
            #for i in ROWS
            o{i}_{d} = fma(vec4f(s{i}), v, o{i}_{d} * shrink{i});
            #end
        }
        #end
    }
    #for i in ROWS
    if (top + {i}u <= last) {
        for (var d = 0u; d < QUADS; d++) {
            var o = vec4f();
            #for d in PARTS
            o = select(o, o{i}_{d}, d == {d}u);
            #end
            o /= l{i};
            let to = at.out + (top + {i}u) * at.width + 4u * d;
            #for e in 4
            if (4u * d + {e}u < HEAD) { out[to + {e}u] = o[{e}]; }
            #end
        }
        lse[sequence_head * params.tokens + top + {i}u] = m{i} + log(l{i});
    }
    #end
}
