use super::axe::barriers;
use super::drivers::{Can, Driver, start};
use super::turn::Turn;
use super::{Bench, Browser, Gpu, PATIENCE, as_text, screenshot_file};
use fantoccini::elements::Element as Handle;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use xtask::server::Server;

/// The page, open in a browser of its own.
pub struct Page {
    browser: Browser,
    axe: Option<PathBuf>,
    driver: Box<dyn Driver>,
    /// Dropped after the browser.
    _turn: Turn,
}

/// One element, as it was when it was found.
pub struct Element<'a> {
    page: &'a Page,
    handle: Handle,
}

impl Page {
    /// Opens the served page, with what follows its address: `""`, `"?device=cpu"`, `"#..."`. Unless
    /// `alone`, another scenario may run at the same time.
    pub fn open(bench: &Bench, server: &Server, query: &str, gpu: Gpu, alone: bool) -> Self {
        // WebKit has no GPU to be busy with.
        let turn = Turn::take(alone && bench.browser != Browser::WebKit);
        let page = Self {
            browser: bench.browser,
            axe: bench.axe.clone(),
            driver: start(bench, gpu),
            _turn: turn,
        };
        page.go(&format!("{}{query}", server.url()));
        page
    }

    /// Which browser it is open in.
    pub fn browser(&self) -> Browser {
        self.browser
    }

    /// Opens another address in the same tab.
    pub fn go(&self, url: &str) {
        let session = self.driver.session();
        session.must(session.client.goto(url), "open an address");
        self.driver.opened();
    }

    /// Turns to what a frame of the page shows; 0 is the first.
    pub fn enter_frame(&self, index: u16) {
        let session = self.driver.session();
        session.must(session.client.enter_frame(index), "enter a frame");
    }

    /// Runs JavaScript: `arguments` holds the arguments; what it returns is returned.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.driver.session().run(script, arguments)
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
        let handles = self.driver.all(role, name).into_iter();
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

    /// Clicks on the one such element, once it is there and nothing covers it, and waits for what the page fetches to show what
    /// the click opens.
    pub fn click(&self, role: &str, name: &str) {
        self.wait(
            &format!("one {role} named \"{name}\" to take a click"),
            || {
                let found = self.all(role, name);
                // The page may replace the element between the look and the click: look again.
                found.len() == 1
                    && self
                        .driver
                        .session()
                        .block_on(found[0].handle.click())
                        .is_ok()
            },
        );
        self.wait_for_part();
    }

    /// Until what was opened is there.
    fn wait_for_part(&self) {
        let coming = "return !document.querySelector('.coming')";
        self.wait("the part of the page that was opened", || {
            self.run(coming, &[]) == json!(true)
        });
    }

    /// The accessible name of what has the keyboard's focus, after its role: `button Hide`.
    pub fn focused(&self) -> String {
        let (role, name) = self.driver.role_and_name(&self.active());
        format!("{role} {name}").trim().to_string()
    }

    fn active(&self) -> Handle {
        let session = self.driver.session();
        session.must(session.client.active_element(), "find the focus")
    }

    /// Presses keys, one after the other, where the focus is: text, or `fantoccini::key::Key`s. Waits for what the page
    /// fetches to show what they open.
    pub fn press(&self, keys: &str) {
        let session = self.driver.session();
        session.must(self.active().send_keys(keys), "press keys");
        self.wait_for_part();
    }

