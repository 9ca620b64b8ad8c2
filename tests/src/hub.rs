//! A stand-in for the hub, on this machine: it describes models, redirects downloads to a second
//! host, answers ranges, and misbehaves on request.

mod http;

use http::{Answer, Listener, Request, listen};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};

/// The commit of every model here.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What goes wrong with a request for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status instead of the file.
    Status(u16),
    /// Nothing comes after so many bytes, until [`Hub::hang_up`].
    Stall(u64),
    /// No CORS header.
    NoCors,
    /// `Content-Length` says one thing, a longer body comes without an end that is announced.
    Longer,
    /// Other bytes of the same length.
    Corrupt,
    /// The whole instead of the range that was asked for.
    NoRanges,
    /// A redirect to a host that is none of the hub's.
    Elsewhere,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub range: Option<String>,
}

struct Model {
    id: String,
    folder: PathBuf,
}

#[derive(Default)]
struct Shared {
    models: Vec<Model>,
    /// Faults still to come: how a path ends, and what happens.
    faults: Mutex<VecDeque<(String, Fault)>>,
    seen: Mutex<Vec<Seen>>,
    /// Where downloads are redirected to.
    cdn: Mutex<String>,
    /// A host that is none of the hub's.
    stranger: Mutex<String>,
    line: Arc<Line>,
}

/// What stalled answers wait for.
#[derive(Default)]
struct Line {
    cuts: Mutex<u32>,
    cut: Condvar,
}

/// The stand-in: a hub and the host that it redirects downloads to. It stops when dropped.
pub struct Hub {
    shared: Arc<Shared>,
    front: Listener,
    cdn: Listener,
    _stranger: Listener,
}

impl Hub {
    /// Serves folders as models: id and folder.
    ///
    /// # Panics
    /// When no port is free.
    pub fn start(models: &[(&str, PathBuf)]) -> Self {
        let models = models.iter().map(|(id, folder)| Model {
            id: (*id).to_owned(),
            folder: folder.clone(),
        });
        let shared = Arc::new(Shared {
            models: models.collect(),
            ..Shared::default()
        });
        let cdn = listen(answers(&shared, answer_cdn));
        *shared.cdn.lock().expect("no panic before") = cdn.address.clone();
        let stranger = listen(answers(&shared, answer_front));
        *shared.stranger.lock().expect("no panic before") = stranger.address.clone();
        let front = listen(answers(&shared, answer_front));
        Self {
            shared,
            front,
            cdn,
            _stranger: stranger,
        }
    }

    /// What the page's `site.json` says of the hub.
    pub fn settings(&self) -> serde_json::Value {
        json!({ "address": format!("http://{}", self.front.address), "hosts": [self.cdn.address] })
    }

    /// Host and port of the hub.
    pub fn host(&self) -> &str {
        &self.front.address
    }

    /// An address of a model's folder on the second host, which then is just some host.
    pub fn folder(&self, id: &str) -> String {
        format!("http://{}/{id}/{COMMIT}/", self.cdn.address)
    }

    /// The next GET for a path that ends so goes wrong; faults wait in line.
    pub fn fail(&self, ends: &str, fault: Fault) {
        let mut faults = self.shared.faults.lock().expect("no panic before");
        faults.push_back((ends.to_owned(), fault));
    }

    /// Ends the answers that have stalled, short of what they announced.
    pub fn hang_up(&self) {
        *self.shared.line.cuts.lock().expect("no panic before") += 1;
        self.shared.line.cut.notify_all();
    }

    /// The requests for paths that end so.
    pub fn seen(&self, ends: &str) -> Vec<Seen> {
        let seen = self.shared.seen.lock().expect("no panic before");
        seen.iter()
            .filter(|seen| seen.path.ends_with(ends))
            .cloned()
            .collect()
    }

    /// How many requests have come.
    pub fn count(&self) -> usize {
        self.shared.seen.lock().expect("no panic before").len()
    }
}

type Respond = fn(&Shared, &Request, Option<Fault>) -> io::Result<Answer>;

/// Answers that remember what was asked, and go wrong where that is wanted.
fn answers(
    shared: &Arc<Shared>,
    respond: Respond,
) -> impl Fn(&Request) -> io::Result<Answer> + use<> {
    let shared = Arc::clone(shared);
    move |request| respond(&shared, request, note(&shared, request))
}

/// Remembers a request; returns what is to go wrong with it.
fn note(shared: &Shared, request: &Request) -> Option<Fault> {
    shared.seen.lock().expect("no panic before").push(Seen {
        method: request.method.clone(),
        path: request.path.clone(),
        range: request.header("range").map(str::to_owned),
    });
    if request.method != "GET" {
        return None;
    }
    let mut faults = shared.faults.lock().expect("no panic before");
    let at = faults
        .iter()
        .position(|(ends, _)| request.path.ends_with(ends.as_str()))?;
    faults.remove(at).map(|(_, fault)| fault)
}

