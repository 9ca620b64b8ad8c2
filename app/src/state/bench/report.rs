//! The figures in words: for the table, and as a text to send to someone.

use super::{Bench, Group, Phase, Row, Status, Subject, is_software};
use crate::protocol::{Case, DeviceReport, Executor, Measured, Outcome, Profile};
use crate::state::format;

/// What only the page's surroundings know, for the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Such as `2026-11-26 08:05 UTC`.
    pub date: String,
    /// As the browser names itself.
    pub browser: String,
    /// The page's version.
    pub version: String,
}

/// A case in a few words.
pub fn name(case: &Case) -> String {
    match case {
        Case::Product { m, k, n } => format!("{m} × {k} × {n}"),
        Case::Forward { texts, tokens } => match texts {
            1 => format!("{tokens} tokens"),
            texts => format!("{texts} × {tokens} tokens"),
        },
        Case::HeadStep { texts } => format!("The classifier alone, {texts} texts"),
        Case::LayerStep { texts, tokens } => {
            format!("One layer, {texts} texts of {tokens} tokens")
        }
        Case::ForwardProfile { texts, tokens } => {
            format!(
                "The model's answer, {}",
                name(&Case::Forward {
                    texts: *texts,
                    tokens: *tokens
                })
            )
        }
        Case::StepProfile { texts, tokens } => {
            format!("A step of one layer, {texts} texts of {tokens} tokens")
        }
    }
}

/// A row's figures, or why there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cells {
    /// Median, least, rate, rounds and dispatches.
    Figures([String; 5]),
    Words(String),
}

/// What the figures are called.
pub const COLUMNS: [&str; 5] = ["Median", "Least", "Rate", "Rounds", "Dispatches"];

/// What a row shows.
pub fn cells(row: &Row) -> Cells {
    match &row.status {
        Status::Waiting => Cells::Words("not measured".to_owned()),
        Status::Running => Cells::Words("measuring".to_owned()),
        Status::Ended(Outcome::Skipped { reason }) => Cells::Words(format!("skipped: {reason}")),
        Status::Ended(Outcome::Measured(measured)) => Cells::Figures([
            quantity(measured.median, "ms"),
            quantity(measured.least, "ms"),
            rate(&row.case, measured),
            measured.rounds.to_string(),
            measured.dispatches.to_string(),
        ]),
        Status::Ended(Outcome::Profiled(profile)) => Cells::Words(submits(profile)),
    }
}

/// How much is done in a second, at the median.
fn rate(case: &Case, measured: &Measured) -> String {
    let per_second = |count: usize| count as f64 * 1e3 / measured.median;
    match *case {
        // One multiplication and one addition for each term.
        Case::Product { m, k, n } => {
            let operations = 2.0 * m as f64 * k as f64 * n as f64;
            quantity(operations / (measured.median * 1e6), "GFLOP/s")
        }
        Case::Forward { texts, tokens } => quantity(per_second(texts * tokens), "tokens/s"),
        Case::HeadStep { texts } => quantity(per_second(texts), "texts/s"),
        Case::LayerStep { texts, tokens }
        | Case::ForwardProfile { texts, tokens }
        | Case::StepProfile { texts, tokens } => quantity(per_second(texts * tokens), "tokens/s"),
    }
}

/// In how many pieces the GPU was handed the work.
fn submits(profile: &Profile) -> String {
    let pieces = match profile.submits {
        1 => "1 piece".to_owned(),
        pieces => format!("{pieces} pieces"),
    };
    let longest = quantity(profile.longest_ms, "ms");
    format!("{pieces} handed to the GPU, the longest {longest}")
}

/// One kernel's part of the time.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelLine {
    pub kernel: String,
    /// From 0 to 1.
    pub share: f32,
    /// Time, share and dispatches.
    pub cells: [String; 3],
}

/// What a kernel's figures are called.
pub const KERNEL_COLUMNS: [&str; 3] = ["Time", "Share", "Dispatches"];

/// A profile for the page and the report: a line in words, and one for each kernel.
pub fn kernel_lines(profile: &Profile) -> (String, Vec<KernelLine>) {
    let total: f64 = profile.kernels.iter().map(|time| time.microseconds).sum();
    let lines = profile.kernels.iter().map(|time| {
        let share = (time.microseconds / total.max(f64::MIN_POSITIVE)) as f32;
        KernelLine {
            kernel: time.kernel.clone(),
            share,
            cells: [
                quantity(time.microseconds, "µs"),
                format::percent(share),
                time.dispatches.to_string(),
            ],
        }
    });
    let words = match profile.kernels.is_empty() {
        true => format!(
            "{}. This adapter or browser grants no timestamps, so the time of each kernel is not \
             known.",
            submits(profile)
        ),
        false => format!(
            "{} in kernels; {}.",
            quantity(total / 1e3, "ms"),
            submits(profile)
        ),
    };
    (words, lines.collect())
}

