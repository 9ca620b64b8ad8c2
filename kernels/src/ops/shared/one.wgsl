// Shaders that go over rows go four numbers at a time where rows are made of whole fours, else one; this is one.

#let WIDTH = 1
alias Numbers = f32;

// The sum of Numbers.
fn total(x: Numbers) -> f32 { return x; }
