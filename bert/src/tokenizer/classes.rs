//! The classes of `transformers` that cut texts, by their names.

use super::{TokenizerConfig, TokenizerError};

/// Classes that do to a text what no file says, and what they do.
const OWN_WAYS: [(&str, &str); 4] = [
    (
        "BertJapaneseTokenizer",
        "cuts Japanese into words by a dictionary",
    ),
    (
        "BertweetTokenizer",
        "rewrites names, links and emoji of tweets",
    ),
    (
        "PhobertTokenizer",
        "wants Vietnamese whose words were joined before",
    ),
    ("HerbertTokenizer", "cuts words by merges of its own"),
];
/// Classes that are BERT's under other names.
const BERTS: [&str; 3] = ["BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"];
/// Classes that leave everything to tokenizer.json, or to the kind of vocabulary.
const ANY: [&str; 4] = [
    "PreTrainedTokenizer",
    "TokenizersBackend",
    "PythonBackend",
    "AutoTokenizer",
];

/// The class, without the ending of those that are written in Rust.
fn class(config: &TokenizerConfig) -> Option<&str> {
    let class = config.tokenizer_class.as_deref()?;
    Some(class.strip_suffix("Fast").unwrap_or(class))
}

/// Whether texts are prepared as BERT's class does it, by the settings.
pub(super) fn prepares_as_bert(config: &TokenizerConfig) -> bool {
    class(config).is_none_or(|class| BERTS.contains(&class))
}

/// Whether texts are prepared as ALBERT's class does it, by the settings.
pub(super) fn prepares_as_albert(config: &TokenizerConfig) -> bool {
    class(config) == Some("AlbertTokenizer")
}

/// Refuses classes that cut texts in ways that are not known here. `file` is the vocabulary.
///
/// # Errors
/// The class, and what it does.
pub(super) fn check(config: &TokenizerConfig, file: &str) -> Result<(), TokenizerError> {
    let refused = |class: &str, how| {
        let class = class.chars().take(60).collect();
        Err(TokenizerError::Class { class, how })
    };
    if (config.word_tokenizer_type.as_deref()).is_some_and(|kind| kind != "basic") {
        let (class, how) = OWN_WAYS[0];
        return refused(class, how);
    }
    let Some(class) = class(config) else {
        return Ok(());
    };
    if let Some((_, how)) = OWN_WAYS.iter().find(|(name, _)| *name == class) {
        // Its merges are in a tokenizer.json too.
        return match (class, file) {
            ("HerbertTokenizer", "tokenizer.json") => Ok(()),
            _ => refused(class, how),
        };
    }
    let known = match file {
        "vocab.txt" => BERTS.contains(&class),
        "vocab.json" => class == "RobertaTokenizer",
        _ => true,
    };
    match known || ANY.contains(&class) {
        true => Ok(()),
        false => refused(
            class,
            "is none whose vocabulary is read without a tokenizer.json",
        ),
    }
}
