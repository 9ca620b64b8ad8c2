//! A file that is something by itself: a classifier, or texts to learn from.

use super::basket::Offered;
use super::{PickedFile, Role, Source};
use crate::recipe::TextSource;

/// What files turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// A whole checkpoint.
    Checkpoint(Source),
    /// A classifier for the model that is loaded.
    Head(PickedFile),
    /// Texts to learn from.
    Examples(TextSource),
}

/// How the name of a classifier's file ends, as the page writes it.
pub const HEAD: &str = ".head.safetensors";
/// How names of files with examples end, and of others that people keep examples in: what reads them says
/// what they are and what to do.
const EXAMPLES: [&str; 20] = [
    "tsv", "csv", "tab", "psv", "jsonl", "ndjson", "json", "txt", "xlsx", "xls", "ods", "parquet",
    "arrow", "feather", "docx", "doc", "odt", "rtf", "pdf", "sqlite",
];

/// A file that is something by itself: the only one offered, and named like a classifier or like
/// examples.
pub fn lone(offered: &[Offered]) -> Option<Taken> {
    let [file] = offered else { return None };
    let name = file.name().to_owned();
    let lower = name.to_ascii_lowercase();
    if lower.ends_with(HEAD) {
        return Some(Taken::Head(PickedFile {
            role: Role::Head,
            name,
            bytes: file.bytes,
            slot: file.slot,
        }));
    }
    let extension = lower.rsplit_once('.')?.1;
    // A lone config.json or vocab.txt is a part of a checkpoint.
    let examples = EXAMPLES.contains(&extension) && Role::of_file(&name).is_none();
    let source = TextSource::File {
        name,
        bytes: file.bytes,
        slot: file.slot,
    };
    examples.then_some(Taken::Examples(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(names: &[&str]) -> Vec<Offered> {
        let file = |(slot, name): (usize, &&str)| Offered {
            path: (*name).to_owned(),
            bytes: 1,
            slot,
        };
        names.iter().enumerate().map(file).collect()
    }

    #[test]
    fn a_lone_file_may_be_a_head_or_examples() {
        let head = lone(&offer(&["moods.head.safetensors"]));
        assert!(matches!(head, Some(Taken::Head(file)) if file.role == Role::Head));
        for name in [
            "a.tsv",
            "b.CSV",
            "folder/c.jsonl",
            "d.json",
            "e.xlsx",
            "f.txt",
        ] {
            let examples = lone(&offer(&[name]));
            assert!(matches!(examples, Some(Taken::Examples(_))), "{name}");
        }
        for name in [
            "model.safetensors",
            "config.json",
            "tokenizer.json",
            "vocab.txt",
        ] {
            assert_eq!(lone(&offer(&[name])), None, "{name}");
        }
        assert_eq!(lone(&offer(&["a.tsv", "b.tsv"])), None);
        assert_eq!(lone(&offer(&["noextension"])), None);
    }
}
