//! Brings what the other tasks need and this machine lacks; does nothing when all is there.
//!
//! A package manager is asked only where it can act unattended. Where it cannot, the error is one
//! sentence that says what to install.

mod apt;
mod browser;
mod debian_std;
mod vulkan;
mod wasm;

pub use browser::{Browser, browser, find_browser};
pub use vulkan::{use_software_adapter, vulkan};
pub use wasm::{WASM_TARGET, WasmToolchain, wasm_toolchain};
