//! What can go wrong, as typed values.

use crate::tensor::Shape;

/// A graph that does not make sense. These are mistakes of the code that builds the graph, or
/// weights whose shapes do not fit the model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GraphError {
    /// An operand has the wrong shape.
    #[error("{op}: operand `{operand}` has shape {found}, expected {expected}")]
    Shape {
        /// The operation.
        op: &'static str,
        /// The operand's role.
        operand: &'static str,
        /// Its shape.
        found: Shape,
        /// The shape rule, in words or numbers.
        expected: String,
    },
    /// An operand has the wrong element type.
    #[error("{op}: operand `{operand}` holds {found}, expected {expected}")]
    DType {
        /// The operation.
        op: &'static str,
        /// The operand's role.
        operand: &'static str,
        /// Its element type.
        found: &'static str,
        /// The element type asked for.
        expected: &'static str,
    },
    /// An attribute is out of its range.
    #[error("{op}: {message}")]
    Attribute {
        /// The operation.
        op: &'static str,
        /// What is wrong.
        message: String,
    },
    /// One parameter name was used with two shapes.
    #[error("parameter `{name}` is used with shapes {first} and {second}")]
    ParamShape {
        /// The parameter.
        name: String,
        /// Its shape at the first use.
        first: Shape,
        /// Its shape now.
        second: Shape,
    },
    /// A value of another graph.
    #[error("{op}: a value is of another graph")]
    Foreign {
        /// The operation.
        op: &'static str,
    },
}

/// A device that could not be had, or that was lost.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DeviceError {
    /// There is no GPU interface or no adapter.
    #[error("no GPU adapter was found: {0}")]
    NoAdapter(String),
    /// The adapter refused to give a device, even with the smallest limits.
    #[error("the adapter `{adapter}` refused to open a device: {reason}")]
    Refused {
        /// The adapter's name.
        adapter: String,
        /// What it answered.
        reason: String,
    },
    /// The device is gone; everything on it is lost.
    #[error("the GPU device was lost ({0}); load the model again to continue")]
    Lost(String),
    /// The device has no room for a buffer.
    #[error("there is no room for {}", amount(what, *bytes))]
    OutOfMemory {
        /// What was to be stored.
        what: String,
        /// Its size; 0 where it is not known.
        bytes: u64,
    },
    /// A buffer is larger than the adapter allows.
    #[error("{what} needs a buffer of {bytes} bytes, but this adapter allows {limit}")]
    TooLarge {
        /// What was to be stored.
        what: String,
        /// Its size.
        bytes: u64,
        /// The adapter's limit.
        limit: u64,
    },
    /// The driver rejected a shader or a command: a bug of this library or of the driver.
    #[error("the GPU driver rejected `{what}`: {message}")]
    Rejected {
        /// The shader or command.
        what: String,
        /// The driver's words.
        message: String,
    },
}

fn amount(what: &str, bytes: u64) -> String {
    match bytes {
        0 => what.to_owned(),
        _ => format!("{bytes} more bytes ({what})"),
    }
}

/// A run that did not finish.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// The caller cancelled it.
    #[error("cancelled")]
    Cancelled,
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// An input is missing or does not fit the plan.
    #[error("input `{name}`: {message}")]
    Input {
        /// The input's name.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// Outputs were asked for before anything was run.
    #[error("the outputs of a run were asked for before there was one")]
    Unread,
    /// A parameter does not fit the plan.
    #[error("parameter `{name}` {message}")]
    Param {
        /// The parameter.
        name: String,
        /// What is wrong, in words that follow its name.
        message: String,
    },
    /// Plan and parameters were made for different devices.
    #[error("the parameters are on another device than the plan")]
    OtherDevice,
    /// A parameter the plan reads is not loaded.
    #[error("parameter `{0}` is not loaded")]
    MissingParam(String),
}
