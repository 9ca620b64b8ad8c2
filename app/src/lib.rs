//! Unmask's page and its engine worker, two WebAssembly programs from one crate.
//!
//! The page (`main.rs`, [`page`], [`panels`], [`widgets`]) draws and listens; the engine
//! (`bin/engine.rs`, [`engine`]) owns the device, the tokenizer and the model. They share nothing
//! but the messages in [`protocol`]; [`link`] is what an address carries. What the page knows lives in [`state`], plain Rust that native
//! tests call; components hold no logic.

pub mod engine;
pub mod link;
pub mod page;
pub mod panels;
pub mod protocol;
pub mod site;
pub mod sources;
pub mod state;
pub mod widgets;
