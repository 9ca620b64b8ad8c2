//! Every kernel on small known inputs against the CPU twin in double precision.

pub mod cases;

use crate::control::Control;
use crate::device::{Device, Executable, Params, Precision};
use crate::error::RunError;
use crate::plan::Plan;
use crate::tensor::Tensor;
use cases::Case;

/// What one kernel's test found.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelReport {
    /// The operation or shader.
    pub kernel: &'static str,
    /// Whether every result lies within its tolerance.
    pub passed: bool,
    /// Largest distance to the double-precision result.
    pub max_error: f64,
    /// What was allowed there, from the arithmetic: see [`Case::tolerance`].
    pub tolerance: f64,
    /// What went wrong, if something did.
    pub detail: Option<String>,
}

/// Runs every operation on a small known input, with every way a parameter may rest, and compares
/// with what the CPU computes in double precision. Takes a few milliseconds on a GPU.
pub async fn self_test(device: &Device) -> Vec<KernelReport> {
    run_all(device, &cases::small()).await
}

/// The same for what only training needs.
pub async fn self_test_training(device: &Device) -> Vec<KernelReport> {
    run_all(device, &cases::small_training()).await
}

async fn run_all(device: &Device, cases: &[Case]) -> Vec<KernelReport> {
    let mut reports: Vec<KernelReport> = Vec::new();
    for case in cases {
        let report = check(device, case).await;
        match reports.iter_mut().find(|r| r.kernel == report.kernel) {
            // One line an operation: its first failure, or its passing case nearest to failing.
            Some(known) if known.passed && worse(&report, known) => *known = report,
            Some(_) => {}
            None => reports.push(report),
        }
    }
    reports
}

fn worse(a: &KernelReport, b: &KernelReport) -> bool {
    !a.passed || a.max_error / a.tolerance > b.max_error / b.tolerance
}

/// Runs one case on `device` and on the oracle.
pub async fn check(device: &Device, case: &Case) -> KernelReport {
    let failed = |detail: String| KernelReport {
        kernel: case.kernel,
        passed: false,
        max_error: f64::INFINITY,
        tolerance: case.tolerance(),
        detail: Some(detail),
    };
    let expected = match run(&Device::Cpu(Precision::F64), case).await {
        Ok(outputs) => outputs,
        Err(error) => return failed(format!("the oracle failed: {error}")),
    };
    match run(device, case).await {
        Ok(found) => compare(case, &found, &expected),
        Err(error) => failed(error.to_string()),
    }
}

async fn run(device: &Device, case: &Case) -> Result<Vec<Tensor>, RunError> {
    let specs: Vec<_> = case.params.iter().map(|(spec, _)| spec.clone()).collect();
    let (mut params, ready) = Params::new(device, &specs)?;
    ready.await?;
    for (spec, data) in &case.params {
        params.write(&spec.name, 0, data);
    }
    let plan = Plan::new(&case.graph, &case.outputs);
    let mut executable = Executable::new(device, plan, &params).await?;
    executable.poison();
    executable
        .run(&mut params, case.inputs.clone(), &Control::default())
        .await
}

fn compare(case: &Case, found: &[Tensor], expected: &[Tensor]) -> KernelReport {
    let mut report = KernelReport {
        kernel: case.kernel,
        passed: true,
        max_error: 0.0,
        tolerance: case.tolerance(),
        detail: None,
    };
    for (output, (found, expected)) in found.iter().zip(expected).enumerate() {
        let exact = matches!(expected, Tensor::U32(_));
        let allowed = if exact { 0.0 } else { report.tolerance };
        for (i, (f, e)) in found.to_f64().iter().zip(expected.to_f64()).enumerate() {
            let error = (f - e).abs();
            if (error.is_nan() || error > allowed) && report.passed {
                report.passed = false;
                report.detail = Some(format!(
                    "{}: output {output}, element {i} is {f}, expected {e}",
                    case.what
                ));
            }
            report.max_error = if error.is_nan() {
                f64::INFINITY
            } else {
                report.max_error.max(error)
            };
        }
    }
    report
}
