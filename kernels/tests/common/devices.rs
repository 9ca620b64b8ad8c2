//! The devices that kernels are tested on.

use kernels::gpu::{Gpu, Options, Style};
use kernels::{Device, Precision};

/// Both families of shaders on the GPU, and the CPU in single precision.
pub fn devices() -> Vec<(&'static str, Device)> {
    let gpu = |style| {
        let options = Options {
            style: Some(style),
            ..Options::default()
        };
        let gpu = pollster::block_on(Gpu::new(options))
            .expect("a Vulkan adapter: Debian's mesa-vulkan-drivers has a software one");
        Device::Gpu(gpu)
    };
    vec![
        ("cpu f32", Device::Cpu(Precision::F32)),
        ("tiles", gpu(Style::Tiles)),
        ("lanes", gpu(Style::Lanes)),
    ]
}
