// For real GPUs, a product of few rows: a decoder's of one hidden word, a pooler's, a classifier's. What counts
// there is that b is read once and by neighbouring threads, so 8 of them share a column of c for {ROWS} rows at
// once, k by k of 32, and add up through shared memory. 2 M K N flops for K N reads.

const SHARE: u32 = 8u;    // threads of a column
const COLUMNS: u32 = 32u; // columns of a workgroup
const THREADS: u32 = SHARE * COLUMNS;
var<workgroup> sums: array<f32, {ROWS} * THREADS>; // [ROWS, COLUMNS, SHARE]

// a[m, k .. k+3], zero beyond K.
fn along_a(m: u32, k: u32) -> vec4f {
    let row = min(m, params.m - 1u);
    if (A_ALONG_K) { return within(four_a(params.a_first + row * params.a_pitch + k), k); }
    var v: vec4f;
    #for j in 4
    let i{j} = params.a_first + min(k + {j}u, params.k - 1u) * params.a_pitch + row;
    v[{j}] = a[i{j} / 4u][i{j} % 4u];
    #end
    return within(v, k);
}

// b[k .. k+3, n], zero beyond K.
fn along_b(n: u32, k: u32) -> vec4f {
    let column = min(n, params.n - 1u);
    if (B_ALONG_K) { return within(four_b(column * params.k + k), k); }
    var v: vec4f;
    #for j in 4
    let i{j} = min(k + {j}u, params.k - 1u) * params.n + column;
    v[{j}] = whole_b(i{j} / 4u)[i{j} % 4u];
    #end
    return within(v, k);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    let top = group.y * {ROWS}u;
    let column = group.x * COLUMNS + index / SHARE;
    let lane = index % SHARE;
    #for i in ROWS
    var sum{i} = 0.0;
    #end
    for (var k = 4u * lane; k < params.k; k += 4u * SHARE) {
        let v = along_b(column, k);
        #for i in ROWS
        sum{i} += dot(along_a(top + {i}u, k), v);
        #end
    }
    #for i in ROWS
    sums[{i}u * THREADS + index] = sum{i};
    #end
    workgroupBarrier();
    for (var reach = SHARE / 2u; reach > 0u; reach /= 2u) {
        if (lane < reach) {
            #for i in ROWS
            sums[{i}u * THREADS + index] += sums[{i}u * THREADS + index + reach];
            #end
        }
        workgroupBarrier();
    }
    // Each thread of a column stores one of its rows.
    if (lane < {ROWS}u) { store(top + lane, column, sums[lane * THREADS + index - lane]); }
}
