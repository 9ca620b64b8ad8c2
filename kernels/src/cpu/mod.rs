//! The CPU executor: the same plans, in f32 (the fallback) or f64 (the tests' oracle).

mod arena;
mod params;
mod program;

pub(crate) use params::CpuParams;
pub(crate) use program::CpuProgram;
