//! The special tokens around a text: the families' own templates, and the checks of one that came in a file.

use super::SpecialTokens;
use serde_json::Value;
use tokenizers::PostProcessorWrapper;
use tokenizers::processors::template::TemplateProcessing;

/// BERT's `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`; RoBERTa's `<s> A </s>` and `<s> A </s></s> B </s>`, all of
/// one type, where the tokens are spelled so.
pub(super) fn of(special: &SpecialTokens) -> Result<PostProcessorWrapper, String> {
    let (cls, sep) = (&special.cls.text, &special.sep.text);
    let single = format!("{cls}:0 $A:0 {sep}:0");
    let pair = match cls.starts_with('<') {
        true => format!("{cls}:0 $A:0 {sep}:0 {sep}:0 $B:0 {sep}:0"),
        false => format!("{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1"),
    };
    TemplateProcessing::builder()
        .try_single(single)?
        .try_pair(pair)?
        .special_tokens(vec![
            (cls.clone(), special.cls.id),
            (sep.clone(), special.sep.id),
        ])
        .build()
        .map(Into::into)
        .map_err(|e| e.to_string())
}

/// Refuses templates on which the `tokenizers` crate would panic: it trusts that every special token they use is
/// listed with as many ids as spellings, and that the one for single texts does not ask for a second. A text that
/// stood there twice, or not at all, would not be cut where a model's length ends.
pub(super) fn check(processor: &PostProcessorWrapper) -> Result<(), String> {
    let value = serde_json::to_value(processor).map_err(|e| e.to_string())?;
    check_value(&value)
}

fn check_value(processor: &Value) -> Result<(), String> {
    match processor["type"].as_str() {
        Some("Sequence") => processor["processors"]
            .as_array()
            .into_iter()
            .flatten()
            .try_for_each(check_value),
        Some("TemplateProcessing") => {
            for (name, token) in processor["special_tokens"]
                .as_object()
                .into_iter()
                .flatten()
            {
                let count = |list: &str| token[list].as_array().map_or(0, Vec::len);
                if count("ids") != count("tokens") {
                    return Err(format!(
                        "its template's token {name:?} has {} ids for {} spellings",
                        count("ids"),
                        count("tokens")
                    ));
                }
            }
            for which in ["single", "pair"] {
                for piece in processor[which].as_array().into_iter().flatten() {
                    if let Some(id) = piece["SpecialToken"]["id"].as_str()
                        && processor["special_tokens"].get(id).is_none()
                    {
                        return Err(format!(
                            "its template for a {which} uses {id:?}, which is not among its special tokens"
                        ));
                    }
                }
                for (text, times) in [("A", 1), ("B", usize::from(which == "pair"))] {
                    let pieces = processor[which].as_array().into_iter().flatten();
                    let count = pieces.filter(|piece| piece["Sequence"]["id"] == text);
                    let count = count.count();
                    if count != times {
                        return Err(format!(
                            "its template for a {which} has text {text} {count} times, not {times}"
                        ));
                    }
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
