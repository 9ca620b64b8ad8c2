@group(0) @binding(4) var<storage, read> extra: array<f32>;
@group(0) @binding(5) var<storage, read_write> c: array<f32>;

fn store(row: u32, column: u32, sum: f32) {
    if (row >= params.m || column >= params.n) { return; }
    let to = params.c_first + column;
    var v = sum;
    if (EXTRA == 1u) { v += extra[row * params.extra_pitch + to]; }
    if (EXTRA == 2u) { v *= slope(extra[row * params.extra_pitch + to]); } else { v = activate(v); }
    c[row * params.c_pitch + to] = v;
}
