//! Starting a browser, and making sure that it ends.

use super::{Bench, PATIENCE, as_text};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Which GPU the browser offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpu {
    /// SwiftShader, a software one that comes with Chromium.
    Software,
    /// No WebGPU at all, as in a browser that lacks it.
    None,
}

/// One browser with one tab and nothing remembered; it ends when dropped.
pub struct Driver {
    pub runtime: Runtime,
    pub client: Client,
    /// Of the browser, where chromedriver tells.
    process: Option<u64>,
    chromedriver: Child,
    _profile: TempDir,
}

impl Driver {
    pub fn start(bench: &Bench, gpu: Gpu) -> Self {
        let (chromedriver, port) = start_chromedriver(&bench.browser.chromedriver);
        let profile = TempDir::with_prefix("unmask-browser-").expect("a folder for the profile");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("an async runtime");
        let capabilities = capabilities(&bench.browser.chromium, profile.path(), gpu);
        let client = runtime.block_on(async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities);
            builder.connect(&format!("http://127.0.0.1:{port}")).await
        });
        let mut driver = match client {
            Ok(client) => Self {
                runtime,
                client,
                process: None,
                chromedriver,
                _profile: profile,
            },
            Err(error) => {
                end(chromedriver);
                panic!(
                    "chromedriver could not start {}: {error}",
                    bench.browser.chromium.display()
                )
            }
        };
        let granted = driver.client.capabilities();
        driver.process = granted.and_then(|granted| granted.get("goog:processID")?.as_u64());
        driver
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let client = self.client.clone();
        let closed = self.runtime.block_on(async {
            let closing = tokio::time::timeout(Duration::from_secs(20), client.close());
            matches!(closing.await, Ok(Ok(())))
        });
        if let (false, Some(process)) = (closed, self.process) {
            let _ = Command::new("kill")
                .arg("-9")
                .arg(process.to_string())
                .status();
        }
        let _ = self.chromedriver.kill();
        let _ = self.chromedriver.wait();
    }
}

fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Starts chromedriver on a free port of its choosing, which it prints.
fn start_chromedriver(program: &Path) -> (Child, u16) {
    let mut child = Command::new(program)
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("could not start {}: {error}", program.display()));
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let port = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| port_in(&line));
    // Keep reading, or chromedriver would block once the pipe is full.
    std::thread::spawn(move || lines.for_each(drop));
    match port {
        Some(port) => (child, port),
        None => {
            end(child);
            panic!("{} ended without naming its port", program.display())
        }
    }
}

/// `ChromeDriver was started successfully on port 40123.`
fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("started successfully on port ")?;
    rest.trim_end_matches('.').parse().ok()
}

fn capabilities(chromium: &Path, profile: &Path, gpu: Gpu) -> Map<String, Value> {
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
    let options = json!({ "binary": as_text(chromium), "args": arguments });
    let bound = PATIENCE.as_millis() as u64;
    let capabilities = json!({
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": { "browser": "ALL" },
        "timeouts": { "script": bound, "pageLoad": bound, "implicit": 0 },
    });
    match capabilities {
        Value::Object(map) => map,
        _ => unreachable!("written as an object"),
    }
}

#[cfg(test)]
mod tests {
    use super::port_in;

    #[test]
    fn the_port_is_read_from_what_chromedriver_prints() {
        assert_eq!(
            port_in("ChromeDriver was started successfully on port 40123."),
            Some(40123)
        );
        assert_eq!(port_in("Starting ChromeDriver 156.0 on port 0"), None);
    }
}
