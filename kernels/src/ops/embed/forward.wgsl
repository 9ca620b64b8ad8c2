// out[i, :] = word[id[i], :] + position[pos[i], :] + kind[type[i], :]   (Devlin et al. 2019, fig. 2)
// ids, positions, types: [N]; word: [V, H]; position: [P, H]; kind: [S, H]; out: [N, H].
// Cost: three reads and one write an element, bound by memory; one thread an element, so that
// neighbouring lanes read neighbouring columns. An id beyond its table reads the last row: the
// caller has checked it, and a mistake must not read elsewhere.
// A word table too large for one binding lies in blocks of rows, and each dispatch makes the rows of
// out whose word its block has: block [first, first + block) of words.
// Without KINDS there is no third table: what is bound in its place is not read.
// Tables may rest in f16, two to a word: HALF_* says which, and both kinds are read as words.

struct Params {
    rows: u32, columns: u32,
    words: u32, first: u32, block: u32, // rows of the whole table, and the block bound here
    positions: u32, kinds: u32,
}

override KINDS: bool = true;
override HALF_WORD: bool = false;
override HALF_POSITION: bool = false;
override HALF_KIND: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read> kinds: array<u32>;
@group(0) @binding(4) var<storage, read> word_table: array<u32>;
@group(0) @binding(5) var<storage, read> position_table: array<u32>;
@group(0) @binding(6) var<storage, read> kind_table: array<u32>;
@group(0) @binding(7) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = thread_index(group, groups, lane);
    if (i >= params.rows * params.columns) { return; }
    let row = i / params.columns;
    let column = i % params.columns;
    // Beyond the block also where this wraps around.
    let word = min(ids[row], params.words - 1u) - params.first;
    if (word >= params.block) { return; }
    let w = word * params.columns + column;
    let p = min(positions[row], params.positions - 1u) * params.columns + column;
    let k = min(kinds[row], params.kinds - 1u) * params.columns + column;
    var sum: f32;
    if (HALF_WORD) { sum = unpack2x16float(word_table[w / 2u])[w % 2u]; } else { sum = bitcast<f32>(word_table[w]); }
    if (KINDS) {
        if (HALF_KIND) { sum += unpack2x16float(kind_table[k / 2u])[k % 2u]; } else { sum += bitcast<f32>(kind_table[k]); }
    }
    if (HALF_POSITION) { sum += unpack2x16float(position_table[p / 2u])[p % 2u]; } else { sum += bitcast<f32>(position_table[p]); }
    out[i] = sum;
}
