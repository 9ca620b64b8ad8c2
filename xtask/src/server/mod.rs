//! A small static file server: what `cargo xtask serve` and the browser tests show the page with.

mod headers;
mod mime;
mod path;
mod range;

use crate::error::{Error, Result};
use headers::{cache_control, policy, policy_in};
use path::safe_relative;
use range::{Range, parse_range};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tiny_http::{HTTPVersion, Header, Method, Request, Response, StatusCode};

/// What a synthetic address answers; see [`Site::answer`].
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    /// `Content-Length`; without it the body is sent in chunks of unannounced number.
    pub length: Option<usize>,
    /// May end early or block: that is how tests make a truncated or a stalled download.
    pub body: Box<dyn Read + Send>,
}

impl Reply {
    /// 200 with these bytes.
    pub fn bytes(content_type: &'static str, bytes: Vec<u8>) -> Self {
        let length = Some(bytes.len());
        Self {
            status: 200,
            content_type,
            length,
            body: Box::new(io::Cursor::new(bytes)),
        }
    }
}

/// What the name of a file in brotli form ends in.
pub const BROTLI: &str = "br";

type Answer = Box<dyn Fn() -> Reply + Send + Sync>;

/// What is served: a folder, and optionally more folders and made-up answers.
pub struct Site {
    /// Address prefix, as `/fixtures/`, and folder; the first match counts.
    mounts: Vec<(String, PathBuf)>,
    answers: Vec<(String, Answer)>,
    /// Of another page than the folder's own.
    policy: Option<String>,
}

impl Site {
    /// Serves the files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            mounts: vec![("/".to_string(), root.into())],
            answers: Vec::new(),
            policy: None,
        }
    }

    /// Serves the files below `folder` at `/prefix/...` too.
    pub fn mount(mut self, prefix: &str, folder: impl Into<PathBuf>) -> Self {
        self.mounts.insert(
            0,
            (format!("/{}/", prefix.trim_matches('/')), folder.into()),
        );
        self
    }

    /// Answers a request for exactly `address`, such as `/broken/model.safetensors`.
    pub fn answer(
        mut self,
        address: &str,
        answer: impl Fn() -> Reply + Send + Sync + 'static,
    ) -> Self {
        self.answers.push((address.to_string(), Box::new(answer)));
        self
    }

    /// Answers with this page in place of the folder's `index.html`, and sends its policy.
    pub fn page(mut self, page: String) -> Self {
        self.policy = policy_in(&page).map(str::to_string);
        for address in ["/", "/index.html"] {
            let page = page.clone().into_bytes();
            let answer = move || Reply::bytes("text/html; charset=utf-8", page.clone());
            self = self.answer(address, answer);
        }
        self
    }

    /// The file an address means, if it is there, and the policy of the page it belongs to.
    fn file(&self, address: &str) -> Option<(PathBuf, Option<String>)> {
        let (prefix, folder) = self
            .mounts
            .iter()
            .find(|(prefix, _)| address.starts_with(prefix))?;
        let mut path = folder.join(safe_relative(&address[prefix.len()..])?);
        if path.is_dir() {
            path.push("index.html");
        }
        let policy = || self.policy.clone().or_else(|| policy(folder));
        path.is_file().then(|| (path, policy()))
    }
}

/// A running server; it stops when dropped.
pub struct Server {
    address: SocketAddr,
    listener: Arc<tiny_http::Server>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on this machine only. Port 0 takes any free one.
    pub fn start(site: Site, port: u16) -> Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let listener = tiny_http::Server::http(address).map_err(|error| Error::Listen {
            address: address.to_string(),
            reason: error.to_string(),
        })?;
        let address = listener
            .server_addr()
            .to_ip()
            .expect("an IP address was asked for");
        let (listener, site) = (Arc::new(listener), Arc::new(site));
        let requests = Arc::clone(&listener);
        // A thread for each request: a stalled answer must not hold up the others.
        let thread = std::thread::spawn(move || {
            for request in requests.incoming_requests() {
                let site = Arc::clone(&site);
                std::thread::spawn(move || {
                    // The browser going away in the middle of an answer is its right.
                    let _ = respond(&site, request);
                });
            }
        });
        Ok(Self {
            address,
            listener,
            thread: Some(thread),
        })
    }

    /// Where it listens, with a slash at the end: `http://127.0.0.1:8080/`.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves until the process ends.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listener.unblock();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends a response that ends its connection, as HTTP/1.0 does. With connections kept alive,
