// What a lane without a quad loads of a, whichever way a lies.

// a[m .. m+3, k .. k+3], zero beyond K.
fn load_a(start: vec4u, k: u32, lane: u32) -> mat4x4f {
    var rows: mat4x4f;
    #for i in 4
    rows[{i}] = vec4f(at_a(start[{i}], k), at_a(start[{i}], k + 1u), at_a(start[{i}], k + 2u), at_a(start[{i}], k + 3u));
    #end
    return rows;
}

#for i in 4
fn row{i}_of_a(rows: mat4x4f) -> vec4f { return rows[{i}]; }
#end
