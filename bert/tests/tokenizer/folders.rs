//! Tokenizers of more than one file: which of them counts, as `transformers` has it. `tests/tools/tokenizer_fixtures.py`
//! says what each folder is for.

use bert::config::Config;
use bert::tokenizer::{Tokenizer, TokenizerError, TokenizerFiles};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures/tokenizers")
        .join(name)
}

fn files(folder: &Path) -> TokenizerFiles {
    let mut files = TokenizerFiles::default();
    for name in TokenizerFiles::NAMES {
        if let Ok(bytes) = std::fs::read(folder.join(name)) {
            files.insert(name, bytes);
        }
    }
    files
}

fn check(name: &str, tokenizer: &Tokenizer) {
    let golden = std::fs::read(fixture(name).join("golden.json")).expect("the golden file");
    let golden: Value = serde_json::from_slice(&golden).expect("JSON");
    for case in golden["cases"].as_array().expect("cases") {
        let text = case["text"].as_str().expect("a text");
        let got = tokenizer.encode(text, case["text_pair"].as_str(), 512);
        let ids = serde_json::json!(got.ids);
        assert_eq!(ids, case["ids"], "{name}, {text:?}: {:?}", got.tokens);
    }
}

#[test]
fn every_folder_gives_the_ids_of_the_reference() {
    for name in [
        "cased",
        "accents",
        "defaults",
        "backend",
        "added",
        "decoder",
        "bytes",
        "bytes-spaced",
        "albert",
        "albert-accents",
    ] {
        let folder = fixture(name);
        let config = std::fs::read_to_string(folder.join("config.json")).expect("config.json");
        let config = Config::from_json(&config).expect("a valid config.json");
        let tokenizer = files(&folder).read(config.tokenizer_class.as_deref());
        let tokenizer = tokenizer.unwrap_or_else(|error| panic!("{name}: {error}"));
        check(name, &tokenizer);
        assert!(tokenizer.vocab_size() <= config.vocab_size, "{name}");
    }
}

/// Without its tokenizer_config.json, a tokenizer.json says all there is to say.
#[test]
fn a_tokenizer_json_alone_speaks_for_itself() {
    let bytes = std::fs::read(fixture("backend").join("tokenizer.json")).expect("a file");
    let mut files = TokenizerFiles::default();
    files.insert("tokenizer.json", bytes);
    check("backend", &files.read(None).expect("a tokenizer"));
}

fn with_class(folder: &str, settings: &str) -> Result<Tokenizer, TokenizerError> {
    let mut files = files(&fixture(folder));
    files.insert("tokenizer_config.json", settings.as_bytes().to_vec());
    files.read(None)
}

#[test]
fn classes_with_ways_of_their_own_are_refused_by_name() {
    for class in [
        "BertJapaneseTokenizer",
        "BertweetTokenizer",
        "PhobertTokenizer",
        "HerbertTokenizer",
        "HerbertTokenizerFast",
        "KoBertTokenizer",
    ] {
        let settings = format!(r#"{{"tokenizer_class": "{class}"}}"#);
        let error = with_class("added", &settings)
            .err()
            .expect(class)
            .to_string();
        let name = class.strip_suffix("Fast").unwrap_or(class);
        assert!(error.contains(name), "{error}");
        let files = files(&fixture("bytes"));
        assert!(files.read(Some(class)).is_err(), "{class} by config.json");
        // With all of it in one file only those are refused that change texts before that.
        let whole = with_class("backend", &settings);
        let own = class.contains("Japanese") || class.contains("weet") || class.contains("Phobert");
        assert_eq!(whole.is_err(), own, "{class}");
    }
    let japanese = with_class("added", r#"{"word_tokenizer_type": "mecab"}"#);
    assert!(
        japanese
            .err()
            .expect("an error")
            .to_string()
            .contains("BertJapanese")
    );
    assert!(with_class("added", r#"{"word_tokenizer_type": "basic"}"#).is_ok());
    assert!(with_class("bytes", r#"{"tokenizer_class": "BertTokenizer"}"#).is_err());
    assert!(with_class("added", r#"{"tokenizer_class": "RobertaTokenizer"}"#).is_err());
}

#[test]
fn what_is_missing_or_broken_is_named() {
    let refused = |changes: &[(&str, &str)]| {
        let mut files = files(&fixture("bytes"));
        for (name, text) in changes {
            files.insert(name, text.as_bytes().to_vec());
        }
        files.read(None).err().expect("an error").to_string()
    };
    let none = TokenizerFiles::default()
        .read(None)
        .err()
        .expect("an error");
    assert!(none.to_string().contains("tokenizer.json or vocab.txt"));
    let mut alone = TokenizerFiles::default();
    alone.insert("vocab.json", b"{}".to_vec());
    alone.insert("README.md", b"read me".to_vec());
    let error = alone.read(None).err().expect("an error").to_string();
    assert!(error.contains("merges.txt"), "{error}");
    for (name, text, words) in [
        ("vocab.json", "[]", "vocab.json"),
        ("vocab.json", r#"{"<s>": 0, "</s>": 1}"#, "merges.txt"),
        ("merges.txt", "#version: 0.2\na b c\n", "line 2"),
        ("merges.txt", "a\n", "line 1"),
        ("merges.txt", "qqq zzz\n", "merges.txt"),
        ("special_tokens_map.json", "{", "special_tokens_map.json"),
        (
            "added_tokens.json",
            r#"{"<extra>": "a"}"#,
            "added_tokens.json",
        ),
        (
            "added_tokens.json",
            r#"{"<extra>": 9999}"#,
            "has the id 9999",
        ),
        (
            "added_tokens.json",
            r#"{"<extra>": -1}"#,
            "added_tokens.json",
        ),
    ] {
        let error = refused(&[(name, text)]);
        assert!(error.contains(words), "{name} {text}: {error}");
    }
}

/// Found by damaged files: of two such tokens side by side, the second would end before it begins.
#[test]
fn a_token_of_spaces_that_takes_those_before_it_is_refused() {
    let settings = |lstrip| {
        let space =
            format!(r#"{{"content": " ", "lstrip": {lstrip}, "rstrip": true, "special": true}}"#);
        format!(r#"{{"added_tokens_decoder": {{"30": {space}}}}}"#)
    };
    let error = with_class("decoder", &settings(true))
        .err()
        .expect("a refusal");
    assert!(error.to_string().contains("nothing but space"), "{error}");
    // BERT's class drops this one before anything looks for it.
    let dropped = r#"{"added_tokens_decoder": {"30": {"content": "\u200b"}}}"#;
    let error = with_class("decoder", dropped).err().expect("a refusal");
    assert!(error.to_string().contains("nothing but space"), "{error}");
    let tokenizer = with_class("decoder", &settings(false)).expect("a tokenizer");
    tokenizer.encode("the   cat", None, 20);
}
