//! Tensor graphs recorded once, planned, and replayed by hand-written WGSL or on the CPU.
//!
//! A [`Graph`] is a typed record of operations; building one does no arithmetic. A [`Plan`] keeps
//! what its outputs need and decides which intermediate values share memory. An [`Executable`]
//! is a plan prepared for a [`Device`]; running it uploads the inputs, replays the plan, and reads
//! the outputs back.
//!
//! Every operation lives in its own folder under `ops/`: shape rule, choice of shader, the WGSL
//! itself and its CPU twin. The CPU executor is generic over `f32` (the fallback) and `f64` (the
//! oracle that the tests measure the GPU against).

pub mod bench;
mod control;
mod cpu;
mod device;
mod error;
pub mod gpu;
mod grad;
mod graph;
pub mod ops;
mod plan;
mod self_test;
mod shader;
mod tensor;
mod trials;
pub mod twin;

pub use control::{CancelToken, Control, LocalBoxFuture};
pub use device::{Device, Executable, Params, Precision, Ready};
pub use error::{DeviceError, GraphError, RunError};
pub use grad::gradients;
pub use graph::{Graph, Node, Source, Value};
pub use ops::Op;
pub use plan::Plan;
pub use self_test::{Extent, KernelReport, SelfTest, cases, check, self_test};
pub use tensor::{DType, ParamSpec, Shape, Storage, Tensor, TensorType};
