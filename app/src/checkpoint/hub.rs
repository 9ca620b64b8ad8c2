//! The hub's addresses, and its answer about a model: untrusted, and long.

use super::address::{Address, is_commit, is_hex};
use crate::checkpoint::{Hub, Listing, RemoteFile, Role};
use crate::failure::Failure;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Longest answer that is read.
pub const ANSWER_BYTES: usize = 8 << 20;
/// Larger than any file of a checkpoint that could run here; what claims more is lying.
const MAX_BYTES: u64 = 64 << 30;

/// What the hub says of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    pub listing: Listing,
    pub parameters: Option<u64>,
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    sha: String,
    #[serde(default)]
    gated: serde_json::Value,
    #[serde(default)]
    siblings: Vec<Sibling>,
    #[serde(default)]
    safetensors: Option<Counts>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    #[serde(default)]
    sha256: Option<String>,
    #[serde(default)]
    size: Option<u64>,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    parameters: BTreeMap<String, u64>,
}

/// A step of a path, where a revision's own slashes must not count as steps.
pub(super) fn escaped(revision: &str) -> String {
    revision.replace('/', "%2F")
}

/// Where the hub describes a model: its commit, its files, their sizes and hashes.
pub fn description_url(hub: &Hub, id: &str, revision: &str) -> String {
    let revision = escaped(revision);
    format!(
        "{}/api/models/{id}/revision/{revision}?blobs=true",
        hub.address
    )
}

/// Where a file of a model is.
pub fn file_url(hub: &Hub, id: &str, revision: &str, file: &str) -> String {
    format!("{}/{id}/resolve/{}/{file}", hub.address, escaped(revision))
}

/// The host and port of an address without a path: `https://host:1` -> `host:1`.
pub fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// Whether the hub may send a download to a host.
pub fn is_of_the_hub(hub: &Hub, host: &str) -> bool {
    let below = |known: &String| {
        host == known.as_str()
            || host
                .strip_suffix(known.as_str())
                .is_some_and(|rest| rest.ends_with('.'))
    };
    host == host_of(&hub.address) || hub.hosts.iter().any(below)
}

/// Reads the hub's answer about the model that was asked for.
///
/// # Errors
/// When it is not such an answer, or the model cannot be loaded here, with the reason.
pub fn describe(asked: &Address, answer: &[u8]) -> Result<Described, Failure> {
    let strange = |details: String| {
        Failure::new(
            "The hub's answer cannot be read",
            format!("What it said of {asked} is not what a hub says."),
            "Try again later, or open the checkpoint's files from your disk.",
        )
        .with_details(details)
    };
    let answer: Answer =
        serde_json::from_slice(answer).map_err(|error| strange(error.to_string()))?;
    if !is_commit(&answer.sha) {
        return Err(strange("`sha` is not a commit".to_owned()));
    }
    // A model may have moved: from here on it has its present name.
    let moved = Address::parse(&format!("{}@{}", answer.id, answer.sha));
    let address = moved.map_err(|error| strange(format!("`id`: {error}")))?;
    let is_gated = !matches!(
        answer.gated,
        serde_json::Value::Null | serde_json::Value::Bool(false)
    );
    if is_gated {
        return Err(gated(asked));
    }

    let file = |role, name: &str| {
        let found = answer.siblings.iter().find(|s| s.rfilename == name)?;
        let lfs = found.lfs.as_ref();
        let hash = lfs.and_then(|lfs| lfs.sha256.as_ref());
        Some(RemoteFile {
            role,
            name: name.to_owned(),
            bytes: lfs.and_then(|lfs| lfs.size).or(found.size),
            sha256: hash.filter(|hash| is_hex(hash, 64)).cloned(),
        })
    };
    let mut files: Vec<RemoteFile> = Role::CHECKPOINT
        .into_iter()
        .filter_map(|role| match role {
            Role::Weights => WEIGHTS.into_iter().find_map(|name| file(role, name)),
            _ => file(role, role.file_name()?),
        })
        .collect();
    leave_out_spare(&mut files);
    if files
        .iter()
        .any(|file| file.bytes.is_some_and(|bytes| bytes > MAX_BYTES))
    {
        return Err(strange("a file of more than 64 GiB".to_owned()));
    }
    let listing = Listing {
        address,
        asked: asked.clone(),
        files,
    };
    let names: Vec<&str> = answer
        .siblings
        .iter()
        .map(|s| s.rfilename.as_str())
        .collect();
    check_complete(&listing, &names)?;
    let parameters = answer.safetensors.map(|counts| {
        let counts = counts.parameters.values();
        counts.fold(0u64, |sum, count| sum.saturating_add(*count))
    });
    Ok(Described {
        listing,
        parameters: parameters.filter(|&count| count > 0),
    })
}

