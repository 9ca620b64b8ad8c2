    // How main of tiles.wgsl and of strips.wgsl ends.
    // The other slices hand their sums to the first, one after another, through shared memory.
    for (var slice = 1u; slice < {SLICES}u; slice++) {
        #for p in PARTS_M
        #for i in 4
        #for q in PARTS_N
        if (local.z == slice) { slab_a[thread] = c{p}_{i}_{q}; }
        workgroupBarrier();
        if (local.z == 0u) { c{p}_{i}_{q} += slab_a[thread]; }
        workgroupBarrier();
        #end
        #end
        #end
    }
    if (local.z > 0u) { return; }
    #for p in PARTS_M
    #for i in 4
    #for q in PARTS_N
    store_four(top + 4u * ({p}u * HIGH + local.y) + {i}u, left + 4u * ({q}u * WIDE + local.x), c{p}_{i}_{q});
    #end
    #end
    #end
}
