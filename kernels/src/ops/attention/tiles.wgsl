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

// Stages vectors 8 `slab` and on of 32 tokens from `first` on, none beyond `most`, whose heads begin at `start`.
fn stage(tile_at: u32, start: u32, first: u32, most: u32, slab: u32, index: u32) {
    for (var row = index / 8u; row < 32u; row += 8u) {
        let base = start + min(first + row, most) * 3u * params.heads * HEAD;
        tile[tile_at + 9u * row + index % 8u] = quad(base, 8u * slab + index % 8u);
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

// The factors of four weights.
fn four_kept(sequence_head: u32, i: vec4u, j: vec4u) -> vec4f {
    if (!DROPOUT) { return vec4f(1.0); }
    return vec4f(
        kept(sequence_head, i.x, j.x), kept(sequence_head, i.y, j.y),
        kept(sequence_head, i.z, j.z), kept(sequence_head, i.w, j.w));
}

// Four rows, or four columns, of which the first is known.
fn four(first: u32) -> vec4u { return first + vec4u(0u, 8u, 16u, 24u); }

// Of four queries and keys.
fn four_seen(i: vec4u, j: vec4u, length: u32) -> vec4<bool> {
    return vec4<bool>(sees(i.x, j.x, length), sees(i.y, j.y, length), sees(i.z, j.z, length), sees(i.w, j.w, length));
}
