use super::{Can, Cannot, Driver};
use crate::browser::as_text;
use crate::browser::session::{Port, Process, Session, free_port};
use serde_json::json;
use std::process::Command;
use tempfile::TempDir;
use xtask::setup::Programs;

/// WebKitGTK. It has no WebGPU, and its driver browses privately, where it keeps no files.
pub struct WebKit {
    session: Session,
    _screen: Process,
}

/// Its driver does not hand out the console, so the page's errors are noted from when it is loaded.
const HEAR: &str = "
    if (window.heardErrors) return;
    window.heardErrors = [];
    const hear = (...words) => window.heardErrors.push(`SEVERE: ${words.join(' ')}`);
    addEventListener('error', ({ message, filename }) => hear(`${filename}:`, message));
    addEventListener('unhandledrejection', ({ reason }) => hear(reason));
    const { error } = console;
    console.error = (...words) => { hear(...words); error.apply(console, words); };";

impl WebKit {
    pub fn start(programs: &Programs) -> Self {
        let folder = TempDir::with_prefix("unmask-webkit-").expect("a folder for the profile");
        let mut screen = Command::new("Xvfb");
        screen.args(["-displayfd", "1", "-nolisten", "tcp"]);
        screen.args(["-screen", "0", "1600x1400x24"]);
        let mut screen = Process::start(&mut screen);
        let display: u32 = screen.printed("display", |line| line.trim().parse().ok());

        let port = free_port();
        let mut driver = Command::new(&programs.driver);
        driver.arg(format!("--port={port}"));
        driver.env("DISPLAY", format!(":{display}"));
        driver.env("GDK_BACKEND", "x11");
        driver.env("NO_AT_BRIDGE", "1");
        for name in [
            "HOME",
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_RUNTIME_DIR",
        ] {
            driver.env(name, folder.path());
        }
        let options = json!({ "binary": as_text(&programs.browser), "args": ["--automation"] });
        let capabilities =
            json!({ "browserName": "MiniBrowser", "webkitgtk:browserOptions": options });
        Self {
            session: Session::start(&mut driver, Port::Given(port), capabilities, folder),
            _screen: screen,
        }
    }
}

impl Driver for WebKit {
    fn session(&self) -> &Session {
        &self.session
    }

    fn opened(&self) {
        self.session.run(HEAR, &[]);
    }

    fn console(&self) -> Can<Vec<String>> {
        let lines = self
            .session
            .run("return window.heardErrors?.splice(0) ?? []", &[]);
        Ok(serde_json::from_value(lines).expect("a list of lines"))
    }

    fn resize(&self, width: u32, height: u32) -> Can {
        let session = &self.session;
        let inner = || {
            let inner = session.run("return [innerWidth, innerHeight]", &[]);
            serde_json::from_value::<(u32, u32)>(inner).expect("two numbers")
        };
        let resize = |width, height| {
            let work = session.client.set_window_size(width, height);
            session.must(work, "resize its window");
        };
        // The window's own bars come on top.
        resize(width, height);
        let (inner_width, inner_height) = inner();
        resize(
            (2 * width).saturating_sub(inner_width),
            (2 * height).saturating_sub(inner_height),
        );
        if inner() != (width, height) {
            return Err(Cannot("make its window so narrow"));
        }
        Ok(())
    }
}
