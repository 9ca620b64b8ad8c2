// The gradient of attention with respect to the queries, weights computed again from lse:
//   w_ij = exp(q_i . k_j / sqrt D - lse_i), delta_i = dout_i . out_i,
//   ds_ij = w_ij (keep_ij dout_i . v_j - delta_i), dq_i = sum_j ds_ij k_j / sqrt D
// (Dao et al. 2022, algorithm 4). delta is kept for the keys' gradient.
// qkv, dqkv: [B T, 3 A D]; out, dout: [B T, A D]; lse, delta: [B, A, T].
// As forward_lanes.wgsl: a thread takes {ROWS} queries. 6 T D flops a query.

@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<f32>;
@group(0) @binding(8) var<storage, read_write> delta: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let top = {ROWS}u * (group.x * WG + lane);
    let last = params.tokens - 1u;
    let sequence_head = group.z * params.heads + group.y;
    let at = starts(group.z, group.y);
    let length = clamp(lengths[group.z], 1u, params.tokens);
    #for i in ROWS
    let i{i} = min(top + {i}u, last);
    let query{i} = at.queries + i{i} * 3u * at.width;
    let out{i} = at.out + i{i} * at.width;
    let lse{i} = lse[sequence_head * params.tokens + i{i}];
    var delta{i} = 0.0;
    #for d in PARTS
    var q{i}_{d} = vec4f();
    var dy{i}_{d} = vec4f();
    var dq{i}_{d} = vec4f();
    #end
    for (var d = 0u; d < QUADS; d++) {
        let q = quad(query{i}, d) * params.scale;
        let dy = quad_of_dout(out{i}, d);
        delta{i} = add_dot(dy, quad_of_out(out{i}, d), delta{i});
        #for d in PARTS
        q{i}_{d} = select(q{i}_{d}, q, d == {d}u);
        dy{i}_{d} = select(dy{i}_{d}, dy, d == {d}u);
        #end
    }
    #end
    let others = keys_of(group.x * TAKEN, group.x * TAKEN + TAKEN - 1u, length);
    for (var j = others.x; j < others.y; j++) {
        let key = at.keys + j * 3u * at.width;
        #for i in ROWS
        var s{i} = 0.0;
        var dw{i} = 0.0;
        #end
        #for d in PARTS
        let k{d} = quad(key, {d}u);
        let v{d} = quad(key + at.width, {d}u);
        #for i in ROWS
        s{i} = add_dot(q{i}_{d}, k{d}, s{i});
        dw{i} = add_dot(dy{i}_{d}, v{d}, dw{i});
        #end
        #end
        #for i in ROWS
        dw{i} = kept(sequence_head, i{i}, j) * dw{i} - delta{i};
        s{i} = exp(s{i} - lse{i}) * dw{i} * params.scale;
        if (MASKED) { s{i} = select(0.0, s{i}, sees(i{i}, j, length)); }
        #for d in PARTS
        dq{i}_{d} = fma(vec4f(s{i}), k{d}, dq{i}_{d});
        #end
        #end
    }
    #for i in ROWS
    if (top + {i}u <= last) {
        for (var d = 0u; d < QUADS; d++) {
            var dq = vec4f();
            #for d in PARTS
            dq = select(dq, dq{i}_{d}, d == {d}u);
            #end
            #for e in 4
            if (4u * d + {e}u < HEAD) { dqkv[query{i} + 4u * d + {e}u] = dq[{e}]; }
            #end
        }
        delta[sequence_head * params.tokens + i{i}] = delta{i};
    }
    #end
}
