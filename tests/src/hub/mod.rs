//! A stand-in for the hub, on this machine: it describes models, sends small files itself, redirects
//! large ones to a second host, answers ranges, and misbehaves on request.

mod answer;
mod file;
mod gzip;
mod pulls;

use answer::{Answer, takes_gzip};
use file::answer_file;
use gzip::gzip;
use pulls::answer_pulls;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use xtask::server::{Reply, Request, Server};

/// The commit of every model here.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// The newest commit of a pull request here.
pub fn pull_commit(number: u64) -> String {
    format!("{number:040x}")
}

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
    commit: String,
    /// Set for a pull request's files: its number, and who opened it.
    pull: Option<(u64, String)>,
}

impl Model {
    /// The file of this name, where there is one.
    fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.join(name)).filter(|file| !name.contains('/') && file.is_file())
    }
}

#[derive(Default)]
struct Shared {
    models: Mutex<Vec<Arc<Model>>>,
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

impl Shared {
    fn models(&self) -> Vec<Arc<Model>> {
        self.models.lock().expect("no panic before").clone()
    }
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
        let models = models.iter().map(|(id, folder)| {
            Arc::new(Model {
                id: (*id).to_owned(),
                folder: folder.clone(),
                commit: COMMIT.to_owned(),
                pull: None,
            })
        });
        let shared = Arc::new(Shared {
            models: Mutex::new(models.collect()),
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

    /// Opens a pull request on a model, with these files on top of its newest commit.
    pub fn pull(&self, id: &str, number: u64, author: &str, folder: PathBuf) {
        let pull = Model {
            id: id.to_owned(),
            folder,
            commit: pull_commit(number),
            pull: Some((number, author.to_owned())),
        };
        let mut models = self.shared.models.lock().expect("no panic before");
        models.push(Arc::new(pull));
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
    if let Some(answer) = answer_pulls(shared, request) {
        return Ok(answer);
    }
    for model in shared.models() {
        let described = format!("/api/models/{}/revision/", model.id);
        let revision = request.path().strip_prefix(&described);
        let is_newest = |revision: &str| revision == "main" && model.pull.is_none();
        if revision.is_some_and(|revision| revision == model.commit || is_newest(revision)) {
            let body = describe(&model)?.to_string().into_bytes();
            return Ok(match fault {
                Some(Fault::Gzip) if takes_gzip(request) => Answer::compressed(gzip(&body)),
                _ => Answer::whole(body, &[]),
            });
        }
        let (id, commit) = (&model.id, &model.commit);
        let below = |folder: String| request.path().strip_prefix(&folder);
        if let Some(name) = below(format!("/{id}/resolve/{commit}/")) {
            let (status, to) = if model.file(name).is_none() {
                return Ok(Answer::new(404, &[]));
            } else if is_large(name) {
                let cdn = shared.cdn.lock().expect("no panic before").clone();
                (302, format!("http://{cdn}/{id}/{commit}/{name}"))
            } else {
                (
                    307,
                    format!("/api/resolve-cache/models/{id}/{commit}/{name}"),
                )
            };
            return Ok(Answer::new(status, &[("Location", to)]));
        }
        if let Some(name) = below(format!("/api/resolve-cache/models/{id}/{commit}/")) {
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
        "id": model.id, "sha": model.commit, "gated": false, "private": false, "siblings": siblings,
        "safetensors": { "parameters": { "F32": 26_000 }, "total": 26_000 },
    }))
}

/// The host with the files.
fn answer_cdn(shared: &Shared, request: &Request, fault: Option<Fault>) -> io::Result<Answer> {
    let file = shared.models().iter().find_map(|model| {
        let folder = format!("/{}/{}/", model.id, model.commit);
        model.file(request.path().strip_prefix(&folder)?)
    });
    answer_file(shared, request, fault, file)
}

#[cfg(test)]
mod tests;
