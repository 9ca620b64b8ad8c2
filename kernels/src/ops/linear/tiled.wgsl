// y = f(x w^T + b): x [M, K], w [N, K] (as PyTorch stores nn.Linear), b [N], y [M, N].
// For real GPUs: a workgroup of 16x16 threads makes a 64x64 tile of y, each thread 4x4 of it. Slabs
// of 16 k of x and w pass through shared memory (2 x 4 KiB), so that each element is read from
// device memory once per tile instead of once per product: 2 M N K flops for
// (M N K / 64) (4 + 4 or 2) bytes. Rows of 65 keep the transposing stores free of bank conflicts.
// Any M, N, K: what lies outside is read as zero.
// w may be a block of a taller matrix's rows: it makes N columns of y from `first` on, and y has
// `pitch` of them.

struct Params { m: u32, n: u32, k: u32, first: u32, pitch: u32 }

override HALF: bool = false; // w rests in f16, two to a word
override BIAS: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<u32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

const TILE: u32 = 64u;
const SLAB: u32 = 16u;
const PITCH: u32 = 65u;
var<workgroup> tile_x: array<f32, 1040>; // [SLAB, PITCH]
var<workgroup> tile_w: array<f32, 1040>;

fn weight(n: u32, k: u32) -> f32 {
    let i = n * params.k + k;
    if (HALF) { return unpack2x16float(w[i / 2u])[i % 2u]; }
    return bitcast<f32>(w[i]);
}

fn store(row: u32, column: u32, sums: vec4f) {
    if (row >= params.m) { return; }
    for (var j = 0u; j < 4u; j++) {
        let n = column + j;
        if (n < params.n) {
            var v = sums[j];
            if (BIAS) { v += bias[params.first + n]; }
            y[row * params.pitch + params.first + n] = activate(v);
        }
    }
}

@compute @workgroup_size(16, 16)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) local: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let m0 = group.y * TILE;
    let n0 = group.x * TILE;
    // This thread's share of the loads: four neighbouring k of one row.
    let load_row = index / 4u;
    let load_k = (index % 4u) * 4u;
    var c0 = vec4f(); var c1 = vec4f(); var c2 = vec4f(); var c3 = vec4f();
    for (var k0 = 0u; k0 < params.k; k0 += SLAB) {
        for (var j = 0u; j < 4u; j++) {
            let k = k0 + load_k + j;
            var xv = 0.0;
            var wv = 0.0;
            if (k < params.k) {
                if (m0 + load_row < params.m) { xv = x[(m0 + load_row) * params.k + k]; }
                if (n0 + load_row < params.n) { wv = weight(n0 + load_row, k); }
            }
            tile_x[(load_k + j) * PITCH + load_row] = xv;
            tile_w[(load_k + j) * PITCH + load_row] = wv;
        }
        workgroupBarrier();
        for (var k = 0u; k < SLAB; k++) {
            let a = k * PITCH + local.y * 4u;
            let b = k * PITCH + local.x * 4u;
            let wv = vec4f(tile_w[b], tile_w[b + 1u], tile_w[b + 2u], tile_w[b + 3u]);
            c0 = fma(vec4f(tile_x[a]), wv, c0);
            c1 = fma(vec4f(tile_x[a + 1u]), wv, c1);
            c2 = fma(vec4f(tile_x[a + 2u]), wv, c2);
            c3 = fma(vec4f(tile_x[a + 3u]), wv, c3);
        }
        workgroupBarrier();
    }
    let row = m0 + local.y * 4u;
    let column = n0 + local.x * 4u;
    store(row, column, c0);
    store(row + 1u, column, c1);
    store(row + 2u, column, c2);
    store(row + 3u, column, c3);
}
