// c = a b, or a^T b: a [M, K] (or [K, M]), b [K, N], c [M, N]; N % 4 == 0. The gradients of a linear
// layer: dx = dy w and dw = dy^T x.
// For software adapters: no shared memory and no barrier. A thread makes 8 rows by 4 columns of c;
// the 4 lanes of a subgroup take neighbouring columns and read a at one address.
// 2 M N K flops for M N K (1/4 + 1/8) loads.
// a may be a block of a wider matrix's columns: those from `first` on, of `pitch` in memory.

struct Params { m: u32, n4: u32, k: u32, first: u32, pitch: u32 } // n4 = N / 4

override TRANSPOSE_A: bool = false;
override HALF: bool = false; // b rests in f16, two to a word

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> b_half: array<vec2u>; // the same buffer as b
@group(0) @binding(4) var<storage, read_write> c: array<vec4f>;

fn at_b(i: u32) -> vec4f {
    if (HALF) {
        let pair = b_half[i];
        return vec4f(unpack2x16float(pair.x), unpack2x16float(pair.y));
    }
    return b[i];
}

fn store(row: u32, column: u32, sums: vec4f) {
    if (row < params.m) { c[row * params.n4 + column] = sums; }
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let column = group.x * 4u + local.x;
    let m0 = group.y * 8u;
    let safe = min(column, params.n4 - 1u);
    let last = params.m - 1u;
    // Row i begins at params.first + i * across and steps by step along k.
    let a0 = params.first;
    var across = params.pitch; var step = 1u;
    if (TRANSPOSE_A) { across = 1u; step = params.pitch; }
    let r0 = a0 + min(m0, last) * across; let r1 = a0 + min(m0 + 1u, last) * across;
    let r2 = a0 + min(m0 + 2u, last) * across; let r3 = a0 + min(m0 + 3u, last) * across;
    let r4 = a0 + min(m0 + 4u, last) * across; let r5 = a0 + min(m0 + 5u, last) * across;
    let r6 = a0 + min(m0 + 6u, last) * across; let r7 = a0 + min(m0 + 7u, last) * across;
    var c0 = vec4f(); var c1 = vec4f(); var c2 = vec4f(); var c3 = vec4f();
    var c4 = vec4f(); var c5 = vec4f(); var c6 = vec4f(); var c7 = vec4f();
    for (var k = 0u; k < params.k; k++) {
        let bv = at_b(k * params.n4 + safe);
        let i = k * step;
        c0 += a[r0 + i] * bv; c1 += a[r1 + i] * bv;
        c2 += a[r2 + i] * bv; c3 += a[r3 + i] * bv;
        c4 += a[r4 + i] * bv; c5 += a[r5 + i] * bv;
        c6 += a[r6 + i] * bv; c7 += a[r7 + i] * bv;
    }
    if (column >= params.n4) { return; }
    store(m0, column, c0); store(m0 + 1u, column, c1);
    store(m0 + 2u, column, c2); store(m0 + 3u, column, c3);
    store(m0 + 4u, column, c4); store(m0 + 5u, column, c5);
    store(m0 + 6u, column, c6); store(m0 + 7u, column, c7);
}
