// Four numbers at a time, see one.wgsl.

#let WIDTH = 4
alias Numbers = vec4f;

fn total(x: Numbers) -> f32 { return (x.x + x.y) + (x.z + x.w); }
