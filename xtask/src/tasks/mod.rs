//! What `cargo xtask` can do.

mod assets;
mod bench;
mod build;
mod hashing;
mod parts;
mod pictures;
mod planes;
mod publish;
mod sections;
mod serve;
mod setup;
mod sizes;
mod test;

pub use bench::bench;
pub use build::{Profile, build};
pub use pictures::pictures;
pub use serve::{ServeOptions, serve};
pub use setup::setup;
pub use test::{TestOptions, test};
