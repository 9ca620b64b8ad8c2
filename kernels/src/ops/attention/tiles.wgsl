// Attention by tiles, for GPUs: 64 threads, 8 by 8, take {ROWS} tokens of a head over blocks of as many others.
// Thread (y, x) has rows y, y + 8, y + 16, y + 24; of a product of tokens the columns x, x + 8, x + 16,
// x + 24, and of a head's elements the vectors x, x + 8, …. What two tokens' products are made of is
// staged in slabs of 8 vectors. A matrix here holds a row of the thread in each of its columns.
// 14.5 KB of shared memory.

override SLABS: u32 = (HEAD + 31u) / 32u; // of a head, at most {COLUMNS}

const MINE: u32 = 0u; // where the tile of a workgroup's tokens begins, and that of the others
const OTHERS: u32 = 288u;

var<workgroup> tile: array<vec4f, 576>; // rows of 8 and one that keeps threads off each other's banks
var<workgroup> weights: array<f32, 1056>; // {ROWS} rows of 32 and one
var<workgroup> parts: array<f32, 256>; // 8 of a row

// Stages vectors 8 `slab` and on of 32 tokens from `first` on, none beyond `most`: their a or b, as one's own or others.
fn stage(is_own: bool, is_b: bool, side: Side, first: u32, most: u32, slab: u32, index: u32) {
    let c = 8u * slab + index % 8u;
    for (var row = index / 8u; row < 32u; row += 8u) {
        let token = min(first + row, most);
        var v = vec4f();
        if (!is_b) {
            v = quad(side.a + token * next_a(), c);
        } else if (!is_own) {
            v = other_b(side.b + token * side.next_b, c);
        }
        #if BACKWARD
        if (is_b && is_own) { v = own_b(side.b + token * side.next_b, c); }
        #end
        tile[select(OTHERS, MINE, is_own) + 9u * row + index % 8u] = v;
    }
}

// `sums` and the products of the staged tokens.
fn add_products(sums: mat4x4f, y: u32, x: u32) -> mat4x4f {
    var s = sums;
    for (var d = 0u; d < 8u; d++) {
        let a = MINE + 9u * y + d;
        let b = OTHERS + 9u * x + d;
        s += transpose(mat4x4f(tile[b], tile[b + 72u], tile[b + 144u], tile[b + 216u]))
            * mat4x4f(tile[a], tile[a + 72u], tile[a + 144u], tile[a + 216u]);
    }
    return s;
}

// What `add_weighted` weighs with.
fn keep_weights(w: mat4x4f, y: u32, x: u32) {
    #for r in 4
    #for c in 4
    weights[33u * (y + 8u * {r}u) + x + 8u * {c}u] = w[{r}][{c}];
    #end
    #end
}

// `sums` and the staged others' vectors, weighted.
fn add_weighted(sums: mat4x4f, y: u32, x: u32) -> mat4x4f {
    var s = sums;
    for (var j = 0u; j < 32u; j++) {
        let v = tile[OTHERS + 9u * j + x];
        let w = 33u * y + j;
        s += mat4x4f(weights[w] * v, weights[w + 264u] * v, weights[w + 528u] * v, weights[w + 792u] * v);
    }
    return s;
}

// Largest and sum of what the 8 threads of a row have, for each of the rows. In uniform control flow.
fn share(mine: vec4f, y: u32, x: u32) {
    #for r in 4
    parts[8u * (y + 8u * {r}u) + x] = mine[{r}];
    #end
    workgroupBarrier();
}

fn shared_part(y: u32, x: u32) -> vec4f {
    let at = 8u * y + x;
    return vec4f(parts[at], parts[at + 64u], parts[at + 128u], parts[at + 192u]);
}

fn row_max(mine: vec4f, y: u32, x: u32) -> vec4f {
    share(mine, y, x);
    var found = shared_part(y, 0u);
    for (var i = 1u; i < 8u; i++) { found = max(found, shared_part(y, i)); }
    return found;
}

fn row_sum(mine: vec4f, y: u32, x: u32) -> vec4f {
    share(mine, y, x);
    var found = vec4f();
    for (var i = 0u; i < 8u; i++) { found += shared_part(y, i); }
    return found;
}

// The factors of the weights of one's own token and four others.
fn four_kept(sequence_head: u32, own: u32, j: vec4u) -> vec4f {
    if (!DROPOUT) { return vec4f(1.0); }
    return vec4f(
        kept(sequence_head, own, j.x), kept(sequence_head, own, j.y),
        kept(sequence_head, own, j.z), kept(sequence_head, own, j.w));
}

fn four_seen(own: u32, j: vec4u, length: u32) -> vec4<bool> {
    let others = others_of(own, own, length);
    return vec4<bool>(counts(others, j.x), counts(others, j.y), counts(others, j.z), counts(others, j.w));
}

