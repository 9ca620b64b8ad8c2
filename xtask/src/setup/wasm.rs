//! A Rust toolchain that compiles for the browser.

use super::Installing;
use super::apt::Apt;
use super::debian_std;
use crate::error::{Error, Result};
use crate::shell::{self, find_program};
use crate::workspace::Workspace;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Set to `debian` to use Debian's toolchain even where rustup could provide the target.
const CHOICE: &str = "UNMASK_WASM_TOOLCHAIN";

/// Which cargo builds for the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WasmToolchain {
    /// The toolchain that runs us.
    Current,
    /// Another one, whose `cargo` and `rustc` lie in this folder.
    Other(PathBuf),
}

impl WasmToolchain {
    /// Cargo at the workspace's root. The caller names [`WASM_TARGET`].
    pub fn cargo(&self, workspace: &Workspace) -> Command {
        match self {
            Self::Current => workspace.cargo(),
            Self::Other(bin) => {
                let mut command = Command::new(bin.join("cargo"));
                command.current_dir(&workspace.root);
                isolate(&mut command, bin);
                command
            }
        }
    }

    /// Whether this toolchain has clippy.
    pub fn has_clippy(&self, workspace: &Workspace) -> bool {
        shell::capture(self.cargo(workspace).args(["clippy", "--version"])).is_some()
    }

    fn rustc(&self) -> Command {
        match self {
            Self::Current => {
                Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")))
            }
            Self::Other(bin) => {
                let mut command = Command::new(bin.join("rustc"));
                isolate(&mut command, bin);
                command
            }
        }
    }

    /// Where this toolchain looks for the target's standard library.
    pub(super) fn target_libdir(&self) -> Option<PathBuf> {
        let arguments = ["--print", "target-libdir", "--target", WASM_TARGET];
        let printed = shell::capture(self.rustc().args(arguments))?;
        Some(PathBuf::from(printed.trim()))
    }

    /// Its full version, commit included.
    pub(super) fn version(&self) -> Option<String> {
        shell::capture(self.rustc().arg("-vV"))
    }

    fn has_target(&self) -> bool {
        self.target_libdir().is_some_and(|folder| has_std(&folder))
    }
}

/// Hides the toolchain that runs us: cargo and rustup leave its folders in these variables.
fn isolate(command: &mut Command, bin: &Path) {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(bin.to_path_buf()).chain(std::env::split_paths(&old));
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
    command.env("RUSTC", bin.join("rustc"));
    for name in ["CARGO", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
}

/// Whether a compiled standard library lies in `folder`.
pub(super) fn has_std(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

/// Finds a toolchain with the wasm target, or adds the target: through rustup, else, where rustup
/// cannot reach its server but apt can reach Debian's, from Debian's own Rust.
///
/// # Errors
/// Where the target is missing, and cannot or may not be brought.
pub fn wasm_toolchain(workspace: &Workspace, installing: Installing) -> Result<WasmToolchain> {
    let wants_debian = std::env::var_os(CHOICE).is_some_and(|choice| choice == "debian");
    if !wants_debian {
        let current = WasmToolchain::Current;
        if current.has_target() {
            return Ok(current);
        }
        if find_program(&["rustup"]).is_some() && !debian_std::is_ready() {
            eprintln!("The Rust target {WASM_TARGET} is missing: asking rustup for it.");
            let added = shell::run(Command::new("rustup").args(["target", "add", WASM_TARGET]));
            if added.is_ok() && current.has_target() {
                return Ok(current);
            }
        }
    }
    if debian_std::is_ready() {
        return Ok(debian_std::toolchain());
    }
    let missing = |advice: String| Error::Missing {
        what: format!("The Rust target {WASM_TARGET}"),
        advice,
    };
    let by_hand = format!("`rustup target add {WASM_TARGET}`");
    match (Apt::find(), installing) {
        (Some(apt), Installing::Allowed) => debian_std::install(workspace, &apt),
        (Some(_), Installing::Refused) => Err(missing(format!(
            "`cargo xtask setup` installs Debian's, as root; {by_hand} does without."
        ))),
        (None, _) => Err(missing(format!("Install it with {by_hand}."))),
    }
}
