//! axe-core, a script that finds what keeps people from using a page: part of the tests, never of the
//! page.

use crate::error::{Error, Result};
use crate::shell::{self, find_program};
use crate::workspace::Workspace;
use std::path::PathBuf;
use std::process::Command;

const VERSION: &str = "4.14.1";

/// Where the script lies, if [`axe`] has brought it.
pub fn find_axe(workspace: &Workspace) -> Option<PathBuf> {
    let script = folder(workspace).join("node_modules/axe-core/axe.min.js");
    script.is_file().then_some(script)
}

/// Finds the script or has npm fetch it, which checks its hash.
///
/// # Errors
/// Where there is no npm, or it fails.
pub fn axe(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(script) = find_axe(workspace) {
        return Ok(script);
    }
    if let Some(npm) = find_program(&["npm", "npm.cmd"]) {
        let mut npm = Command::new(npm);
        npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit"]);
        npm.args(["--no-fund", "--silent", "--prefix"]);
        npm.arg(folder(workspace))
            .arg(format!("axe-core@{VERSION}"));
        shell::run(&mut npm)?;
    }
    find_axe(workspace).ok_or_else(|| Error::Missing {
        what: "npm, which brings the script that checks accessibility,".to_string(),
        advice: "Install Node.js (Debian: npm); `cargo xtask test --no-browser` does without."
            .to_string(),
    })
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.cache().join(format!("axe-core-{VERSION}"))
}
