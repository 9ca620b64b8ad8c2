//! Runs the benchmarks and puts their figures into one table.

use crate::error::{At, Result};
use crate::setup;
use crate::shell;
use crate::workspace::Workspace;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// Asks the benchmarks for each shader's time instead.
const PROFILE: &str = "--profile";

/// Times matrix products, forward passes and steps of training on the CPU and on every adapter, with
/// `arguments` passed on to Criterion, and prints what was measured as a Markdown table. With
/// `--profile` prints instead how long the dispatches of each shader take in a pass and in a step.
pub fn bench(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    setup::vulkan();
    let begin = SystemTime::now();
    let mut cargo = workspace.cargo();
    cargo.args(["bench", "--package", "bert", "--bench", "speed", "--"]);
    setup::use_software_adapter(&mut cargo, workspace);
    if arguments.iter().any(|argument| argument == PROFILE) {
        cargo.env("UNMASK_PROFILE", "1");
        return shell::run(&mut cargo);
    }
    cargo.args(arguments);
    shell::run(&mut cargo)?;
    let mut figures = Vec::new();
    collect(&workspace.target.join("criterion"), begin, &mut figures)?;
    println!("\n{}", table(&figures));
    Ok(())
}

/// One figure, as Criterion leaves it.
#[derive(Clone, Debug, PartialEq)]
struct Figure {
    /// `GROUP/CASE`
    case: String,
    device: String,
    /// Nanoseconds.
    median: f64,
    /// Operations, tokens or texts.
    elements: f64,
}

/// Reads every figure below `folder` that was written after `begin`.
fn collect(folder: &Path, begin: SystemTime, figures: &mut Vec<Figure>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).at("list", folder)? {
        let path = entry.at("list", folder)?.path();
        if path.file_name().is_some_and(|name| name == "new") {
            let estimates = path.join("estimates.json");
            let written = fs::metadata(&estimates).and_then(|data| data.modified());
            if written.is_ok_and(|written| written >= begin) {
                let read = |file: &Path| fs::read_to_string(file).at("read", file);
                let (about, found) = (read(&path.join("benchmark.json"))?, read(&estimates)?);
                figures.extend(figure(&about, &found));
            }
        } else if path.is_dir() {
            collect(&path, begin, figures)?;
        }
    }
    Ok(())
}

/// A figure from Criterion's `benchmark.json` and `estimates.json`; `None` if they hold none.
fn figure(about: &str, estimates: &str) -> Option<Figure> {
    let about: Value = serde_json::from_str(about).ok()?;
    let estimates: Value = serde_json::from_str(estimates).ok()?;
    let (case, device) = about["full_id"].as_str()?.rsplit_once('/')?;
    Some(Figure {
        case: case.to_owned(),
        device: device.to_owned(),
        median: estimates["median"]["point_estimate"].as_f64()?,
        elements: about["throughput"]["Elements"].as_f64()?,
    })
}

/// A row for each case, a column for each device.
fn table(figures: &[Figure]) -> String {
    let mut devices: Vec<&str> = figures.iter().map(|f| f.device.as_str()).collect();
    devices.sort_unstable();
    devices.dedup();
    let mut rows: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    for figure in figures {
        let row = rows.entry(&figure.case).or_default();
        row.insert(&figure.device, cell(figure));
    }
    let mut text = format!(
        "| median; operations, tokens or texts a second | {} |\n| --- |{}\n",
        devices.join(" | "),
        " ---: |".repeat(devices.len())
    );
    for (case, row) in rows {
        let cells = devices
            .iter()
            .map(|device| row.get(device).map_or("", String::as_str));
        let cells: Vec<&str> = cells.collect();
        text += &format!("| {case} | {} |\n", cells.join(" | "));
    }
    text
}

fn cell(figure: &Figure) -> String {
    let each = figure.median * 1e-6;
    let rate = figure.elements * 1e9 / figure.median;
    let (rate, unit) = match rate {
        rate if rate >= 1e8 => (rate * 1e-9, " G/s"),
        rate => (rate, "/s"),
    };
    format!("{} ms; {}{unit}", digits(each), digits(rate))
}

/// Three digits, or all before the point.
fn digits(value: f64) -> String {
    match value {
        v if v >= 99.95 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v if v >= 0.9995 => format!("{v:.2}"),
        v => format!("{v:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(id: &str) -> String {
        format!(r#"{{"full_id":"{id}","throughput":{{"Elements":150994944}}}}"#)
    }

    const ESTIMATES: &str = r#"{"mean":{"point_estimate":1.0},"median":{"point_estimate":1.5e7}}"#;

    #[test]
    fn what_criterion_writes_becomes_a_table() {
        let ids = ["a·b/128x768x768/CPU", "step/head/GPU X", "step/head/CPU"];
        let figures: Vec<Figure> = ids
            .iter()
            .filter_map(|id| figure(&about(id), ESTIMATES))
            .collect();
        let expected = "\
| median; operations, tokens or texts a second | CPU | GPU X |
| --- | ---: | ---: |
| a·b/128x768x768 | 15.0 ms; 10.1 G/s |  |
| step/head | 15.0 ms; 10.1 G/s | 15.0 ms; 10.1 G/s |
";
        assert_eq!(table(&figures), expected);
    }

    #[test]
    fn what_is_no_figure_is_left_out() {
        assert_eq!(figure("{}", ESTIMATES), None);
        assert_eq!(figure(&about("no device"), ESTIMATES), None);
        assert_eq!(figure(&about("a/b"), "not JSON"), None);
    }

    #[test]
    fn only_what_this_run_wrote_is_read() {
        let folder = std::env::temp_dir().join(format!("xtask-bench-{}", std::process::id()));
        let new = folder.join("step/head_CPU/new");
        fs::create_dir_all(&new).unwrap();
        fs::write(new.join("benchmark.json"), about("step/head/CPU")).unwrap();
        fs::write(new.join("estimates.json"), ESTIMATES).unwrap();
        let read = |begin| {
            let mut figures = Vec::new();
            collect(&folder, begin, &mut figures).unwrap();
            figures.len()
        };
        assert_eq!(read(SystemTime::UNIX_EPOCH), 1);
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        assert_eq!(read(later), 0);
        fs::remove_dir_all(&folder).unwrap();
        collect(&folder, later, &mut Vec::new()).unwrap();
    }
}
