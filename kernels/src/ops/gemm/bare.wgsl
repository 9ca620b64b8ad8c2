// For GPUs whose caches are as fast as shared memory: none of it, and no barrier. Each thread makes 4 by 4 of c
// {PARTS_M} times down and {PARTS_N} times across, and reads both factors from device memory, four k at a time.
// 2 M N K flops for 4 M N K (1/(4 {PARTS_N}) + 1/(4 {PARTS_M})) bytes, which neighbours read too.

const WIDE: u32 = {THREADS_N}u;
const HIGH: u32 = {THREADS_M}u;

@compute @workgroup_size({THREADS_N}, {THREADS_M})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    #for p in PARTS_M
    let m{p} = 4u * ((group.y * {PARTS_M}u + {p}u) * HIGH + local.y);
    #end
    #for q in PARTS_N
    let n{q} = 4u * ((group.x * {PARTS_N}u + {q}u) * WIDE + local.x);
    #end
    #for p in PARTS_M
    #for i in 4
    #for q in PARTS_N
    var c{p}_{i}_{q} = vec4f();
    #end
    #end
    #end
    for (var k = 0u; k < params.k; k += 4u) {
        #for q in PARTS_N
        let b{q} = block_b(n{q}, k);
        #end
        #for p in PARTS_M
        let a{p} = block_a(m{p}, k);
        #for j in 4
        #for i in 4
        #for q in PARTS_N
        c{p}_{i}_{q} = fma(vec4f(a{p}[{j}][{i}]), b{q}[{j}], c{p}_{i}_{q});
        #end
        #end
        #end
        #end
    }
    #for p in PARTS_M
    #for i in 4
    #for q in PARTS_N
    store_four(m{p} + {i}u, n{q}, c{p}_{i}_{q});
    #end
    #end
    #end
}
