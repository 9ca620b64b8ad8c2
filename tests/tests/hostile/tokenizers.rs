//! The files of a tokenizer.

use crate::damage::{Format, fixture, said};
use crate::memory::VOCABULARY;
use bert::tokenizer::{TokenizerConfig, TokenizerFiles};

fn tokenizer(format: &Format, name: &'static str, beside: &[(&str, Vec<u8>)]) {
    format.attack_within(VOCABULARY, |bytes| {
        let mut files = TokenizerFiles::default();
        for (name, bytes) in beside {
            files.insert(name, bytes.clone());
        }
        files.insert(name, bytes.to_vec());
        match files.read(None) {
            Ok(tokenizer) => {
                for limit in [5, 64] {
                    let encoding =
                        tokenizer.encode("The cat, é\u{1f600} sat [MASK].", Some("on"), limit);
                    let count = encoding.ids.len();
                    // A template may have more special tokens than that, which then stand alone.
                    let only_special = encoding.special.iter().all(|&special| special);
                    assert!(count <= limit || only_special, "{count} tokens of {limit}");
                    assert_eq!(
                        (encoding.tokens.len(), encoding.offsets.len()),
                        (count, count)
                    );
                    let most = encoding.ids.iter().copied().max().unwrap_or(0) as usize;
                    assert!(most < tokenizer.vocab_size());
                }
            }
            Err(error) => said(&error),
        }
    });
}

#[test]
fn tokenizer_json() {
    let folders = ["tiny-bert", "tiny-roberta", "tiny-camembert"];
    let format = Format {
        files: folders
            .map(|folder| fixture(&format!("{folder}/tokenizer.json")))
            .to_vec(),
        words: &[
            "\"added_tokens\"",
            "\"model\"",
            "\"vocab\"",
            "\"type\"",
            "\"WordPiece\"",
            "\"BPE\"",
            "\"Unigram\"",
            "\"normalizer\"",
            "\"Sequence\"",
            "\"pattern\"",
            "\"Regex\"",
            "(a*)*",
            "\"template\"",
            "\"[CLS]\"",
        ],
    };
    tokenizer(&format, "tokenizer.json", &[]);
}

#[test]
fn vocabularies() {
    let format = Format {
        files: vec![fixture("tiny-bert/vocab.txt")],
        words: &["[CLS]\n", "[SEP]\n", "[UNK]\n", "[MASK]\n", "##", "\n\n"],
    };
    tokenizer(&format, "vocab.txt", &[]);
}

#[test]
fn tokenizer_settings() {
    let format = Format {
        files: vec![
            fixture("tiny-bert/tokenizer_config.json"),
            fixture("tiny-roberta/tokenizer_config.json"),
        ],
        words: &[
            "\"do_lower_case\"",
            "\"tokenizer_class\"",
            "\"mask_token\"",
            "\"added_tokens_decoder\"",
            "\"content\"",
            "\"BertTokenizer\"",
        ],
    };
    format.attack_text(|text| {
        if let Err(error) = TokenizerConfig::from_json(text) {
            said(&error);
        }
    });
    let vocabulary = fixture("tiny-bert/vocab.txt");
    tokenizer(
        &format,
        "tokenizer_config.json",
        &[("vocab.txt", vocabulary)],
    );
}

#[test]
fn byte_vocabularies_and_their_merges() {
    let folder = "tokenizers/bytes";
    let file = |name: &str| fixture(&format!("{folder}/{name}"));
    let vocabulary = Format {
        files: vec![file("vocab.json")],
        words: &["\"<s>\"", "\"</s>\"", "\"<mask>\"", "\"\u{120}\"", "0", "1"],
    };
    tokenizer(
        &vocabulary,
        "vocab.json",
        &[("merges.txt", file("merges.txt"))],
    );
    let merges = Format {
        files: vec![file("merges.txt")],
        words: &["#version: 0.2\n", " ", "\n", "\u{120}", "a b\n", "t h e\n"],
    };
    tokenizer(&merges, "merges.txt", &[("vocab.json", file("vocab.json"))]);
}

#[test]
fn added_and_special_tokens() {
    let folder = "tokenizers/added";
    let file = |name: &str| fixture(&format!("{folder}/{name}"));
    let added = Format {
        files: vec![file("added_tokens.json")],
        words: &["\"[new]\"", "\"\"", "\"[CLS]\"", "30"],
    };
    let vocabulary = ("vocab.txt", file("vocab.txt"));
    let special = ("special_tokens_map.json", file("special_tokens_map.json"));
    tokenizer(&added, "added_tokens.json", &[vocabulary.clone(), special]);
    let map = Format {
        files: vec![file("special_tokens_map.json")],
        words: &["\"mask_token\"", "\"content\"", "\"lstrip\"", "\"[SEP]\""],
    };
    let added = ("added_tokens.json", file("added_tokens.json"));
    tokenizer(&map, "special_tokens_map.json", &[vocabulary, added]);
}
