//! The check of cases against the oracle.

use super::devices::devices;
use kernels::cases::Case;
use kernels::check;

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
