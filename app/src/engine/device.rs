//! Which device the engine computes on, and whether it computes right.

use super::tuning;
use crate::protocol::{
    Adapter, DeviceLimits, DeviceReport, Executor, KernelCheck, LeftOut, Preference, SelfTest,
};
use kernels::gpu::{AdapterInfo, Gpu, Options};
use kernels::{Device, KernelReport, Precision};

/// Bytes of weights that leave this program, whose memory ends at 4 GiB, enough for a text.
const MEMORY_BYTES: u64 = 7 << 29;

/// Opens the preferred device, or the CPU where that cannot be had. Never fails: the CPU executor
/// needs nothing but this program.
pub async fn choose(preference: Preference) -> (Device, DeviceReport) {
    let cpu = || Device::Cpu(Precision::F32);
    let report = |adapter, note: Option<&str>, details| DeviceReport {
        executor: Executor::Cpu,
        adapter,
        note: note.map(str::to_owned),
        details,
        left_out: Vec::new(),
        limits: DeviceLimits {
            matrix: None,
            weights: Some(MEMORY_BYTES),
        },
    };
    if preference == Preference::Cpu {
        return (cpu(), report(None, None, None));
    }
    match Gpu::new(Options::default()).await {
        Ok(gpu) => {
            let adapter = describe(gpu.info());
            if adapter.software && preference == Preference::Auto {
                gpu.destroy();
                let note = "The only GPU here is imitated in software, which is slower than the \
                            processor itself, so the processor computes. You can choose otherwise.";
                return (cpu(), report(Some(adapter), Some(note), None));
            }
            tuning::follow(&gpu).await;
            let report = DeviceReport {
                executor: Executor::Gpu,
                left_out: left_out(&gpu),
                limits: DeviceLimits {
                    matrix: Some(gpu.capabilities().max_tensor()),
                    weights: None,
                },
                ..report(Some(adapter), None, None)
            };
            (Device::Gpu(gpu), report)
        }
        Err(error) => {
            let note = if has_webgpu() {
                "The browser offers no usable GPU, so the processor computes: slower, same \
                 answers. Updating the browser or the graphics driver may help."
            } else {
                "This browser has no WebGPU, so the processor computes: slower, same answers. \
                 Current Chrome, Edge, Firefox and Safari have it; it also needs an https address."
            };
            (cpu(), report(None, Some(note), Some(error.to_string())))
        }
    }
}

/// What a self-test has found, for the page.
pub fn tested(device: &Device, found: kernels::SelfTest, complete: bool) -> SelfTest {
    SelfTest {
        checks: found.reports.into_iter().map(check).collect(),
        left_out: match device {
            Device::Gpu(gpu) => left_out(gpu),
            Device::Cpu(_) => Vec::new(),
        },
        complete,
        trusted: found.trusted,
    }
}

fn left_out(gpu: &Gpu) -> Vec<LeftOut> {
    let found = gpu.left_out().into_iter();
    found
        .map(|one| LeftOut {
            what: one.what,
            why: one.why,
        })
        .collect()
}

fn check(report: KernelReport) -> KernelCheck {
    KernelCheck {
        kernel: report.kernel.to_owned(),
        passed: report.passed,
        max_error: Some(report.max_error).filter(|error| error.is_finite()),
        tolerance: report.tolerance,
        detail: report.detail,
    }
}

fn describe(info: &AdapterInfo) -> Adapter {
    Adapter {
        name: info.name.clone(),
        backend: info.backend.clone(),
        software: info.software,
    }
}

/// Whether this worker has `navigator.gpu` at all.
fn has_webgpu() -> bool {
    let navigator = super::io::worker::scope().navigator();
    js_sys::Reflect::get(&navigator, &"gpu".into()).is_ok_and(|gpu| gpu.is_object())
}
