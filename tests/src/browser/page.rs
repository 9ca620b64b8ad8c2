use super::command::Vendor;
use super::driver::{Driver, Gpu};
use super::{Bench, PATIENCE, as_text, screenshot_file};
use fantoccini::elements::{Element as Handle, ElementRef};
use fantoccini::error::CmdError;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use xtask::server::Server;

/// The page, open in a browser of its own.
pub struct Page {
    driver: Driver,
}

/// One element, as it was when it was found.
pub struct Element<'a> {
    page: &'a Page,
    handle: Handle,
}

/// Visible elements of a role whose accessible name is the given one; else, whose name holds it. Roles
/// are asked for last: the browser takes long to find them out, and a run's tables have many cells.
const FIND: &str = "
    const [role, name] = arguments;
    const all = [...document.querySelectorAll('*')].filter(
        (element) => element.checkVisibility() && element.computedRole === role);
    const exact = all.filter((element) => element.computedName === name);
    return exact.length ? exact : all.filter((element) => element.computedName.includes(name));
";

impl Page {
    /// Opens the served page, with what follows its address: `""`, `"?device=cpu"`, `"#..."`.
    pub fn open(bench: &Bench, server: &Server, query: &str) -> Self {
        Self::open_with(bench, server, query, Gpu::Software)
    }

    /// [`Page::open`] with a choice of GPU.
    pub fn open_with(bench: &Bench, server: &Server, query: &str, gpu: Gpu) -> Self {
        let page = Self {
            driver: Driver::start(bench, gpu),
        };
        page.go(&format!("{}{query}", server.url()));
        page
    }

    /// Opens another address in the same tab.
    pub fn go(&self, url: &str) {
        self.must(self.driver.client.goto(url), "open an address");
    }

