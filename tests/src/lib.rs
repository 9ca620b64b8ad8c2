//! Shared helpers of the integration tests.

pub mod browser;
pub mod hub;
pub mod large;
