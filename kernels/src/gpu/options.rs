//! What one may ask of a device.

use super::faults::Faults;
use crate::shader::{Style, Tuning};

/// What to ask for when opening a device.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Take only an adapter whose name contains this (native only).
    pub adapter: Option<String>,
    /// Use this family of shaders instead of the one that suits the adapter (for tests).
    pub style: Option<Style>,
    /// Bind no more bytes at a time than this, though the adapter may (for tests).
    pub max_binding: Option<u64>,
    /// Do without subgroups, though the adapter has them (for tests).
    pub no_subgroups: bool,
    /// Choices of shaders that were found before, see [`Gpu::tuning`](super::Gpu::tuning).
    pub tuning: Option<Tuning>,
    /// Faults to put in (for tests).
    pub faults: Faults,
}