// Four rows, or four columns, of which the first is known.
fn four(first: u32) -> vec4u { return first + vec4u(0u, 8u, 16u, 24u); }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    let x = index % 8u;
    let y = index / 8u;
    let top = TAKEN * group.x;
    let rows = four(top + y);
    let last = params.tokens - 1u;
    let sequence_head = group.z * params.heads + group.y;
    let length = clamp(lengths[group.z], 1u, params.tokens);
    let others = others_of(top, top + TAKEN - 1u, length);
    let own = own_side(group.z, group.y);
    let other = other_side(group.z, group.y);
    #if OVER_KEYS
    let most = length - 1u;
    #end
    #if KEYS
    let most = last;
    #end
    #for c in COLUMNS
    var sums{c} = mat4x4f(); // what is to become out, dq or dk
    #if KEYS
    var more{c} = mat4x4f(); // dv
    #end
    #end
    #if FORWARD
    var m = vec4f(-3.0e38);
    var l = vec4f(); // over the thread's own columns
    #end
    #if QUERIES
    var deltas = vec4f();
    var lses = vec4f();
    #for r in 4
    {
        let i = min(rows[{r}], last);
        lses[{r}] = lse[sequence_head * params.tokens + i];
        let base = own.b + i * own.next_b;
        for (var d = x; d < QUADS; d += 8u) {
            deltas[{r}] = add_dot(quad_of_dout(base, d), quad_of_out(base, d), deltas[{r}]);
        }
    }
    #end
    deltas = row_sum(deltas, y, x);
    #end
    for (var first = others.x; first < others.y; first += 32u) {
        var s = mat4x4f();
        #if BACKWARD
        var dw = mat4x4f();
        #end
        for (var slab = 0u; slab < SLABS; slab++) {
            stage(true, false, own, top, last, slab, index);
            stage(false, false, other, first, most, slab, index);
            workgroupBarrier();
            s = add_products(s, y, x);
            workgroupBarrier();
            #if BACKWARD
            stage(true, true, own, top, last, slab, index);
            stage(false, true, other, first, most, slab, index);
            workgroupBarrier();
            dw = add_products(dw, y, x);
            workgroupBarrier();
            #end
        }
        let j = four(first + x);
        #if FORWARD
        var largest = vec4f();
        #for r in 4
        s[{r}] = select(vec4f(-3.0e38), s[{r}] * params.scale, four_seen(rows[{r}], j, length));
        largest[{r}] = max(max(s[{r}].x, s[{r}].y), max(s[{r}].z, s[{r}].w));
        #end
        let next = max(m, row_max(largest, y, x));
        let shrink = exp(m - next);
        m = next;
        l *= shrink;
        #for r in 4
        s[{r}] = exp(s[{r}] - next[{r}]);
        l[{r}] += s[{r}].x + s[{r}].y + s[{r}].z + s[{r}].w;
        s[{r}] *= four_kept(sequence_head, rows[{r}], j);
        #end
        #end
        #if KEYS
        let row = sequence_head * params.tokens + min(j, vec4u(last));
        let lses = vec4f(lse[row.x], lse[row.y], lse[row.z], lse[row.w]);
        let deltas = vec4f(delta[row.x], delta[row.y], delta[row.z], delta[row.w]);
        #end
        #if BACKWARD
        // From here on s is what the others' a add, and dw what their b add.
        #for r in 4
        {
            #if QUERIES
            let lse = vec4f(lses[{r}]);
            let delta = vec4f(deltas[{r}]);
            #end
            #if KEYS
            let lse = lses;
            let delta = deltas;
            #end
            let w = select(vec4f(), exp(s[{r}] * params.scale - lse), four_seen(rows[{r}], j, length));
            let factor = four_kept(sequence_head, rows[{r}], j);
            s[{r}] = w * (factor * dw[{r}] - delta) * params.scale;
            dw[{r}] = w * factor;
        }
        #end
        #end
        keep_weights(s, y, x);
        #for c in COLUMNS
        if ({c}u < SLABS) {
            #if FORWARD
            stage(false, true, other, first, most, {c}u, index);
            #for r in 4
            sums{c}[{r}] *= shrink[{r}];
            #end
            #end
            #if BACKWARD
            stage(false, false, other, first, most, {c}u, index);
            #end
            workgroupBarrier();
            sums{c} = add_weighted(sums{c}, y, x);
            workgroupBarrier();
        }
        #end
        #if KEYS
        keep_weights(dw, y, x);
        #for c in COLUMNS
        if ({c}u < SLABS) {
            stage(false, true, other, first, most, {c}u, index);
            workgroupBarrier();
            more{c} = add_weighted(more{c}, y, x);
            workgroupBarrier();
        }
        #end
        #end
    }
    #if FORWARD
    l = row_sum(l, y, x);
    #end
    #for r in 4
    if (rows[{r}] <= last) {
        let a = own.a + rows[{r}] * next_a() + 4u * x;
        let b = own.b + rows[{r}] * own.next_b + 4u * x;
        #for c in COLUMNS
        #for e in 4
        if (4u * x + 32u * {c}u + {e}u < HEAD) {
            #if FORWARD
            result[b + 32u * {c}u + {e}u] = sums{c}[{r}][{e}] / l[{r}];
            #end
            #if BACKWARD
            result[a + 32u * {c}u + {e}u] = sums{c}[{r}][{e}];
            #end
            #if KEYS
            result[b + 32u * {c}u + {e}u] = more{c}[{r}][{e}];
            #end
        }
        #end
        #end
        #if FORWARD
        if (x == 0u) { lse[sequence_head * params.tokens + rows[{r}]] = m[{r}] + log(l[{r}]); }
        #end
        #if QUERIES
        if (x == 0u) { delta[sequence_head * params.tokens + rows[{r}]] = deltas[{r}]; }
        #end
    }
    #end
}
