//! Names that change with what a file holds, so that a browser may keep such a file for ever.
//!
//! Files are renamed from leaves to roots: a file's own hash covers the new names it refers to.

use super::assets::Files;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// How much of the hash a name takes, in hexadecimal digits.
pub const DIGITS: usize = 8;

/// One file, and the names among those renamed before it that it must refer to.
pub struct Step<'a> {
    pub file: &'a str,
    pub refers_to: Vec<&'a str>,
    /// `false` for what people and hosts go to by its own name.
    pub rename: bool,
}

impl<'a> Step<'a> {
    pub fn renamed(file: &'a str, refers_to: &[&'a str]) -> Self {
        Self {
            file,
            refers_to: refers_to.to_vec(),
            rename: true,
        }
    }
}

/// SHA-256, in lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `styles/base.css` -> `styles/base-1a2b3c4d.css`
fn hashed_name(name: &str, bytes: &[u8]) -> String {
    let hash = &sha256(bytes)[..DIGITS];
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}-{hash}.{extension}"),
        None => format!("{name}-{hash}"),
    }
}

/// The forms in which a script or a page refers to a file beside it.
fn spellings(name: &str) -> [String; 4] {
    [
        format!("\"{name}\""),
        format!("'{name}'"),
        format!("\"./{name}\""),
        format!("'./{name}'"),
    ]
}

/// Takes the steps in their order. Returns the new name of each renamed file.
///
/// # Errors
/// In words: a file that is not there or not text; one that does not refer to what it should, or
/// that still refers to a name that is gone.
pub fn rename(files: &mut Files, steps: &[Step]) -> Result<BTreeMap<String, String>, String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for step in steps {
        let missing = || format!("there is no {}", step.file);
        let mut bytes = files.remove(step.file).ok_or_else(missing)?;
        for old in &step.refers_to {
            let new = names.get(*old).ok_or_else(|| {
                format!("{} refers to {old}, which has no new name yet", step.file)
            })?;
            bytes = refer(step.file, bytes, old, new)?;
        }
        let name = if step.rename {
            let name = hashed_name(step.file, &bytes);
            names.insert(step.file.to_string(), name.clone());
            name
        } else {
            step.file.to_string()
        };
        files.insert(name, bytes);
    }
    for step in steps {
        let name = names.get(step.file).map_or(step.file, String::as_str);
        let Ok(text) = std::str::from_utf8(&files[name]) else {
            continue;
        };
        let left = names.keys().find(|old| {
            spellings(old)
                .iter()
                .any(|spelling| text.contains(spelling))
        });
        if let Some(old) = left {
            return Err(format!(
                "{} still refers to {old}, which has another name now",
                step.file
            ));
        }
    }
    Ok(names)
}

fn refer(file: &str, bytes: Vec<u8>, old: &str, new: &str) -> Result<Vec<u8>, String> {
    let text = String::from_utf8(bytes).map_err(|_| format!("{file} is not text"))?;
    let mut changed = text.clone();
    for spelling in spellings(old) {
        changed = changed.replace(&spelling, &spelling.replace(old, new));
    }
    if changed == text {
        return Err(format!("{file} does not refer to {old}"));
    }
    Ok(changed.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Files {
        let pair = |&(name, text): &(&str, &str)| (name.to_string(), text.as_bytes().to_vec());
        list.iter().map(pair).collect()
    }

    fn steps() -> Vec<Step<'static>> {
        vec![
            Step::renamed("app_bg.wasm", &[]),
            Step::renamed("styles/a.css", &[]),
            Step::renamed("app.js", &["app_bg.wasm"]),
            Step {
                rename: false,
                ..Step::renamed("index.html", &["app.js", "styles/a.css"])
            },
        ]
    }

    const INDEX: (&str, &str) = (
        "index.html",
        "<link href=\"styles/a.css\"><script src=\"./app.js\"></script><link href=\"app.js\">",
    );

    #[test]
    fn the_hash_is_sha_256() {
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(hashed_name("a/b.c.js", b"abc"), "a/b.c-ba7816bf.js");
    }

    #[test]
    fn references_follow_the_names_and_a_leaf_changes_every_name_above_it() {
        let build = |wasm: &str| {
            let mut files = files(&[
                ("app_bg.wasm", wasm),
                ("styles/a.css", "a {}"),
                ("app.js", "new URL('app_bg.wasm', import.meta.url)"),
                INDEX,
                ("other.txt", "\"app.js\""),
            ]);
            let names = rename(&mut files, &steps()).unwrap();
            (files, names)
        };
        let (one, names) = build("one");
        assert_eq!(one.len(), 5);
        let script = String::from_utf8(one[&names["app.js"]].clone()).unwrap();
        assert_eq!(
            script,
            format!("new URL('{}', import.meta.url)", names["app_bg.wasm"])
        );
        let index = String::from_utf8(one["index.html"].clone()).unwrap();
        let app = &names["app.js"];
        let style = &names["styles/a.css"];
        assert_eq!(
            index,
            format!(
                "<link href=\"{style}\"><script src=\"./{app}\"></script><link href=\"{app}\">"
            )
        );
        assert_eq!(one["other.txt"], b"\"app.js\"", "not among the steps");

        let (_, others) = build("two");
        assert_ne!(names["app.js"], others["app.js"]);
        assert_eq!(names["styles/a.css"], others["styles/a.css"]);
    }

    #[test]
    fn what_does_not_fit_together_is_named() {
        let style = ("styles/a.css", "a {}");
        let wasm = ("app_bg.wasm", "w");
        let cases = [
            (
                vec![wasm, style, ("app.js", "nothing"), INDEX],
                "app.js does not refer to app_bg.wasm",
            ),
            (vec![wasm, style, INDEX], "there is no app.js"),
            (
                vec![
                    wasm,
                    ("styles/a.css", "url(\"app_bg.wasm\")"),
                    ("app.js", "'app_bg.wasm'"),
                    INDEX,
                ],
                "styles/a.css still refers to app_bg.wasm",
            ),
        ];
        for (list, reason) in cases {
            let error = rename(&mut files(&list), &steps()).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
        let mut binary = files(&[wasm, style, INDEX]);
        binary.insert("app.js".to_string(), vec![0xff]);
        let error = rename(&mut binary, &steps()).unwrap_err();
        assert_eq!(error, "app.js is not text");
    }
}