/// tiny_http's pool may hand a new connection to a thread that waits for the next request of an
/// old one, and a page would never finish loading.
fn send_all<R: io::Read>(request: Request, response: Response<R>) -> io::Result<()> {
    let without_body = *request.method() == Method::Head;
    let mut writer = request.into_writer();
    response.raw_print(&mut writer, HTTPVersion(1, 0), &[], without_body, None)?;
    writer.flush()
}

fn respond(site: &Site, request: Request) -> io::Result<()> {
    let address = request
        .url()
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_string();
    if !matches!(request.method(), Method::Get | Method::Head) {
        return send_all(
            request,
            plain(405, "This server only answers GET and HEAD."),
        );
    }
    if let Some((_, answer)) = site.answers.iter().find(|(known, _)| *known == address) {
        let Reply {
            status,
            content_type,
            length,
            body,
        } = answer();
        let headers = vec![header("Content-Type", content_type)];
        return send_all(
            request,
            Response::new(StatusCode(status), headers, body, length, None),
        );
    }
    match site.file(&address) {
        Some((file, policy)) => send(request, &file, policy),
        None => send_all(request, plain(404, "There is no such file here.")),
    }
}

/// Sends a file: whole, in part, or its brotli form where one lies beside it.
fn send(request: Request, file: &Path, policy: Option<String>) -> io::Result<()> {
    let mut headers = vec![
        header("Content-Type", mime::content_type(file)),
        header("Cache-Control", cache_control(file)),
        header("Accept-Ranges", "bytes"),
        header("Vary", "Accept-Encoding"),
        header("X-Content-Type-Options", "nosniff"),
        header("Referrer-Policy", "no-referrer"),
    ];
    // A worker goes by its own answer's policy, not by the page's `<meta>`.
    if let Some(policy) = policy {
        headers.push(header("Content-Security-Policy", &policy));
    }
    let range = value(&request, "Range");
    let takes_brotli = value(&request, "Accept-Encoding").is_some_and(|accepted| {
        accepted
            .split(',')
            .any(|coding| coding.split(';').next().unwrap_or("").trim() == "br")
    });
    if let (None, true, Ok(packed)) = (&range, takes_brotli, File::open(brotli_of(file))) {
        headers.push(header("Content-Encoding", "br"));
        let length = packed.metadata()?.len() as usize;
        return send_all(
            request,
            Response::new(StatusCode(200), headers, packed, Some(length), None),
        );
    }
    let mut opened = File::open(file)?;
    let total = opened.metadata()?.len();
    match range.map_or(Range::Whole, |range| parse_range(&range, total)) {
        Range::Whole => {
            let length = Some(total as usize);
            send_all(
                request,
                Response::new(StatusCode(200), headers, opened, length, None),
            )
        }
        Range::Part { first, last } => {
            opened.seek(SeekFrom::Start(first))?;
            let length = last - first + 1;
            headers.push(header(
                "Content-Range",
                &format!("bytes {first}-{last}/{total}"),
            ));
            let (part, length) = (opened.take(length), Some(length as usize));
            send_all(
                request,
                Response::new(StatusCode(206), headers, part, length, None),
            )
        }
        Range::Unsatisfiable => {
            headers.push(header("Content-Range", &format!("bytes */{total}")));
            send_all(
                request,
                Response::new(StatusCode(416), headers, io::empty(), Some(0), None),
            )
        }
    }
}

/// Where the brotli form of a file lies: `app.js` -> `app.js.br`.
pub fn brotli_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_os_string();
    name.push(".");
    name.push(BROTLI);
    PathBuf::from(name)
}

fn value(request: &Request, name: &'static str) -> Option<String> {
    let header = request
        .headers()
        .iter()
        .find(|header| header.field.equiv(name))?;
    Some(header.value.to_string())
}

fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name, value).expect("our headers are ASCII")
}

fn plain(status: u16, text: &str) -> Response<io::Cursor<Vec<u8>>> {
    Response::from_string(text)
        .with_status_code(status)
        .with_header(header("Content-Type", "text/plain; charset=utf-8"))
}

#[cfg(test)]
mod tests;
