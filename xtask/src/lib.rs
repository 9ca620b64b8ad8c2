//! The project's tasks: `cargo xtask serve`, `test`, `bench` and `build`, and the set-up they need.
//!
//! A library too: the browser tests find the browser and serve the page through it, without the
//! feature `tasks` and what only the tasks need.

mod error;
pub mod page;
pub mod server;
pub mod setup;
mod shell;
#[cfg(feature = "tasks")]
pub mod tasks;
mod workspace;

pub use error::{Error, Result};
pub use shell::is_ci;
pub use workspace::Workspace;
