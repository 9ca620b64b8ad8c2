//! The longest text that a classifier was trained on goes with it wherever it goes, and its labels
//! keep their order.

use bert::config::{ConfigError, Pooling};
use bert::export::{Head, Refusal, check_ahead};
use serde_json::{Value, json};

use super::*;

/// tiny-bert with a classifier that was trained on texts of at most six tokens.
fn limited(device: &Device, pooling: Pooling) -> Model {
    let mut model = trained(device, Method::Head, pooling);
    let classifier = TaskHead {
        max_tokens: Some(6),
        ..TaskHead::new(labels(), pooling)
    };
    model.set_head(classifier).expect("it fits");
    model
}

fn logits(model: &mut Model, text: &str) -> Vec<f32> {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let texts = [super::text(text, None)];
    let found = block_on(classify(model, &tokenizer, &texts, &Control::default()));
    found.expect("a classifier")[0].logits.clone()
}

#[test]
fn what_was_trained_is_what_predicts() {
    for (name, device) in common::devices() {
        let mut model = limited(&device, Pooling::Mean);
        // [CLS], four words, [SEP]; what follows was never read.
        let (short, long) = ("the film was good", "the film was good , so bad and dull");
        assert_eq!(
            logits(&mut model, short),
            logits(&mut model, long),
            "{name}"
        );
        let classifier = TaskHead::new(labels(), Pooling::Mean);
        model.set_head(classifier).expect("it fits");
        assert_ne!(
            logits(&mut model, short),
            logits(&mut model, long),
            "{name}"
        );
    }
}

