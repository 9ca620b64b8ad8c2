//! What `site.json` says: the choices of whoever hosts the page.
//!
//! The build adds to it what the default checkpoint's files are; see `xtask`.

use crate::checkpoint::{Hub, Source, planes};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Longest name of a checkpoint, in characters.
const NAME_CHARS: usize = 80;

/// The host's choices. Everything in it has been checked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Site {
    /// The checkpoint that a visitor finds.
    pub default: Bundle,
    #[serde(default)]
    pub hub: Hub,
}

/// A checkpoint that is published with the page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Bundle {
    /// What the page calls it.
    pub name: String,
    /// Relative to the page, without a slash at the end.
    pub folder: String,
    /// By the names of its files; empty where the build has not listed them.
    #[serde(default)]
    pub files: BTreeMap<String, FileFacts>,
    /// Its weights, once they are unpacked.
    #[serde(default)]
    pub weights: Option<FileFacts>,
}

/// What a file is known to be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FileFacts {
    pub bytes: u64,
    /// 64 lower-case hexadecimal digits.
    pub sha256: String,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            default: Bundle {
                name: "Seedling".into(),
                folder: "models/seedling".into(),
                files: BTreeMap::new(),
                weights: None,
            },
            hub: Hub::default(),
        }
    }
}

impl Site {
    /// Reads `site.json`.
    ///
    /// # Errors
    /// In words, when it is not such a file or names something the page would not touch.
    pub fn parse(text: &str) -> Result<Self, String> {
        let site: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        site.default.check()?;
        check_hub(&site.hub)?;
        Ok(site)
    }

    /// The default checkpoint as something to load.
    pub fn bundled(&self) -> Source {
        let Bundle {
            name,
            folder,
            files,
            weights,
        } = &self.default;
        Source::Bundled {
            name: name.clone(),
            folder: folder.clone(),
            sha256: weights.as_ref().map(|facts| facts.sha256.clone()),
            packed: files.contains_key(planes::NAME),
        }
    }
}

impl Bundle {
    fn check(&self) -> Result<(), String> {
        let name = self.name.trim();
        if name.is_empty() || self.name.chars().count() > NAME_CHARS {
            return Err(format!(
                "the default's name needs 1 to {NAME_CHARS} characters"
            ));
        }
        if self.name.chars().any(char::is_control) {
            return Err("the default's name holds a control character".into());
        }
        if !is_inside(&self.folder) {
            return Err(format!("`{}` is not a folder beside the page", self.folder));
        }
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_sum = |sum: &str| sum.len() == 64 && sum.bytes().all(is_digit);
        for (name, facts) in &self.files {
            if !is_inside(name) || !is_sum(&facts.sha256) {
                return Err(format!(
                    "the default's file `{name}` is not described right"
                ));
            }
        }
        match &self.weights {
            Some(facts) if !is_sum(&facts.sha256) => {
                Err("the default's weights are not described right".into())
            }
            _ => Ok(()),
        }
    }
}

fn check_hub(hub: &Hub) -> Result<(), String> {
    let refused = || format!("the hub's address `{}` is not one", hub.address);
    let (scheme, host) = hub.address.split_once("://").ok_or_else(refused)?;
    if !is_host(host) {
        return Err(refused());
    }
    let name = host.split(':').next().unwrap_or_default();
    match scheme {
        "https" => {}
        "http" if ["localhost", "127.0.0.1"].contains(&name) => {}
        _ => {
            return Err(format!("the hub's address `{}` needs https", hub.address));
        }
    }
    match hub.hosts.iter().find(|host| !is_host(host)) {
        Some(host) => Err(format!("`{host}` is not a host's name")),
        None => Ok(()),
    }
}

