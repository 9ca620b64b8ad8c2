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
//!
//! A graph is built, planned and run:
//!
//! ```
//! use kernels::{
//!     Control, Device, Executable, Graph, ParamSpec, Params, Plan, Precision, Storage, Tensor, TensorType,
//! };
//!
//! # pollster::block_on(async {
//! let device = Device::Cpu(Precision::F32);
//! let weight = ParamSpec { name: "weight".into(), shape: [1, 2].into(), storage: Storage::F32 };
//! let (mut params, ready) = Params::new(&device, &[weight])?;
//! ready.await?;
//! params.write("weight", 0, &[3.0, 4.0])?;
//!
//! let mut graph = Graph::new();
//! let x = graph.input("x", TensorType::real([2, 2]));
//! let w = graph.param("weight", [1, 2])?;
//! let y = graph.linear(x, w, None)?;
//!
//! let mut product = Executable::new(&device, Plan::new(&graph, &[y]), &params).await?;
//! let x_now = Tensor::F32(vec![1.0, 2.0, 10.0, 20.0]);
//! let outputs = product.run(&mut params, vec![(x, x_now)], &Control::default()).await?;
//! assert_eq!(outputs[0].to_f64(), [11.0, 110.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! [`gradients`] differentiates a graph into itself, and [`Graph::adamw`] learns: the example `two_spirals`
//! trains a small network so, on the GPU.

#![warn(missing_docs)]

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
pub use grad::{gradients, gradients_of};
pub use graph::{Graph, Node, Source, Value};
pub use ops::Op;
pub use plan::Plan;
pub use self_test::{Extent, KernelReport, SelfTest, cases, check, self_test};
pub use tensor::{DType, ParamSpec, Shape, Storage, Tensor, TensorType};
