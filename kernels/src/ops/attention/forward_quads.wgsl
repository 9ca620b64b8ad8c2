// What forward_lanes.wgsl computes, by quads: {ROWS} queries, and the keys and values as others.
// qkv: [B T, 3 A D]; lengths: [B]; out: [B T, A D]; lse: [B, A, T]. 4 T D flops a query.

@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    let lane = index % 4u;
    let top = {ROWS}u * (group.x * (WG / 4u) + index / 4u);
    let sequence_head = group.z * params.heads + group.y;
    let at = starts(group.z, group.y);
    let last = params.tokens - 1u;
    let length = clamp(lengths[group.z], 1u, params.tokens);
    #for i in ROWS
    let query{i} = at.queries + min(top + {i}u, last) * 3u * at.width;
    var m{i} = -3.0e38;
    var l{i} = 0.0;
    #for d in PARTS
    var o{i}_{d} = 0.0;
    #end
    #end
    let others = keys_of(group.x * TAKEN, group.x * TAKEN + TAKEN - 1u, length);
    for (var first = others.x; first < others.y; first += 4u * {OTHERS}u) {
        #for j in OTHERS
        let j{j} = first + 4u * {j}u + lane;
        let key{j} = at.keys + min(j{j}, last) * 3u * at.width;
        #end
        #for i in ROWS
        #for j in OTHERS
        var s{i}_{j} = 0.0;
        #end
        #end
        for (var d = 0u; d < {PARTS}u; d++) {
            #for j in OTHERS
            let k{j} = qkv[key{j} + d];
            #end
            #for i in ROWS
            let q{i} = gathered(qkv[query{i} + d][lane]);
            #for j in OTHERS
            s{i}_{j} += dot(q{i}, k{j});
            #end
            #end
        }
        #for i in ROWS
        var next{i} = m{i};
        #for j in OTHERS
        s{i}_{j} = select(-3.0e38, s{i}_{j} * params.scale, sees(top + {i}u, j{j}, length));
        next{i} = max(next{i}, s{i}_{j});
        #end
        next{i} = max(next{i}, quadSwapX(next{i}));
        next{i} = max(next{i}, quadSwapY(next{i}));
        let shrink{i} = exp(m{i} - next{i});
        m{i} = next{i};
        // Each lane sums its own keys.
        l{i} *= shrink{i};
        #for j in OTHERS
        s{i}_{j} = exp(s{i}_{j} - next{i});
        l{i} += s{i}_{j};
        if (DROPOUT) { s{i}_{j} *= kept(sequence_head, top + {i}u, j{j}); }
        #end
        #for d in PARTS
        o{i}_{d} *= shrink{i};
        #end
        #end
        #for j in OTHERS
        {
            let value = at.values + four(first + 4u * {j}u) * 3u * at.width;
            #for d in PARTS
            let v{d} = vec4f(
                qkv[value.x + {d}u][lane], qkv[value.y + {d}u][lane],
                qkv[value.z + {d}u][lane], qkv[value.w + {d}u][lane]);
            #end
            #for i in ROWS
            let p{i} = gathered(s{i}_{j});
            #for d in PARTS
            o{i}_{d} += dot(p{i}, v{d});
            #end
            #end
        }
        #end
    }
    #for i in ROWS
    l{i} += quadSwapX(l{i});
    l{i} += quadSwapY(l{i});
    if (top + {i}u <= last) {
        let to = 4u * (at.out + (top + {i}u) * at.width) + lane;
        #for d in PARTS
        out[to + 4u * {d}u] = o{i}_{d} / l{i};
        #end
        if (lane == 0u) { lse[sequence_head * params.tokens + top + {i}u] = m{i} + log(l{i}); }
    }
    #end
}
