//! What vocab.txt, tokenizer.json and tokenizer_config.json may hold, and what is refused.

use crate::{VOCAB, small};
use bert::tokenizer::{Tokenizer, TokenizerConfig, TokenizerError};
use proptest::prelude::*;

#[test]
fn special_tokens_of_a_vocabulary() {
    let tokenizer = small();
    assert_eq!(tokenizer.vocab_size(), 13);
    assert_eq!(
        (tokenizer.cls_id(), tokenizer.sep_id(), tokenizer.unk_id()),
        (2, 3, 1)
    );
    assert_eq!((tokenizer.pad_id(), tokenizer.mask_id()), (0, Some(4)));
    assert_eq!(tokenizer.id_to_token(7).as_deref(), Some("##s"));
    assert_eq!(tokenizer.id_to_token(13), None);
    assert_eq!(tokenizer.token_to_id("sat"), Some(8));

    let no_mask = Tokenizer::from_vocab_txt(&VOCAB.replace("[MASK]", "mask"), true).unwrap();
    assert_eq!(no_mask.mask_id(), None);
    let error = Tokenizer::from_vocab_txt("the\n[CLS]\ncat", true)
        .err()
        .unwrap();
    assert_eq!(
        error,
        TokenizerError::MissingSpecialTokens {
            file: "vocab.txt",
            missing: vec!["[SEP]", "[UNK]"]
        }
    );
    assert!(
        error.to_string().contains("has no [SEP] and no [UNK]"),
        "{error}"
    );
    assert!(Tokenizer::from_vocab_txt("", true).is_err());
}

#[test]
fn lines_of_a_vocabulary() {
    let crlf = Tokenizer::from_vocab_txt(&VOCAB.replace('\n', "\r\n"), true).unwrap();
    assert_eq!(crlf.encode("the cats.", None, 99).ids, [2, 5, 6, 7, 9, 3]);
    let trailing = Tokenizer::from_vocab_txt(&format!("\u{feff}{VOCAB}\n\n"), true).unwrap();
    assert_eq!((trailing.vocab_size(), trailing.pad_id()), (13, 0));
    // A blank line inside is a token that no text has; of a duplicate the last line counts.
    let odd = Tokenizer::from_vocab_txt("[UNK]\n\n[CLS]\ncat\n[SEP]\ncat", true).unwrap();
    assert_eq!(odd.encode("cat", None, 99).ids, [2, 5, 4]);
    assert_eq!((odd.vocab_size(), odd.id_to_token(3)), (6, None));
}

#[test]
fn a_cased_vocabulary_that_is_read_in_small_letters_is_noticed() {
    let letters = || 'a'..='j';
    let words = letters().flat_map(|a| letters().map(move |b| format!("N{a}{b}")));
    let cased = format!("{VOCAB}\na\nA\n{}", words.collect::<Vec<_>>().join("\n"));
    let loses = |vocabulary: &str, small: bool| {
        let tokenizer = Tokenizer::from_vocab_txt(vocabulary, small).unwrap();
        tokenizer.loses_capitals()
    };
    assert!(loses(&cased, true));
    assert!(!loses(&cased, false));
    assert!(!loses(VOCAB, true));
}

