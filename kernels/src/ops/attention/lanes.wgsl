// Attention for software adapters: a thread takes {ROWS} tokens with whole heads, since a load costs as much there as
// ten to a hundred products. No shared memory, no barrier.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let top = {ROWS}u * (group.x * WG + lane);
    let last = params.tokens - 1u;
    let sequence_head = group.z * params.heads + group.y;
    let length = clamp(lengths[group.z], 1u, params.tokens);
    let others = others_of(group.x * TAKEN, group.x * TAKEN + TAKEN - 1u, length);
    let own = own_side(group.z, group.y);
    let other = other_side(group.z, group.y);
    #for i in ROWS
    let i{i} = min(top + {i}u, last);
    let a{i} = own.a + i{i} * next_a();
    let b{i} = own.b + i{i} * own.next_b;
    let others{i} = others_of(i{i}, i{i}, length);
    #if FORWARD
    var m{i} = -3.0e38;
    var l{i} = 0.0;
    #end
    #if QUERIES
    let lse{i} = lse[sequence_head * params.tokens + i{i}];
    var delta{i} = 0.0;
    #end
    #for d in PARTS
    var a{i}_{d} = vec4f();
    var x{i}_{d} = vec4f(); // what is to become out, dq or dk
    #if BACKWARD
    var b{i}_{d} = vec4f();
    #end
    #if KEYS
    var y{i}_{d} = vec4f(); // dv
    #end
    #end
    for (var d = 0u; d < QUADS; d++) {
        let a = quad(a{i}, d) * params.scale;
        #if BACKWARD
        let b = own_b(b{i}, d);
        #end
        #if QUERIES
        delta{i} = add_dot(b, quad_of_out(b{i}, d), delta{i});
        #end
        #for d in PARTS
        a{i}_{d} = select(a{i}_{d}, a, d == {d}u);
        #if BACKWARD
        b{i}_{d} = select(b{i}_{d}, b, d == {d}u);
        #end
        #end
    }
    #end
    for (var j = others.x; j < others.y; j++) {
        let a_at = other.a + j * next_a();
        let b_at = other.b + j * other.next_b;
        #if KEYS
        let lse_j = lse[sequence_head * params.tokens + j];
        let delta_j = delta[sequence_head * params.tokens + j];
        #end
        #for i in ROWS
        var s{i} = 0.0;
        var dw{i} = 0.0;
        #if KEYS
        let lse{i} = lse_j;
        let delta{i} = delta_j;
        #end
        #end
        #for d in PARTS
        let a_{d} = quad(a_at, {d}u);
        #if BACKWARD
        let b_{d} = other_b(b_at, {d}u);
        #end
        #for i in ROWS
        s{i} = add_dot(a{i}_{d}, a_{d}, s{i});
        #if BACKWARD
        dw{i} = add_dot(b{i}_{d}, b_{d}, dw{i});
        #end
        #end
        #end
        #for i in ROWS
        let kept{i} = kept(sequence_head, i{i}, j);
        #if FORWARD
        if (MASKED) { s{i} = select(-3.0e38, s{i}, counts(others{i}, j)); }
        let next{i} = max(m{i}, s{i});
        let shrink{i} = exp(m{i} - next{i});
        m{i} = next{i};
        s{i} = exp(s{i} - next{i});
        l{i} = fma(l{i}, shrink{i}, s{i});
        s{i} *= kept{i};
        #end
        #if BACKWARD
        let w{i} = select(0.0, exp(s{i} - lse{i}), counts(others{i}, j));
        s{i} = w{i} * (kept{i} * dw{i} - delta{i}) * params.scale;
        dw{i} = w{i} * kept{i};
        #for d in PARTS
        x{i}_{d} = fma(vec4f(s{i}), a_{d}, x{i}_{d});
        #if KEYS
        y{i}_{d} = fma(vec4f(dw{i}), b_{d}, y{i}_{d});
        #end
        #end
        #end
        #end
        #if FORWARD
        #for d in PARTS
        let b_{d} = other_b(b_at, {d}u);
        #for i in ROWS
        x{i}_{d} = fma(vec4f(s{i}), b_{d}, x{i}_{d} * shrink{i});
        #end
        #end
        #end
    }
    #for i in ROWS
    if (top + {i}u <= last) {
        for (var d = 0u; d < QUADS; d++) {
            var x = vec4f();
            #if KEYS
            var y = vec4f();
            #end
            #for d in PARTS
            x = select(x, x{i}_{d}, d == {d}u);
            #if KEYS
            y = select(y, y{i}_{d}, d == {d}u);
            #end
            #end
            #for e in 4
            if (4u * d + {e}u < HEAD) {
                #if FORWARD
                result[b{i} + 4u * d + {e}u] = x[{e}] / l{i};
                #end
                #if BACKWARD
                result[a{i} + 4u * d + {e}u] = x[{e}];
                #end
                #if KEYS
                result[b{i} + 4u * d + {e}u] = y[{e}];
                #end
            }
            #end
        }
        #if FORWARD
        lse[sequence_head * params.tokens + i{i}] = m{i} + log(l{i});
        #end
        #if QUERIES
        delta[sequence_head * params.tokens + i{i}] = delta{i};
        #end
    }
    #end
}
