//! Ids, tokens, type ids, offsets and special tokens, as the reference library gives them.

use crate::{shared, tokenizer_json, vocab_txt};
use bert::tokenizer::{Encoding, Tokenizer, Truncated};
use serde_json::Value;
use std::path::Path;

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<u32> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_u64().unwrap() as u32)
        .collect()
}

fn check(tokenizer: &Tokenizer, case: &Value, max_len: usize) -> Encoding {
    let text = case["text"].as_str().unwrap();
    let got = tokenizer.encode(text, case["text_pair"].as_str(), max_len);
    let pairs = case["offsets"].as_array().unwrap().iter();
    let offsets: Vec<_> = pairs
        .map(|pair| {
            (
                pair[0].as_u64().unwrap() as usize,
                pair[1].as_u64().unwrap() as usize,
            )
        })
        .collect();
    assert_eq!(got.ids, numbers(&case["ids"]), "ids of {text:?}");
    assert_eq!(
        serde_json::json!(got.tokens),
        case["tokens"],
        "tokens of {text:?}"
    );
    assert_eq!(
        got.type_ids,
        numbers(&case["type_ids"]),
        "type ids of {text:?}"
    );
    assert_eq!(got.offsets, offsets, "offsets in {text:?}");
    let special: Vec<u32> = got.special.iter().map(|&special| special.into()).collect();
    assert_eq!(
        special,
        numbers(&case["special_tokens_mask"]),
        "special tokens of {text:?}"
    );
    for (i, sequence) in got.sequence.iter().enumerate() {
        assert_eq!(
            sequence.is_none(),
            got.special[i],
            "sequence of token {i} of {text:?}"
        );
        // Where there is one type for all, it does not tell the second text from the first.
        let types = got.type_ids.contains(&1);
        assert!(
            !types || sequence.is_none_or(|s| u32::from(s) == got.type_ids[i]),
            "{text:?}"
        );
    }
    got
}

/// Byte-level BPE, unigram with a compiled character map, WordPiece: accents, emoji, scripts from
/// both sides, spaces of all kinds.
#[test]
fn golden_tokenisations_of_every_family() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    for name in [
        "tiny-roberta",
        "tiny-xlm-roberta",
        "tiny-camembert",
        "tiny-albert",
        "tiny-distilbert",
        "tiny-electra-generator",
    ] {
        let tokenizer = tokenizer_json(&root.join(name));
        let golden = json(&root.join(name).join("golden_tokenization.json"));
        let cases = golden["cases"].as_array().unwrap();
        assert!(cases.len() > 20, "{name}");
        for case in cases {
            check(&tokenizer, case, 512);
        }
        check_golden_ids(&tokenizer, &root.join(name).join("golden.json"), 64);
    }
}

#[test]
fn golden_tokenisations_of_bert_base_uncased() {
    let Some(folder) = shared("tokenizers/bert-base-uncased") else {
        return;
    };
    let golden = json(&folder.join("golden_tokenization.json"));
    for tokenizer in [tokenizer_json(&folder), vocab_txt(&folder)] {
        assert_eq!(tokenizer.vocab_size(), 30_522);
        assert_eq!(
            (tokenizer.cls_id(), tokenizer.sep_id(), tokenizer.mask_id()),
            (101, 102, Some(103))
        );
        assert_eq!((tokenizer.pad_id(), tokenizer.unk_id()), (0, 100));
        let mut cases = 0;
        for case in ["single", "pair"]
            .iter()
            .flat_map(|kind| golden[kind].as_array().unwrap())
        {
            assert_eq!(check(&tokenizer, case, 512).truncated, None);
            cases += 1;
        }
        for case in golden["truncate_16_longest_first"].as_array().unwrap() {
            let got = check(&tokenizer, case, 16);
            let whole = tokenizer.encode(
                case["text"].as_str().unwrap(),
                case["text_pair"].as_str(),
                usize::MAX,
            );
            let total = whole.ids.len();
            assert_eq!(
                got.truncated,
                (total > 16).then_some(Truncated {
                    kept: 16,
                    total,
                    or_more: false
                })
            );
            cases += 1;
        }
        assert_eq!(cases, 49);
    }
}

/// The ids of every case of a folder's golden.json, without its padding.
fn check_golden_ids(tokenizer: &Tokenizer, golden: &Path, max_len: usize) {
    let golden = json(golden);
    let cases = golden["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let got = tokenizer.encode(text, case["text_pair"].as_str(), max_len);
        let attended = numbers(&case["attention_mask"]).iter().sum::<u32>() as usize;
        assert_eq!(got.ids, numbers(&case["input_ids"])[..attended], "{text:?}");
        // RoBERTa's and DistilBERT's have none.
        if case["token_type_ids"].is_array() {
            let types = numbers(&case["token_type_ids"]);
            assert_eq!(got.type_ids, types[..attended], "{text:?}");
        }
        let tokens = &case["tokens"].as_array().unwrap()[..attended];
        assert!(
            got.tokens
                .iter()
                .eq(tokens.iter().map(|token| token.as_str().unwrap()))
        );
    }
}

#[test]
fn golden_ids_of_the_fixtures() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let fixtures = root.join("tests/fixtures");
    for name in [
        "tiny-bert",
        "tiny-bert-f16",
        "tiny-bert-legacy",
        "tiny-encoder",
    ] {
        let folder = fixtures.join(name);
        for tokenizer in [tokenizer_json(&folder), vocab_txt(&folder)] {
            check_golden_ids(&tokenizer, &folder.join("golden.json"), 64);
        }
    }
    let seedling = root.join("static/models/seedling");
    for tokenizer in [tokenizer_json(&seedling), vocab_txt(&seedling)] {
        check_golden_ids(&tokenizer, &fixtures.join("seedling/golden.json"), 512);
    }
}

/// Their vocabularies are cut by regular expressions that only tokenizer.json holds.
#[test]
fn golden_ids_of_tokenizers_with_a_regular_expression() {
    for name in [
        "rxnfp-bert-mlm-nsp-f16",
        "rxnmapper-albert-mlm",
        "sapiens-vh-roberta-mlm",
    ] {
        if let Some(folder) = shared(&format!("checkpoints/{name}")) {
            check_golden_ids(&tokenizer_json(&folder), &folder.join("golden.json"), 512);
        }
    }
}
