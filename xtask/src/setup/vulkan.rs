//! A Vulkan driver for the native GPU tests, on Linux; elsewhere the system brings its own GPU API.

use super::apt::Apt;
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

const DRIVER_FOLDERS: [&str; 3] = [
    "/usr/share/vulkan/icd.d",
    "/usr/local/share/vulkan/icd.d",
    "/etc/vulkan/icd.d",
];

/// Installs Mesa's software driver where no driver is there and apt can. Without one, the native
/// GPU tests skip and say so; hence no error.
pub fn vulkan() {
    if !cfg!(target_os = "linux") || std::env::var_os("VK_DRIVER_FILES").is_some() {
        return;
    }
    if has_driver() && has_loader() {
        return;
    }
    let packages = ["mesa-vulkan-drivers", "libvulkan1"];
    let installed = Apt::find().is_some_and(|apt| apt.install(&packages).is_ok());
    if !installed {
        eprintln!(
            "No Vulkan driver: the native GPU tests will skip. Install Mesa's Vulkan drivers \
             (Debian: {}).",
            packages.join(" ")
        );
    }
}

/// Points Vulkan to the software driver where there is no GPU and the user has not chosen: some of
/// the drivers installed beside it answer slowly, or with a crash, for a GPU that is not there.
pub fn use_software_adapter(command: &mut Command, workspace: &Workspace) {
    let chosen = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];
    if chosen.iter().any(|name| std::env::var_os(name).is_some()) || has_real_gpu() {
        return;
    }
    let Some(driver) = drivers().into_iter().find(|driver| is_lavapipe(driver)) else {
        return;
    };
    command.env("VK_DRIVER_FILES", driver);
    // Without it the driver complains, once for each device, that it finds no Wayland socket.
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        let folder = workspace.cache();
        let _ = std::fs::create_dir_all(&folder);
        command.env("XDG_RUNTIME_DIR", folder);
    }
}

fn is_lavapipe(driver: &Path) -> bool {
    driver
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("lvp_icd"))
}

fn drivers() -> Vec<PathBuf> {
    let entries = DRIVER_FOLDERS
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok());
    let files = entries.flatten().flatten().map(|entry| entry.path());
    files
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect()
}

/// A driver for a GPU this machine lacks is no driver.
fn has_driver() -> bool {
    drivers()
        .iter()
        .any(|driver| has_real_gpu() || is_lavapipe(driver))
}

fn has_loader() -> bool {
    let folders = ["/usr/lib", "/usr/lib64", "/lib", "/usr/local/lib"];
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    folders
        .into_iter()
        .chain([multiarch.as_str()])
        .any(|folder| Path::new(folder).join("libvulkan.so.1").exists())
}

fn has_real_gpu() -> bool {
    let nvidia = Path::new("/dev/nvidia0").exists();
    let rendering = std::fs::read_dir("/dev/dri")
        .into_iter()
        .flatten()
        .flatten();
    nvidia
        || rendering
            .into_iter()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
}
