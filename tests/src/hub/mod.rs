//! A stand-in for the hub, on this machine: it describes models, sends small files itself, redirects
//! large ones to a second host, answers ranges, and misbehaves on request.

mod answer;
mod gzip;

use answer::{Answer, takes_gzip};
use gzip::gzip;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use xtask::server::{Reply, Request, Server};

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
    /// What many hosts do, and no fault at all: a text comes compressed to who takes that, and of the
    /// headers other pages may read its length alone.
    Gzip,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub range: Option<String>,
    /// Whether the answer may be compressed.
    pub takes_gzip: bool,
}

struct Model {
    id: String,
    folder: PathBuf,
}

impl Model {
    /// The file of this name, where there is one.
    fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.join(name)).filter(|file| !name.contains('/') && file.is_file())
    }
}

#[derive(Default)]
struct Shared {
    models: Vec<Model>,
    /// Faults still to come: how a path ends, and what happens.
    faults: Mutex<VecDeque<(String, Fault)>>,
    /// How all texts come, faults apart.
    compresses: AtomicBool,
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
    front: Server,
    cdn: Server,
    _stranger: Server,
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
        let listen = |respond| {
            let answering = Server::answering(answers(&shared, respond));
            answering.expect("a free port")
        };
        let cdn = listen(answer_cdn);
        *shared.cdn.lock().expect("no panic before") = cdn.host();
        let stranger = listen(answer_front);
        *shared.stranger.lock().expect("no panic before") = stranger.host();
        let front = listen(answer_front);
        Self {
            shared,
            front,
            cdn,
            _stranger: stranger,
        }
    }

    /// What the page's `site.json` says of the hub.
    pub fn settings(&self) -> serde_json::Value {
        json!({ "address": format!("http://{}", self.front.host()), "hosts": [self.cdn.host()] })
    }

    /// Host and port of the hub.
    pub fn host(&self) -> String {
        self.front.host()
    }

    /// An address of a model's folder on the second host, which then is just some host.
    pub fn folder(&self, id: &str) -> String {
        format!("http://{}/{id}/{COMMIT}/", self.cdn.host())
    }

    /// The next GET for a path that ends so goes wrong; faults wait in line.
    pub fn fail(&self, ends: &str, fault: Fault) {
        let mut faults = self.shared.faults.lock().expect("no panic before");
        faults.push_back((ends.to_owned(), fault));
    }

    /// From now on all that can come as [`Fault::Gzip`] does.
    pub fn compress(&self) {
        self.shared.compresses.store(true, Ordering::SeqCst);
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
fn answers(shared: &Arc<Shared>, respond: Respond) -> impl Fn(&Request) -> Reply + use<> {
    let shared = Arc::clone(shared);
    move |request| {
        let answer = respond(&shared, request, note(&shared, request));
        // A file that cannot be read is the test's own fault.
        answer.unwrap_or_else(|_| Answer::new(500, &[])).0
    }
}

/// Remembers a request; returns what is to go wrong with it.
fn note(shared: &Shared, request: &Request) -> Option<Fault> {
    shared.seen.lock().expect("no panic before").push(Seen {
        method: request.method().to_owned(),
        path: request.path().to_owned(),
        range: request.header("range").map(str::to_owned),
        takes_gzip: takes_gzip(request),
    });
    let compresses = shared.compresses.load(Ordering::SeqCst);
    let usual = compresses.then_some(Fault::Gzip);
    if request.method() != "GET" {
        return usual;
    }
    let mut faults = shared.faults.lock().expect("no panic before");
    let at = faults
        .iter()
        .position(|(ends, _)| request.path().ends_with(ends.as_str()));
    match at.and_then(|at| faults.remove(at)) {
        Some((_, fault)) => Some(fault),
        None => usual,
    }
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
            answer.0.headers.clear();
            return Ok(answer);
        }
        Some(Fault::Elsewhere) => {
            let stranger = shared.stranger.lock().expect("no panic before").clone();
            let to = format!("http://{stranger}{}", request.path());
            return Ok(Answer::new(302, &[("Location", to)]));
        }
        _ => {}
    }
    for model in &shared.models {
        let described = format!("/api/models/{}/revision/", model.id);
        let revision = request.path().strip_prefix(&described);
        if revision.is_some_and(|revision| ["main", COMMIT].contains(&revision)) {
            let body = describe(model)?.to_string().into_bytes();
            return Ok(match fault {
                Some(Fault::Gzip) if takes_gzip(request) => Answer::compressed(gzip(&body)),
                _ => Answer::whole(body, &[]),
            });
        }
        let id = &model.id;
        let below = |folder: String| request.path().strip_prefix(&folder);
        if let Some(name) = below(format!("/{id}/resolve/{COMMIT}/")) {
            let (status, to) = if model.file(name).is_none() {
                return Ok(Answer::new(404, &[]));
            } else if is_large(name) {
                let cdn = shared.cdn.lock().expect("no panic before").clone();
                (302, format!("http://{cdn}/{id}/{COMMIT}/{name}"))
            } else {
                (
                    307,
                    format!("/api/resolve-cache/models/{id}/{COMMIT}/{name}"),
                )
            };
            return Ok(Answer::new(status, &[("Location", to)]));
        }
        if let Some(name) = below(format!("/api/resolve-cache/models/{id}/{COMMIT}/")) {
            return answer_file(shared, request, fault, model.file(name));
        }
    }
    Ok(Answer::new(404, &[]))
}

/// Whether a file is kept where large files are.
fn is_large(name: &str) -> bool {
    name.ends_with(".safetensors") || name.ends_with(".bin")
}

/// What the hub says of a model, in the shape of the real one's answer.
fn describe(model: &Model) -> io::Result<serde_json::Value> {
    let mut siblings = Vec::new();
    for entry in std::fs::read_dir(&model.folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = entry.metadata()?.len();
        let mut sibling = json!({ "rfilename": name, "size": bytes, "blobId": "0" });
        if is_large(&name) {
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
        let folder = format!("/{}/{COMMIT}/", model.id);
        model.file(request.path().strip_prefix(&folder)?)
    });
    answer_file(shared, request, fault, file)
}

/// A file, whole or from a byte on.
fn answer_file(
    shared: &Shared,
    request: &Request,
    fault: Option<Fault>,
    file: Option<PathBuf>,
) -> io::Result<Answer> {
    if let Some(Fault::Status(code)) = fault {
        return Ok(Answer::new(code, &[]));
    }
    let Some(file) = file else {
        return Ok(Answer::new(404, &[]));
    };
    let is_text = !is_large(&file.to_string_lossy());
    if fault == Some(Fault::Gzip) && is_text && takes_gzip(request) {
        return Ok(Answer::compressed(gzip(&std::fs::read(&file)?)));
    }
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
    let mut answer = Answer::new(if first.is_some() { 206 } else { 200 }, &headers);
    answer.0.length = (fault != Some(Fault::Longer)).then_some(total - first.unwrap_or(0));
    if fault == Some(Fault::Gzip) {
        answer.show_length_alone();
    }
    answer.0.body = match fault {
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
mod tests;
