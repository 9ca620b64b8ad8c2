// For software adapters, whose barriers cost more than arithmetic: no shared memory. A thread makes
// 4 x {GROUPS} rows by {COLUMNS} columns of c, its columns 4 apart, so that the 4 lanes of a quad read and
// store neighbours. Each sum grows by 4 x {STEPS} products in one expression, and is read and written
// once for them: such adapters keep variables in memory.
// 2 M N K flops for M N K (1/(4 {COLUMNS}) + 1/(4 {GROUPS})) loads, of which SwiftShader makes branches for
// each lane: about as much work as 30 products.
// The lines between `#for` and `#end` are repeated, see gpu/template.rs.

override WG: u32 = 4u; // a multiple of 4

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    let lane = index % 4u;
    let top = 4u * {GROUPS}u * group.y;
    let first = 4u * {COLUMNS}u * (group.x * (WG / 4u) + index / 4u) + lane;
    #for g in GROUPS
    let start{g} = rows_of_a(top + 4u * {g}u, lane);
    #end
    #for j in COLUMNS
    let n{j} = min(first + 4u * {j}u, params.n - 1u);
    #end
    #for g in GROUPS
    #for i in 4
    #for j in COLUMNS
    var c{g}_{i}_{j} = 0.0;
    #end
    #end
    #end
    for (var k = 0u; k < params.k; k += 4u * {STEPS}u) {
        #for s in STEPS
        #for j in COLUMNS
        let b{j}_{s} = load_b(k + 4u * {s}u, n{j});
        #end
        #end
        #for g in GROUPS
        #for s in STEPS
        let a{g}_{s} = load_a(start{g}, k + 4u * {s}u, lane);
        #end
        #for i in 4
        #for s in STEPS
        let a{g}_{i}_{s} = row{i}_of_a(a{g}_{s});
        #end
        #for j in COLUMNS
        c{g}_{i}_{j} = c{g}_{i}_{j}
        #for s in STEPS
            + dot(a{g}_{i}_{s}, b{j}_{s})
        #end
        ;
        #end
        #end
        #end
    }
    // Through memory, so that the epilogue is there once and not for every sum.
    var sums: array<f32, 4 * {GROUPS} * {COLUMNS}>;
    #for g in GROUPS
    #for i in 4
    #for j in COLUMNS
    sums[(4u * {g}u + {i}u) * {COLUMNS}u + {j}u] = c{g}_{i}_{j};
    #end
    #end
    #end
    for (var i = 0u; i < 4u * {GROUPS}u; i++) {
        for (var j = 0u; j < {COLUMNS}u; j++) {
            store(top + i, first + 4u * j, sums[i * {COLUMNS}u + j]);
        }
    }
}
