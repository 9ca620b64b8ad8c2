//! Unmask's page and its engine worker, two WebAssembly programs from one crate.
//!
//! The page (`main.rs`, [`ui`] over [`browser`]) draws and listens; the engine (`bin/engine.rs`,
//! [`engine`]) owns the device, the tokenizer and the model. They share nothing but the messages in
//! [`protocol`]. What the page knows lives in [`state`], plain Rust that native tests call; components
//! hold no logic. [`link`] is what an address carries.
//!
//! Which room may know which is written in `tests/rooms.rs`.

pub mod browser;
pub mod checkpoint;
pub mod engine;
pub mod failure;
pub mod link;
pub mod protocol;
pub mod recipe;
pub mod script;
pub mod site;
pub mod state;
pub mod ui;
