//! Debian's Rust for the browser, for machines that reach Debian's archive but not rustup's.
//!
//! Debian keeps a recent Rust under the names `*-web` (it builds Firefox and Chromium with it). It
//! ships no standard library for wasm32, but does ship the sources: cargo compiles them once, about
//! a minute, and the result is put where that rustc looks. Nothing of rustup's is touched.

use super::apt::{Apt, depends_on_llvm};
use super::wasm::{WASM_TARGET, WasmToolchain, has_std};
use crate::error::{At, Error, Result};
use crate::shell;
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGES: [&str; 6] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "rust-web-clippy",
    "rustfmt-web",
];
const BIN: &str = "/usr/bin";
/// Lies beside the built library and names the compiler that built it; no other can read it.
const STAMP: &str = "unmask-built-by";

pub fn toolchain() -> WasmToolchain {
    WasmToolchain::Other(PathBuf::from(BIN))
}

/// Whether Debian's rustc is there with a library that it can read.
pub fn is_ready() -> bool {
    if !Path::new(BIN).join("cargo").is_file() {
        return false;
    }
    let Some(folder) = toolchain().target_libdir() else {
        return false;
    };
    // Without a stamp the library is not ours; whoever put it there answers for it.
    let stamp = std::fs::read_to_string(folder.join(STAMP)).ok();
    has_std(&folder) && (stamp.is_none() || stamp == toolchain().version())
}

/// Installs the packages and builds the library; the caller has seen that it is not ready.
pub fn install(workspace: &Workspace, apt: &Apt) -> Result<WasmToolchain> {
    eprintln!("Installing Debian's Rust for the browser, and building its {WASM_TARGET} library.");
    apt.install(&PACKAGES)?;
    let printed = shell::capture(Command::new("apt-cache").args(["depends", "rust-web-llvm"]));
    if let Some(version) = printed.as_deref().and_then(depends_on_llvm) {
        apt.install(&[&format!("lld-{version}")])?; // rust-lld is a link to it
    }
    let toolchain = toolchain();
    let (Some(folder), Some(version)) = (toolchain.target_libdir(), toolchain.version()) else {
        return Err(Error::Missing {
            what: format!("{BIN}/rustc"),
            advice: format!(
                "Debian's package rustc-web should have brought it; else {}",
                ADVICE
            ),
        });
    };
    let built = build(workspace, &toolchain)?;
    put(apt, &built, &folder, &version, workspace)?;
    if is_ready() {
        Ok(toolchain)
    } else {
        Err(Error::Missing {
            what: format!("A usable {WASM_TARGET} library in {}", folder.display()),
            advice: ADVICE.to_string(),
        })
    }
}

const ADVICE: &str = "install Rust with rustup and run `rustup target add wasm32-unknown-unknown`.";

/// Compiles the standard library for an empty crate; returns the folder of the compiled files.
fn build(workspace: &Workspace, toolchain: &WasmToolchain) -> Result<PathBuf> {
    let crate_folder = workspace.cache().join("wasm-std");
    let source = crate_folder.join("src");
    std::fs::create_dir_all(&source).at("create", &source)?;
    let manifest = "[workspace]\n[package]\nname = \"empty\"\nversion = \"0.0.0\"\n";
    let file = crate_folder.join("Cargo.toml");
    std::fs::write(&file, manifest).at("write", &file)?;
    let file = source.join("lib.rs");
    std::fs::write(&file, "").at("write", &file)?;
    let target = crate_folder.join("target");
    let mut cargo = toolchain.cargo(workspace);
    cargo
        .args([
            "build",
            "--quiet",
            "--release",
            "-Zbuild-std=std,panic_abort,test",
        ])
        .args(["--target", WASM_TARGET])
        .current_dir(&crate_folder)
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTC_BOOTSTRAP", "1") // lets a stable cargo take -Z
        .env("RUSTFLAGS", "-Cembed-bitcode=yes"); // fat LTO reads the bitcode
    shell::run(&mut cargo)?;
    Ok(target.join(WASM_TARGET).join("release/deps"))
}

/// Replaces what lies in `folder` by the library in `built`, stamp last.
fn put(apt: &Apt, built: &Path, folder: &Path, version: &str, workspace: &Workspace) -> Result<()> {
    shell::run(apt.command("rm").arg("-rf").arg(folder))?;
    shell::run(apt.command("mkdir").arg("-p").arg(folder))?;
    let files = std::fs::read_dir(built)
        .at("read", built)?
        .flatten()
        .map(|entry| entry.path());
    let library = files.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let compiled = name.ends_with(".rlib") || name.ends_with(".rmeta");
        compiled && !name.starts_with("libempty-")
    });
    // One command for some fifty files; not printed, as the line would fill the screen.
    let mut copy = apt.command("cp");
    copy.args(library).arg(folder);
    if shell::capture(&mut copy).is_none() {
        return Err(Error::Missing {
            what: format!("Permission to write to {}", folder.display()),
            advice: "Run this once as root, or ".to_string() + ADVICE,
        });
    }
    let stamp = workspace.cache().join(STAMP);
    std::fs::write(&stamp, version).at("write", &stamp)?;
    shell::run(apt.command("cp").arg(&stamp).arg(folder.join(STAMP)))
}
