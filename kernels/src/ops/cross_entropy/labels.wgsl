const IGNORED: u32 = 0xffffffffu; // the label of a row that does not count

// 1 for a row that counts, else 0.
fn counts(label: u32) -> f32 { return select(1.0, 0.0, label == IGNORED); }
