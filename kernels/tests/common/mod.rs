//! What the kernel tests share: sizes, devices, and the check against the oracle.

mod devices;

pub use devices::devices;

use kernels::cases::Case;
use kernels::{Storage, check};

/// Awkward sizes.
pub const SIZES: [usize; 6] = [1, 3, 17, 255, 256, 257];

/// F32 and F16 by turns.
pub fn storage(i: usize) -> Storage {
    match i % 2 {
        0 => Storage::F32,
        _ => Storage::F16,
    }
}

/// Runs every case on every device; each must lie within its tolerance of the oracle.
pub fn assert_all(cases: impl IntoIterator<Item = Case>) {
    let mut failures = Vec::new();
    let mut count = 0;
    let devices = devices();
    for case in cases {
        for (name, device) in &devices {
            let report = pollster::block_on(check(device, &case));
            count += 1;
            if !report.passed {
                failures.push(format!(
                    "{name}: {} ({}): error {:.3e} over {:.3e}: {}",
                    report.kernel,
                    case.what,
                    report.max_error,
                    report.tolerance,
                    report.detail.unwrap_or_default()
                ));
            }
        }
    }
    assert!(count > 0);
    assert!(
        failures.is_empty(),
        "{} of {count}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
