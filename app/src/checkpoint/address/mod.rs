//! The name or address of a checkpoint, as someone types it or a link carries it.
//!
//! Parsed once, here, into what can only mean one thing: a Hugging Face id with a revision, or a
//! folder at an address. Everything that could lead elsewhere (credentials, `..`, other schemes,
//! queries) is refused with a reason.

use crate::recipe::host;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest name or address that is looked at.
pub const MAX_ADDRESS: usize = 512;
/// Longest id of a model on the hub.
const MAX_ID: usize = 96;
/// What the hub calls its default branch.
const MAIN: &str = "main";
/// The hub, as its addresses are pasted.
const HUB_HOSTS: [&str; 2] = ["huggingface.co", "hf.co"];

/// Where a checkpoint is. It reads back from its own text: `Address::parse(&a.to_string())` is `a`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// A model on the hub.
    Hub {
        /// `owner/name`, or only `name`.
        id: String,
        /// A branch, a tag or a commit.
        revision: String,
    },
    /// A folder of files on some host.
    Web {
        /// `https://host/path/` with a slash at the end.
        folder: String,
        /// The weights' name in it.
        weights: String,
    },
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAddress(pub String);

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadAddress {}

fn bad<T>(reason: impl Into<String>) -> Result<T, BadAddress> {
    Err(BadAddress(reason.into()))
}

/// The weights' name where an address does not give one.
pub const WEIGHTS: &str = "model.safetensors";

impl Address {
    /// Reads `owner/name`, `owner/name@revision`, or an `https://` address of a folder or of its
    /// `.safetensors` or `.bin` file. An address of a model's page on the hub is that model.
    ///
    /// # Errors
    /// The first rule that is broken, in words for the visitor.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let text = text.trim();
        if text.is_empty() {
            return bad("nothing was typed");
        }
        if text.len() > MAX_ADDRESS {
            return bad(format!("it is longer than {MAX_ADDRESS} characters"));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return bad("it has a space or a control character in it");
        }
        if text.contains("://") {
            web(text)
        } else {
            hub(text)
        }
    }

    /// The host that is asked, with its port; `None` for the hub, wherever that is.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Hub { .. } => None,
            Self::Web { folder, .. } => folder.split('/').nth(2),
        }
    }

    /// What to call the checkpoint.
    pub fn name(&self) -> &str {
        match self {
            Self::Hub { id, .. } => id,
            Self::Web { folder, .. } => {
                let path = folder.trim_end_matches('/');
                path.rsplit('/').next().unwrap_or(path)
            }
        }
    }

    /// Whether it names one state of the checkpoint for ever.
    pub fn is_pinned(&self) -> bool {
        matches!(self, Self::Hub { revision, .. } if is_commit(revision))
    }

    /// The same model as its host has it by now.
    pub fn newest(&self) -> Self {
        self.at(MAIN)
    }

    /// The same model at a commit.
    pub fn at(&self, commit: &str) -> Self {
        match self {
            Self::Hub { id, .. } => Self::Hub {
                id: id.clone(),
                revision: commit.to_owned(),
            },
            Self::Web { .. } => self.clone(),
        }
    }
}

/// Whether a revision is a commit: 40 hexadecimal digits.
pub fn is_commit(revision: &str) -> bool {
    is_hex(revision, 40)
}

