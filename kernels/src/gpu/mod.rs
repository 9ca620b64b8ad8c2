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
mod context;
mod device;
mod faults;
mod kernel;
mod known;
mod lanes;
mod pace;
mod params;
mod pipelines;
mod profile;
mod program;
mod record;
mod signal;
mod submit;
mod template;
mod trials;
mod tuning;

pub use buffer::Buffer;
pub(crate) use context::Choice;
pub use context::{AdapterInfo, Capabilities, LeftOut, Options, Style};
pub use device::Gpu;
pub(crate) use device::SUBGROUPS;
pub use faults::Faults;
pub(crate) use kernel::params;
pub use kernel::{Access, Field, Kernel, Scalar};
pub(crate) use kernel::{Dispatch, DispatchContext, Operand, Pack, grid_1d};
pub use pace::Submits;
pub(crate) use params::GpuParams;
pub use profile::KernelTime;
pub(crate) use program::GpuProgram;
pub use tuning::Tuning;
