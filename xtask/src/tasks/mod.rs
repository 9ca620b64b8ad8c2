//! What `cargo xtask` can do.

mod assets;
mod bench;
mod build;
mod hashing;
mod publish;
mod serve;
mod test;

pub use bench::bench;
pub use build::{Profile, build};
pub use serve::{ServeOptions, serve};
pub use test::{TestOptions, test};
