//! The GPU executor: plans as lists of WGSL dispatches through wgpu.

mod adapter;
mod buffer;
#[cfg(not(target_arch = "wasm32"))]
pub mod cache;
mod context;
mod device;
mod kernel;
mod known;
mod params;
mod program;
mod signal;
mod template;
mod tuning;

pub use buffer::Buffer;
pub use context::{AdapterInfo, Capabilities, Options, Style};
pub use device::Gpu;
pub(crate) use kernel::params;
pub use kernel::{Access, Field, Kernel, Scalar};
pub(crate) use kernel::{Dispatch, DispatchContext, Operand, Pack, grid_1d};
pub(crate) use params::GpuParams;
pub(crate) use program::GpuProgram;
pub use tuning::Tuning;
