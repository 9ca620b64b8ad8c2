//! Browsers, and the programs that drive them, for the tests of the page.

use super::apt::Apt;
use crate::error::{Error, Result};
use crate::shell::{self, find_program};
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A browser that the page is tested in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browser {
    Chromium,
    Firefox,
    /// WebKitGTK's MiniBrowser: not Safari, but its engine.
    WebKit,
}

/// Where the programs of one browser are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    pub browser: PathBuf,
    /// The WebDriver that starts it.
    pub driver: PathBuf,
}

/// What Firefox's driver is, in no package of Debian's: cargo compiles it.
const GECKODRIVER: &str = "0.37.1";

impl Browser {
    pub const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::WebKit];

    pub fn name(self) -> &'static str {
        match self {
            Self::Chromium => "Chromium",
            Self::Firefox => "Firefox",
            Self::WebKit => "WebKit's MiniBrowser",
        }
    }

    /// Environment variables that say where the browser is, and its driver.
    pub fn variables(self) -> (&'static str, &'static str) {
        match self {
            Self::Chromium => ("CHROMIUM", "CHROMEDRIVER"),
            Self::Firefox => ("FIREFOX", "GECKODRIVER"),
            Self::WebKit => ("MINIBROWSER", "WEBKITWEBDRIVER"),
        }
    }

    /// Debian's packages.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Chromium => &["chromium", "chromium-driver"],
            Self::Firefox => &["firefox-esr"],
            Self::WebKit => &["webkit2gtk-driver", "xvfb"],
        }
    }

    /// Looks where the variables say, on `PATH`, then in the usual places. All must be there.
    pub fn find(self, workspace: &Workspace) -> Option<Programs> {
        let (browser, driver) = self.variables();
        let programs = Programs {
            browser: from_variable(browser).or_else(|| self.find_browser())?,
            driver: from_variable(driver).or_else(|| self.find_driver(workspace))?,
        };
        // MiniBrowser needs a screen, if only one that nobody sees.
        let is_whole = self != Self::WebKit || find_program(&["Xvfb"]).is_some();
        is_whole.then_some(programs)
    }

    fn find_browser(self) -> Option<PathBuf> {
        let (names, elsewhere): (&[&str], Vec<PathBuf>) = match self {
            Self::Chromium => (
                &[
                    "chromium",
                    "chromium-browser",
                    "google-chrome-stable",
                    "google-chrome",
                    "chrome",
                ],
                vec![
                    "/Applications/Chromium.app/Contents/MacOS/Chromium".into(),
                    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome".into(),
                    "C:/Program Files/Google/Chrome/Application/chrome.exe".into(),
                ],
            ),
            Self::Firefox => (
                &["firefox-esr", "firefox"],
                vec!["/Applications/Firefox.app/Contents/MacOS/firefox".into()],
            ),
            Self::WebKit => (&["MiniBrowser"], mini_browsers()),
        };
        find_program(names).or_else(|| elsewhere.into_iter().find(|path| path.is_file()))
    }

    fn find_driver(self, workspace: &Workspace) -> Option<PathBuf> {
        match self {
            Self::Chromium => find_program(&["chromedriver"]),
            Self::Firefox => find_program(&["geckodriver"]).or_else(|| {
                let own = tools(workspace).join("bin/geckodriver");
                own.is_file().then_some(own)
            }),
            Self::WebKit => find_program(&["WebKitWebDriver"]),
        }
    }

    /// Finds the browser or installs Debian's.
    ///
    /// # Errors
    /// Where it is not there afterwards.
    pub fn bring(self, workspace: &Workspace) -> Result<Programs> {
        if let Some(found) = self.find(workspace) {
            return Ok(found);
        }
        if let Some(apt) = Apt::find() {
            eprintln!("{} or its driver is missing.", self.name());
            apt.install(self.packages())?;
            if self == Self::Firefox && self.find_driver(workspace).is_none() {
                install_geckodriver(workspace)?;
            }
        }
        let (browser, driver) = self.variables();
        self.find(workspace).ok_or_else(|| Error::Missing {
            what: format!("{}, or the driver that goes with it,", self.name()),
            advice: format!(
                "Install both, or set {browser} and {driver} to where they are (Debian has {}); \
                 `cargo xtask test --no-browser` does without.",
                self.packages().join(", ")
            ),
        })
    }
}

/// Finds or installs all three. Chromium must be there; where another cannot be had, its tests skip, which
/// is said.
///
/// # Errors
/// Where Chromium is not there.
pub fn browsers(workspace: &Workspace) -> Result<Vec<(Browser, Programs)>> {
    let mut found = Vec::new();
    for browser in Browser::ALL {
        match browser.bring(workspace) {
            Ok(programs) => found.push((browser, programs)),
            Err(error) if browser == Browser::Chromium => return Err(error),
            Err(error) => eprintln!("Its tests will skip: {error}"),
        }
    }
    Ok(found)
}

/// Programs that cargo installed for the tests.
fn tools(workspace: &Workspace) -> PathBuf {
    workspace.cache().join("tools")
}

/// Unoptimised: it waits for the browser most of the time, and is compiled in a third of the time.
fn install_geckodriver(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["install", "geckodriver", "--version", GECKODRIVER]);
    cargo.args(["--locked", "--debug", "--root"]);
    cargo.arg(tools(workspace));
    cargo
        .arg("--target-dir")
        .arg(tools(workspace).join("build"));
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "false");
    shell::run(&mut cargo)
}

fn from_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_file())
}

/// `/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser`, the newest first.
fn mini_browsers() -> Vec<PathBuf> {
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let folders = [multiarch.as_str(), "/usr/libexec", "/usr/lib"].map(Path::new);
    let entries = folders.iter().filter_map(|folder| folder.read_dir().ok());
    let found = entries.flatten().flatten().filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("webkit2gtk-") || name.starts_with("webkitgtk-")
    });
    let mut found: Vec<PathBuf> = found
        .map(|entry| entry.path().join("MiniBrowser"))
        .filter(|program| program.is_file())
        .collect();
    found.sort();
    found.reverse();
    found
}

/// Lets a command know where the programs are.
pub fn tell_of_browser(command: &mut Command, browser: Browser, programs: &Programs) {
    let (name, driver) = browser.variables();
    command.env(name, &programs.browser);
    command.env(driver, &programs.driver);
}
