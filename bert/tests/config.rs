//! `config.json`: defaults, refusals, and no panic on arbitrary text.

use bert::config::{Activation, Config, MAX_CONFIG_BYTES};
use proptest::prelude::*;

fn error(text: &str) -> String {
    Config::from_json(text).expect_err(text).to_string()
}

#[test]
fn an_empty_object_is_the_default_bert() {
    let config = Config::from_json("{}").unwrap();
    assert_eq!(
        (
            config.vocab_size,
            config.hidden_size,
            config.num_hidden_layers
        ),
        (30_522, 768, 12)
    );
    assert_eq!((config.num_attention_heads, config.head_size()), (12, 64));
    assert_eq!(
        (config.intermediate_size, config.max_position_embeddings),
        (3_072, 512)
    );
    assert_eq!((config.type_vocab_size, config.pad_token_id), (2, 0));
    assert_eq!(config.hidden_act, Activation::Gelu);
    assert_eq!(
        (config.layer_norm_eps, config.initializer_range),
        (1e-12, 0.02)
    );
    assert_eq!(
        (config.hidden_dropout_prob, config.classifier_dropout),
        (0.1, 0.1)
    );
    assert!(config.tie_word_embeddings && config.id2label.is_empty());
}

#[test]
fn labels_come_in_the_order_of_their_ids() {
    let text = r#"{"id2label": {"10":"k","2":"c","0":"a","1":"b","3":"d","4":"e","5":"f","6":"g","7":"h","8":"i","9":"j"}}"#;
    assert_eq!(
        Config::from_json(text).unwrap().id2label.concat(),
        "abcdefghijk"
    );
    for text in [
        r#"{"id2label": {"0":"a","2":"c"}}"#,
        r#"{"id2label": {"0":"a","00":"c"}}"#,
        r#"{"id2label": {"0":1}}"#,
        r#"{"id2label": ["a"]}"#,
    ] {
        assert!(error(text).contains("`id2label`"), "{text}");
    }
}

#[test]
fn activations() {
    for (name, activation) in [
        ("gelu", Activation::Gelu),
        ("gelu_new", Activation::GeluTanh),
        ("gelu_pytorch_tanh", Activation::GeluTanh),
        ("relu", Activation::Relu),
    ] {
        let text = format!(r#"{{"hidden_act": "{name}"}}"#);
        assert_eq!(Config::from_json(&text).unwrap().hidden_act, activation);
    }
    let message = error(r#"{"hidden_act": "swish"}"#);
    assert!(
        message.contains("\"swish\"") && message.contains("gelu_new"),
        "{message}"
    );
}

#[test]
fn each_refusal_names_the_key_the_value_and_the_rule() {
    for (text, parts) in [
        (
            r#"{"hidden_size": 0}"#,
            ["`hidden_size`", "0", "from 1 to 16384"],
        ),
        (
            r#"{"hidden_size": 16385}"#,
            ["`hidden_size`", "16385", "from 1 to 16384"],
        ),
        (
            r#"{"hidden_size": -1}"#,
            ["`hidden_size`", "-1", "whole number"],
        ),
        (
            r#"{"hidden_size": 768.5}"#,
            ["`hidden_size`", "768.5", "whole number"],
        ),
        (
            r#"{"hidden_size": "768"}"#,
            ["`hidden_size`", "\"768\"", "whole number"],
        ),
        (
            r#"{"hidden_size": null}"#,
            ["`hidden_size`", "null", "whole number"],
        ),
        (
            r#"{"hidden_size": 99999999999999999999}"#,
            ["`hidden_size`", "1e+20", "whole number"],
        ),
        (
            r#"{"num_hidden_layers": 257}"#,
            ["`num_hidden_layers`", "257", "256"],
        ),
        (
            r#"{"vocab_size": 2000001}"#,
            ["`vocab_size`", "2000001", "2000000"],
        ),
        (
            r#"{"num_attention_heads": 7}"#,
            ["`num_attention_heads`", "7", "divisor"],
        ),
        (
            r#"{"pad_token_id": 30522}"#,
            ["`pad_token_id`", "30522", "30521"],
        ),
        (
            r#"{"layer_norm_eps": 0}"#,
            ["`layer_norm_eps`", "0", "above 0"],
        ),
        (
            r#"{"hidden_dropout_prob": 1}"#,
            ["`hidden_dropout_prob`", "1", "not, 1"],
        ),
        (
            r#"{"model_type": "gpt2"}"#,
            ["`model_type`", "gpt2", "Supported: bert"],
        ),
        (
            r#"{"architectures": ["GPT2Model"]}"#,
            ["`architectures`", "GPT2Model", "bert"],
        ),
        (
            r#"{"architectures": "BertModel"}"#,
            ["`architectures`", "BertModel", "list"],
        ),
        (
            r#"{"position_embedding_type": "relative_key"}"#,
            ["`position_embedding_type`", "relative_key", "absolute"],
        ),
        (
            r#"{"is_decoder": true}"#,
            ["`is_decoder`", "true", "encoder"],
        ),
        (
            r#"{"tie_word_embeddings": 1}"#,
            ["`tie_word_embeddings`", "1", "true or false"],
        ),
        ("[1]", ["holds [1]", "object", "config.json"]),
        ("{", ["not JSON", "EOF", "line 1"]),
        (
            r#"{"hidden_size": NaN}"#,
            ["not JSON", "expected value", "line 1"],
        ),
    ] {
        let message = error(text);
        for part in parts {
            assert!(message.contains(part), "{text}: {message:?} lacks {part:?}");
        }
    }
}

#[test]
fn a_long_or_deep_file_is_refused_before_it_is_parsed() {
    let long = format!("{{\"x\": \"{}\"}}", "a".repeat(MAX_CONFIG_BYTES));
    assert!(error(&long).contains("bytes long"));
    assert!(error(&"[".repeat(500_000)).contains("recursion"));
    let long_value = format!("{{\"model_type\": \"{}\"}}", "é".repeat(1_000));
    assert!(error(&long_value).len() < 300);
}

#[test]
fn null_means_absent_where_published_files_use_it() {
    let config = Config::from_json(
        r#"{"pad_token_id": null, "classifier_dropout": null, "id2label": null, "architectures": null,
            "model_type": null, "position_embedding_type": null}"#,
    );
    assert_eq!(config, Config::from_json("{}"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}") {
        let _ = Config::from_json(&text);
    }

    #[test]
    fn arbitrary_values_give_a_config_within_bounds_or_an_error(
        key in prop::sample::select(&[
            "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "pad_token_id",
            "intermediate_size", "max_position_embeddings", "type_vocab_size", "layer_norm_eps",
            "hidden_dropout_prob", "initializer_range", "id2label", "architectures", "hidden_act",
        ][..]),
        value in prop_oneof![
            any::<i64>().prop_map(|n| n.to_string()),
            any::<u64>().prop_map(|n| n.to_string()),
            any::<f64>().prop_map(|x| format!("{x:e}")),
            (0u32..100_000).prop_map(|n| n.to_string()),
            Just(r#"{"0": "a", "1": "b"}"#.to_string()),
            Just(r#"["BertModel"]"#.to_string()),
        ],
    ) {
        if let Ok(config) = Config::from_json(&format!("{{{key:?}: {value}}}")) {
            prop_assert_eq!(config.head_size() * config.num_attention_heads, config.hidden_size);
            prop_assert!(config.vocab_size.checked_mul(config.hidden_size).is_some());
            prop_assert!((config.pad_token_id as usize) < config.vocab_size);
            prop_assert!(config.layer_norm_eps > 0.0);
        }
    }
}