/// Whether an address can only mean something below the page's own folder.
fn is_inside(path: &str) -> bool {
    let plain = |c: char| !c.is_control() && !['\\', ':', '?', '#', '%'].contains(&c);
    path.chars().all(plain)
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

/// Whether this is a host's name in its plain form, with a port or without.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    };
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let label = |part: &str| {
        !part.is_empty()
            && part.bytes().all(is_plain)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    name.len() <= 253
        && name.split('.').all(label)
        && port.is_none_or(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parse(value: &Value) -> Result<Site, String> {
        Site::parse(&value.to_string())
    }

    fn shipped() -> Value {
        let text = include_str!("../../static/site.json");
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn the_shipped_file_says_what_the_default_says() {
        assert_eq!(parse(&shipped()), Ok(Site::default()));
    }

    #[test]
    fn the_builds_additions_are_read() {
        let mut site = shipped();
        let sum = "0123456789abcdef".repeat(4);
        site["default"]["files"] = json!({ "config.json": { "bytes": 604, "sha256": sum } });
        let facts = FileFacts {
            bytes: 604,
            sha256: sum,
        };
        assert_eq!(parse(&site).unwrap().default.files["config.json"], facts);
        for wrong in ["", "0123", &"0123456789ABCDEF".repeat(4)] {
            site["default"]["files"]["config.json"]["sha256"] = json!(wrong);
            assert!(parse(&site).unwrap_err().contains("config.json"), "{wrong}");
        }
    }

    #[test]
    fn weights_may_be_packed() {
        let mut site = shipped();
        let (packed, plain) = ("0".repeat(64), "1".repeat(64));
        site["default"]["files"] = json!({ "model.planes": { "bytes": 5, "sha256": packed } });
        site["default"]["weights"] = json!({ "bytes": 9, "sha256": plain });
        let source = parse(&site).unwrap().bundled();
        assert!(
            matches!(&source, Source::Bundled { sha256: Some(sum), packed: true, .. } if *sum == plain)
        );
        site["default"]["weights"]["sha256"] = json!("1");
        assert!(parse(&site).unwrap_err().contains("weights"));
    }

    #[test]
    fn a_host_may_leave_the_hub_out() {
        let site = json!({ "default": { "name": "Mine", "folder": "models/mine" } });
        let site = parse(&site).unwrap();
        assert_eq!(site.hub, Hub::default());
        let mine = Source::Bundled {
            name: "Mine".into(),
            folder: "models/mine".into(),
            sha256: None,
            packed: false,
        };
        assert_eq!(site.bundled(), mine);
    }

    #[test]
    fn only_folders_beside_the_page_are_taken() {
        for folder in ["a", "models/a b", "models/ä-1.0_x", "a/b/c"] {
            let mut site = shipped();
            site["default"]["folder"] = json!(folder);
            assert_eq!(parse(&site).unwrap().default.folder, folder);
        }
        for folder in [
            "",
            ".",
            "..",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/../b",
            "a/./b",
            "a\\b",
            "\\\\host\\a",
            "https://example.org/a",
            "data:x",
            "a?b",
            "a#b",
            "%2e%2e/a",
            "a\nb",
        ] {
            let mut site = shipped();
            site["default"]["folder"] = json!(folder);
            assert!(parse(&site).is_err(), "{folder:?}");
        }
    }

    #[test]
    fn names_have_a_length() {
        for (name, fits) in [
            ("x".repeat(80), true),
            ("ä".repeat(80), true),
            ("x".repeat(81), false),
            (String::new(), false),
            (" ".to_owned(), false),
            ("a\u{0}".to_owned(), false),
        ] {
            let mut site = shipped();
            site["default"]["name"] = json!(name);
            assert_eq!(parse(&site).is_ok(), fits, "{name:?}");
        }
    }

    #[test]
    fn the_hub_is_reached_safely() {
        for (address, fits) in [
            ("https://hub.example.org", true),
            ("https://hub.example.org:8443", true),
            ("http://localhost:8000", true),
            ("http://127.0.0.1", true),
            ("http://hub.example.org", false),
            ("http://localhost.example.org", false),
            ("ftp://hub.example.org", false),
            ("hub.example.org", false),
            ("https://", false),
            ("https://hub.example.org/", false),
            ("https://hub.example.org/path", false),
            ("https://user@hub.example.org", false),
            ("https://hub.example.org:99999", false),
            ("https://hub.example.org:", false),
        ] {
            let mut site = shipped();
            site["hub"]["address"] = json!(address);
            assert_eq!(parse(&site).is_ok(), fits, "{address}");
        }
        for (host, fits) in [
            ("hf.co", true),
            ("localhost:8000", true),
            ("", false),
            ("https://hf.co", false),
            ("hf.co/x", false),
            ("*.hf.co", false),
            ("hf..co", false),
            ("-hf.co", false),
            ("HF.co", false),
        ] {
            let mut site = shipped();
            site["hub"]["hosts"] = json!([host]);
            assert_eq!(parse(&site).is_ok(), fits, "{host}");
        }
    }

    #[test]
    fn what_is_not_such_a_file_is_refused() {
        for text in [
            "",
            "<!doctype html>",
            "[]",
            "{}",
            r#"{"default": {"name": "x"}}"#,
        ] {
            assert!(Site::parse(text).is_err(), "{text}");
        }
    }
}
