//! What goes wrong with a checkpoint, in words for the visitor.

use crate::failure::Failure;
use bert::config::Config;
use bert::model::LoadError;
use bert::probe::ProbeError;

/// A model's configuration, if it is one that can run here.
///
/// # Errors
/// What about it cannot.
pub fn read_config(bytes: &[u8]) -> Result<Config, Failure> {
    let text = text(bytes, "config.json")?;
    Config::from_json(text).map_err(|error| {
        Failure::new(
            "config.json does not describe a model this page can run",
            sentence(&error),
            "Use a BERT checkpoint as transformers saves it, with its own config.json.",
        )
    })
}

/// A file that a checkpoint must have is not there.
pub fn missing(name: &str) -> Failure {
    Failure::new(
        format!("{name} is missing"),
        "The checkpoint is not complete.",
        "A checkpoint is model.safetensors (or pytorch_model.bin), config.json, and tokenizer.json or \
         vocab.txt.",
    )
}

/// The vocabulary is another model's.
pub fn strangers(error: &ProbeError) -> Failure {
    Failure::new(
        "Vocabulary and weights do not belong together",
        sentence(error),
        "Use the tokenizer.json or vocab.txt that came with these weights.",
    )
}

/// A small file as text; the error names the byte.
///
/// # Errors
/// When it is not UTF-8.
pub fn text<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str, Failure> {
    std::str::from_utf8(bytes).map_err(|error| {
        Failure::new(
            format!("{name} is not text"),
            format!(
                "It is not UTF-8: byte {} is out of place.",
                error.valid_up_to()
            ),
            "Look whether the file is what its name says.",
        )
    })
}

/// The weights are refused.
pub fn unloadable(error: &LoadError) -> Failure {
    Failure::new(
        "The weights cannot be used",
        sentence(error),
        "Use the checkpoint's own, complete model.safetensors together with its config.json.",
    )
}

/// An error as a sentence of its own. A file's name at its start keeps its spelling.
pub fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let text = text.trim();
    let first_word = text.split(' ').next().unwrap_or_default();
    let mut sentence = match text.chars().next() {
        Some(first) if !first_word.contains(['.', '_', '`']) => {
            first.to_uppercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    };
    if !sentence.ends_with(['.', '!', '?', ':']) {
        sentence.push('.');
    }
    sentence
}
