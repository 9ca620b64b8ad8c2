// c = a b, or a^T b: a [M, K] (or [K, M]), b [K, N], c [M, N]. The gradients of a linear layer:
// dx = dy w and dw = dy^T x.
// For real GPUs: the same 64x64 tiles as the forward product (linear/tiled.wgsl), whose slabs are
// read along the rows of b, and of a where it is transposed.
// Any M, N, K: what lies outside is read as zero.
// a may be a block of a wider matrix's columns: those from `first` on, of `pitch` in memory.

struct Params { m: u32, n: u32, k: u32, first: u32, pitch: u32 }

override TRANSPOSE_A: bool = false;
override HALF: bool = false; // b rests in f16, two to a word

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<u32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

const TILE: u32 = 64u;
const SLAB: u32 = 16u;
const PITCH: u32 = 65u;
var<workgroup> tile_a: array<f32, 1040>; // [SLAB, PITCH]
var<workgroup> tile_b: array<f32, 1040>;

fn at_a(m: u32, k: u32) -> f32 {
    if (m >= params.m || k >= params.k) { return 0.0; }
    if (TRANSPOSE_A) { return a[k * params.pitch + params.first + m]; }
    return a[m * params.pitch + params.first + k];
}

fn at_b(k: u32, n: u32) -> f32 {
    if (k >= params.k || n >= params.n) { return 0.0; }
    let i = k * params.n + n;
    if (HALF) { return unpack2x16float(b[i / 2u])[i % 2u]; }
    return bitcast<f32>(b[i]);
}

fn store(row: u32, column: u32, sums: vec4f) {
    if (row >= params.m) { return; }
    for (var j = 0u; j < 4u; j++) {
        if (column + j < params.n) { c[row * params.n + column + j] = sums[j]; }
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
    var c0 = vec4f(); var c1 = vec4f(); var c2 = vec4f(); var c3 = vec4f();
    for (var k0 = 0u; k0 < params.k; k0 += SLAB) {
        for (var j = 0u; j < 4u; j++) {
            // Neighbouring threads take neighbours in memory: along m or n, or along k.
            let across = index % 64u;
            let k = index / 64u + 4u * j;
            tile_b[k * PITCH + across] = at_b(k0 + k, n0 + across);
            if (TRANSPOSE_A) {
                tile_a[k * PITCH + across] = at_a(m0 + across, k0 + k);
            } else {
                let row = index / 16u + 16u * j;
                tile_a[(index % 16u) * PITCH + row] = at_a(m0 + row, k0 + index % 16u);
            }
        }
        workgroupBarrier();
        for (var k = 0u; k < SLAB; k++) {
            let i = k * PITCH + local.y * 4u;
            let j = k * PITCH + local.x * 4u;
            let bv = vec4f(tile_b[j], tile_b[j + 1u], tile_b[j + 2u], tile_b[j + 3u]);
            c0 = fma(vec4f(tile_a[i]), bv, c0);
            c1 = fma(vec4f(tile_a[i + 1u]), bv, c1);
            c2 = fma(vec4f(tile_a[i + 2u]), bv, c2);
            c3 = fma(vec4f(tile_a[i + 3u]), bv, c3);
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
