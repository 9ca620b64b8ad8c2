//! Which folder of a crate may know which: ARCHITECTURE.md draws what this holds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A room is a file or folder of `src`, or of a folder that is listed with its path. It may use what
/// stands beside it, and of `room::Item` that item alone.
type Rooms = &'static [(&'static str, &'static [&'static str])];

const APP: Rooms = &[
    ("failure", &[]),
    ("recipe", &[]),
    ("script", &[]),
    ("checkpoint", &["failure", "recipe"]),
    ("protocol", &["checkpoint", "failure", "recipe"]),
    ("site", &["checkpoint"]),
    ("link", &["checkpoint", "recipe"]),
    (
        "state",
        &[
            "checkpoint",
            "failure",
            "link",
            "protocol",
            "recipe",
            "script",
            "site",
        ],
    ),
    (
        "browser",
        &[
            "checkpoint",
            "failure",
            "link",
            "protocol",
            "recipe",
            "site",
            "state",
        ],
    ),
    (
        "ui/widgets",
        &[
            "browser",
            "checkpoint",
            "failure",
            "link",
            "protocol",
            "recipe",
            "state",
        ],
    ),
    (
        "ui/panels",
        &[
            "browser",
            "failure",
            "link",
            "protocol",
            "recipe",
            "state",
            "ui/widgets",
        ],
    ),
    (
        "ui",
        &[
            "browser",
            "link",
            "site",
            "state",
            "ui/panels",
            "ui/widgets",
        ],
    ),
    ("engine/io", &["checkpoint", "failure", "recipe"]),
    (
        "engine",
        &[
            "checkpoint",
            "engine/io",
            "failure",
            "link",
            "protocol",
            "recipe",
        ],
    ),
];

const BERT: Rooms = &[
    ("checkpoint", &[]),
    ("config", &[]),
    ("decimal", &[]),
    ("tags", &[]),
    ("metrics", &["tags"]),
    ("tokenizer", &[]),
    ("data", &["config", "decimal", "tags", "tokenizer"]),
    ("model", &["checkpoint", "config", "data"]),
    ("probe", &["config", "data", "model", "tags", "tokenizer"]),
    (
        "inside",
        &[
            "checkpoint",
            "config",
            "data::Random",
            "model",
            "probe",
            "tokenizer",
        ],
    ),
    (
        "train",
        &[
            "config",
            "data",
            "metrics",
            "model",
            "probe",
            "tags",
            "tokenizer",
        ],
    ),
    (
        "export",
        &["config", "data", "metrics", "model", "probe", "train"],
    ),
    ("bench", &["config", "model", "train"]),
];

/// A node of a graph holds an operation, and the twins of all are compiled with their numbers: both
/// know the closed list of operations, and nothing of any one.
const KERNELS: Rooms = &[
    ("control", &[]),
    ("tensor", &[]),
    ("error", &["tensor"]),
    ("shader", &["tensor"]),
    ("twin", &["ops::Op", "tensor"]),
    ("graph", &["error", "ops::Op", "tensor"]),
    ("ops", &["error", "graph", "shader", "tensor", "twin"]),
    ("plan", &["graph", "ops", "tensor"]),
    ("grad", &["error", "graph", "ops"]),
    (
        "cpu",
        &["control", "error", "graph", "plan", "tensor", "twin"],
    ),
    (
        "gpu",
        &["control", "error", "graph", "plan", "shader", "tensor"],
    ),
    ("trials", &["control", "error", "gpu", "ops", "shader"]),
    (
        "device",
        &[
            "control", "cpu", "error", "gpu", "graph", "plan", "tensor", "twin",
        ],
    ),
    (
        "bench",
        &[
            "control", "device", "error", "gpu", "graph", "ops", "plan", "shader", "tensor",
        ],
    ),
    (
        "self_test",
        &[
            "control", "device", "error", "gpu", "grad", "graph", "ops", "plan", "shader", "tensor",
        ],
    ),
];

