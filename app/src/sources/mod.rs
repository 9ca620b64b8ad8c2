//! Where checkpoints come from.

pub mod address;
pub mod files;
pub mod reader;
