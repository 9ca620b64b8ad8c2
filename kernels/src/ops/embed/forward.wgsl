// z[i, :] = word[id[i], :] + position[pos[i], :] + kind[type[i], :]   (Devlin et al. 2019, fig. 2)
// rows: [3, N] = ids, positions, types (or without types); word: [V, H]; position: [P, H]; kind: [S, H];
// out: [N, H] = z. With NORM, out = (z - mean z) / sqrt(var z + eps) gamma + beta, as in layer_norm/, where
// gamma, beta: [H]; else what is bound in their place is not read.
// Cost: three reads and one write an element, and with NORM two more of each; bound by memory. LANES
// lanes share a row, so that neighbours read neighbouring columns. An id beyond its table reads the
// last row: the caller has checked it, and a mistake must not read elsewhere.
// A word table too large for one binding lies in blocks of rows, and each dispatch makes the rows of
// out whose word its block has: block [first, first + block) of words.
// Without KINDS there is no third table: what is bound in its place is not read.
// Tables may rest in f16, two to a word: HALF_* says which, and both kinds are read as words.

struct Params {
    rows: u32, columns: u32,
    words: u32, first: u32, block: u32, // rows of the whole table, and the block bound here
    positions: u32, kinds: u32,
    eps: f32,
}

override KINDS: bool = true;
override NORM: bool = false;
override HALF_WORD: bool = false;
override HALF_POSITION: bool = false;
override HALF_KIND: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> word_table: array<u32>;
@group(0) @binding(3) var<storage, read> position_table: array<u32>;
@group(0) @binding(4) var<storage, read> kind_table: array<u32>;
@group(0) @binding(5) var<storage, read> gamma: array<f32>;
@group(0) @binding(6) var<storage, read> beta: array<f32>;
@group(0) @binding(7) var<storage, read_write> out: array<f32>;

fn half(word: u32, i: u32) -> f32 { return unpack2x16float(word)[i % 2u]; }

@compute @workgroup_size(LANES * ROWS)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) index: u32,
) {
    let local = place(index);
    let row = row_index(group, groups, local.y);
    let safe = min(row, params.rows - 1u);
    // Beyond the block also where this wraps around.
    let word = min(rows[safe], params.words - 1u) - params.first;
    let mine = row < params.rows && word < params.block;
    let w = word * params.columns;
    let p = min(rows[params.rows + safe], params.positions - 1u) * params.columns;
    var k = 0u;
    if (KINDS) { k = min(rows[2u * params.rows + safe], params.kinds - 1u) * params.columns; }
    let base = safe * params.columns;
    // A row that is not made here has no columns.
    let columns = select(0u, params.columns, mine);
    var total = 0.0;
    for (var c = local.x; c < columns; c += LANES) {
        var sum: f32;
        if (HALF_WORD) { sum = half(word_table[(w + c) / 2u], w + c); } else { sum = bitcast<f32>(word_table[w + c]); }
        if (KINDS) {
            if (HALF_KIND) { sum += half(kind_table[(k + c) / 2u], k + c); } else { sum += bitcast<f32>(kind_table[k + c]); }
        }
        if (HALF_POSITION) {
            sum += half(position_table[(p + c) / 2u], p + c);
        } else {
            sum += bitcast<f32>(position_table[p + c]);
        }
        out[base + c] = sum;
        total += sum;
    }
    if (!NORM) { return; }
    // Each lane reads only what it has written itself.
    let mean = row_sum(total, local.x, local.y) / f32(params.columns);
    var squares = 0.0;
    for (var c = local.x; c < columns; c += LANES) {
        let d = out[base + c] - mean;
        squares = fma(d, d, squares);
    }
    let variance = row_sum(squares, local.x, local.y) / f32(params.columns);
    // As layer_norm/forward.wgsl has it.
    let scale = nan_where(!is_finite(variance), 1.0 / sqrt(variance + params.eps));
    for (var c = local.x; c < columns; c += LANES) {
        out[base + c] = fma((out[base + c] - mean) * scale, gamma[c], beta[c]);
    }
}
