// The gradients of attention with respect to keys and values, with w, ds and delta as in
// queries_lanes.wgsl:
//   dv_j = sum_i w_ij keep_ij dout_i, dk_j = sum_i ds_ij q_i / sqrt D; 0 for keys beyond the length.
// qkv, dqkv: [B T, 3 A D]; dout: [B T, A D]; lse, delta: [B, A, T].
// As forward_lanes.wgsl: a thread takes {ROWS} keys. 8 T D flops a key.

@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let top = {ROWS}u * (group.x * WG + lane);
    let last = params.tokens - 1u;
    let sequence_head = group.z * params.heads + group.y;
    let at = starts(group.z, group.y);
    let length = clamp(lengths[group.z], 1u, params.tokens);
    #for j in ROWS
    let j{j} = min(top + {j}u, last);
    let key{j} = at.keys + j{j} * 3u * at.width;
    let value{j} = key{j} + at.width;
    #for d in PARTS
    var k{j}_{d} = vec4f();
    var v{j}_{d} = vec4f();
    var dk{j}_{d} = vec4f();
    var dv{j}_{d} = vec4f();
    #end
    for (var d = 0u; d < QUADS; d++) {
        let k = quad(key{j}, d) * params.scale;
        let v = quad(value{j}, d);
        #for d in PARTS
        k{j}_{d} = select(k{j}_{d}, k, d == {d}u);
        v{j}_{d} = select(v{j}_{d}, v, d == {d}u);
        #end
    }
    #end
    let others = queries_of(group.x * TAKEN, group.x * TAKEN + TAKEN - 1u, length);
    for (var i = others.x; i < others.y; i++) {
        let query = at.queries + i * 3u * at.width;
        let out = at.out + i * at.width;
        let row = sequence_head * params.tokens + i;
        let lse = lse[row];
        let delta = delta[row];
        #for j in ROWS
        var s{j} = 0.0;
        var dw{j} = 0.0;
        #end
        #for d in PARTS
        let q{d} = quad(query, {d}u);
        let dy{d} = quad_of_dout(out, {d}u);
        #for j in ROWS
        s{j} = add_dot(k{j}_{d}, q{d}, s{j});
        dw{j} = add_dot(v{j}_{d}, dy{d}, dw{j});
        #end
        #end
        #for j in ROWS
        let w{j} = select(0.0, exp(s{j} - lse), sees(i, j{j}, length));
        let kept{j} = kept(sequence_head, i, j{j});
        s{j} = w{j} * (kept{j} * dw{j} - delta) * params.scale;
        dw{j} = w{j} * kept{j};
        #for d in PARTS
        dk{j}_{d} = fma(vec4f(s{j}), q{d}, dk{j}_{d});
        dv{j}_{d} = fma(vec4f(dw{j}), dy{d}, dv{j}_{d});
        #end
        #end
    }
    #for j in ROWS
    if (top + {j}u <= last) {
        for (var d = 0u; d < QUADS; d++) {
            var dk = vec4f();
            var dv = vec4f();
            #for d in PARTS
            dk = select(dk, dk{j}_{d}, d == {d}u);
            dv = select(dv, dv{j}_{d}, d == {d}u);
            #end
            #for e in 4
            if (4u * d + {e}u < HEAD) {
                dqkv[key{j} + 4u * d + {e}u] = dk[{e}];
                dqkv[value{j} + 4u * d + {e}u] = dv[{e}];
            }
            #end
        }
    }
    #end
}
