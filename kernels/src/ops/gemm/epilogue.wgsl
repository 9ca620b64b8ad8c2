// What all matrix products share: c = f(a b + bias), with a [M, K], b [K, N] as each kind of
// product finds them in memory, bias [N] and c [M, N].
// a may be a block of a wider matrix's columns, c a block of columns of a wider result: *_first is the
// first of them, *_pitch how many lie in a row in memory. bias is as long as a row of c in memory.

struct Params { m: u32, n: u32, k: u32, a_first: u32, a_pitch: u32, c_first: u32, c_pitch: u32 }

override HALF: bool = false; // b rests in f16, two to a word
override BIAS: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> c: array<f32>;

fn store(row: u32, column: u32, sum: f32) {
    if (row >= params.m || column >= params.n) { return; }
    let to = params.c_first + column;
    var v = sum;
    if (BIAS) { v += bias[to]; }
    c[row * params.c_pitch + to] = activate(v);
}
