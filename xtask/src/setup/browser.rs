//! A Chromium and the program that drives it, for the tests of the page.

use super::apt::Apt;
use crate::error::{Error, Result};
use crate::shell::find_program;
use std::path::{Path, PathBuf};

/// Where the two programs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browser {
    pub chromium: PathBuf,
    pub chromedriver: PathBuf,
}

/// Looks in `CHROMIUM` and `CHROMEDRIVER`, on `PATH`, then in the usual places. Both must be there.
pub fn find_browser() -> Option<Browser> {
    let chromium = from_variable("CHROMIUM").or_else(find_chromium)?;
    let chromedriver = from_variable("CHROMEDRIVER").or_else(|| find_program(&["chromedriver"]))?;
    Some(Browser {
        chromium,
        chromedriver,
    })
}

/// Finds a browser or installs Debian's.
pub fn browser() -> Result<Browser> {
    if let Some(found) = find_browser() {
        return Ok(found);
    }
    if let Some(apt) = Apt::find() {
        eprintln!("Chromium or chromedriver is missing: installing Debian's.");
        apt.install(&["chromium", "chromium-driver"])?;
    }
    find_browser().ok_or_else(|| Error::Missing {
        what: "Chromium, or the chromedriver of the same version,".to_string(),
        advice: "Install both, or set CHROMIUM and CHROMEDRIVER to where they are; \
                 `cargo xtask test --no-browser` does without."
            .to_string(),
    })
}

fn from_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_file())
}

fn find_chromium() -> Option<PathBuf> {
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome-stable",
        "google-chrome",
        "chrome",
    ];
    let elsewhere = [
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "C:/Program Files/Google/Chrome/Application/chrome.exe",
    ];
    find_program(&names).or_else(|| {
        elsewhere
            .iter()
            .map(Path::new)
            .find(|path| path.is_file())
            .map(Path::to_path_buf)
    })
}
