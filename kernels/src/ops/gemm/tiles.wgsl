// For real GPUs: a workgroup makes a tile of c, each thread 4 by 4 of it {PARTS_M} times down and
// {PARTS_N} times across. Slabs of {SLAB} k of a and b pass through shared memory, so that each element
// is read from device memory once a tile: 2 M N K flops for M N K (4/TILE_N + (4 or 2)/TILE_M) bytes.
// {SLICES} slices of the workgroup take slabs by turns and add up in the end, which keeps a GPU busy
// where c has few tiles. Any M, N, K: what lies beyond K is zero,
// what lies beyond M or N is something else and not stored.
// The lines between `#for` and `#end` are repeated, see gpu/template.rs. The sums are registers only as
// long as no loop of the shader's own indexes one: where one did, the products of an NVIDIA H200 took five
// to eight times as long. slices.wgsl is the rest.

const TILE_M: u32 = 4u * {THREADS_M}u * {PARTS_M}u;
const TILE_N: u32 = 4u * {THREADS_N}u * {PARTS_N}u;
const WIDE: u32 = {THREADS_N}u;
const HIGH: u32 = {THREADS_M}u;
const THREADS: u32 = WIDE * HIGH;
const SLAB: u32 = {SLAB}u;
// Fours in a row of a slab; one more than there are keeps neighbours' stores in other banks.
const FOURS_M: u32 = TILE_M / 4u;
const FOURS_N: u32 = TILE_N / 4u;
const PITCH_M: u32 = FOURS_M + 1u;
const PITCH_N: u32 = FOURS_N + 1u;
var<workgroup> slab_a: array<vec4f, {SLICES} * SLAB * PITCH_M>; // [SLICES, SLAB, PITCH_M]
var<workgroup> slab_b: array<vec4f, {SLICES} * SLAB * PITCH_N>; // [SLICES, SLAB, PITCH_N]

@compute @workgroup_size({THREADS_N}, {THREADS_M}, {SLICES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let top = group.y * TILE_M;
    let left = group.x * TILE_N;
    let thread = local.y * WIDE + local.x;
    let in_a = local.z * SLAB * PITCH_M;
    let in_b = local.z * SLAB * PITCH_N;
    #for p in PARTS_M
    #for i in 4
    #for q in PARTS_N
    var c{p}_{i}_{q} = vec4f();
    #end
    #end
    #end
    for (var slab = 0u; slab < params.k; slab += {SLICES}u * SLAB) {
        let k0 = slab + local.z * SLAB;
        for (var t = thread; t < FOURS_M * SLAB / 4u; t += THREADS) {
            let k = 4u * (t % (SLAB / 4u));
            let m = t / (SLAB / 4u);
            let block = block_a(top + 4u * m, k0 + k);
            #for j in 4
            slab_a[in_a + (k + {j}u) * PITCH_M + m] = block[{j}];
            #end
        }
        // From the other end, so that other threads load b than those that load a.
        for (var t = THREADS - 1u - thread; t < FOURS_N * SLAB / 4u; t += THREADS) {
            let k = 4u * (t % (SLAB / 4u));
            let n = t / (SLAB / 4u);
            let block = block_b(left + 4u * n, k0 + k);
            #for j in 4
            slab_b[in_b + (k + {j}u) * PITCH_N + n] = block[{j}];
            #end
        }
        workgroupBarrier();
        #for k in SLAB
        #for q in PARTS_N
        let b{k}_{q} = slab_b[in_b + {k}u * PITCH_N + {q}u * WIDE + local.x];
        #end
        #for p in PARTS_M
        let a{k}_{p} = slab_a[in_a + {k}u * PITCH_M + {p}u * HIGH + local.y];
        #for i in 4
        #for q in PARTS_N
        c{p}_{i}_{q} = fma(vec4f(a{k}_{p}[{i}]), b{k}_{q}, c{p}_{i}_{q});
        #end
        #end
        #end
        #end
        workgroupBarrier();
    }