/// The hub itself: descriptions, and redirects to the files.
fn answer_front(shared: &Shared, request: &Request, fault: Option<Fault>) -> io::Result<Answer> {
    match fault {
        Some(Fault::Status(429)) => {
            return Ok(Answer::new(429, &[("Retry-After", "17".to_owned())]));
        }
        Some(Fault::Status(code)) => return Ok(Answer::new(code, &[])),
        Some(Fault::NoCors) => {
            let mut answer = Answer::new(200, &[]);
            answer.headers.clear();
            return Ok(answer);
        }
        Some(Fault::Elsewhere) => {
            let stranger = shared.stranger.lock().expect("no panic before").clone();
            let to = format!("http://{stranger}{}", request.path);
            return Ok(Answer::new(302, &[("Location", to)]));
        }
        _ => {}
    }
    for model in &shared.models {
        let described = format!("/api/models/{}/revision/", model.id);
        let revision = request.path.strip_prefix(&described);
        if revision.is_some_and(|revision| ["main", COMMIT].contains(&revision)) {
            let body = describe(model)?.to_string();
            let length = ("Content-Length", body.len().to_string());
            let mut answer = Answer::new(200, &[length]);
            answer.body = Box::new(io::Cursor::new(body));
            return Ok(answer);
        }
        if let Some(file) = request
            .path
            .strip_prefix(&format!("/{}/resolve/{COMMIT}/", model.id))
        {
            let cdn = shared.cdn.lock().expect("no panic before").clone();
            let to = format!("http://{cdn}/{}/{COMMIT}/{file}", model.id);
            return Ok(Answer::new(302, &[("Location", to)]));
        }
    }
    Ok(Answer::new(404, &[]))
}

/// What the hub says of a model, in the shape of the real one's answer.
fn describe(model: &Model) -> io::Result<serde_json::Value> {
    let mut siblings = Vec::new();
    for entry in std::fs::read_dir(&model.folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = entry.metadata()?.len();
        let mut sibling = json!({ "rfilename": name, "size": bytes, "blobId": "0" });
        if name.ends_with(".safetensors") {
            let mut hash = Sha256::new();
            io::copy(&mut File::open(entry.path())?, &mut hash)?;
            let sha256 = format!("{:x}", hash.finalize());
            sibling["lfs"] = json!({ "sha256": sha256, "size": bytes, "pointerSize": 134 });
        }
        siblings.push(sibling);
    }
    Ok(json!({
        "id": model.id, "sha": COMMIT, "gated": false, "private": false, "siblings": siblings,
        "safetensors": { "parameters": { "F32": 26_000 }, "total": 26_000 },
    }))
}

/// The host with the files.
fn answer_cdn(shared: &Shared, request: &Request, fault: Option<Fault>) -> io::Result<Answer> {
    let file = shared.models.iter().find_map(|model| {
        let name = request
            .path
            .strip_prefix(&format!("/{}/{COMMIT}/", model.id))?;
        Some(model.folder.join(name)).filter(|file| !name.contains('/') && file.is_file())
    });
    if let Some(Fault::Status(code)) = fault {
        return Ok(Answer::new(code, &[]));
    }
    let Some(file) = file else {
        return Ok(Answer::new(404, &[]));
    };
    let mut opened = File::open(&file)?;
    let total = opened.metadata()?.len();
    let first = request.header("range").and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse::<u64>()
            .ok()
    });
    let first = first.filter(|_| fault != Some(Fault::NoRanges));
    if first.is_some_and(|first| first >= total) {
        return Ok(Answer::new(416, &[]));
    }
    let mut headers = vec![("ETag", format!("\"{total}\""))];
    if let Some(first) = first {
        opened.seek(SeekFrom::Start(first))?;
        headers.push((
            "Content-Range",
            format!("bytes {first}-{}/{total}", total - 1),
        ));
    }
    if fault != Some(Fault::Longer) {
        let length = total - first.unwrap_or(0);
        headers.push(("Content-Length", length.to_string()));
    }
    let mut answer = Answer::new(if first.is_some() { 206 } else { 200 }, &headers);
    answer.body = match fault {
        Some(Fault::Stall(bytes)) => {
            let silence = Silence(Arc::clone(&shared.line));
            Box::new(opened.take(bytes).chain(silence))
        }
        Some(Fault::Longer) => Box::new(opened.chain(io::repeat(7).take(4096))),
        Some(Fault::Corrupt) => Box::new(Corrupt(opened)),
        _ => Box::new(opened),
    };
    Ok(answer)
}

/// Never a byte, and no end before the line is cut.
struct Silence(Arc<Line>);

impl Read for Silence {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        let cuts = self.0.cuts.lock().expect("no panic before");
        let before = *cuts;
        let waited = self.0.cut.wait_while(cuts, |cuts| *cuts == before);
        drop(waited.expect("no panic before"));
        Ok(0)
    }
}

/// A file whose last byte of every piece is another.
struct Corrupt(File);

impl Read for Corrupt {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.read(buffer)?;
        if let Some(last) = bytes.checked_sub(1) {
            // The lowest bit of a number's lowest byte: still a number, not the same.
            buffer[last & !3] ^= 1;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpStream;

    /// An answer's head and body, as they are sent.
    fn ask(hub: &Hub, path: &str, range: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(&hub.cdn.address).expect("a connection");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n{range}\r\n").expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        (head, answer[end + 4..].to_vec())
    }

    #[test]
    fn ranges_and_faults_are_served() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let bytes: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
        std::fs::write(folder.path().join("a.bin"), &bytes).expect("a file");
        let hub = Hub::start(&[("a/b", folder.path().to_owned())]);
        let path = format!("/a/b/{COMMIT}/a.bin");
        let (head, body) = ask(&hub, &path, "Range: bytes=99990-\r\n");
        assert!(
            head.contains("206") && head.contains("bytes 99990-99999/100000"),
            "{head}"
        );
        assert_eq!(body, bytes[99_990..]);
        hub.fail("a.bin", Fault::Stall(4000));
        let (head, body) = std::thread::scope(|scope| {
            let asking = scope.spawn(|| ask(&hub, &path, ""));
            while !asking.is_finished() {
                hub.hang_up();
                std::thread::yield_now();
            }
            asking.join().expect("an answer")
        });
        assert!(head.contains("Content-Length: 100000"), "{head}");
        assert_eq!(body, bytes[..4000]);
        assert_eq!(ask(&hub, &path, "").1, bytes);
        assert_eq!(hub.seen("a.bin")[0].range.as_deref(), Some("bytes=99990-"));
    }
}
