// Four by four of a factor from device memory, however it lies there.

// Four by four of a: column j holds a[m .. m+3, k+j].
fn block_a(m: u32, k: u32) -> mat4x4f {
    var block: mat4x4f;
    #for j in 4
    if (A_ALONG_K) {
        let i = params.a_first + min(m + {j}u, params.m - 1u) * params.a_pitch + k;
        block[{j}] = within(four_a(i), k);
    } else if (k + {j}u < params.k) {
        block[{j}] = four_a(params.a_first + (k + {j}u) * params.a_pitch + m);
    }
    #end
    if (A_ALONG_K) { return transpose(block); }
    return block;
}

// Four by four of b: column j holds b[k+j, n .. n+3].
fn block_b(n: u32, k: u32) -> mat4x4f {
    var block: mat4x4f;
    #for j in 4
    if (B_ALONG_K) {
        block[{j}] = within(four_b(min(n + {j}u, params.n - 1u) * params.k + k), k);
    } else if (k + {j}u < params.k) {
        block[{j}] = four_b((k + {j}u) * params.n + n);
    }
    #end
    if (B_ALONG_K) { return transpose(block); }
    return block;
}
