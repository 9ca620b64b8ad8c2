//! What a shader is, before anything runs it: its source and bindings, one use of it, and what the
//! choice among several goes by. Operations speak of nothing else of a GPU.

mod choice;
mod kernel;
mod product;
mod template;
mod tuning;

pub(crate) use choice::Choice;
pub use choice::{AdapterInfo, Capabilities, LeftOut, Style};
pub(crate) use kernel::params;
pub use kernel::{Access, Field, Kernel, Scalar};
pub(crate) use kernel::{Dispatch, DispatchContext, Operand, Pack, grid_1d};
pub use product::Kind;
pub(crate) use product::{Class, Product};
pub use tuning::Tuning;
