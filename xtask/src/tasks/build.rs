//! Builds the page: two wasm binaries of the crate `app` and the parts of each that come later, their JavaScript, and the
//! static files.
//!
//! The result in `dist` needs nothing else: any folder of any static host can serve it. The scripts
//! only define what starts the two programs; files under `static/` call it.

use super::{assets, parts, publish, sizes};
use crate::error::{At, Error, Result};
use crate::setup::{self, Installing, WASM_TARGET, WasmToolchain};
use crate::shell;
use crate::workspace::Workspace;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use wasm_bindgen_cli_support::Bindgen;

/// The page, and the Web Worker that owns the device.
const BINARIES: [&str; 2] = ["app", "engine"];

/// What to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// As small and fast as it gets; what is published.
    Web,
    /// Quick to rebuild, with names in stack traces.
    Dev,
}

impl Profile {
    /// Cargo's name for it, and the folder that cargo builds it in.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Web => ("web", "web"),
            Self::Dev => ("dev", "debug"),
        }
    }
}

/// Builds everything into [`Workspace::site`]; what has not changed is not made again.
pub fn build(workspace: &Workspace, profile: Profile, installing: Installing) -> Result<()> {
    let toolchain = setup::wasm_toolchain(workspace, installing)?;
    compile(workspace, &toolchain, profile)?;
    let mut sources = vec![workspace.root.join("static")];
    for binary in BINARIES {
        sources.push(bind(workspace, profile, binary)?);
    }
    let mut files = assets::collect(&workspace.root.join("index.html"), &sources)?;
    publish::prepare(&mut files, profile)?;
    let site = workspace.site();
    assets::write(&files, &site)?;
    if profile == Profile::Dev {
        return assets::print_sizes(&site);
    }
    assets::compress(&site)?;
    assets::print_sizes(&site)?;
    sizes::report(&site)
}

/// Both binaries in one cargo run, so that their dependencies are compiled once.
fn compile(workspace: &Workspace, toolchain: &WasmToolchain, profile: Profile) -> Result<()> {
    let mut cargo = toolchain.cargo(workspace);
    cargo.args([
        "build",
        "--package",
        "app",
        "--bins",
        "--target",
        WASM_TARGET,
    ]);
    cargo.args(["--profile", profile.names().0]);
    shell::run(&mut cargo)
}

/// Makes `NAME.js`, `NAME_bg.wasm` and its parts, `NAME_*.wasm`, from cargo's wasm, unless that has not changed since.
/// Returns the folder that they lie in.
fn bind(workspace: &Workspace, profile: Profile, binary: &str) -> Result<PathBuf> {
    let compiled = workspace.target.join(WASM_TARGET).join(profile.names().1);
    let input = compiled.join(format!("{binary}.wasm"));
    let folder = workspace
        .cache()
        .join("bindgen")
        .join(profile.names().1)
        .join(binary);

    let bytes = fs::read(&input).at("read", &input)?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let stamp = format!("{:016x}", hasher.finish());
    let stamp_file = folder.with_extension("stamp");
    if fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) && folder.is_dir() {
        return Ok(folder);
    }

    // Gone first: an interrupted run must not look finished, nor old files like new ones.
    let _ = fs::remove_file(&stamp_file);
    let _ = fs::remove_dir_all(&folder);
    let between = folder.with_extension("parts");
    let _ = fs::remove_dir_all(&between);
    fs::create_dir_all(&between).at("create", &between)?;
    let mut parts = parts::take_apart(binary, &bytes, &between)?;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_bytes(binary, std::mem::take(&mut parts.main))
        .typescript(false)
        .keep_debug(false)
        // The parts share its table.
        .keep_lld_exports(true)
        // The library leaves out what the command-line tool writes: where the wasm lies.
        .omit_default_module_path(false);
    bindgen
        .remove_name_section(profile == Profile::Web)
        .remove_producers_section(true);
    let generated = bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(&folder));
    generated.map_err(|error| Error::Bindgen {
        path: input,
        reason: format!("{error:#}"),
    })?;
    let script = folder.join(format!("{binary}.js"));
    let text = fs::read_to_string(&script).at("read", &script)?;
    fs::write(&script, parts::join(&text, &parts)?).at("write", &script)?;
    for (name, bytes) in &parts.files {
        let file = folder.join(name);
        fs::write(&file, bytes).at("write", &file)?;
    }
    fs::write(&stamp_file, stamp).at("write", &stamp_file)?;
    Ok(folder)
}
