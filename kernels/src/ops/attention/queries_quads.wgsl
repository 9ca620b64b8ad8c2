// What queries_lanes.wgsl computes, by quads: {ROWS} queries, and the keys and values as others.
// qkv, dqkv: [B T, 3 A D]; out, dout: [B T, A D]; lse, delta: [B, A, T]. 6 T D flops a query.

@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> out: array<vec4f>;
@group(0) @binding(6) var<storage, read> dout: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<f32>;
@group(0) @binding(8) var<storage, read_write> delta: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    let lane = index % 4u;
    let top = {ROWS}u * (group.x * (WG / 4u) + index / 4u);
    let sequence_head = group.z * params.heads + group.y;
    let at = starts(group.z, group.y);
    let last = params.tokens - 1u;
    let length = clamp(lengths[group.z], 1u, params.tokens);
    #for i in ROWS
    let i{i} = min(top + {i}u, last);
    let query{i} = at.queries + i{i} * 3u * at.width;
    let out{i} = at.out + i{i} * at.width;
    let lse{i} = lse[sequence_head * params.tokens + i{i}];
    var delta{i} = 0.0;
    for (var d = 0u; d < {PARTS}u; d++) { delta{i} += dot(dout[out{i} + d], out[out{i} + d]); }
    #for d in PARTS
    var dq{i}_{d} = 0.0;
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
        var dw{i}_{j} = 0.0;
        #end
        #end
        for (var d = 0u; d < {PARTS}u; d++) {
            #for j in OTHERS
            let k{j} = qkv[key{j} + d];
            let v{j} = qkv[key{j} + at.width + d];
            #end
            #for i in ROWS
            let q{i} = gathered(qkv[query{i} + d][lane]);
            let dy{i} = gathered(dout[out{i} + d][lane]);
            #for j in OTHERS
            s{i}_{j} += dot(q{i}, k{j});
            dw{i}_{j} += dot(dy{i}, v{j});
            #end
            #end
        }
        #for i in ROWS
        #for j in OTHERS
        if (DROPOUT) { dw{i}_{j} *= kept(sequence_head, i{i}, j{j}); }
        s{i}_{j} = exp(s{i}_{j} * params.scale - lse{i}) * (dw{i}_{j} - delta{i}) * params.scale;
        s{i}_{j} = select(0.0, s{i}_{j}, sees(i{i}, j{j}, length));
        #end
        #end
        #for j in OTHERS
        {
            let key = at.keys + four(first + 4u * {j}u) * 3u * at.width;
            #for d in PARTS
            let k{d} = vec4f(
                qkv[key.x + {d}u][lane], qkv[key.y + {d}u][lane],
                qkv[key.z + {d}u][lane], qkv[key.w + {d}u][lane]);
            #end
            #for i in ROWS
            let ds{i} = gathered(s{i}_{j});
            #for d in PARTS
            dq{i}_{d} += dot(ds{i}, k{d});
            #end
            #end
        }
        #end
    }
    #for i in ROWS
    if (top + {i}u <= last) {
        #for d in PARTS
        dqkv[4u * (query{i} + {d}u) + lane] = dq{i}_{d};
        #end
        if (lane == 0u) { delta[sequence_head * params.tokens + i{i}] = delta{i}; }
    }
    #end
}
