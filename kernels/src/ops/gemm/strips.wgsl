// For real GPUs: as tiles.wgsl, but that a slab lies in shared memory as its factor does in device memory.
// Neighbouring threads load vectors that lie side by side, all threads load as many, and nothing is
// transposed before it is in registers, where that costs nothing.
// Of the next slab, AHEAD (1 or 0) says whether it is loaded before the sums of this one are made; LATE is the other.
// LOADS_M and LOADS_N are the vectors of a slab that each thread loads.
// Any M, N, K: what lies beyond K is zero, what lies beyond M or N is something else and not stored.
// Workgroups with other numbers in z make the sums over other parts of k. slices.wgsl is the rest.

const WIDE: u32 = {THREADS_N}u;
const HIGH: u32 = {THREADS_M}u;
const THREADS: u32 = WIDE * HIGH;
const STEPS: u32 = {STEPS}u;
const SLAB: u32 = 4u * STEPS;
const FOURS_M: u32 = HIGH * {PARTS_M}u; // rows of the tile, by four
const FOURS_N: u32 = WIDE * {PARTS_N}u;
const PITCH: u32 = STEPS + 1u; // one more than there are keeps neighbours in other banks
const LEN_A: u32 = 4u * FOURS_M * PITCH;
const LEN_B: u32 = 4u * FOURS_N * PITCH;
// Where a factor lies along k: [4, FOURS, PITCH], row 4 f + i of the tile at (i, f); else [SLAB, FOURS].
var<workgroup> slab_a: array<vec4f, {SLICES} * LEN_A>;
var<workgroup> slab_b: array<vec4f, {SLICES} * LEN_B>;
const_assert {LOADS_M}u * THREADS == FOURS_M * SLAB;
const_assert {LOADS_N}u * THREADS == FOURS_N * SLAB;

var<private> part: u32; // of k

// Vector t of the slab of a that begins at row m and at k.
fn load_a(m: u32, k: u32, t: u32) -> vec4f {
    if (A_ALONG_K) {
        let row = min(m + 4u * (t / STEPS % FOURS_M) + t / STEPS / FOURS_M, params.m - 1u);
        let at = k + 4u * (t % STEPS);
        return within(four_a(params.a_first + row * params.a_pitch + at), at);
    }
    let row = k + t / FOURS_M;
    if (row >= params.k) { return vec4f(); }
    return four_a(params.a_first + row * params.a_pitch + m + 4u * (t % FOURS_M));
}

// The same of b.
fn load_b(n: u32, k: u32, t: u32) -> vec4f {
    if (B_ALONG_K) {
        let row = min(n + 4u * (t / STEPS % FOURS_N) + t / STEPS / FOURS_N, params.n - 1u);
        let at = k + 4u * (t % STEPS);
        return within(four_b(row * params.k + at), at);
    }
    let row = k + t / FOURS_N;
    if (row >= params.k) { return vec4f(); }
    return four_b(row * params.n + n + 4u * (t % FOURS_N));
}

// Where vector t of a slab lies.
fn place(t: u32, along_k: bool) -> u32 {
    if (along_k) { return t / STEPS * PITCH + t % STEPS; }
    return t;
}

// Four by four of a's slab, at row 4 f and k 4 s: column j holds a[4 f .. 4 f + 3, 4 s + j].
fn part_a(first: u32, f: u32, s: u32) -> mat4x4f {
    var part: mat4x4f;
    #for j in 4
    if (A_ALONG_K) {
        part[{j}] = slab_a[first + ({j}u * FOURS_M + f) * PITCH + s];
    } else {
        part[{j}] = slab_a[first + (4u * s + {j}u) * FOURS_M + f];
    }
    #end
    if (A_ALONG_K) { return transpose(part); }
    return part;
}

// The same of b: column j holds b[4 s + j, 4 f .. 4 f + 3].
fn part_b(first: u32, f: u32, s: u32) -> mat4x4f {
    var part: mat4x4f;
    #for j in 4
    if (B_ALONG_K) {
        part[{j}] = slab_b[first + ({j}u * FOURS_N + f) * PITCH + s];
    } else {
        part[{j}] = slab_b[first + (4u * s + {j}u) * FOURS_N + f];
    }
    #end
    if (B_ALONG_K) { return transpose(part); }
    return part;
}

@compute @workgroup_size({THREADS_N}, {THREADS_M}, {SLICES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let top = 4u * FOURS_M * group.y;
    let left = 4u * FOURS_N * group.x;
    let thread = local.y * WIDE + local.x;
    part = group.z;
    let begin = group.z * params.k_part;
    let end = min(params.k, begin + params.k_part);
    let in_a = local.z * LEN_A;
    let in_b = local.z * LEN_B;
    #for p in PARTS_M
    #for i in 4
    #for q in PARTS_N
    var c{p}_{i}_{q} = vec4f();
    #end
    #end
    #end
    #for l in LOADS_M
    var a{l}: vec4f;
    #end
    #for l in LOADS_N
    var b{l}: vec4f;
    #end
    #for _ in AHEAD
    #for l in LOADS_M
    a{l} = load_a(top, begin + local.z * SLAB, thread + {l}u * THREADS);
    #end
    #for l in LOADS_N
    b{l} = load_b(left, begin + local.z * SLAB, thread + {l}u * THREADS);
    #end
    #end
    for (var slab = begin; slab < end; slab += {SLICES}u * SLAB) {
        #for _ in LATE
        #for l in LOADS_M
        a{l} = load_a(top, slab + local.z * SLAB, thread + {l}u * THREADS);
        #end
        #for l in LOADS_N
        b{l} = load_b(left, slab + local.z * SLAB, thread + {l}u * THREADS);
        #end
        #end
        #for l in LOADS_M
        slab_a[in_a + place(thread + {l}u * THREADS, A_ALONG_K)] = a{l};
        #end
        #for l in LOADS_N
        slab_b[in_b + place(thread + {l}u * THREADS, B_ALONG_K)] = b{l};
        #end
        workgroupBarrier();
        #for _ in AHEAD
        #for l in LOADS_M
        a{l} = load_a(top, slab + ({SLICES}u + local.z) * SLAB, thread + {l}u * THREADS);
        #end
        #for l in LOADS_N
        b{l} = load_b(left, slab + ({SLICES}u + local.z) * SLAB, thread + {l}u * THREADS);
        #end
        #end
        #for s in STEPS
        #for q in PARTS_N
        let b{s}_{q} = part_b(in_b, {q}u * WIDE + local.x, {s}u);
        #end
        #for p in PARTS_M
        let a{s}_{p} = part_a(in_a, {p}u * HIGH + local.y, {s}u);
        #for j in 4
        #for i in 4
        #for q in PARTS_N
        c{p}_{i}_{q} = fma(vec4f(a{s}_{p}[{j}][{i}]), b{s}_{q}[{j}], c{p}_{i}_{q});
        #end
        #end
        #end
        #end
        #end
        workgroupBarrier();
    }
