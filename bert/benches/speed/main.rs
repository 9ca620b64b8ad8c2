//! How fast it is here: matrix products, forward passes and steps of training, on the CPU executor
//! and on every adapter that is found. `cargo xtask bench [FILTER]` runs it and prints a table;
//! `cargo xtask bench --profile` prints where the time of passes and steps goes on each adapter.

mod passes;
mod products;
mod profile;
mod steps;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, criterion_group, measurement::WallTime};
use kernels::gpu::{Gpu, Options, cache};
use kernels::{Control, Device, Precision};

/// The device's name in every figure's, then the device.
type Named = (String, Device);

/// The CPU executor, and each adapter by its name.
fn devices() -> Vec<Named> {
    let mut devices = vec![("CPU".to_owned(), Device::Cpu(Precision::F32))];
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let mut names: Vec<String> = found.iter().map(|a| a.get_info().name).collect();
    names.sort();
    names.dedup();
    for name in names {
        let options = Options {
            adapter: Some(name.clone()),
            ..Options::default()
        };
        match pollster::block_on(Gpu::new(options)) {
            Ok(gpu) => {
                cache::follow(&gpu);
                devices.push((name, Device::Gpu(gpu)));
            }
            Err(error) => eprintln!("{name} is left out: {error}"),
        }
    }
    devices
}

/// Whether it is a GPU and not a program that computes as one would.
fn is_hardware(device: &Device) -> bool {
    matches!(device, Device::Gpu(gpu) if !gpu.info().software)
}

/// Milliseconds since the first look.
fn clock() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_secs_f64() * 1e3
}

/// Tries the shaders that are in question for what was prepared, so that the fastest are measured.
fn tune(device: &Device) {
    if let Device::Gpu(gpu) = device {
        let control = Control::default();
        let tried = pollster::block_on(gpu.run_trials(f64::INFINITY, &control));
        tried.expect("the device is there");
    }
}

/// A duration from milliseconds.
fn milliseconds(value: f64) -> Duration {
    Duration::from_secs_f64(value / 1e3)
}

/// A group of few samples: every figure is taken on several devices, of which some are slow.
fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    group
}

fn all(criterion: &mut Criterion) {
    for device in devices() {
        products::bench(criterion, &device);
        passes::bench(criterion, &device);
        steps::bench(criterion, &device);
    }
}

criterion_group!(speed, all);

/// Set by `cargo xtask bench --profile`.
const PROFILE: &str = "UNMASK_PROFILE";

fn main() {
    match std::env::var(PROFILE).as_deref() {
        Ok("products") => return devices().iter().for_each(products::print),
        Ok(_) => return devices().iter().for_each(profile::print),
        Err(_) => {}
    }
    speed();
    Criterion::default().configure_from_args().final_summary();
}
