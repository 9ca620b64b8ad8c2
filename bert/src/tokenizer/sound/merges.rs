//! Byte-pair encoding: a merge makes a token of the vocabulary, so it is no longer than the longest of them.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The model of a tokenizer.json, whichever it is.
#[derive(Default, Deserialize)]
pub(super) struct Model {
    #[serde(default)]
    vocab: Longest,
    #[serde(default)]
    merges: Longest,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    /// Whether it is BPE can also be told from its merges.
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// Bytes of the longest token of a vocabulary, or of the longest merge's two tokens together.
#[derive(Clone, Copy, Default)]
struct Longest(usize);

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Pair(String, String),
    Line(String),
    Other(IgnoredAny),
}

impl<'de> Deserialize<'de> for Longest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Measure;

        impl<'de> Visitor<'de> for Measure {
            type Value = Longest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tokens")
            }

            fn visit_unit<E>(self) -> Result<Longest, E> {
                Ok(Longest(0))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Longest, A::Error> {
                let mut longest = 0;
                while let Some((token, _)) = map.next_entry::<String, IgnoredAny>()? {
                    longest = longest.max(token.len());
                }
                Ok(Longest(longest))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Longest, A::Error> {
                let mut longest = 0;
                while let Some(entry) = entries.next_element::<Entry>()? {
                    longest = longest.max(match entry {
                        Entry::Pair(a, b) => a.len() + b.len(),
                        Entry::Line(line) => line.len().saturating_sub(1),
                        Entry::Other(_) => 0,
                    });
                }
                Ok(Longest(longest))
            }
        }

        deserializer.deserialize_any(Measure)
    }
}

impl Model {
    pub(super) fn check(&self) -> Result<(), String> {
        let is_bpe = self.kind.as_deref() == Some("BPE") || self.merges.0 > 0;
        let prefix = self.continuing_subword_prefix.as_deref();
        if is_bpe && prefix.is_some_and(|prefix| !prefix.is_empty()) {
            return Err("its BPE has a `continuing_subword_prefix`, as no BERT has".to_owned());
        }
        check_lengths(self.vocab, self.merges)
    }
}

/// Refuses merges that make a token longer than any of the vocabulary.
///
/// # Errors
/// In words.
pub(in crate::tokenizer) fn check_merges<'a>(
    tokens: impl Iterator<Item = &'a String>,
    merges: &[(String, String)],
) -> Result<(), String> {
    let longest = tokens.map(String::len).max().unwrap_or(0);
    let merged = merges.iter().map(|(a, b)| a.len() + b.len());
    check_lengths(Longest(longest), Longest(merged.max().unwrap_or(0)))
}

fn check_lengths(tokens: Longest, merges: Longest) -> Result<(), String> {
    if merges.0 > tokens.0 {
        return Err(format!(
            "one of its merges makes a token of {} bytes, and the longest of the vocabulary has {}",
            merges.0, tokens.0
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::check;

    fn model(prefix: &str, merges: &str) -> Result<(), String> {
        let vocab = r#"{"a": 0, "bc": 1, "abc": 2}"#;
        let file = format!(
            r#"{{"model": {{"type": "BPE", "vocab": {vocab}, "merges": {merges}, "continuing_subword_prefix": {prefix}}}}}"#
        );
        check(file.as_bytes())
    }

    #[test]
    fn a_merge_is_no_longer_than_the_longest_token() {
        for merges in [r#"["a bc"]"#, r#"[["a", "bc"]]"#, "[]"] {
            assert_eq!(model("null", merges), Ok(()));
            assert_eq!(model(r#""""#, merges), Ok(()));
            assert!(model(r###""##""###, merges).unwrap_err().contains("prefix"));
        }
        for merges in [r#"["abc bc"]"#, r#"["a bc", ["bc", "bc"]]"#] {
            assert!(model("null", merges).unwrap_err().contains("longest"));
        }
        let unigram = br#"{"model": {"type": "Unigram", "vocab": [["a", -1.0], ["b", 0]]}}"#;
        assert_eq!(check(unigram), Ok(()));
    }
}