#[test]
fn no_room_knows_what_stands_above_it() {
    for (name, rooms) in [("app", APP), ("bert", BERT), ("kernels", KERNELS)] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(name)
            .join("src");
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        for file in files(&source) {
            let place = file.strip_prefix(&source).expect("a file of the crate");
            let place = place.with_extension("");
            let place = place.to_str().expect("plain names");
            let Some((room, allowed)) = room_of(rooms, place) else {
                assert!(
                    matches!(place, "lib" | "main") || place.starts_with("bin/"),
                    "{name}: {place} is in no room; give it one here"
                );
                continue;
            };
            seen.insert(room);
            let text = fs::read_to_string(&file).expect("a source file");
            for path in paths(&text) {
                let (known, _) = room_of(rooms, &path.join("/"))
                    .unwrap_or_else(|| panic!("{name}: {place} uses crate::{}", path.join("::")));
                let one = format!("{known}::{}", path.last().expect("a path"));
                if known != room && !allowed.contains(&known) && !allowed.contains(&one.as_str()) {
                    wrong.push(format!("{place} uses crate::{}", path.join("::")));
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new(), "in {name}");
        assert_eq!(
            seen.len(),
            rooms.len(),
            "{name} has rooms that are empty: {seen:?}"
        );
        assert_no_circle(name, rooms);
    }
}

/// The table itself must not allow a circle, but for those that go by one item.
fn assert_no_circle(name: &str, rooms: Rooms) {
    let mut below: BTreeSet<&str> = BTreeSet::new();
    while below.len() < rooms.len() {
        let next = rooms.iter().find(|(room, allowed)| {
            let settled = |other: &&str| other.contains("::") || below.contains(*other);
            !below.contains(room) && allowed.iter().all(settled)
        });
        let (room, _) = next.unwrap_or_else(|| panic!("{name}: a circle above {below:?}"));
        below.insert(room);
    }
}

/// The innermost room that a path lies in, and what it may use.
fn room_of(rooms: Rooms, path: &str) -> Option<(&'static str, &'static [&'static str])> {
    let inside = |room: &str| {
        let rest = path.strip_prefix(room);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let found = rooms.iter().filter(|(room, _)| inside(room));
    found.max_by_key(|(room, _)| room.len()).copied()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// What follows each `crate::`, as names; for `crate::a::{b, c}` both.
fn paths(text: &str) -> Vec<Vec<String>> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::` is a macro's word for the same.
        tree(&code[at + "crate::".len()..], &mut Vec::new(), &mut found);
    }
    found
}

/// Reads a tree of names and returns what comes after it.
fn tree<'a>(mut text: &'a str, before: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    let depth = before.len();
    loop {
        let rest = text.trim_start();
        if let Some(inside) = rest.strip_prefix('{') {
            text = inside;
            loop {
                text = tree(text, before, found).trim_start();
                match text.strip_prefix(',') {
                    Some(after) => text = after,
                    None => break,
                }
                if text.trim_start().starts_with('}') {
                    break;
                }
            }
            text = text.trim_start().strip_prefix('}').unwrap_or(text);
            break;
        }
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*');
        let (name, after) = rest.split_at(length.unwrap_or(rest.len()));
        before.push(name.to_owned());
        match after.strip_prefix("::") {
            Some(after) => text = after,
            None => {
                found.push(before.clone());
                text = after;
                break;
            }
        }
    }
    before.truncate(depth);
    text
}

#[test]
fn a_tree_of_names_is_read() {
    let read = |text: &str| {
        let found = paths(text).into_iter().map(|path| path.join("::"));
        found.collect::<Vec<_>>()
    };
    assert_eq!(read("use crate::a::B;\n// use crate::c;"), ["a::B"]);
    assert_eq!(
        read("use crate::{a::{B, c::D},\n    e,};\nlet x = crate::f::g(1);"),
        ["a::B", "a::c::D", "e", "f::g"]
    );
}