    /// Puts files into the `<input type="file">` that the CSS selector names, as a picker would.
    pub fn upload(&self, selector: &str, files: &[PathBuf]) {
        let locator = fantoccini::Locator::Css(selector);
        let session = self.driver.session();
        let input = self.wait_for(&format!("{selector}, a file input"), || {
            session.block_on(session.client.find(locator)).ok()
        });
        let names: Vec<&str> = files.iter().map(|file| as_text(file)).collect();
        session.must(input.send_keys(&names.join("\n")), "choose files");
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

    /// What came of something that not every browser can do; where this one cannot, says so on the
    /// console.
    fn tried<T>(&self, outcome: Can<T>) -> Option<T> {
        outcome
            .inspect_err(|cannot| eprintln!("left out in {}: {cannot}", self.browser.name()))
            .ok()
    }

    /// Gives the page this size in CSS pixels. False where the browser cannot.
    pub fn resize(&self, width: u32, height: u32) -> bool {
        self.tried(self.driver.resize(width, height)).is_some()
    }

    /// Tells the page that its visitor prefers dark colours, or light ones. False where the browser
    /// cannot.
    pub fn prefer_dark(&self, dark: bool) -> bool {
        self.tried(self.driver.prefer_dark(dark)).is_some()
    }

    /// Runs a script in every document from now on, before the document's own. False where the
    /// browser cannot.
    pub fn before_load(&self, script: &str) -> bool {
        self.tried(self.driver.before_load(script)).is_some()
    }

    /// Lets the page read and write the clipboard. False where the browser cannot.
    pub fn allow_clipboard(&self) -> bool {
        self.tried(self.driver.allow_clipboard()).is_some()
    }

    /// The folder that files are saved in; `None` where the browser does not say.
    pub fn downloads(&self) -> Option<PathBuf> {
        self.tried(self.driver.downloads())
    }

    /// Sends a command of the Chrome DevTools Protocol and returns its result.
    ///
    /// # Panics
    /// In another browser than Chromium.
    pub fn devtools(&self, method: &str, parameters: Value) -> Value {
        let outcome = self.driver.devtools(method, parameters);
        outcome.unwrap_or_else(|cannot| panic!("{method}: {cannot}"))
    }

    /// What axe-core finds in the page's present state that keeps people from using it; says so on the
    /// console where the script is missing. `rules` is empty for all of them.
    pub fn barriers(&self, rules: &[&str]) -> Vec<String> {
        let Some(script) = &self.axe else {
            eprintln!("skipped: axe-core is missing, `cargo xtask test` brings it");
            return Vec::new();
        };
        barriers(self.driver.session(), script, rules)
    }

    /// Saves what one sees as `screenshots/NAME.png` in the target folder; returns the file.
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let file = screenshot_file(name, self.browser);
        let session = self.driver.session();
        let picture = session.must(session.client.screenshot(), "take a screenshot");
        std::fs::create_dir_all(file.parent().expect("in a folder")).expect("a writable target");
        std::fs::write(&file, picture).expect("a writable target");
        file
    }

    /// What the page wrote to its console since the last call: `LEVEL: message`, uncaught errors
    /// and, in Chromium, failed downloads included. Nothing where the browser does not say.
    pub fn console(&self) -> Vec<String> {
        self.tried(self.driver.console()).unwrap_or_default()
    }

    /// The errors among [`Page::console`].
    pub fn console_errors(&self) -> Vec<String> {
        self.console()
            .into_iter()
            .filter(|line| line.starts_with("SEVERE"))
            .collect()
    }
}

impl Element<'_> {
    /// Its visible text.
    pub fn text(&self) -> String {
        self.must(self.handle.text(), "read an element")
    }

    /// An attribute, as it stands in the document.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.must(self.handle.attr(name), "read an attribute")
    }

    /// Its accessible name.
    pub fn name(&self) -> String {
        self.page.driver.role_and_name(&self.handle).1
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
        self.must(self.handle.click(), "click");
    }

    /// Gives it the keyboard's focus.
    pub fn focus(&self) {
        self.in_script("arguments[0].focus()");
    }

    /// Replaces what a text box holds, key by key; at once where the driver knows no keys for it,
    /// as an input method or an emoji picker does.
    pub fn fill(&self, text: &str) {
        self.must(self.handle.clear(), "empty a text box");
        if text.chars().all(|c| c <= '\u{ffff}') {
            let keys = text.replace('\n', &Key::Enter);
            self.must(self.handle.send_keys(&keys), "type");
        } else {
            self.focus();
            self.page.driver.insert_text(text);
        }
    }

    fn must<T>(&self, work: impl Future<Output = Result<T, CmdError>>, what: &str) -> T {
        self.page.driver.session().must(work, what)
    }

    fn in_script(&self, script: &str) -> Value {
        let handle = serde_json::to_value(&self.handle).expect("an element's reference is JSON");
        self.page.run(script, &[handle])
    }
}
