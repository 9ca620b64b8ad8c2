// As `stage`, from dout.
fn stage_dout(tile_at: u32, start: u32, first: u32, most: u32, slab: u32, index: u32) {
    for (var row = index / 8u; row < 32u; row += 8u) {
        let base = start + min(first + row, most) * params.heads * HEAD;
        tile[tile_at + 9u * row + index % 8u] = quad_of_dout(base, 8u * slab + index % 8u);
    }
}

