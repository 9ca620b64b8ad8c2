//! A WebDriver session: the driver's process, the browser that it starts, and their end.

use super::PATIENCE;
use fantoccini::elements::Element as Handle;
use fantoccini::error::{CmdError, ErrorStatus};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// One browser with one tab and nothing remembered; it ends when dropped.
pub struct Session {
    pub runtime: Runtime,
    pub client: Client,
    _driver: Process,
    _folder: TempDir,
}

/// A program that ends when dropped, with all that it has started.
pub struct Process(Child);

/// How a driver's port comes to be known.
pub enum Port {
    /// The driver chooses one and prints it after these words.
    Printed(&'static str),
    /// We chose it.
    Given(u16),
}

impl Session {
    /// Starts a driver, and through it a browser with these capabilities.
    ///
    /// # Panics
    /// If one of them does not start.
    pub fn start(
        command: &mut Command,
        port: Port,
        mut capabilities: Value,
        folder: TempDir,
    ) -> Self {
        let mut driver = Process::start(command);
        let port = driver.port(port);
        let bound = PATIENCE.as_millis() as u64;
        capabilities["timeouts"] = json!({ "script": bound, "pageLoad": bound, "implicit": 0 });
        let Value::Object(capabilities) = capabilities else {
            unreachable!("written as an object");
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("an async runtime");
        let client = runtime.block_on(async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities);
            builder.connect(&format!("http://127.0.0.1:{port}")).await
        });
        let client = client.unwrap_or_else(|error| {
            let driver = command.get_program().to_string_lossy();
            panic!("{driver} could not start its browser: {error}")
        });
        Self {
            runtime,
            client,
            _driver: driver,
            _folder: folder,
        }
    }

    /// What the browser granted of the capabilities asked for.
    pub fn granted(&self, name: &str) -> Option<Value> {
        self.client.capabilities()?.get(name).cloned()
    }

    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Waits for an answer of the driver. A panic says `what` it could not do.
    pub fn must<T>(&self, work: impl Future<Output = Result<T, CmdError>>, what: &str) -> T {
        self.block_on(work)
            .unwrap_or_else(|error| panic!("the browser could not {what}: {error}"))
    }

    /// Sends a command that fantoccini does not know.
    pub fn issue(
        &self,
        command: impl WebDriverCompatibleCommand + Send + 'static,
        what: &str,
    ) -> Value {
        self.must(self.client.issue_cmd(command), what)
    }

    /// Runs JavaScript in the page: `arguments` holds the arguments.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        let work = self.client.execute(script, arguments.to_vec());
        self.must(work, "run a script")
    }

    /// The elements that a script returns; none where the page takes one of them away meanwhile.
    pub fn elements(&self, script: &str, arguments: &[Value]) -> Vec<Handle> {
        let found = self.block_on(self.client.execute(script, arguments.to_vec()));
        let found = match found {
            Ok(found) => found,
            Err(error) if is_gone(&error) => return Vec::new(),
            Err(error) => panic!("the browser could not run a script: {error}"),
        };
        let found = found.as_array().cloned().unwrap_or_default();
        let handles = found.iter().filter_map(|value| {
            let id = value.as_object()?.values().next()?.as_str()?.to_owned();
            Some(Handle::from_element_id(self.client.clone(), id.into()))
        });
        handles.collect()
    }
}

fn is_gone(error: &CmdError) -> bool {
    matches!(error, CmdError::Standard(error) if error.error == ErrorStatus::StaleElementReference)
}

impl Drop for Session {
    fn drop(&mut self) {
        let client = self.client.clone();
        self.runtime.block_on(async {
            let _ = tokio::time::timeout(Duration::from_secs(20), client.close()).await;
        });
    }
}

impl Process {
    /// # Panics
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|error| {
            let program = Path::new(command.get_program()).display();
            panic!("could not start {program}: {error}")
        }))
    }

    /// The first line it prints of which `wanted` makes something; the rest is read and forgotten.
    ///
    /// # Panics
    /// If it ends without.
    pub fn printed<T>(&mut self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let mut lines = BufReader::new(self.0.stdout.take().expect("piped")).lines();
        let found = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| wanted(&line));
        // Keep reading, or the program would block once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        found.unwrap_or_else(|| panic!("a driver ended without naming its {what}"))
    }

    fn port(&mut self, port: Port) -> u16 {
        match port {
            Port::Printed(before) => self.printed("port", |line| number_after(line, before)),
            Port::Given(port) => {
                let start = Instant::now();
                while TcpStream::connect(("127.0.0.1", port)).is_err() {
                    assert!(start.elapsed() < PATIENCE, "no driver at port {port}");
                    std::thread::sleep(Duration::from_millis(20));
                }
                port
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What it has started belongs to its group.
        #[cfg(unix)]
        let _ = Command::new("kill")
            .args(["-9", "--", &format!("-{}", self.0.id())])
            .stderr(Stdio::null())
            .status();
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// `ChromeDriver was started successfully on port 40123.`
fn number_after(line: &str, before: &str) -> Option<u16> {
    let (_, rest) = line.split_once(before)?;
    rest.trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::number_after;

    #[test]
    fn the_port_is_read_from_what_drivers_print() {
        let chromedriver = "ChromeDriver was started successfully on port 40123.";
        let before = "started successfully on port ";
        assert_eq!(number_after(chromedriver, before), Some(40123));
        let geckodriver = "1795820297051\tgeckodriver\tINFO\tListening on 127.0.0.1:4455";
        let before = "Listening on 127.0.0.1:";
        assert_eq!(number_after(geckodriver, before), Some(4455));
        assert_eq!(
            number_after("Starting ChromeDriver 156.0 on port 0", before),
            None
        );
    }
}
