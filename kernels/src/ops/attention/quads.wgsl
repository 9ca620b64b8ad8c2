// Attention by quads, for heads of 4 {PARTS} elements. A quad takes {ROWS} tokens over blocks of 4 {OTHERS} others: in
// products of two tokens its lanes hold neighbouring others, in sums over the others neighbouring elements, and
// they hand around what one of them loaded or computed. No shared memory, no barrier; WG is a multiple of 4.

const UNIT: u32 = 4u; // elements, by which a head's place is counted

fn quad(base: u32, c: u32) -> vec4f { return qkv[base + c]; }
#if BACKWARD
fn quad_of_dout(base: u32, c: u32) -> vec4f { return dout[base + c]; }
#end

// What the lanes of a quad hold of four tokens' vector c, of which each lane takes one element.
fn four_a(base: vec4u, c: u32, lane: u32) -> vec4f {
    return vec4f(qkv[base.x + c][lane], qkv[base.y + c][lane], qkv[base.z + c][lane], qkv[base.w + c][lane]);
}
#if KEYS
fn four_b(base: vec4u, c: u32, lane: u32) -> vec4f {
    return vec4f(dout[base.x + c][lane], dout[base.y + c][lane], dout[base.z + c][lane], dout[base.w + c][lane]);
}
#end

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    let lane = index % 4u;
    let top = {ROWS}u * (group.x * (WG / 4u) + index / 4u);
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
    for (var d = 0u; d < {PARTS}u; d++) { delta{i} += dot(dout[b{i} + d], out[b{i} + d]); }
    #end
    #for d in PARTS
    var x{i}_{d} = 0.0; // what is to become out, dq or dk
    #if KEYS
    var y{i}_{d} = 0.0; // dv
    #end
    #end
    #end
    for (var first = others.x; first < others.y; first += 4u * {OTHERS}u) {
        #for j in OTHERS
        let j{j} = first + 4u * {j}u + lane;
        let inside{j} = min(j{j}, last);
        let other_a{j} = other.a + inside{j} * next_a();
        let other_b{j} = other.b + inside{j} * other.next_b;
        #if KEYS
        let lse{j} = lse[sequence_head * params.tokens + inside{j}];
        let delta{j} = delta[sequence_head * params.tokens + inside{j}];
        #end
        #end
        #for i in ROWS
        #for j in OTHERS
        var s{i}_{j} = 0.0;
        var dw{i}_{j} = 0.0;
        #end
        #end
        for (var d = 0u; d < {PARTS}u; d++) {
            #for j in OTHERS
            let a_{j} = quad(other_a{j}, d);
            #if BACKWARD
            let b_{j} = other_b(other_b{j}, d);
            #end
            #end
            #for i in ROWS
            // One element each: a whole vector, of which one is taken, would be four loads.
            let own_a{i} = gathered(qkv[a{i} + d][lane]);
            #if QUERIES
            let own_b{i} = gathered(dout[b{i} + d][lane]);
            #end
            #if KEYS
            let own_b{i} = gathered(qkv[b{i} + d][lane]);
            #end
            #for j in OTHERS
            s{i}_{j} += dot(own_a{i}, a_{j});
            #if BACKWARD
            dw{i}_{j} += dot(own_b{i}, b_{j});
            #end
            #end
            #end
        }
        #for i in ROWS
        #if FORWARD
        var next{i} = m{i};
        #for j in OTHERS
        s{i}_{j} = select(-3.0e38, s{i}_{j} * params.scale, counts(others{i}, j{j}));
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
        s{i}_{j} *= kept(sequence_head, i{i}, j{j});
        #end
        #for d in PARTS
        x{i}_{d} *= shrink{i};
        #end
        #end
        #if BACKWARD
        // From here on s is what the others' a add, and dw what their b add.
        #for j in OTHERS
        {
            #if QUERIES
            let lse = lse{i};
            let delta = delta{i};
            #end
            #if KEYS
            let lse = lse{j};
            let delta = delta{j};
            #end
            let w = select(0.0, exp(s{i}_{j} * params.scale - lse), counts(others{i}, j{j}));
            let factor = kept(sequence_head, i{i}, j{j});
            s{i}_{j} = w * (factor * dw{i}_{j} - delta) * params.scale;
            dw{i}_{j} = w * factor;
        }
        #end
        #end
        #end
        #for j in OTHERS
        {
            let four = first + 4u * {j}u + vec4u(0u, 1u, 2u, 3u);
            let rows = min(four, vec4u(last));
            #if FORWARD
            let base = other.b + rows * other.next_b;
            #end
            #if BACKWARD
            let base = other.a + rows * next_a();
            #end
            #if KEYS
            let base_b = other.b + rows * other.next_b;
            #end
            #for i in ROWS
            let s{i} = gathered(s{i}_{j});
            #if KEYS
            let dw{i} = gathered(dw{i}_{j});
            #end
            #end
            #for d in PARTS
            {
                let v = four_a(base, {d}u, lane);
                #if KEYS
                let u = four_b(base_b, {d}u, lane);
                #end
                #for i in ROWS
                x{i}_{d} += dot(s{i}, v);
                #if KEYS
                y{i}_{d} += dot(dw{i}, u);
                #end
                #end
            }
            #end
        }
        #end
    }
    #for i in ROWS
    #if FORWARD
    l{i} += quadSwapX(l{i});
    l{i} += quadSwapY(l{i});
    #end
    if (top + {i}u <= last) {
        #for d in PARTS
        #if FORWARD
        result[4u * (b{i} + {d}u) + lane] = x{i}_{d} / l{i};
        #end
        #if BACKWARD
        result[4u * (a{i} + {d}u) + lane] = x{i}_{d};
        #end
        #if KEYS
        result[4u * (b{i} + {d}u) + lane] = y{i}_{d};
        #end
        #end
        #if FORWARD
        if (lane == 0u) { lse[sequence_head * params.tokens + i{i}] = m{i} + log(l{i}); }
        #end
        #if QUERIES
        if (lane == 0u) { delta[sequence_head * params.tokens + i{i}] = delta{i}; }
        #end
    }
    #end
}
