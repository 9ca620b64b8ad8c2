//! Brings what the other tasks need and this machine lacks; does nothing when all is there.
//!
//! `setup` and `test` ask a package manager, where it can act unattended. Where it cannot, and in all
//! other tasks, the error is one sentence that says what to do.

mod apt;
mod axe;
mod browser;
mod debian_std;
mod vulkan;
mod wasm;

pub use axe::{axe, find_axe};
pub use browser::{Browser, Programs, browsers, tell_of_browser};
pub use vulkan::{use_software_adapter, vulkan};
pub use wasm::{WASM_TARGET, WasmToolchain, wasm_toolchain};

/// Whether a task may install packages for the whole machine, which takes root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installing {
    Allowed,
    Refused,
}
