//! Well-known checkpoints, as `gallery.json` beside the page lists them: whoever hosts the page chooses.

use super::address::Address;
use serde::Deserialize;
use std::collections::HashSet;

/// Longest list that is read, in bytes.
pub const MAX_BYTES: usize = 256 << 10;
/// The most checkpoints in it.
const MAX_MODELS: usize = 64;
/// Longest text in it, in characters.
const MAX_CHARS: usize = 300;
/// Bytes of a weight, as this program computes with it.
const F32: f64 = 4.0;

/// A checkpoint of the list. Sizes are for the choice alone: its host says them anew before a download.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exhibit {
    pub address: Address,
    pub name: String,
    /// What it is, in a sentence or two.
    pub what: String,
    pub licence: String,
    /// Of the download.
    pub megabytes: f64,
    /// Weights.
    millions: f64,
    /// A text that shows what it can.
    #[serde(default, rename = "try")]
    pub example: Option<Example>,
}

/// A text to try a checkpoint with: one with a hidden word, or one for its head.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    pub text: String,
    /// The second text, such as the passage in which a question is answered.
    #[serde(default)]
    pub pair: Option<String>,
}

#[derive(Deserialize)]
struct Gallery {
    models: Vec<Exhibit>,
}

impl Exhibit {
    /// Bytes of its weights in memory.
    pub fn weights(&self) -> u64 {
        (self.millions * 1e6 * F32) as u64
    }

    fn check(&self) -> Result<(), String> {
        let example = self.example.as_ref();
        let pair = example.and_then(|example| example.pair.as_deref());
        let example = example.map_or("", |example| &example.text);
        let texts = [&self.name, &self.what, &self.licence];
        let fits =
            |text: &str| text.chars().count() <= MAX_CHARS && !text.chars().any(char::is_control);
        if texts
            .iter()
            .any(|text| text.trim().is_empty() || !fits(text))
            || !fits(example)
            || !pair.is_none_or(fits)
        {
            return Err(format!(
                "a text of `{}` is empty, longer than {MAX_CHARS} characters, or has control characters",
                self.address
            ));
        }
        // A day at a fast line, and more weights than any BERT has.
        let sizes = [(self.megabytes, 1e6), (self.millions, 1e6)];
        if sizes
            .iter()
            .any(|(size, most)| !(*size > 0.0 && size <= most))
        {
            return Err(format!("a size of `{}` is none", self.address));
        }
        Ok(())
    }
}

/// Reads the list.
///
/// # Errors
/// In words, when it is not such a list.
pub fn parse(text: &str) -> Result<Vec<Exhibit>, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("it is longer than {MAX_BYTES} bytes"));
    }
    let Gallery { models } = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if models.len() > MAX_MODELS {
        return Err(format!("it has more than {MAX_MODELS} models"));
    }
    let mut seen = HashSet::new();
    for model in &models {
        model.check()?;
        if !seen.insert(&model.address) {
            return Err(format!("`{}` is in it twice", model.address));
        }
    }
    Ok(models)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn shipped() -> Value {
        let text = include_str!("../../../static/gallery.json");
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn the_shipped_list_is_read() {
        let models = parse(&shipped().to_string()).expect("a list");
        assert_eq!(models.len(), 16);
        let first = &models[0];
        assert_eq!(
            first.address.to_string(),
            "google/bert_uncased_L-2_H-128_A-2"
        );
        assert_eq!(first.megabytes, 17.5);
        assert_eq!(first.weights(), 17_600_000);
        for model in &models {
            // In 16 or 32 bits, with or without what the page leaves out.
            let each = 1e6 * model.megabytes / f64::from(model.weights() as u32);
            assert!((0.45..1.1).contains(&each), "{}: {each}", model.name);
        }
    }

    #[test]
    fn what_is_no_such_list_is_refused() {
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut list = shipped();
            change(&mut list);
            parse(&list.to_string()).expect_err("a fault")
        };
        let first = |key: &'static str, value: Value| {
            changed(&move |list| list["models"][0][key] = value.clone())
        };
        assert!(first("address", json!("../x")).contains("neither part"));
        assert!(first("name", json!(" ")).contains("a text of"));
        assert!(first("what", json!("x".repeat(301))).contains("a text of"));
        assert!(first("try", json!({ "text": "a\u{0}" })).contains("a text of"));
        assert!(first("try", json!({ "text": "x", "run": "x" })).contains("unknown field"));
        assert!(first("megabytes", json!(-1)).contains("a size of"));
        assert!(first("millions", json!(1e300)).contains("a size of"));
        assert!(first("script", json!("x")).contains("unknown field"));
        let twice = changed(&|list| list["models"][1] = list["models"][0].clone());
        assert!(twice.contains("twice"));
        let many = changed(&|list| list["models"] = json!(vec![list["models"][0].clone(); 65]));
        assert!(many.contains("more than 64"));
        assert!(parse("<!doctype html>").is_err());
        assert!(
            parse(&" ".repeat(MAX_BYTES + 1))
                .unwrap_err()
                .contains("longer")
        );
    }
}