/// The names of files of weights, the best first.
pub const WEIGHTS: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

/// Leaves out a second vocabulary, which nothing would read.
fn leave_out_spare(files: &mut Vec<RemoteFile>) {
    let has = |role| files.iter().any(|file: &RemoteFile| file.role == role);
    if has(Role::TokenizerJson) || has(Role::VocabTxt) {
        files.retain(|file| !matches!(file.role, Role::VocabJson | Role::MergesTxt));
    }
}

/// A model that asks for a login.
pub fn gated(asked: &Address) -> Failure {
    Failure::new(
        format!("{asked} is not open to everyone"),
        "Its owners let only those download it who log in and agree to their terms; this page has \
         no log-in.",
        "Download it with your own account and drop its folder here.",
    )
}

/// Whether the files make a checkpoint; `names` are all files that there are.
///
/// # Errors
/// What is missing, and what to do about it.
fn check_complete(listing: &Listing, names: &[&str]) -> Result<(), Failure> {
    let asked = &listing.asked;
    if listing.file(Role::Weights).is_none() {
        let has = |ends: &str| names.iter().any(|name| name.ends_with(ends));
        let (cause, advice) =
            if has("model.safetensors.index.json") || has("pytorch_model.bin.index.json") {
                (
                    "Its weights are split over several files.",
                    "Save it as one file with transformers, \
                 model.save_pretrained(folder, max_shard_size=\"100GB\"), and drop that folder.",
                )
            } else {
                (
                    "There is no model.safetensors or pytorch_model.bin in it.",
                    "Look whether it is a model of the transformers library at all.",
                )
            };
        return Err(Failure::new(
            format!("{asked} cannot be loaded"),
            cause,
            advice,
        ));
    }
    if listing.file(Role::Config).is_none() {
        return Err(Failure::new(
            format!("{asked} cannot be loaded"),
            "There is no config.json in it.",
            "Look whether it is a model of the transformers library at all.",
        ));
    }
    if !Role::make_vocabulary(|role| listing.file(role).is_some()) {
        return Err(Failure::new(
            format!("{asked} cannot be loaded"),
            "It has neither tokenizer.json nor vocab.txt.",
            "Save its tokenizer with transformers as a fast tokenizer, and drop the folder here.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "86b5e0934494bd15c9632b12f734a8a67f723594";

    fn asked() -> Address {
        Address::parse("bert-base-uncased").unwrap()
    }

    fn answer(siblings: &str) -> String {
        format!(
            r#"{{"_id": "x", "id": "google-bert/bert-base-uncased", "sha": "{SHA}", "gated": false,
               "tags": ["x"], "siblings": {siblings},
               "safetensors": {{"parameters": {{"F32": 110106428}}, "total": 110106428}}}}"#
        )
    }

    fn whole() -> String {
        let hash = "ab".repeat(32);
        answer(&format!(
            r#"[{{"rfilename": "config.json", "size": 570, "blobId": "x"}},
                {{"rfilename": "model.safetensors", "size": 440449768,
                  "lfs": {{"sha256": "{hash}", "size": 440449768, "pointerSize": 134}}}},
                {{"rfilename": "onnx/tokenizer.json", "size": 3}},
                {{"rfilename": "vocab.txt", "size": 231508}}]"#
        ))
    }

    fn refusal(answer: &str) -> String {
        let failure = describe(&asked(), answer.as_bytes()).unwrap_err();
        format!(
            "{} {} {}",
            failure.title,
            failure.cause,
            failure.details.unwrap_or_default()
        )
    }

    #[test]
    fn a_model_is_pinned_to_its_commit_and_present_name() {
        let described = describe(&asked(), whole().as_bytes()).unwrap();
        let listing = described.listing;
        assert_eq!(
            listing.address.to_string(),
            format!("google-bert/bert-base-uncased@{SHA}")
        );
        assert_eq!(listing.asked, asked());
        assert_eq!(listing.bytes(), Some(440_449_768 + 570 + 231_508));
        assert_eq!(
            listing.file(Role::Weights).unwrap().sha256,
            Some("ab".repeat(32))
        );
        assert_eq!(
            listing.file(Role::TokenizerJson),
            None,
            "only what lies at the top"
        );
        assert_eq!(described.parameters, Some(110_106_428));
    }

    #[test]
    fn an_older_file_and_an_older_vocabulary_do_where_there_are_no_newer_ones() {
        let names = |names: &[&str]| {
            let file = |name: &&str| format!(r#"{{"rfilename": "{name}"}}"#);
            let files: Vec<_> = names.iter().map(file).collect();
            let described = describe(
                &asked(),
                answer(&format!("[{}]", files.join(","))).as_bytes(),
            );
            let files = described.expect("a model").listing.files;
            files.into_iter().map(|file| file.name).collect::<Vec<_>>()
        };
        let old = [
            "pytorch_model.bin",
            "config.json",
            "vocab.json",
            "merges.txt",
        ];
        assert_eq!(names(&old), old);
        let both = [
            &old[..],
            &["tokenizer.json", "model.safetensors", "optimizer.pt"],
        ]
        .concat();
        assert_eq!(
            names(&both),
            ["model.safetensors", "config.json", "tokenizer.json"]
        );
    }

    #[test]
    fn what_cannot_be_loaded_is_said_before_anything_is_fetched() {
        let nested = r#"[{"rfilename": "config.json"}, {"rfilename": "a/pytorch_model.bin"}]"#;
        assert!(refusal(&answer(nested)).contains("or pytorch_model.bin in it"));
        let shards = r#"[{"rfilename": "model.safetensors.index.json"}]"#;
        assert!(refusal(&answer(shards)).contains("split over several"));
        let bare = r#"[{"rfilename": "config.json"}, {"rfilename": "model.safetensors"}]"#;
        assert!(refusal(&answer(bare)).contains("neither tokenizer.json nor vocab.txt"));
        assert!(refusal(&answer("[]")).contains("no model.safetensors"));
        let gated = whole().replace("\"gated\": false", "\"gated\": \"manual\"");
        assert!(refusal(&gated).contains("not open to everyone"));
    }

    #[test]
    fn a_strange_answer_is_refused() {
        for (answer, word) in [
            ("<!doctype html>".to_owned(), "expected value"),
            ("{}".to_owned(), "missing field"),
            (whole().replace(SHA, "main"), "not a commit"),
            (whole().replace("google-bert/", "../"), "`id`"),
            (whole().replace("440449768", "99999999999999"), "64 GiB"),
        ] {
            let said = refusal(&answer);
            assert!(said.contains(word), "{said}");
        }
    }

    #[test]
    fn addresses_keep_a_revision_in_one_step() {
        let hub = Hub::default();
        assert_eq!(
            file_url(&hub, "a/b", "refs/pr/1", "config.json"),
            "https://huggingface.co/a/b/resolve/refs%2Fpr%2F1/config.json"
        );
        assert_eq!(
            description_url(&hub, "a/b", "main"),
            "https://huggingface.co/api/models/a/b/revision/main?blobs=true"
        );
    }

    #[test]
    fn only_the_hubs_own_hosts_are_the_hubs() {
        let hub = Hub::default();
        for host in [
            "huggingface.co",
            "cdn-lfs.huggingface.co",
            "cas-bridge.xethub.hf.co",
        ] {
            assert!(is_of_the_hub(&hub, host), "{host}");
        }
        for host in ["huggingface.co.evil.example", "evilhf.co", "", "co"] {
            assert!(!is_of_the_hub(&hub, host), "{host}");
        }
        assert_eq!(host_of("http://127.0.0.1:80/x"), "127.0.0.1:80");
    }
}
