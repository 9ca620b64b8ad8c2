use super::{Can, Command, Driver};
use crate::browser::bidi::Bidi;
use crate::browser::session::{Port, Session};
use crate::browser::{Gpu, PATIENCE, as_text};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Instant;
use tempfile::TempDir;
use xtask::setup::Programs;

pub struct Firefox {
    bidi: RefCell<Bidi>,
    session: Session,
    downloads: PathBuf,
}

impl Firefox {
    pub fn start(programs: &Programs, gpu: Gpu) -> Self {
        let folder = TempDir::with_prefix("unmask-firefox-").expect("a folder for the profile");
        let downloads = folder.path().join("downloads");
        std::fs::create_dir(&downloads).expect("a writable folder");
        let mut driver = process::Command::new(&programs.driver);
        driver.args(["--port=0", "--websocket-port=0"]);
        // For `prefer_dark`, which is a preference of the browser's.
        driver.arg("--allow-system-access");
        driver.arg("--profile-root").arg(folder.path());
        let capabilities = capabilities(&programs.browser, &downloads, gpu);
        let port = Port::Printed("Listening on 127.0.0.1:");
        let session = Session::start(&mut driver, port, capabilities, folder);
        let url = session.granted("webSocketUrl").expect("it speaks BiDi");
        Self {
            bidi: RefCell::new(Bidi::connect(url.as_str().expect("an address"))),
            session,
            downloads,
        }
    }

    /// Runs a script with the browser's own rights.
    fn run_inside(&self, script: &str) {
        let switch = |context| {
            self.session
                .issue(Command::context(context), "change the context")
        };
        switch("chrome");
        self.session.run(script, &[]);
        switch("content");
    }
}

impl Driver for Firefox {
    fn session(&self) -> &Session {
        &self.session
    }

    fn before_load(&self, script: &str) -> Can {
        let function = json!({ "functionDeclaration": format!("() => {{ {script} }}") });
        self.bidi
            .borrow_mut()
            .send("script.addPreloadScript", &function);
        Ok(())
    }

    fn console(&self) -> Can<Vec<String>> {
        Ok(self.bidi.borrow_mut().console())
    }

    fn resize(&self, width: u32, height: u32) -> Can {
        let mut bidi = self.bidi.borrow_mut();
        let viewport = json!({ "width": width, "height": height });
        let parameters = json!({ "context": bidi.context(), "viewport": viewport });
        bidi.send("browsingContext.setViewport", &parameters);
        Ok(())
    }

    fn prefer_dark(&self, dark: bool) -> Can {
        let value = if dark { 0 } else { 1 };
        self.run_inside(&format!(
            "Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', {value})"
        ));
        // The page, a process of its own, hears of it a moment later.
        let script = "return matchMedia('(prefers-color-scheme: dark)').matches";
        let start = Instant::now();
        while self.session.run(script, &[]) != json!(dark) {
            assert!(start.elapsed() < PATIENCE, "the colours do not change");
        }
        Ok(())
    }

    fn allow_clipboard(&self) -> Can {
        self.run_inside("Services.prefs.setBoolPref('dom.events.testing.asyncClipboard', true)");
        Ok(())
    }

    fn downloads(&self) -> Can<PathBuf> {
        Ok(self.downloads.clone())
    }
}

fn capabilities(firefox: &Path, downloads: &Path, gpu: Gpu) -> Value {
    let preferences = json!({
        "dom.webgpu.enabled": gpu == Gpu::Software,
        "dom.webgpu.workers.enabled": gpu == Gpu::Software,
        // Mesa's software driver is on its list of those that are not to be used.
        "gfx.webgpu.ignore-blocklist": true,
        "browser.download.folderList": 2,
        "browser.download.dir": as_text(downloads),
        "browser.download.always_ask_before_handling_new_types": false,
        "browser.download.alwaysOpenPanel": false,
        // Off the network: all that the page needs is on this machine.
        "app.normandy.enabled": false,
        "browser.safebrowsing.downloads.enabled": false,
        "browser.safebrowsing.malware.enabled": false,
        "browser.safebrowsing.phishing.enabled": false,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        "services.settings.server": "data:,",
        "toolkit.telemetry.enabled": false,
    });
    json!({
        "browserName": "firefox",
        "webSocketUrl": true,
        "moz:firefoxOptions": {
            "binary": as_text(firefox),
            "args": ["-headless"],
            "prefs": preferences,
        },
    })
}
