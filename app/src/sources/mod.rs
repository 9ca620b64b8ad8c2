//! Where checkpoints come from.

pub mod files;
pub mod reader;
