// What the four lanes of a quad hold.
fn gathered(v: f32) -> vec4f {
    return vec4f(quadBroadcast(v, 0u), quadBroadcast(v, 1u), quadBroadcast(v, 2u), quadBroadcast(v, 3u));
}
