//! Every kernel on small known inputs against the CPU twin in double precision.

pub mod cases;

use crate::control::Control;
use crate::device::{Device, Executable, Params, Precision};
use crate::error::{DeviceError, RunError};
use crate::gpu::{Gpu, SUBGROUPS};
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

/// How much a self-test tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every operation, forward and backward, and the optimiser: some tens of milliseconds on a GPU.
    Start,
    /// One variant of a matrix product that may be chosen on the device and has not been tried:
    /// [`Gpu::has_untested`] says whether there is one. All of them take long, where compilers are
    /// slow some minutes, so that they are best left until the first answer was given.
    Variant,
}

/// What a self-test found.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfTest {
    /// One line an operation or shader.
    pub reports: Vec<KernelReport>,
    /// Whether what the device computes can be relied on: all is right, without what was left out.
    pub trusted: bool,
}

/// Runs operations on small known inputs and compares with what the CPU computes in double precision.
/// Where something is wrong on a GPU, tries without subgroups, then without the variant of the shader
/// that computed it; what is left out is told by [`Gpu::left_out`], and prepared plans do without it
/// from their next run on. What is still wrong then makes the device untrusted.
///
/// A device that is lost meanwhile, or has no room, is not called wrong.
pub async fn self_test(device: &Device, extent: Extent) -> SelfTest {
    match (extent, device) {
        (Extent::Start, Device::Gpu(gpu)) => start(device, gpu).await,
        (Extent::Start, Device::Cpu(_)) => SelfTest::of(run_all(device, &start_cases()).await),
        (Extent::Variant, Device::Gpu(gpu)) => variant(device, gpu).await,
        (Extent::Variant, Device::Cpu(_)) => SelfTest::of(Vec::new()),
    }
}

impl SelfTest {
    fn of(checked: Vec<Checked>) -> Self {
        let trusted = checked.iter().all(|checked| !checked.wrong);
        let reports = worst_of_each(checked.into_iter().map(|checked| checked.report));
        Self { reports, trusted }
    }
}

fn start_cases() -> Vec<Case> {
    let mut all = cases::small();
    all.extend(cases::small_training());
    all
}

async fn start(device: &Device, gpu: &Gpu) -> SelfTest {
    let cases = start_cases();
    let mut found = run_all(device, &cases).await;
    if gpu.capabilities().subgroups
        && let Some(why) = why(&found)
    {
        let before = gpu.remember_choice();
        gpu.leave_out_for_now(SUBGROUPS, why.clone());
        let without = run_all(device, &cases).await;
        if wrong(&without) < wrong(&found) {
            gpu.leave_out(SUBGROUPS, why);
            found = without;
        } else {
            gpu.return_to(before);
        }
    }
    for (case, checked) in cases.iter().zip(&mut found) {
        while checked.wrong && gpu.has_variants() {
            let left_out = gpu.capabilities().left_out.clone();
            // It may have been computed before one of its variants was left out.
            if !checked.variants.iter().any(|v| left_out.contains(*v)) {
                let Some(variant) = checked.variants.first() else {
                    break;
                };
                gpu.leave_out(variant, checked.report.words());
            }
            *checked = check_case(device, case, None).await;
        }
    }
    SelfTest::of(found)
}

async fn variant(device: &Device, gpu: &Gpu) -> SelfTest {
    let mut found = Vec::new();
    let mut wrong = false;
    if let Some((variant, kind)) = gpu.untested().into_iter().next() {
        let [columns, rows] = variant.tile(&gpu.capabilities()).map(|size| size as usize);
        let name = variant.kernel_name(kind);
        for case in cases::product(name, kind, rows, columns) {
            let checked = check_case(device, &case, Some(variant.name())).await;
            if checked.wrong && !wrong {
                gpu.leave_out(variant.name(), checked.report.words());
            }
            wrong |= checked.wrong;
            found.push(checked.report);
        }
        gpu.set_tested(variant.name(), kind);
    }
    SelfTest {
        reports: worst_of_each(found.into_iter()),
        trusted: !wrong || gpu.has_variants(),
    }
}

/// What came of a case.
struct Checked {
    report: KernelReport,
    /// Whether it was computed wrong, or a shader was refused: not where the device was lost or had
    /// no room.
    wrong: bool,
    /// The variants that made its products.
    variants: Vec<&'static str>,
}

fn wrong(found: &[Checked]) -> usize {
    found.iter().filter(|checked| checked.wrong).count()
}

/// The first thing that is wrong, in a sentence.
fn why(found: &[Checked]) -> Option<String> {
    let first = found.iter().find(|checked| checked.wrong)?;
    Some(first.report.words())
}

impl KernelReport {
    fn words(&self) -> String {
        let detail = self.detail.as_deref().unwrap_or("no details");
        format!("`{}` is wrong: {detail}.", self.kernel)
    }
}

async fn run_all(device: &Device, cases: &[Case]) -> Vec<Checked> {
    let mut found = Vec::with_capacity(cases.len());
    for case in cases {
        found.push(check_case(device, case, None).await);
    }
    found
}

/// One line an operation: its first failure, or its passing case nearest to failing.
fn worst_of_each(found: impl Iterator<Item = KernelReport>) -> Vec<KernelReport> {
    let mut reports: Vec<KernelReport> = Vec::new();
    for report in found {
        match reports.iter_mut().find(|r| r.kernel == report.kernel) {
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
    check_case(device, case, None).await.report
}

async fn check_case(device: &Device, case: &Case, forced: Option<&'static str>) -> Checked {
    let failed = |detail: String, wrong: bool| Checked {
        report: KernelReport {
            kernel: case.kernel,
            passed: false,
            max_error: f64::INFINITY,
            tolerance: case.tolerance(),
            detail: Some(detail),
        },
        wrong,
        variants: Vec::new(),
    };
    let expected = match run(&Device::Cpu(Precision::F64), case, None).await {
        Ok((outputs, _)) => outputs,
        Err(error) => return failed(format!("the oracle failed: {error}"), false),
    };
    match run(device, case, forced).await {
        Ok((found, variants)) => {
            let report = compare(case, &found, &expected);
            Checked {
                wrong: !report.passed,
                report,
                variants,
            }
        }
        Err(error) => {
            use DeviceError::{Lost, OutOfMemory};
            let excused = matches!(error, RunError::Device(Lost(_) | OutOfMemory { .. }));
            failed(error.to_string(), !excused)
        }
    }
}

/// The outputs of a case, and the variants that made its products.
async fn run(
    device: &Device,
    case: &Case,
    forced: Option<&'static str>,
) -> Result<(Vec<Tensor>, Vec<&'static str>), RunError> {
    let specs: Vec<_> = case.params.iter().map(|(spec, _)| spec.clone()).collect();
    let (mut params, ready) = Params::new(device, &specs)?;
    ready.await?;
    for (spec, data) in &case.params {
        params.write(&spec.name, 0, data)?;
    }
    let plan = Plan::new(&case.graph, &case.outputs);
    let mut executable = Executable::forced(device, plan, &params, forced).await?;
    executable.poison();
    let control = Control::default();
    let outputs = executable.run(&mut params, case.inputs.clone(), &control);
    Ok((outputs.await?, executable.variants()))
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
