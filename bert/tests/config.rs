//! `config.json`: defaults, refusals, and no panic on arbitrary text.

use bert::config::{Activation, Config, Family, MAX_CONFIG_BYTES};
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

/// The defaults of each family's configuration class, its own keys, and what follows from them.
#[test]
fn families_have_their_own_keys_and_defaults() {
    let config = |text: &str| Config::from_json(text).expect(text);
    let roberta = config(
        r#"{"model_type": "roberta", "max_position_embeddings": 514, "type_vocab_size": 1, "layer_norm_eps": 1e-5}"#,
    );
    assert_eq!((roberta.vocab_size, roberta.pad_token_id), (50_265, 1));
    assert_eq!(roberta.max_tokens(), 512);
    assert_eq!(roberta.positions(&[0, 7, 2, 1, 1]), [2, 3, 4, 1, 1]);
    assert_eq!(roberta.position_padding(), Some(1));

    let albert = config(r#"{"architectures": ["AlbertForMaskedLM"]}"#);
    assert_eq!(albert.family, Family::Albert);
    assert_eq!((albert.hidden_size, albert.embedding_size), (4_096, 128));
    assert_eq!(
        (albert.num_hidden_layers, albert.num_hidden_groups),
        (12, 1)
    );
    assert_eq!(albert.hidden_act, Activation::GeluTanh);
    assert_eq!(
        (albert.hidden_dropout_prob, albert.classifier_dropout),
        (0.0, 0.1)
    );
    assert!(albert.projects_embeddings() && (0..12).all(|i| albert.layer_group(i) == 0));
    let groups = config(
        r#"{"model_type": "albert", "num_hidden_layers": 7, "num_hidden_groups": 3, "inner_group_num": 1}"#,
    );
    let found: Vec<usize> = (0..7).map(|i| groups.layer_group(i)).collect();
    assert_eq!(found, [0, 0, 0, 1, 1, 2, 2]);

    let distilbert = config(
        r#"{"model_type": "distilbert", "dim": 96, "n_heads": 3, "n_layers": 2, "hidden_dim": 100, "activation": "relu",
            "seq_classif_dropout": 0.25, "hidden_size": "not read"}"#,
    );
    assert_eq!((distilbert.hidden_size, distilbert.head_size()), (96, 32));
    assert_eq!(
        (distilbert.num_hidden_layers, distilbert.intermediate_size),
        (2, 100)
    );
    assert_eq!(distilbert.hidden_act, Activation::Relu);
    assert_eq!(
        (distilbert.type_vocab_size, distilbert.classifier_dropout),
        (0, 0.25)
    );
    assert_eq!(distilbert.max_tokens(), 512);
    assert_eq!(distilbert.positions(&[5, 0, 0]), [0, 1, 2]);

    for (name, family) in [
        ("xlm-roberta", Family::XlmRoberta),
        ("camembert", Family::Camembert),
    ] {
        let text = format!(r#"{{"model_type": "{name}", "max_position_embeddings": 514}}"#);
        let config = config(&text);
        assert_eq!((config.family, config.vocab_size), (family, 30_522));
        assert_eq!((config.max_tokens(), config.pad_token_id), (512, 1));
        assert_eq!(config.positions(&[5, 6, 1]), [2, 3, 1]);
    }
    let old = config(r#"{"architectures": ["XLMRobertaForMaskedLM"]}"#);
    assert_eq!(old.family, Family::XlmRoberta);

    let electra = config(r#"{"model_type": "electra"}"#);
    assert_eq!((electra.hidden_size, electra.embedding_size), (256, 128));
    assert!(electra.projects_embeddings());
    let base = config(
        r#"{"model_type": "electra", "hidden_size": 768, "embedding_size": 768, "num_attention_heads": 12}"#,
    );
    assert!(!base.projects_embeddings());

    for (text, parts) in [
        (
            r#"{"model_type": "roberta", "max_position_embeddings": 3}"#,
            ["`max_position_embeddings`", "3", "at least 4"],
        ),
        (
            r#"{"model_type": "roberta", "pad_token_id": 50000}"#,
            ["`max_position_embeddings`", "512", "at least 50003"],
        ),
        (
            r#"{"model_type": "albert", "inner_group_num": 2}"#,
            ["`inner_group_num`", "2", "Supported: 1"],
        ),
        (
            r#"{"model_type": "albert", "num_hidden_groups": 13}"#,
            ["`num_hidden_groups`", "13", "from 1 to 12"],
        ),
        (
            r#"{"model_type": "albert", "embedding_size": 0}"#,
            ["`embedding_size`", "0", "from 1"],
        ),
        (
            r#"{"model_type": "distilbert", "n_heads": 7}"#,
            ["`n_heads`", "7", "divisor of `dim`"],
        ),
        (
            r#"{"model_type": "distilbert", "activation": "mish"}"#,
            ["`activation`", "mish", "relu"],
        ),
        (
            r#"{"architectures": ["BertModel", "RobertaModel"]}"#,
            ["`architectures`", "RobertaModel", "roberta"],
        ),
    ] {
        let message = error(text);
        for part in parts {
            assert!(message.contains(part), "{text}: {message:?} lacks {part:?}");
        }
    }
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
        ("tanh", Activation::Tanh),
        ("silu", Activation::Silu),
        ("swish", Activation::Silu),
        ("quick_gelu", Activation::QuickGelu),
        ("gelu_pytorch_tanh", Activation::GeluTanh),
        ("relu", Activation::Relu),
    ] {
        let text = format!(r#"{{"hidden_act": "{name}"}}"#);
        assert_eq!(Config::from_json(&text).unwrap().hidden_act, activation);
    }
    let message = error(r#"{"hidden_act": "mish"}"#);
    assert!(
        message.contains("\"mish\"") && message.contains("gelu_new"),
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
            r#"{"model_type": "roberta", "is_decoder": true}"#,
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
        family in prop::sample::select(Family::SUPPORTED),
        key in prop::sample::select(&[
            "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "pad_token_id",
            "intermediate_size", "max_position_embeddings", "type_vocab_size", "layer_norm_eps",
            "hidden_dropout_prob", "initializer_range", "id2label", "architectures", "hidden_act",
            "embedding_size", "num_hidden_groups", "inner_group_num", "classifier_dropout_prob", "dim",
            "n_layers", "n_heads", "hidden_dim", "activation", "dropout", "seq_classif_dropout",
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
        if let Ok(config) = Config::from_json(&format!("{{\"model_type\": {family:?}, {key:?}: {value}}}")) {
            prop_assert_eq!(config.head_size() * config.num_attention_heads, config.hidden_size);
            prop_assert!(config.vocab_size.checked_mul(config.hidden_size).is_some());
            prop_assert!((config.pad_token_id as usize) < config.vocab_size);
            prop_assert!(config.layer_norm_eps > 0.0);
            prop_assert!(config.max_tokens() >= 2 && config.max_tokens() <= config.max_position_embeddings);
            let text = vec![config.vocab_size as u32 - 1; config.max_tokens().min(600)];
            let last = config.positions(&text).into_iter().max().unwrap_or(0);
            prop_assert!((last as usize) < config.max_position_embeddings);
            let groups = (0..config.num_hidden_layers).map(|i| config.layer_group(i));
            prop_assert!(groups.is_sorted());
            prop_assert!(config.layer_group(config.num_hidden_layers - 1) < config.num_hidden_groups);
        }
    }
}
