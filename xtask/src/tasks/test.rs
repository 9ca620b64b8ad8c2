//! Everything a change must pass, cheapest first.

use super::build::{Profile, build};
use crate::error::Result;
use crate::setup::{self, Browser, Installing, Programs, WASM_TARGET};
use crate::shell::run;
use crate::workspace::Workspace;
use std::process::Command;
use std::time::Instant;

/// What to test.
#[derive(Clone, Debug, Default)]
pub struct TestOptions {
    /// Only tests whose name contains one of these, and no lints. All, where empty.
    pub filters: Vec<String>,
    /// Leave out the page in a real browser.
    pub no_browser: bool,
    /// Test a page that is quicker to build than the published one.
    pub dev: bool,
}

/// xtask is tested apart: it was just compiled by itself, while beside the other crates most of its
/// dependencies would be compiled again, with other features.
const ALL_BUT_XTASK: [&str; 3] = ["--workspace", "--exclude", "xtask"];

/// Cargo's feature that adds the tests of the page to the workspace's.
const BROWSER_TESTS: &str = "unmask-tests/browser";

/// Runs the stages in order; the first that fails ends it.
pub fn test(workspace: &Workspace, options: &TestOptions) -> Result<()> {
    let browsers = stage("set-up", || {
        setup::vulkan();
        if options.no_browser {
            return Ok(Vec::new());
        }
        if let Err(error) = setup::axe(workspace) {
            eprintln!("What axe-core would look at is left out: {error}");
        }
        setup::browsers(workspace)
    })?;
    if options.filters.is_empty() {
        lint(workspace)?;
    }
    stage("native tests", || {
        run(&mut cargo_test(workspace, &ALL_BUT_XTASK, &[], options))?;
        run(&mut cargo_test(
            workspace,
            &["--package", "xtask"],
            &[],
            options,
        ))
    })?;
    if options.no_browser {
        eprintln!("\nSkipped the tests of the page in a browser: --no-browser.");
        return Ok(());
    }
    let profile = if options.dev {
        Profile::Dev
    } else {
        Profile::Web
    };
    stage("build the page", || {
        build(workspace, profile, Installing::Allowed)
    })?;
    stage("the page in browsers", || {
        run(&mut browser_tests(workspace, options, &browsers))
    })
}

fn lint(workspace: &Workspace) -> Result<()> {
    stage("format", || {
        run(workspace.cargo().args(["fmt", "--all", "--check"]))
    })?;
    stage("clippy", || {
        let mut cargo = workspace.cargo();
        cargo.args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            BROWSER_TESTS,
        ]);
        run(cargo.args(["--", "--deny", "warnings"]))
    })?;
    stage("clippy for the browser", || {
        let toolchain = setup::wasm_toolchain(workspace, Installing::Allowed)?;
        if !toolchain.has_clippy(workspace) {
            eprintln!("Skipped: the toolchain that builds for {WASM_TARGET} has no clippy.");
            return Ok(());
        }
        let mut cargo = toolchain.cargo(workspace);
        cargo.args(["clippy", "--target", WASM_TARGET]);
        cargo.args([
            "--package",
            "app",
            "--package",
            "bert",
            "--package",
            "kernels",
        ]);
        run(cargo.args(["--", "--deny", "warnings"]))
    })?;
    stage("documentation", || {
        let mut cargo = workspace.cargo();
        cargo.env("RUSTDOCFLAGS", "--deny warnings");
        cargo.args(["doc", "--no-deps"]);
        run(cargo.args(ALL_BUT_XTASK))
    })
}

fn cargo_test(
    workspace: &Workspace,
    selection: &[&str],
    libtest: &[&str],
    options: &TestOptions,
) -> Command {
    let mut cargo = workspace.cargo();
    cargo
        .args(["test", "--no-fail-fast"])
        .args(selection)
        .arg("--");
    cargo.args(libtest).args(&options.filters);
    setup::use_software_adapter(&mut cargo, workspace);
    cargo
}

/// Two at a time: a scenario that computes on the processor keeps one core busy. Those on a software
/// GPU, which takes all cores, see to it that they run alone.
fn browser_tests(
    workspace: &Workspace,
    options: &TestOptions,
    browsers: &[(Browser, Programs)],
) -> Command {
    let only = ["--features", BROWSER_TESTS, "--test", "browser"];
    let selection: Vec<&str> = ALL_BUT_XTASK.into_iter().chain(only).collect();
    let mut cargo = cargo_test(workspace, &selection, &["--test-threads=2"], options);
    for (browser, programs) in browsers {
        setup::tell_of_browser(&mut cargo, *browser, programs);
    }
    cargo.env("UNMASK_SITE", workspace.site());
    cargo
}

/// Runs one stage under a heading, then says how long it took.
fn stage<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("\n==> {name}");
    let start = Instant::now();
    let outcome = work();
    let verdict = if outcome.is_ok() { "done" } else { "FAILED" };
    eprintln!(
        "<== {name}: {verdict} in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    outcome
}
