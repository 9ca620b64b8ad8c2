//! Which device computes, and whether it computes right.

use serde::{Deserialize, Serialize};

/// Where the arithmetic should run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    /// The GPU if there is a real one, else the CPU.
    #[default]
    Auto,
    /// The GPU, even one imitated in software.
    Gpu,
    /// The processor.
    Cpu,
}

/// What arithmetic runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Executor {
    Gpu,
    Cpu,
}

/// The chosen device, and why it was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceReport {
    pub executor: Executor,
    /// The adapter that was found, used or not.
    pub adapter: Option<Adapter>,
    /// Set where the choice is not the obvious one: why the CPU is used instead of a GPU.
    pub note: Option<String>,
    /// What the browser said, for whoever wants to look closer.
    pub details: Option<String>,
}

/// A graphics adapter as the browser describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adapter {
    pub name: String,
    pub backend: String,
    pub software: bool,
}

/// One kernel's answer to the start-up test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelCheck {
    pub kernel: String,
    pub passed: bool,
    /// `None` where it was not a finite number, which JSON cannot carry.
    pub max_error: Option<f64>,
    pub tolerance: f64,
    pub detail: Option<String>,
}
