//! The page's panels: one thing to do each.

pub mod bench;
pub mod inside;
pub mod learn;
pub mod probe;
pub mod prove;
pub mod teach;
