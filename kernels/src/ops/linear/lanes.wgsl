// y = f(x w^T + b): x [M, K], w [N, K] (as PyTorch stores nn.Linear), b [N], y [M, N]; K % 4 == 0.
// For software adapters, whose barriers cost more than arithmetic: no shared memory. A thread makes
// ROWS rows by 8 columns of y, its columns 4 apart, so that the 4 lanes of a subgroup store
// neighbours; x is read at one address by all lanes, w along k. The product of a row of 4 x with a
// 4x4 block of w is written as vector times matrix: four dot products in one expression, so that
// each accumulator is read and written once per 4 k (such adapters keep variables in memory).
// 2 M N K flops for M N K (1/8 + 1/ROWS) loads.
// w may be a block of a taller matrix's rows: it makes N columns of y from `first` on, and y has
// `pitch` of them.

struct Params { m: u32, n: u32, k4: u32, first: u32, pitch: u32 } // k4 = K / 4

override ROWS: u32 = 16u; // 4, 8 or 16
override HALF: bool = false; // w rests in f16, two to a word
override BIAS: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read> w_half: array<vec2u>; // the same buffer as w
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

fn weights(i: u32) -> vec4f {
    if (HALF) {
        let pair = w_half[i];
        return vec4f(unpack2x16float(pair.x), unpack2x16float(pair.y));
    }
    return w[i];
}

fn store(row: u32, column: u32, sums: vec4f) {
    if (row >= params.m) { return; }
    for (var j = 0u; j < 4u; j++) {
        let n = column + 4u * j;
        if (n < params.n) {
            var v = sums[j];
            if (BIAS) { v += bias[params.first + n]; }
            y[row * params.pitch + params.first + n] = activate(v);
        }
    }
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let n0 = group.x * 32u + local.x;
    let m0 = group.y * ROWS;
    let last = params.m - 1u;
    let k4 = params.k4;
    let r0 = min(m0, last) * k4; let r1 = min(m0 + 1u, last) * k4;
    let r2 = min(m0 + 2u, last) * k4; let r3 = min(m0 + 3u, last) * k4;
    let r4 = min(m0 + 4u, last) * k4; let r5 = min(m0 + 5u, last) * k4;
    let r6 = min(m0 + 6u, last) * k4; let r7 = min(m0 + 7u, last) * k4;
    let r8 = min(m0 + 8u, last) * k4; let r9 = min(m0 + 9u, last) * k4;
    let r10 = min(m0 + 10u, last) * k4; let r11 = min(m0 + 11u, last) * k4;
    let r12 = min(m0 + 12u, last) * k4; let r13 = min(m0 + 13u, last) * k4;
    let r14 = min(m0 + 14u, last) * k4; let r15 = min(m0 + 15u, last) * k4;
    let edge = params.n - 1u;
    let q0 = min(n0, edge) * k4; let q1 = min(n0 + 4u, edge) * k4;
    let q2 = min(n0 + 8u, edge) * k4; let q3 = min(n0 + 12u, edge) * k4;
    let q4 = min(n0 + 16u, edge) * k4; let q5 = min(n0 + 20u, edge) * k4;
    let q6 = min(n0 + 24u, edge) * k4; let q7 = min(n0 + 28u, edge) * k4;
    // Row i's sums for the columns of block a and block b.
    var a0 = vec4f(); var a1 = vec4f(); var a2 = vec4f(); var a3 = vec4f();
    var a4 = vec4f(); var a5 = vec4f(); var a6 = vec4f(); var a7 = vec4f();
    var a8 = vec4f(); var a9 = vec4f(); var a10 = vec4f(); var a11 = vec4f();
    var a12 = vec4f(); var a13 = vec4f(); var a14 = vec4f(); var a15 = vec4f();
    var b0 = vec4f(); var b1 = vec4f(); var b2 = vec4f(); var b3 = vec4f();
    var b4 = vec4f(); var b5 = vec4f(); var b6 = vec4f(); var b7 = vec4f();
    var b8 = vec4f(); var b9 = vec4f(); var b10 = vec4f(); var b11 = vec4f();
    var b12 = vec4f(); var b13 = vec4f(); var b14 = vec4f(); var b15 = vec4f();
    for (var k = 0u; k < k4; k++) {
        let a = mat4x4f(weights(q0 + k), weights(q1 + k), weights(q2 + k), weights(q3 + k));
        let b = mat4x4f(weights(q4 + k), weights(q5 + k), weights(q6 + k), weights(q7 + k));
        let x0 = x[r0 + k]; a0 += x0 * a; b0 += x0 * b;
        let x1 = x[r1 + k]; a1 += x1 * a; b1 += x1 * b;
        let x2 = x[r2 + k]; a2 += x2 * a; b2 += x2 * b;
        let x3 = x[r3 + k]; a3 += x3 * a; b3 += x3 * b;
        if (ROWS > 4u) {
            let x4 = x[r4 + k]; a4 += x4 * a; b4 += x4 * b;
            let x5 = x[r5 + k]; a5 += x5 * a; b5 += x5 * b;
            let x6 = x[r6 + k]; a6 += x6 * a; b6 += x6 * b;
            let x7 = x[r7 + k]; a7 += x7 * a; b7 += x7 * b;
        }
        if (ROWS > 8u) {
            let x8 = x[r8 + k]; a8 += x8 * a; b8 += x8 * b;
            let x9 = x[r9 + k]; a9 += x9 * a; b9 += x9 * b;
            let x10 = x[r10 + k]; a10 += x10 * a; b10 += x10 * b;
            let x11 = x[r11 + k]; a11 += x11 * a; b11 += x11 * b;
            let x12 = x[r12 + k]; a12 += x12 * a; b12 += x12 * b;
            let x13 = x[r13 + k]; a13 += x13 * a; b13 += x13 * b;
            let x14 = x[r14 + k]; a14 += x14 * a; b14 += x14 * b;
            let x15 = x[r15 + k]; a15 += x15 * a; b15 += x15 * b;
        }
    }
    let n1 = n0 + 16u;
    store(m0, n0, a0); store(m0, n1, b0);
    store(m0 + 1u, n0, a1); store(m0 + 1u, n1, b1);
    store(m0 + 2u, n0, a2); store(m0 + 2u, n1, b2);
    store(m0 + 3u, n0, a3); store(m0 + 3u, n1, b3);
    if (ROWS > 4u) {
        store(m0 + 4u, n0, a4); store(m0 + 4u, n1, b4);
        store(m0 + 5u, n0, a5); store(m0 + 5u, n1, b5);
        store(m0 + 6u, n0, a6); store(m0 + 6u, n1, b6);
        store(m0 + 7u, n0, a7); store(m0 + 7u, n1, b7);
    }
    if (ROWS > 8u) {
        store(m0 + 8u, n0, a8); store(m0 + 8u, n1, b8);
        store(m0 + 9u, n0, a9); store(m0 + 9u, n1, b9);
        store(m0 + 10u, n0, a10); store(m0 + 10u, n1, b10);
        store(m0 + 11u, n0, a11); store(m0 + 11u, n1, b11);
        store(m0 + 12u, n0, a12); store(m0 + 12u, n1, b12);
        store(m0 + 13u, n0, a13); store(m0 + 13u, n1, b13);
        store(m0 + 14u, n0, a14); store(m0 + 14u, n1, b14);
        store(m0 + 15u, n0, a15); store(m0 + 15u, n1, b15);
    }
}
