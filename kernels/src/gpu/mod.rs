//! The GPU executor: plans as lists of WGSL dispatches through wgpu.

mod adapter;
#[cfg(target_arch = "wasm32")]
mod ahead;
mod arena;
mod bind;
mod buffer;
#[cfg(not(target_arch = "wasm32"))]
pub mod cache;
mod choosing;
mod clock;
mod device;
mod faults;
mod known;
mod lanes;
mod options;
mod pace;
mod params;
mod pipelines;
mod profile;
mod program;
mod race;
mod record;
mod signal;
mod submit;

pub use crate::shader::{
    Access, AdapterInfo, Capabilities, Field, Kernel, Kind, LeftOut, Scalar, Style, Tuning,
};
pub use buffer::Buffer;
pub(crate) use clock::now;
pub use device::Gpu;
pub(crate) use device::SUBGROUPS;
pub use faults::Faults;
pub use options::Options;
pub use pace::Submits;
pub(crate) use params::GpuParams;
pub use profile::KernelTime;
pub(crate) use program::GpuProgram;
