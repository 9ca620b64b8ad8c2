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
    /// What was left out before anything was computed.
    pub left_out: Vec<LeftOut>,
    pub limits: DeviceLimits,
}

/// How large a model may be, where that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceLimits {
    /// Bytes of its largest matrix, those over the vocabulary aside, which lie in blocks.
    pub matrix: Option<u64>,
    /// Bytes of all its weights.
    pub weights: Option<u64>,
}

impl DeviceReport {
    /// What is known before any test.
    pub fn untested(&self) -> SelfTest {
        SelfTest {
            left_out: self.left_out.clone(),
            trusted: true,
            ..SelfTest::default()
        }
    }
}

/// Something that the device does without, since it computed wrong or did not compile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Such as `subgroups`, or the name of a shader's variant.
    pub what: String,
    /// A sentence.
    pub why: String,
}

/// A graphics adapter as the browser describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adapter {
    pub name: String,
    pub backend: String,
    pub software: bool,
}

/// What the self-test has found so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// One for each kernel.
    pub checks: Vec<KernelCheck>,
    /// All that the device does without by now.
    pub left_out: Vec<LeftOut>,
    /// Whether every kernel has been tested; the larger ones are after the first answer.
    pub complete: bool,
    /// Whether all is right, without what was left out.
    pub trusted: bool,
}

/// One kernel's answer to the self-test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelCheck {
    pub kernel: String,
    pub passed: bool,
    /// `None` where it was not a finite number, which JSON cannot carry.
    pub max_error: Option<f64>,
    pub tolerance: f64,
    pub detail: Option<String>,
}

/// The most kernels that a sentence names.
const NAMED: usize = 4;

impl SelfTest {
    /// Kernels that failed; some may not be used any more.
    pub fn failed(&self) -> impl Iterator<Item = &KernelCheck> {
        self.checks.iter().filter(|check| !check.passed)
    }

    /// The kernels that failed, the first by name.
    pub fn wrong(&self) -> String {
        let failed: Vec<&str> = self.failed().map(|c| c.kernel.as_str()).collect();
        match failed.split_at_checked(NAMED) {
            Some((first, rest)) if !rest.is_empty() => {
                format!("{} and {} more", first.join(", "), rest.len())
            }
            _ => failed.join(", "),
        }
    }

    /// What is to be said of everything that the device computes; `None` where it can be trusted.
    pub fn standing_doubt(&self) -> Option<String> {
        let wrong = self.wrong();
        (!self.trusted).then(|| format!("Computed on a device that computes {wrong} wrong."))
    }

    /// What is to be said of what was computed before this was known, and after `earlier` was; `None`
    /// where nothing speaks against it.
    pub fn doubt_since(&self, earlier: &Self) -> Option<String> {
        if !self.trusted {
            let wrong = self.wrong();
            return earlier
                .trusted
                .then(|| format!("Computed before the self-test found {wrong} wrong."));
        }
        let known = |one: &LeftOut| earlier.left_out.iter().any(|known| known.what == one.what);
        let found = self.left_out.iter().filter(|one| !known(one));
        let found: Vec<String> = found
            .map(|one| format!("{} ({})", one.what, one.why.trim_end_matches('.')))
            .collect();
        match found[..] {
            [] => None,
            _ => Some(format!(
                "Computed before the self-test left out {}.",
                found.join(", ")
            )),
        }
    }
}
