//! The built page in a real browser. Run by `cargo xtask test`, which builds the page first.

mod appearance;
mod checkpoints;
mod harness;
mod lifecycle;
mod links;
mod memory;
mod opening;
mod probing;
mod reference;
mod teaching;
mod visit;
