// Counter-based noise: which elements are dropped depends on (seed, stream, index) alone, so the
// backward pass and the CPU draw the same. The hash is PCG-RXS-M-XS, as in Jarzynski & Olano 2020,
// "Hash Functions for GPU Rendering", used twice.

fn pcg(input: u32) -> u32 {
    let state = input * 747796405u + 2891336453u;
    let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}

// 32 random bits of the element `index`.
fn random_bits(seed: u32, stream: u32, index: u32) -> u32 { return pcg(index ^ pcg(seed + stream * 2654435769u)); }

// 0 for a dropped element, `scale` for one that is kept. An element is dropped if its noise lies
// below `threshold` = probability 2^32.
fn keep(seed: u32, stream: u32, index: u32, threshold: u32, scale: f32) -> f32 {
    return select(0.0, scale, random_bits(seed, stream, index) >= threshold);
}
