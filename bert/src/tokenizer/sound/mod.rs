//! What a tokenizer.json must hold before the `tokenizers` crate may read it: of some damaged files that
//! crate panics, at once or at a later text.

mod charsmap;
mod merges;

pub(super) use merges::check_merges;

use serde::Deserialize;
use serde_json::Value;

/// The parts that are looked at.
#[derive(Deserialize)]
struct Parts {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    model: merges::Model,
}

/// Refuses a tokenizer.json that is no JSON, and one that would be read into a panic.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn check(file: &[u8]) -> Result<(), String> {
    let parts: Parts = serde_json::from_slice(file).map_err(|error| error.to_string())?;
    charsmap::check(&parts.normalizer)?;
    parts.model.check()
}
