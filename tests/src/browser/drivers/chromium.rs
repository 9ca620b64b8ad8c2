use super::roles::candidates;
use super::{Can, Command, Driver};
use crate::browser::session::{Port, Session};
use crate::browser::{Gpu, as_text};
use fantoccini::elements::Element as Handle;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process;
use tempfile::TempDir;
use xtask::setup::Programs;

pub struct Chromium {
    session: Session,
    downloads: PathBuf,
}

/// Visible elements of an ARIA role, among those of a selector, whose accessible name is the given one;
/// else, whose name holds it.
const FIND: &str = "
    const [selector, role, name] = arguments;
    const all = [...document.querySelectorAll(selector)].filter(
        (element) => element.checkVisibility() && element.computedRole === role);
    const exact = all.filter((element) => element.computedName === name);
    return exact.length ? exact : all.filter((element) => element.computedName.includes(name));
";

impl Chromium {
    pub fn start(programs: &Programs, gpu: Gpu) -> Self {
        let folder = TempDir::with_prefix("unmask-chromium-").expect("a folder for the profile");
        let downloads = folder.path().join("downloads");
        let mut driver = process::Command::new(&programs.driver);
        driver.arg("--port=0");
        let capabilities = capabilities(&programs.browser, folder.path(), gpu);
        let port = Port::Printed("started successfully on port ");
        Self {
            session: Session::start(&mut driver, port, capabilities, folder),
            downloads,
        }
    }

    fn must(&self, method: &str, parameters: Value) -> Value {
        self.session
            .issue(Command::devtools(method, parameters), method)
    }
}

impl Driver for Chromium {
    fn session(&self) -> &Session {
        &self.session
    }

    fn all(&self, role: &str, name: &str) -> Vec<Handle> {
        let arguments = [candidates(role), role, name].map(|text| json!(text));
        self.session.elements(FIND, &arguments)
    }

    fn role_and_name(&self, element: &Handle) -> (String, String) {
        let script = "return [arguments[0].computedRole, arguments[0].computedName]";
        let element = serde_json::to_value(element).expect("an element's reference is JSON");
        let told = self.session.run(script, &[element]);
        serde_json::from_value(told).expect("two texts")
    }

    fn insert_text(&self, text: &str) {
        self.must("Input.insertText", json!({ "text": text }));
    }

    fn before_load(&self, script: &str) -> Can {
        let source = json!({ "source": script });
        self.must("Page.addScriptToEvaluateOnNewDocument", source);
        Ok(())
    }

    fn console(&self) -> Can<Vec<String>> {
        let entries = self.session.issue(Command::console(), "read the console");
        let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or("?").to_string();
        let entries = entries.as_array().cloned().unwrap_or_default();
        let line = |entry| format!("{}: {}", text(entry, "level"), text(entry, "message"));
        Ok(entries.iter().map(line).collect())
    }

    fn resize(&self, width: u32, height: u32) -> Can {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.must("Emulation.setDeviceMetricsOverride", metrics);
        Ok(())
    }

    fn prefer_dark(&self, dark: bool) -> Can {
        let value = if dark { "dark" } else { "light" };
        let feature = json!({ "name": "prefers-color-scheme", "value": value });
        let features = json!({ "features": [feature] });
        self.must("Emulation.setEmulatedMedia", features);
        Ok(())
    }

    fn allow_clipboard(&self) -> Can {
        let permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"];
        let permissions = json!({ "permissions": permissions });
        self.must("Browser.grantPermissions", permissions);
        Ok(())
    }

    fn downloads(&self) -> Can<PathBuf> {
        let behaviour = json!({ "behavior": "allow", "downloadPath": as_text(&self.downloads) });
        self.must("Page.setDownloadBehavior", behaviour);
        Ok(self.downloads.clone())
    }

    fn devtools(&self, method: &str, parameters: Value) -> Can<Value> {
        Ok(self.must(method, parameters))
    }
}

fn capabilities(chromium: &Path, profile: &Path, gpu: Gpu) -> Value {
    let mut arguments = vec![
        "--headless=new".to_string(),
        format!("--user-data-dir={}", as_text(profile)),
        // Tests may run as root in a container, where the sandbox cannot start.
        "--no-sandbox".to_string(),
        "--disable-dev-shm-usage".to_string(),
        "--hide-scrollbars".to_string(),
        // `element.computedRole` and `computedName`: what a screen reader is told.
        "--enable-blink-features=ComputedAccessibilityInfo".to_string(),
    ];
    // Off the network: all that the page needs is on this machine.
    arguments.extend(
        [
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-default-apps",
            "--disable-domain-reliability",
            "--disable-extensions",
            "--disable-quic",
            "--disable-sync",
            "--no-default-browser-check",
            "--no-first-run",
            "--no-pings",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ]
        .map(String::from),
    );
    match gpu {
        Gpu::Software => {
            arguments.push("--enable-unsafe-webgpu".to_string());
            arguments.push("--use-webgpu-adapter=swiftshader".to_string());
        }
        Gpu::None => arguments.push("--disable-features=WebGPU,WebGPUService".to_string()),
    }
    json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "binary": as_text(chromium), "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
    })
}
