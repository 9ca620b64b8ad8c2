//! What shaders are chosen by: what is known of an adapter.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::tuning::Tuning;

/// Which family of shaders suits an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Shared memory and barriers: real GPUs.
    Tiles,
    /// Much work per lane, no barriers: software adapters, where a barrier costs more than the
    /// arithmetic between two of them.
    Lanes,
}

/// The adapter, in words.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterInfo {
    /// Its name, or vendor and architecture where the browser gives no name.
    pub name: String,
    /// WebGPU, Vulkan, Metal or DX12.
    pub backend: String,
    /// The driver and its version; in a browser, which does not tell, the browser's own name for itself.
    pub driver: String,
    /// Whether it computes on the CPU.
    pub software: bool,
}

/// What the choice of a shader may depend on.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Which family of shaders to use.
    pub style: Style,
    /// Whether shaders may use subgroups.
    pub subgroups: bool,
    /// Threads of a workgroup that has one subgroup, in shaders that keep to one: a multiple of 4.
    pub lanes: u32,
    /// Largest storage binding, in bytes.
    pub max_binding: u64,
    /// Largest buffer, in bytes.
    pub max_buffer: u64,
    /// Variants of shaders that do not compile or compute wrong here, by name.
    pub left_out: BTreeSet<String>,
}

/// Something that the device does without, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// `subgroups`, or the name of a variant such as `tiles-128x64`.
    pub what: String,
    /// A sentence.
    pub why: String,
}

/// What shaders are chosen by.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// The device.
    pub capabilities: Rc<Capabilities>,
    /// What trials on it have found.
    pub tuning: Rc<Tuning>,
    /// The variant that makes every product, whatever its size: the self-test's.
    pub forced: Option<&'static str>,
}

impl Capabilities {
    /// Bytes of the largest tensor: one that shaders bind lies in one buffer.
    pub fn max_tensor(&self) -> u64 {
        self.max_binding.min(self.max_buffer)
    }
}
