//! The special tokens around a text: BERT's own template, and the checks of one that came in a file.

use serde_json::Value;
use tokenizers::PostProcessorWrapper;
use tokenizers::processors::template::TemplateProcessing;

/// `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`.
pub(super) fn bert(cls: u32, sep: u32) -> Result<PostProcessorWrapper, String> {
    TemplateProcessing::builder()
        .try_single("[CLS]:0 $A:0 [SEP]:0")?
        .try_pair("[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")?
        .special_tokens(vec![(super::CLS, cls), (super::SEP, sep)])
        .build()
        .map(Into::into)
        .map_err(|e| e.to_string())
}

/// Refuses templates on which the `tokenizers` crate would panic: it trusts that every special token they use is
/// listed, and that the one for single texts does not ask for a second.
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
            for which in ["single", "pair"] {
                for piece in processor[which].as_array().into_iter().flatten() {
                    if let Some(id) = piece["SpecialToken"]["id"].as_str()
                        && processor["special_tokens"].get(id).is_none()
                    {
                        return Err(format!(
                            "its template for a {which} uses {id:?}, which is not among its special tokens"
                        ));
                    }
                    if which == "single" && piece["Sequence"]["id"] == "B" {
                        return Err("its template for a single text asks for a second one".into());
                    }
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
