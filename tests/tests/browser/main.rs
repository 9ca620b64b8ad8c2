//! The built page in a real browser. Run by `cargo xtask test`, which builds the page first.

#[macro_use]
mod scenario;

mod activity;
mod appearance;
mod bench;
mod checkpoints;
mod conversion;
mod families;
mod gallery;
mod goals;
mod harness;
mod heads;
mod inside;
mod keeping;
mod last_run;
mod lesson;
mod life;
mod lifecycle;
mod links;
mod making;
mod memory;
mod opening;
mod parts;
mod past;
mod pictures;
mod probing;
mod prove;
mod publish;
mod reference;
mod sharing;
mod sources;
mod teaching;
mod trust;
mod visit;
