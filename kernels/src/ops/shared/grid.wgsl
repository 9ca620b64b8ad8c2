// Threads of a one-dimensional grid that was folded into two, see `grid_1d`.

override WG: u32 = 64u;

fn thread_index(group: vec3u, groups: vec3u, lane: u32) -> u32 {
    return (group.y * groups.x + group.x) * WG + lane;
}