    /// Runs JavaScript: `arguments` holds the arguments; what it returns is returned.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.must(
            self.driver.client.execute(script, arguments.to_vec()),
            "run a script",
        )
    }

    /// Waits until `condition` holds. A panic after [`PATIENCE`] names `what` and shows the page.
    pub fn wait(&self, what: &str, mut condition: impl FnMut() -> bool) {
        self.wait_for(what, || condition().then_some(()));
    }

    /// Waits until `attempt` brings something, and returns it.
    pub fn wait_for<T>(&self, what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = attempt() {
                return found;
            }
            if start.elapsed() > PATIENCE {
                self.screenshot("failed");
                let text = self.run("return document.body.innerText", &[]);
                panic!(
                    "waited in vain for {what}.\nThe page says:\n{}\nIts console:\n{}",
                    text.as_str().unwrap_or_default(),
                    self.console().join("\n"),
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The visible elements of an ARIA role with this accessible name; `""` is any name. An exact
    /// match counts before a partial one.
    pub fn all(&self, role: &str, name: &str) -> Vec<Element<'_>> {
        let found = self.run(FIND, &[json!(role), json!(name)]);
        let found = found.as_array().cloned().unwrap_or_default();
        let handles = found.iter().filter_map(|value| {
            let id = value.as_object()?.values().next()?.as_str()?;
            let reference = ElementRef::from(id.to_string());
            Some(Handle::from_element_id(
                self.driver.client.clone(),
                reference,
            ))
        });
        handles
            .map(|handle| Element { page: self, handle })
            .collect()
    }

    /// Waits for exactly one such element.
    pub fn find(&self, role: &str, name: &str) -> Element<'_> {
        self.wait_for(&format!("one {role} named \"{name}\""), || {
            let mut found = self.all(role, name);
            if found.len() == 1 { found.pop() } else { None }
        })
    }

    /// Clicks on the one such element, once it is there and nothing covers it.
    pub fn click(&self, role: &str, name: &str) {
        self.wait(
            &format!("one {role} named \"{name}\" to take a click"),
            || {
                let found = self.all(role, name);
                // The page may replace the element between the look and the click: look again.
                found.len() == 1 && self.block_on(found[0].handle.click()).is_ok()
            },
        );
    }

    /// The accessible name of what has the keyboard's focus, after its role: `button Hide`.
    pub fn focused(&self) -> String {
        let script = "const element = document.activeElement;
            return `${element.computedRole} ${element.computedName}`.trim();";
        self.run(script, &[])
            .as_str()
            .unwrap_or_default()
            .to_string()
    }

    /// Presses keys, one after the other, where the focus is: text, or `fantoccini::key::Key`s.
    pub fn press(&self, keys: &str) {
        let active = self.must(self.driver.client.active_element(), "find the focus");
        self.must(active.send_keys(keys), "press keys");
    }

    /// Puts files into the `<input type="file">` that the CSS selector names, as a picker would.
    pub fn upload(&self, selector: &str, files: &[PathBuf]) {
        let locator = fantoccini::Locator::Css(selector);
        let input = self.must(self.driver.client.find(locator), "find the file input");
        let names: Vec<&str> = files.iter().map(|file| as_text(file)).collect();
        self.must(input.send_keys(&names.join("\n")), "choose files");
    }

    /// Drops files on the element that the CSS selector names, as from a file manager, once it is
    /// there: their bytes travel through the script, so they should be small.
    pub fn drop_files(&self, selector: &str, files: &[PathBuf]) {
        let script = "
            const [selector, files] = arguments;
            const transfer = new DataTransfer();
            for (const [name, bytes] of files) {
                transfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
            }
            const target = document.querySelector(selector);
            for (const type of ['dragenter', 'dragover', 'drop']) {
                target.dispatchEvent(
                    new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
            }";
        let content = |file: &Path| {
            use base64::prelude::*;
            let bytes = std::fs::read(file).expect("the test's own file");
            let name = file
                .file_name()
                .expect("a file has a name")
                .to_string_lossy();
            json!([name, BASE64_STANDARD.encode(bytes)])
        };
        let contents: Vec<Value> = files.iter().map(|file| content(file)).collect();
        let there = "return document.querySelector(arguments[0]) !== null";
        self.wait(&format!("{selector} to drop files on"), || {
            self.run(there, &[json!(selector)]) == json!(true)
        });
        self.run(script, &[json!(selector), json!(contents)]);
    }

    /// Gives the page this size in CSS pixels.
    pub fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Tells the page that its visitor prefers dark colours, or light ones.
    pub fn prefer_dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let feature = json!({ "name": "prefers-color-scheme", "value": value });
        self.devtools(
            "Emulation.setEmulatedMedia",
            json!({ "features": [feature] }),
        );
    }

    /// Sends a command of the Chrome DevTools Protocol and returns its result.
    pub fn devtools(&self, method: &str, parameters: Value) -> Value {
        self.must(
            self.driver
                .client
                .issue_cmd(Vendor::devtools(method, parameters)),
            method,
        )
    }

    /// Saves what one sees as `screenshots/NAME.png` in the target folder; returns the file.
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let file = screenshot_file(name);
        let picture = self.must(self.driver.client.screenshot(), "take a screenshot");
        std::fs::create_dir_all(file.parent().expect("in a folder")).expect("a writable target");
        std::fs::write(&file, picture).expect("a writable target");
        file
    }

    /// What the page wrote to its console since the last call: `LEVEL: message`, uncaught errors
    /// and failed downloads included.
    pub fn console(&self) -> Vec<String> {
        let entries = self.must(
            self.driver.client.issue_cmd(Vendor::console()),
            "read the console",
        );
        let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or("?").to_string();
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .map(|entry| format!("{}: {}", text(entry, "level"), text(entry, "message")))
            .collect()
    }

    /// The errors among [`Page::console`].
    pub fn console_errors(&self) -> Vec<String> {
        self.console()
            .into_iter()
            .filter(|line| line.starts_with("SEVERE"))
            .collect()
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.driver.runtime.block_on(work)
    }

    fn must<T>(&self, work: impl Future<Output = Result<T, CmdError>>, what: &str) -> T {
        self.block_on(work)
            .unwrap_or_else(|error| panic!("the browser could not {what}: {error}"))
    }
}

impl Element<'_> {
    /// Its visible text.
    pub fn text(&self) -> String {
        self.page.must(self.handle.text(), "read an element")
    }

    /// An attribute, as it stands in the document.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.page.must(self.handle.attr(name), "read an attribute")
    }

    /// Its accessible name.
    pub fn name(&self) -> String {
        self.in_script("return arguments[0].computedName")
            .as_str()
            .unwrap_or_default()
            .to_string()
    }

    /// What a text box holds.
    pub fn value(&self) -> String {
        self.in_script("return arguments[0].value")
            .as_str()
            .unwrap_or_default()
            .to_string()
    }

    /// Clicks in its middle.
    pub fn click(&self) {
        self.page.must(self.handle.click(), "click");
    }

    /// Gives it the keyboard's focus.
    pub fn focus(&self) {
        self.in_script("arguments[0].focus()");
    }

    /// Replaces what a text box holds, key by key; at once where the driver knows no keys for it,
    /// as an input method or an emoji picker does.
    pub fn fill(&self, text: &str) {
        self.page.must(self.handle.clear(), "empty a text box");
        if text.chars().all(|c| c <= '\u{ffff}') {
            self.page.must(self.handle.send_keys(text), "type");
        } else {
            self.focus();
            self.page
                .devtools("Input.insertText", json!({ "text": text }));
        }
    }

    fn in_script(&self, script: &str) -> Value {
        let handle = serde_json::to_value(&self.handle).expect("an element's reference is JSON");
        self.page.run(script, &[handle])
    }
}
