//! The pictures of the page that are published, anew.

use super::build::{Profile, build};
use crate::error::Result;
use crate::setup::{self, Browser, Installing};
use crate::shell::run;
use crate::workspace::Workspace;

/// Builds the page and has the tests' browser take its pictures into `static`: the one that other sites show of a link,
/// the README's, the icons, and the walk.
pub fn pictures(workspace: &Workspace) -> Result<()> {
    let programs = Browser::Chromium.bring(workspace)?;
    build(workspace, Profile::Web, Installing::Refused)?;
    let mut cargo = workspace.cargo();
    cargo.args([
        "test",
        "--workspace",
        "--exclude",
        "xtask",
        "--features",
        "unmask-tests/browser",
    ]);
    cargo.args([
        "--test",
        "browser",
        "--",
        "--nocapture",
        "pictures::pictures_are_taken",
    ]);
    setup::tell_of_browser(&mut cargo, Browser::Chromium, &programs);
    cargo.env("UNMASK_SITE", workspace.site());
    cargo.env("UNMASK_PICTURES", workspace.root.join("static"));
    run(&mut cargo)
}
