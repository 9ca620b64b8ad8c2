//! Learning: PyTorch's losses and gradients, runs from start to end, and what goes wrong.

#[path = "../common/mod.rs"]
mod common;

mod cancel;
mod curve;
mod failures;
mod fresh;
mod goals;
mod golden;
mod gradient;
mod heads;
mod masked;
mod memory;
mod next_word;
mod parts;
mod replaced;
mod runs;
mod settling;
mod support;
