// log[row] = (a, b), the other rows stay: figures of many runs, to be read back at once.
// a, b: [1]; row: [1]; log: [R, 2]. One thread. A row that the log does not have is not written.

struct Params { rows: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> row: array<u32>;
@group(0) @binding(4) var<storage, read_write> log_rows: array<f32>;

@compute @workgroup_size(1)
fn main() {
    if (row[0] < params.rows) {
        log_rows[2u * row[0]] = a[0];
        log_rows[2u * row[0] + 1u] = b[0];
    }
}
