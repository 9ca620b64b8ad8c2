//! The built page in real browsers, without a screen.
//!
//! Everything here waits until what it waits for has come, and panics after [`PATIENCE`], saying
//! what did not come: the bound is there so that a broken page fails, not to time anything.

mod axe;
mod bidi;
mod command;
mod drivers;
mod page;
mod session;
mod turn;

pub use drivers::{Can, Cannot};
pub use page::{Element, Page};
pub use xtask::setup::Browser;

use std::path::{Path, PathBuf};
use std::time::Duration;
use xtask::Workspace;
use xtask::setup::{Programs, find_axe};

/// How long to wait before giving up. A software GPU on a busy machine is slow.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Which GPU the browser offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpu {
    /// A software one: SwiftShader comes with Chromium, Firefox takes Mesa's.
    Software,
    /// No WebGPU at all, as in a browser that lacks it.
    None,
}

/// What a browser test needs.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The built page.
    pub site: PathBuf,
    pub browser: Browser,
    programs: Programs,
    /// The script that [`Page::barriers`] runs, where it is there.
    axe: Option<PathBuf>,
}

impl Bench {
    /// The page and the browser; where one is missing, says so on the console and returns `None`.
    ///
    /// # Panics
    /// If the page or Chromium is missing though `UNMASK_SITE` is set: `cargo xtask test` has
    /// promised both.
    pub fn ready(browser: Browser) -> Option<Self> {
        let workspace = Workspace::find();
        let promised = std::env::var_os("UNMASK_SITE");
        let site = match &promised {
            Some(site) => PathBuf::from(site),
            None => workspace.site(),
        };
        let found = if !site.join("index.html").is_file() {
            Err(format!(
                "there is no page in {}; `cargo xtask build` makes it",
                site.display()
            ))
        } else {
            let missing = || format!("{} or its driver is missing", browser.name());
            browser.find(&workspace).ok_or_else(missing)
        };
        match found {
            Ok(programs) => Some(Self {
                site,
                browser,
                programs,
                axe: find_axe(&workspace),
            }),
            Err(reason) if promised.is_some() && browser == Browser::Chromium => {
                panic!("{reason}")
            }
            Err(reason) => {
                eprintln!("skipped: {reason}");
                None
            }
        }
    }

    /// What the build has made of the name of one of the page's files: `worker.js` ->
    /// `worker-1a2b3c4d.js`.
    ///
    /// # Panics
    /// If the built page has no such file.
    pub fn built(&self, name: &str) -> String {
        let (stem, extension) = name.rsplit_once('.').expect("a name with an extension");
        let entries = std::fs::read_dir(&self.site).expect("the built page");
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut found = names.filter_map(|found| {
            let found = found.into_string().ok()?;
            let rest = found.strip_prefix(stem)?.strip_prefix('-')?;
            let hash = rest.strip_suffix(extension)?.strip_suffix('.')?;
            let is_hash = hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_hash.then_some(found.clone())
        });
        found
            .next()
            .unwrap_or_else(|| panic!("the built page has no {name}"))
    }
}

/// Where screenshots go: `screenshots/NAME.png` in the target folder, with the browser's name unless
/// it is Chromium.
fn screenshot_file(name: &str, browser: Browser) -> PathBuf {
    let name = match browser {
        Browser::Chromium => name.to_owned(),
        Browser::Firefox => format!("firefox-{name}"),
        Browser::WebKit => format!("webkit-{name}"),
    };
    Workspace::find()
        .target
        .join("screenshots")
        .join(name)
        .with_extension("png")
}

fn as_text(path: &Path) -> &str {
    path.to_str().expect("paths in the tests are UTF-8")
}