/// A number of three digits, or more where it is larger, with its unit.
fn quantity(value: f64, unit: &str) -> String {
    let number = match value {
        v if !v.is_finite() => return "too quick to tell".to_owned(),
        v if v >= 999.5 => format::grouped(v.round() as u64),
        v if v >= 99.95 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v if v >= 0.9995 => format!("{v:.2}"),
        v if v >= 0.0005 => format!("{v:.3}"),
        _ => "under 0.001".to_owned(),
    };
    format!("{number}\u{a0}{unit}")
}

/// What computes, in a line.
pub fn device_line(device: &DeviceReport) -> String {
    match (device.executor, &device.adapter) {
        (Executor::Cpu, _) => "CPU, one thread, WebAssembly SIMD".to_owned(),
        (Executor::Gpu, None) => "GPU".to_owned(),
        (Executor::Gpu, Some(adapter)) => format!("GPU: {}, {}", adapter.name, adapter.backend),
    }
}

/// A word where the device is not what one would expect.
pub fn device_note(device: &DeviceReport) -> Option<&'static str> {
    let found = device.adapter.as_ref();
    if is_software(device) {
        Some("This is a software adapter: the processor imitates a GPU. A real one is far faster.")
    } else if device.executor == Executor::Cpu && found.is_some_and(|adapter| adapter.software) {
        Some("The only GPU here is imitated in software, so the processor computes by itself.")
    } else {
        None
    }
}

impl Bench {
    /// Everything that was measured, as Markdown; empty where nothing was.
    pub fn report(&self) -> String {
        let Some(subject) = &self.subject else {
            return String::new();
        };
        let Subject {
            device,
            model,
            surroundings,
        } = subject;
        let mut text = format!(
            "# Unmask {}: measured here\n\n* Date: {}\n* Browser: {}\n* Device: {}\n",
            surroundings.version,
            surroundings.date,
            surroundings.browser,
            device_line(device)
        );
        if let Some(note) = device_note(device) {
            text += &format!("* {note}\n");
        }
        if let Some(model) = model {
            text += &format!(
                "* Model: {}: {} layers × {}, {} parameters, {}\n",
                model.name,
                model.layers,
                model.hidden_size,
                format::parameters(model.parameters),
                model.dtype,
            );
        }
        if self.phase == Phase::Cancelled {
            text += "* Cancelled before the end\n";
        }
        for (group, rows) in self.groups() {
            text += &match group {
                Group::Kernels => profiles(group, &rows),
                _ => table(group, &rows),
            };
        }
        text
    }
}

fn table(group: Group, rows: &[Row]) -> String {
    let mut text = format!(
        "\n{}: {}\n\n| | {} |\n| --- | ---: | ---: | ---: | ---: | ---: |\n",
        group.label(),
        group.hint(),
        COLUMNS.join(" | ")
    );
    for row in rows {
        let cells = match cells(row) {
            Cells::Figures(figures) => figures.join(" | "),
            Cells::Words(words) => format!("{words} | | | |"),
        };
        text += &format!("| {} | {cells} |\n", name(&row.case));
    }
    text
}

/// A table for each pass or step, with a row for each kernel.
fn profiles(group: Group, rows: &[Row]) -> String {
    let mut text = format!("\n{}: {}\n", group.label(), group.hint());
    for row in rows {
        let name = name(&row.case);
        let Status::Ended(Outcome::Profiled(profile)) = &row.status else {
            if let Cells::Words(words) = cells(row) {
                text += &format!("\n{name}: {words}\n");
            }
            continue;
        };
        let (words, lines) = kernel_lines(profile);
        text += &format!("\n{name}: {words}\n");
        if !lines.is_empty() {
            let columns = KERNEL_COLUMNS.join(" | ");
            text += &format!("\n| Kernel | {columns} |\n| --- | ---: | ---: | ---: |\n");
        }
        for KernelLine { kernel, cells, .. } in lines {
            text += &format!("| {kernel} | {} |\n", cells.join(" | "));
        }
    }
    text
}
