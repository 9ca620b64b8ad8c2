// What all matrix products share: c = f(a b + extra) or (a b) f'(extra), with a [M, K], b [K, N] as
// each kind of product finds them in memory, and c [M, N].
// a may be a block of a wider matrix's columns, c a block of columns of a wider result: *_first is the
// first of them, *_pitch how many lie in a row in memory. extra is as wide as c in memory, and has one
// row (extra_pitch 0: a bias) or as many as c. Workgroups may share K out, k_part to each.

struct Params {
    m: u32, n: u32, k: u32,
    a_first: u32, a_pitch: u32,
    c_first: u32, c_pitch: u32,
    extra_pitch: u32,
    k_part: u32,
}

override HALF: bool = false; // b rests in f16, two to a word
override EXTRA: u32 = 0u;    // 0: there is none; 1: it is added; 2: f's slope there is a factor

@group(0) @binding(0) var<uniform> params: Params;
