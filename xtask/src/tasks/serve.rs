use super::build::{Profile, build};
use crate::error::Result;
use crate::server::{Server, Site};
use crate::setup::Installing;
use crate::shell::{find_program, is_ci};
use crate::workspace::Workspace;
use std::process::{Command, Stdio};

/// How to serve the page.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    pub profile: Profile,
    /// `None`: 8080, or any free one where that is taken.
    pub port: Option<u16>,
    /// Whether to open the page in the browser.
    pub open: bool,
}

/// Builds the page and serves it until interrupted.
pub fn serve(workspace: &Workspace, options: &ServeOptions) -> Result<()> {
    build(workspace, options.profile, Installing::Refused)?;
    let start = |port| Server::start(Site::new(workspace.site()), port);
    let server = match options.port {
        Some(port) => start(port)?,
        None => start(8080).or_else(|_| start(0))?,
    };
    println!("Unmask is at {}  (Ctrl-C stops it)", server.url());
    if options.open && !is_ci() {
        open(&server.url());
    }
    server.wait();
    Ok(())
}

/// Asks the system to show an address; where it cannot, the printed address is there to click.
fn open(url: &str) {
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(target_os = "windows") {
        let mut command = Command::new("cmd");
        command.args(["/C", "start", ""]);
        command
    } else if let (true, Some(program)) = (has_screen, find_program(&["xdg-open"])) {
        Command::new(program)
    } else {
        return;
    };
    let _ = command
        .arg(url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}