#[test]
fn lower_case_or_not() {
    let cased = TokenizerConfig::from_json(r#"{"do_lower_case": false, "x": 1}"#).unwrap();
    assert!(!cased.do_lower_case && cased.tokenize_chinese_chars);
    assert_eq!(
        TokenizerConfig::from_json("{}").unwrap(),
        TokenizerConfig::default()
    );
    assert!(TokenizerConfig::from_json(r#"{"do_lower_case": "no"}"#).is_err());
    let cased = Tokenizer::from_vocab_txt_with(VOCAB, &cased).unwrap();
    assert_eq!(cased.encode("Cat é", None, 99).ids, [2, 11, 12, 3]);
    assert_eq!(
        small().encode("Cat é", None, 99).ids,
        [2, 6, 10, 3],
        "lower case, no accents"
    );
    let accents = TokenizerConfig {
        strip_accents: Some(false),
        ..TokenizerConfig::default()
    };
    let accents = Tokenizer::from_vocab_txt_with(VOCAB, &accents).unwrap();
    assert_eq!(accents.encode("Cat É", None, 99).ids, [2, 6, 12, 3]);
}

/// Padding and truncation that a file switches on, a template that it lacks.
#[test]
fn settings_of_a_tokenizer_json() {
    let vocab = r###"{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"a":4,"##b":5}"###;
    let model = format!(
        r###"{{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{vocab}}}"###
    );
    let whole = |rest: &str| {
        format!(
            r#"{{"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{{"type":"BertPreTokenizer"}},"decoder":null,{rest},"model":{model}}}"#
        )
    };
    let padded = whole(
        r#""truncation":{"direction":"Right","max_length":3,"strategy":"LongestFirst","stride":0},
           "padding":{"strategy":{"Fixed":9},"direction":"Right","pad_to_multiple_of":null,"pad_id":0,"pad_type_id":0,"pad_token":"[PAD]"},
           "post_processor":null"#,
    );
    let tokenizer = Tokenizer::from_tokenizer_json(padded.as_bytes()).unwrap();
    let got = tokenizer.encode("a ab a a", Some("a"), 99);
    assert_eq!(
        got.ids,
        [2, 4, 4, 5, 4, 4, 3, 4, 3],
        "BERT's own template, no padding, no cut"
    );

    let text = r#"{"Sequence":{"id":"A","type_id":0}}"#;
    let second = r#"{"Sequence":{"id":"B","type_id":0}}"#;
    let template = |single: &str, specials: &str| {
        let text = whole(&format!(
            r#""truncation":null,"padding":null,"post_processor":{{"type":"TemplateProcessing","single":[{single}],"pair":[{text},{second}],"special_tokens":{specials}}}"#
        ));
        Tokenizer::from_tokenizer_json(text.as_bytes())
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let special = r#"{"SpecialToken":{"id":"[CLS]","type_id":0}}"#;
    let around = format!("{special},{text}");
    assert!(template(&around, "{}").contains("\"[CLS]\", which is not among"));
    assert!(template(&format!("{text},{second}"), "{}").contains("has text B 1 times, not 0"));
    assert!(template(&format!("{text},{text}"), "{}").contains("has text A 2 times, not 1"));
    assert!(template("", "{}").contains("has text A 0 times, not 1"));
    let too_high = r#"{"[CLS]":{"id":"[CLS]","ids":[99],"tokens":["[CLS]"]}}"#;
    assert!(template(&around, too_high).contains("id 99"));
    let uneven = r#"{"[CLS]": {"id": "[CLS]", "ids": [2, 2, 2], "tokens": ["[CLS]"]}}"#;
    assert!(template(&around, uneven).contains("3 ids for 1 spellings"));

    for (text, expected) in [
        ("{", "cannot be read"),
        ("{}", "cannot be read"),
        (&padded.replace(r#""[SEP]":3,"#, ""), "no [SEP]"),
        (&padded.replace(r#""a":4"#, r#""a":4000000"#), "4000000"),
        (
            &padded.replace(r#""unk_token":"[UNK]""#, r#""unk_token":"<unk>""#),
            "\"<unk>\"",
        ),
    ] {
        let error = Tokenizer::from_tokenizer_json(text.as_bytes())
            .err()
            .expect(text)
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// RoBERTa's spelling: found without being named, named by tokenizer_config.json, missing.
#[test]
fn special_tokens_of_other_families() {
    let file = |vocab: &str, added: &str| {
        format!(
            r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[{added}],"normalizer":null,
               "pre_tokenizer":{{"type":"WhitespaceSplit"}},"post_processor":null,"decoder":null,
               "model":{{"type":"WordLevel","unk_token":"<unk>","vocab":{{{vocab}}}}}}}"#
        )
    };
    let vocab = r#""<s>":0,"<pad>":1,"</s>":2,"<unk>":3,"a":4,"<mask>":5,"[MASK]":6,"<hide>":7"#;
    let special = |id: u32, text: &str| {
        format!(
            r#"{{"id":{id},"content":"{text}","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}}"#
        )
    };
    let added = special(5, "<mask>");
    let tokenizer = Tokenizer::from_tokenizer_json(file(vocab, &added).as_bytes()).unwrap();
    assert_eq!(
        (tokenizer.cls_id(), tokenizer.sep_id(), tokenizer.unk_id()),
        (0, 2, 3)
    );
    // Both spellings of the mask are words; the one that is marked as special is meant.
    assert_eq!((tokenizer.pad_id(), tokenizer.mask_id()), (1, Some(5)));
    assert_eq!(tokenizer.mask_token(), Some("<mask>"));
    // Its own template, where the file has none.
    let pair = tokenizer.encode("a", Some("a"), 99);
    assert_eq!(pair.ids, [0, 4, 2, 2, 4, 2]);
    assert_eq!(pair.type_ids, [0; 6]);

    let names = |text: &str| TokenizerConfig::from_json(text).unwrap();
    let named =
        |config| Tokenizer::from_tokenizer_json_with(file(vocab, &added).as_bytes(), &config);
    let hide = named(names(
        r#"{"mask_token": {"content": "<hide>", "lstrip": true}, "cls_token": "<s>", "pad_token": null}"#,
    ));
    assert_eq!(hide.unwrap().mask_id(), Some(7));
    let error = named(names(r#"{"cls_token": "<begin>"}"#)).err().unwrap();
    assert!(
        error.to_string().contains("\"<begin>\"") && error.to_string().contains("lacks"),
        "{error}"
    );
    assert!(TokenizerConfig::from_json(r#"{"mask_token": 7}"#).is_err());

    let without = file(&vocab.replace(r#""</s>":2,"#, ""), &added);
    let error = Tokenizer::from_tokenizer_json(without.as_bytes())
        .err()
        .unwrap();
    assert_eq!(
        error,
        TokenizerError::MissingSpecialTokens {
            file: "tokenizer.json",
            missing: vec!["</s>"]
        }
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_files_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
        let _ = Tokenizer::from_tokenizer_json(&bytes);
        let _ = Tokenizer::from_vocab_txt(&text, true);
        let _ = TokenizerConfig::from_json(&text);
    }
}