#[test]
fn the_limit_goes_into_folder_head_and_link() {
    for pooling in [Pooling::Pooler, Pooling::Cls, Pooling::Mean] {
        let mut model = limited(&CPU, pooling);
        let config = config_of(&common::fixture("tiny-bert"));
        let folder = exported(&mut model, &config, &about(Kind::Head)).expect("a folder");
        let config = utf8(&folder, "config.json");
        let parsed: Value = serde_json::from_str(&config).expect("JSON");
        assert_eq!(parsed["unmask"]["max_tokens"], 6, "{pooling:?}");
        let tokenizer: Value =
            serde_json::from_slice(&folder["tokenizer_config.json"]).expect("JSON");
        assert_eq!(tokenizer["model_max_length"], 6);
        assert!(utf8(&folder, "README.md").contains("max_length=6,"));
        let mut again = load(&config, &folder["model.safetensors"], &CPU).expect("a model");
        assert_eq!(again.classifier(), model.classifier());
        assert_eq!(bits(&classified(&mut again)), bits(&classified(&mut model)));

        let head = block_on(Head::of(&mut model, &about(Kind::Head))).expect("a head");
        let file = block_on(export::head(&mut model, &about(Kind::Head))).expect("a file");
        assert_eq!(Head::parse(&file), Ok(head.clone()));
        let linked = Head::from_link_text(&head.to_link_text().expect("a link")).expect("a head");
        assert_eq!(linked.classifier, head.classifier);
        let mut fresh = common::model(&common::fixture("tiny-bert"), &CPU);
        block_on(head.attach(&mut fresh)).expect("its own base");
        assert_eq!(bits(&classified(&mut fresh)), bits(&classified(&mut model)));
    }
    let mut config: Value =
        serde_json::from_str(&config_of(&common::fixture("tiny-bert"))).expect("JSON");
    config["unmask"] = json!({"max_tokens": 2});
    let error = Config::from_json(&config.to_string()).expect_err("too short");
    assert!(
        matches!(
            error,
            ConfigError::Rule {
                key: "unmask.max_tokens",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_tokenizer_s_own_settings_stay_beside_the_limit() {
    let mut model = limited(&CPU, Pooling::Pooler);
    let config = config_of(&common::fixture("tiny-bert"));
    let own =
        br#"{"do_lower_case": false, "model_max_length": 512, "tokenizer_class": "BertTokenizer"}"#;
    let tokenizer = [("tokenizer_config.json".to_owned(), own.to_vec())];
    let files = Files {
        config: &config,
        tokenizer: &tokenizer,
    };
    check_ahead(&model, &files).expect("it can be exported");
    let mut written = Vec::new();
    let mut sink = |name: &str, bytes: &[u8]| -> Result<(), String> {
        if name == "tokenizer_config.json" {
            written.extend(bytes);
        }
        Ok(())
    };
    let control = Control::default();
    let about = about(Kind::Head);
    block_on(export::folder(
        &mut model, &about, &files, &control, &mut sink,
    ))
    .expect("a folder");
    let found: Value = serde_json::from_slice(&written).expect("JSON");
    assert_eq!(
        found,
        json!({"do_lower_case": false, "model_max_length": 6, "tokenizer_class": "BertTokenizer"})
    );
}

/// `list(config.id2label.values())` stands in many programs.
#[test]
fn labels_stand_in_the_order_of_their_ids() {
    let mut model = common::model(&common::fixture("tiny-bert"), &CPU);
    let hidden = model.config().hidden_size;
    let labels: Vec<String> = (0..12).map(|i| format!("label {}", (i * 7) % 12)).collect();
    let zeros = Head::parse(&head_of_zeros(&mut model, &labels, hidden)).expect("a head");
    block_on(zeros.attach(&mut model)).expect("its own base");
    let config = config_of(&common::fixture("tiny-bert"));
    let folder = exported(&mut model, &config, &about(Kind::Head)).expect("a folder");
    let text = utf8(&folder, "config.json");
    let at = |part: String| {
        text.find(&part)
            .unwrap_or_else(|| panic!("{part} in {text}"))
    };
    let places: Vec<usize> = (labels.iter().enumerate())
        .map(|(i, label)| at(format!("\"{i}\": \"{label}\"")))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    let places: Vec<usize> = (labels.iter().enumerate())
        .map(|(i, label)| at(format!("\"{label}\": {i}")))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
}

/// The file of a head of these classes.
fn head_of_zeros(model: &mut Model, labels: &[String], hidden: usize) -> Vec<u8> {
    let data = vec![0; labels.len() * (hidden + 1) * 4];
    let weights = labels.len() * hidden * 4;
    let header = json!({
        "__metadata__": {
            "unmask_head": "1",
            "base_sha256": model.sha256(),
            "base": "tiny-bert",
            "hidden_size": hidden.to_string(),
            "pooling": "pooler",
            "labels": json!(labels).to_string(),
        },
        "classifier.weight": {"dtype": "F32", "shape": [labels.len(), hidden], "data_offsets": [0, weights]},
        "classifier.bias": {"dtype": "F32", "shape": [labels.len()], "data_offsets": [weights, data.len()]},
    });
    let mut header = header.to_string();
    header += &" ".repeat(header.len().next_multiple_of(8) - header.len());
    [
        &(header.len() as u64).to_le_bytes()[..],
        header.as_bytes(),
        &data,
    ]
    .concat()
}

#[test]
fn an_export_that_cannot_be_made_is_refused_before() {
    let config = config_of(&common::fixture("tiny-roberta"));
    let files = Files {
        config: &config,
        tokenizer: &[],
    };
    let roberta = common::model(&common::fixture("tiny-roberta"), &CPU);
    assert_eq!(check_ahead(&roberta, &files), Ok(()));
    let model = common::model(&common::fixture("tiny-bert"), &CPU);
    assert!(matches!(
        check_ahead(&model, &files),
        Err(Refusal::Config(_))
    ));
    let config = config_of(&common::fixture("tiny-bert"));
    let twice = [("README.md".to_owned(), Vec::new())];
    let files = Files {
        config: &config,
        tokenizer: &twice,
    };
    assert_eq!(
        check_ahead(&model, &files),
        Err(Refusal::File("README.md".to_owned()))
    );
}
