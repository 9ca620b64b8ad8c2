//! The folder's `config.json`.

use serde_json::{Map, Value, json};

use super::weights::PASSING;
use super::{Kind, Refusal, code, needs_code, pooling};
use crate::config::Config;
use crate::config::{Family, HeadKind, Pooling};
use crate::model::Model;

/// Keys of the source that would contradict the new ones, or lead back to it.
const DROPPED: [&str; 7] = [
    "torch_dtype",
    "num_labels",
    "_num_labels",
    "auto_map",
    "unmask",
    "_name_or_path",
    "finetuning_task",
];

/// The source's own config.json with what the export changes.
pub(super) fn rewritten(model: &Model, kind: Kind, source: &str) -> Result<String, Refusal> {
    let other = |words: String| Refusal::Config(words);
    check(model, source)?;
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    let mut map: Map<String, Value> =
        serde_json::from_str(text).map_err(|e| other(format!(": {e}")))?;
    let own_type = map.get("unmask").and_then(|own| own.get("model_type"));
    let family = own_type.or(map.get("model_type")).cloned();
    let family = family.unwrap_or_else(|| json!("bert"));
    map.retain(|key, _| !DROPPED.contains(&key.as_str()));
    map.insert("model_type".to_owned(), family.clone());
    map.insert("dtype".to_owned(), json!("float32"));
    let class = class(model, kind);
    map.insert("architectures".to_owned(), json!([class]));
    if let Some(classifier) = model.head().filter(|_| kind == Kind::Head) {
        let by_id = classifier.labels.iter().enumerate();
        let id2label: Map<String, Value> = by_id
            .clone()
            .map(|(i, label)| (i.to_string(), json!(label)))
            .collect();
        let label2id: Map<String, Value> =
            by_id.map(|(i, label)| (label.clone(), json!(i))).collect();
        map.insert("id2label".to_owned(), id2label.into());
        map.insert("label2id".to_owned(), label2id.into());
        let problem = match classifier.kind {
            HeadKind::Classes => Some("single_label_classification"),
            HeadKind::Labels => Some("multi_label_classification"),
            HeadKind::Score => Some("regression"),
            HeadKind::Tokens | HeadKind::Span | HeadKind::Choice => None,
        };
        map.remove("problem_type");
        if let Some(problem) = problem {
            map.insert("problem_type".to_owned(), json!(problem));
        }
        if classifier.kind == HeadKind::Span {
            map.retain(|key, _| !["id2label", "label2id"].contains(&key.as_str()));
        }
    } else {
        // An older classifier's: it stays behind.
        map.retain(|key, _| !["id2label", "label2id", "problem_type"].contains(&key.as_str()));
    }
    match pooling(model, kind) {
        None => {}
        Some(Pooling::Pooler) => {
            map.insert("unmask".to_owned(), json!({"pooling": "pooler"}));
        }
        Some(_) if needs_code(model, kind) => {
            let name = match pooling(model, kind) {
                Some(Pooling::Mean) => "mean",
                _ => "cls",
            };
            let prefix = model.config().family.class_prefix();
            map.insert(
                "unmask".to_owned(),
                json!({"pooling": name, "model_type": family}),
            );
            map.insert("model_type".to_owned(), json!(code::model_type(model)));
            let auto = json!({
                "AutoConfig": format!("modeling_unmask.Unmask{prefix}Config"),
                "AutoModelForSequenceClassification":
                    format!("modeling_unmask.Unmask{prefix}ForSequenceClassification"),
            });
            map.insert("auto_map".to_owned(), auto);
        }
        Some(Pooling::Cls | Pooling::Mean) => {
            let scale = (1.0 / PASSING) as u32;
            let own = json!({"pooling": "cls", "classifier_scale": scale});
            map.insert("unmask".to_owned(), own);
        }
    }
    if let Some(tokens) = limit(model, kind) {
        let own = map.entry("unmask").or_insert_with(|| json!({}));
        own["max_tokens"] = json!(tokens);
    }
    Ok(pretty(&map.into()))
}

/// The class that loads the folder.
fn class(model: &Model, kind: Kind) -> String {
    let ending = match model.head().filter(|_| kind == Kind::Head) {
        None if matches!(kind, Kind::Pretraining | Kind::Replaced) => "ForPreTraining",
        None if model.config().causal => "LMHeadModel",
        None => "ForMaskedLM",
        Some(head) => head.kind.class_ending(),
    };
    let own = if needs_code(model, kind) {
        "Unmask"
    } else {
        ""
    };
    format!("{own}{}{ending}", model.config().family.class_prefix())
}

/// Refuses a config.json that is not the model's own.
pub(super) fn check(model: &Model, source: &str) -> Result<(), Refusal> {
    let other = |words: String| Refusal::Config(words);
    let parsed = Config::from_json(source).map_err(|e| other(format!(": {e}")))?;
    match parsed == *model.config() {
        true => Ok(()),
        false => Err(other(String::new())),
    }
}

/// The longest text that the classifier was trained on, where one is exported and says so.
pub(super) fn limit(model: &Model, kind: Kind) -> Option<usize> {
    let head = model.head().filter(|_| kind == Kind::Head);
    head?.max_tokens.map(|_| model.head_limit())
}

/// A tokenizer_config.json for a source that has none.
pub(super) fn tokenizer(model: &Model, kind: Kind) -> String {
    let longest = limit(model, kind).unwrap_or(model.config().max_tokens());
    let mut own = json!({"model_max_length": longest});
    // Of the others the model type tells.
    if model.config().family == Family::Bert {
        own["tokenizer_class"] = json!("BertTokenizer");
    }
    pretty(&own)
}

/// The source's tokenizer_config.json, with the classifier's longest text; as it is where there is
/// none, or where it is no object.
pub(super) fn with_limit(model: &Model, kind: Kind, source: &[u8]) -> Vec<u8> {
    let parsed: Option<Map<String, Value>> = serde_json::from_slice(source).ok();
    match (parsed, limit(model, kind)) {
        (Some(mut map), Some(tokens)) => {
            map.insert("model_max_length".to_owned(), json!(tokens));
            pretty(&map.into()).into_bytes()
        }
        _ => source.to_vec(),
    }
}

fn pretty(value: &Value) -> String {
    // Alternate formatting is indented, and cannot fail.
    format!("{value:#}\n")
}