/// Whether a text is so many hexadecimal digits and nothing else.
pub(super) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub { id, revision } if revision == MAIN => f.write_str(id),
            Self::Hub { id, revision } => write!(f, "{id}@{revision}"),
            Self::Web { folder, weights } if weights == WEIGHTS => f.write_str(folder),
            Self::Web { folder, weights } => write!(f, "{folder}{weights}"),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = BadAddress;

    fn try_from(text: String) -> Result<Self, BadAddress> {
        Self::parse(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

fn hub(text: &str) -> Result<Address, BadAddress> {
    let (id, revision) = text.split_once('@').unwrap_or((text, MAIN));
    check_id(id)?;
    check_revision(revision)?;
    Ok(Address::Hub {
        id: id.to_owned(),
        revision: revision.to_owned(),
    })
}

/// The hub's own rules for ids, as the Python library `huggingface_hub` states them.
fn check_id(id: &str) -> Result<(), BadAddress> {
    if id.len() > MAX_ID {
        return bad(format!("a model's id has at most {MAX_ID} characters"));
    }
    let parts: Vec<&str> = id.split('/').collect();
    if parts.len() > 2 {
        return bad("a model's id is `owner/name`, with one slash at most");
    }
    for part in parts {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if part.is_empty() || !part.bytes().all(allowed) {
            return bad("a model's id is `owner/name` of letters, digits, `-`, `_` and `.`");
        }
        if part.starts_with(['-', '.']) || part.ends_with(['-', '.']) {
            return bad("neither part of a model's id begins or ends with `-` or `.`");
        }
    }
    if id.contains("--") || id.contains("..") {
        return bad("a model's id has no `--` and no `..` in it");
    }
    if id.ends_with(".git") {
        return bad("a model's id does not end in `.git`");
    }
    Ok(())
}

fn check_revision(revision: &str) -> Result<(), BadAddress> {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    let fits = (1..=128).contains(&revision.len()) && revision.bytes().all(allowed);
    let steps = revision.split('/');
    if !fits
        || steps
            .into_iter()
            .any(|step| step.is_empty() || step.starts_with('.'))
    {
        return bad("what follows the `@` is the name of a branch, a tag or a commit");
    }
    if revision.contains("..") {
        return bad("a revision has no `..` in it");
    }
    Ok(())
}

fn web(text: &str) -> Result<Address, BadAddress> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    };
    let scheme = scheme.to_ascii_lowercase();
    let authority = match host::authority(&scheme, authority) {
        Ok(authority) => authority,
        Err(reason) => return bad(reason),
    };
    match scheme.as_str() {
        "https" => {}
        "http" if host::is_this_machine(&authority) => {}
        "http" => return bad("it begins with `http://`; only `https://` addresses are opened"),
        _ => return bad("only `https://` addresses are opened"),
    }
    check_path(path)?;
    if HUB_HOSTS.contains(&authority.as_str()) {
        return hub_page(path);
    }
    let (folder, weights) = match path.rsplit_once('/') {
        Some((folder, file)) if file.ends_with(".safetensors") || file.ends_with(".bin") => {
            (folder, file)
        }
        Some((_, file)) if file.contains('.') && FOREIGN.iter().any(|e| file.ends_with(e)) => {
            return bad(format!(
                "`{file}` is no file of weights that is read here; give the folder, or the `.safetensors` or \
                 `.bin` in it"
            ));
        }
        _ => (path.trim_end_matches('/'), WEIGHTS),
    };
    Ok(Address::Web {
        folder: format!("{scheme}://{authority}{folder}/"),
        weights: weights.to_owned(),
    })
}

/// Ends of files that are not a folder.
const FOREIGN: [&str; 5] = [".pt", ".gguf", ".onnx", ".json", ".zip"];

fn check_path(path: &str) -> Result<(), BadAddress> {
    if path.contains(['?', '#']) {
        return bad("it has a `?` or a `#` in it; give the address of the folder itself");
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+@,=/".contains(&byte);
    if !path.bytes().all(allowed) {
        return bad("its path has other characters than letters, digits and `-_.~+@,=`");
    }
    if path.contains("//") {
        return bad("its path has an empty step in it");
    }
    if path.split('/').any(|step| step == "." || step == "..") {
        return bad("its path has a `.` or `..` step in it");
    }
    Ok(())
}

/// `/owner/name`, `/owner/name/tree/revision` and the like.
fn hub_page(path: &str) -> Result<Address, BadAddress> {
    let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
    match steps.as_slice() {
        [name] => hub(name),
        [owner, name] => hub(&format!("{owner}/{name}")),
        [owner, name, "tree", revision @ ..] if !revision.is_empty() => {
            hub(&format!("{owner}/{name}@{}", revision.join("/")))
        }
        [owner, name, "blob" | "resolve", revision, _file, ..] => {
            hub(&format!("{owner}/{name}@{revision}"))
        }
        _ => bad("it is not the address of a model's page on the hub"),
    }
}

#[cfg(test)]
mod tests;
