// What keys_lanes.wgsl computes, by quads: {ROWS} keys with their values, and the queries as others.
// qkv, dqkv: [B T, 3 A D]; dout: [B T, A D]; lse, delta: [B, A, T]. 8 T D flops a key.

@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    let lane = index % 4u;
    let top = {ROWS}u * (group.x * (WG / 4u) + index / 4u);
    let sequence_head = group.z * params.heads + group.y;
    let at = starts(group.z, group.y);
    let last = params.tokens - 1u;
    let length = clamp(lengths[group.z], 1u, params.tokens);
    #for j in ROWS
    let j{j} = min(top + {j}u, last);
    let key{j} = at.keys + j{j} * 3u * at.width;
    #for d in PARTS
    var dk{j}_{d} = 0.0;
    var dv{j}_{d} = 0.0;
    #end
    #end
    let others = queries_of(group.x * TAKEN, group.x * TAKEN + TAKEN - 1u, length);
    for (var first = others.x; first < others.y; first += 4u * {OTHERS}u) {
        #for i in OTHERS
        let i{i} = first + 4u * {i}u + lane;
        let inside{i} = min(i{i}, last);
        let query{i} = at.queries + inside{i} * 3u * at.width;
        let out{i} = at.out + inside{i} * at.width;
        let lse{i} = lse[sequence_head * params.tokens + inside{i}];
        let delta{i} = delta[sequence_head * params.tokens + inside{i}];
        #end
        #for j in ROWS
        #for i in OTHERS
        var s{j}_{i} = 0.0;
        var dw{j}_{i} = 0.0;
        #end
        #end
        for (var d = 0u; d < {PARTS}u; d++) {
            #for i in OTHERS
            let q{i} = qkv[query{i} + d];
            let dy{i} = dout[out{i} + d];
            #end
            #for j in ROWS
            let k{j} = gathered(qkv[key{j} + d][lane]);
            let v{j} = gathered(qkv[key{j} + at.width + d][lane]);
            #for i in OTHERS
            s{j}_{i} += dot(k{j}, q{i});
            dw{j}_{i} += dot(v{j}, dy{i});
            #end
            #end
        }
        // From here on dw is what a query's dout adds to dv, and s what the query adds to dk.
        #for j in ROWS
        #for i in OTHERS
        {
            let here = i{i} <= last && sees(i{i}, j{j}, length);
            let w = select(0.0, exp(s{j}_{i} * params.scale - lse{i}), here);
            var factor = 1.0;
            if (DROPOUT) { factor = kept(sequence_head, i{i}, j{j}); }
            s{j}_{i} = w * (factor * dw{j}_{i} - delta{i}) * params.scale;
            dw{j}_{i} = w * factor;
        }
        #end
        #end
        #for i in OTHERS
        {
            let rows = four(first + 4u * {i}u);
            let query = at.queries + rows * 3u * at.width;
            let out = at.out + rows * at.width;
            #for j in ROWS
            let ds{j} = gathered(s{j}_{i});
            let w{j} = gathered(dw{j}_{i});
            #end
            #for d in PARTS
            {
                let q = vec4f(
                    qkv[query.x + {d}u][lane], qkv[query.y + {d}u][lane],
                    qkv[query.z + {d}u][lane], qkv[query.w + {d}u][lane]);
                let dy = vec4f(
                    dout[out.x + {d}u][lane], dout[out.y + {d}u][lane],
                    dout[out.z + {d}u][lane], dout[out.w + {d}u][lane]);
                #for j in ROWS
                dk{j}_{d} += dot(ds{j}, q);
                dv{j}_{d} += dot(w{j}, dy);
                #end
            }
            #end
        }
        #end
    }
    #for j in ROWS
    if (top + {j}u <= last) {
        #for d in PARTS
        dqkv[4u * (key{j} + {d}u) + lane] = dk{j}_{d};
        dqkv[4u * (key{j} + at.width + {d}u) + lane] = dv{j}_{d};
        #end
    }
    #end
}
