//! A tokenizer from whatever files of it a folder holds.

use super::load::check_length;
use super::special::TokenSettings;
use super::{SpecialNames, Tokenizer, TokenizerConfig, TokenizerError, classes};
use std::collections::BTreeMap;

/// The files of a tokenizer, by their names.
///
/// The tokenizer is read from the first of these that are there: tokenizer.json; vocab.txt, one WordPiece a line;
/// vocab.json and merges.txt, BPE over bytes. The others are settings, which count as in `transformers` (5.24):
///
/// * Where tokenizer_config.json is there and its class is BERT's (or it names none, and the model is WordPiece),
///   `do_lower_case`, `strip_accents` and `tokenize_chinese_chars` in it, or their defaults, overrule tokenizer.json.
///   So do `do_lower_case` and `keep_accents` where its class is ALBERT's.
/// * Added tokens are those of its `added_tokens_decoder`; without it, those of added_tokens.json, and special
///   tokens have the names and settings of special_tokens_map.json.
/// * A class that cuts texts in a way of its own is refused.
#[derive(Clone, Debug, Default)]
pub struct TokenizerFiles(BTreeMap<&'static str, Vec<u8>>);

impl TokenizerFiles {
    /// The files that are read.
    pub const NAMES: [&'static str; 7] = [
        "tokenizer.json",
        "vocab.txt",
        "vocab.json",
        "merges.txt",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
    ];

    /// Adds a file. One of another name than [`Self::NAMES`] says nothing and is left out.
    pub fn insert(&mut self, name: &str, bytes: Vec<u8>) {
        if let Some(name) = Self::NAMES.into_iter().find(|known| *known == name) {
            self.0.insert(name, bytes);
        }
    }

    /// Whether a file of this name was added.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Reads them. `class` is the `tokenizer_class` of config.json, for a folder whose tokenizer_config.json has none.
    ///
    /// # Errors
    /// A file is missing or cannot be read, or the class cuts texts in a way that is not known here.
    pub fn read(&self, class: Option<&str>) -> Result<Tokenizer, TokenizerError> {
        let json = self.0.get("tokenizer.json");
        let vocabulary = match json {
            Some(_) => "tokenizer.json",
            None if self.has("vocab.txt") => "vocab.txt",
            None if self.has("vocab.json") => "vocab.json",
            None => return Err(TokenizerError::Missing("tokenizer.json or vocab.txt")),
        };
        let config = self.config(class)?;
        classes::check(&config, vocabulary)?;
        match (json, vocabulary) {
            (Some(json), _) if self.has("tokenizer_config.json") => {
                Tokenizer::from_tokenizer_json_with(json, &config)
            }
            (Some(json), _) => Tokenizer::from_tokenizer_json(json),
            (None, "vocab.txt") => {
                let vocabulary = self.text("vocab.txt")?.unwrap_or_default();
                Tokenizer::from_vocab_txt_with(vocabulary, &config)
            }
            (None, _) => {
                let merges = self.text("merges.txt")?;
                let merges =
                    merges.ok_or(TokenizerError::Missing("merges.txt beside vocab.json"))?;
                let vocabulary = self.text("vocab.json")?.unwrap_or_default();
                Tokenizer::from_vocab_json(vocabulary, merges, &config)
            }
        }
    }

    fn config(&self, class: Option<&str>) -> Result<TokenizerConfig, TokenizerError> {
        let mut config = match self.text("tokenizer_config.json")? {
            Some(text) => TokenizerConfig::from_json(text)?,
            None => TokenizerConfig::default(),
        };
        if config.tokenizer_class.is_none() {
            config.tokenizer_class = class.map(str::to_owned);
        }
        if config.added_tokens_decoder.is_some() {
            return Ok(config);
        }
        if let Some(names) = self.parsed::<SpecialNames>("special_tokens_map.json")? {
            config.special = names.or(config.special);
        }
        let added = self.parsed::<BTreeMap<String, u32>>("added_tokens.json")?;
        config.added_tokens_decoder = added.map(|added| {
            let special = config.special.texts();
            let token = |(content, id): (String, u32)| {
                let special = special.contains(&content.as_str());
                let settings = TokenSettings {
                    content,
                    special,
                    ..TokenSettings::default()
                };
                (id, settings)
            };
            added.into_iter().map(token).collect()
        });
        Ok(config)
    }

    fn parsed<T: serde::de::DeserializeOwned>(
        &self,
        file: &'static str,
    ) -> Result<Option<T>, TokenizerError> {
        let Some(text) = self.text(file)? else {
            return Ok(None);
        };
        let parsed = serde_json::from_str(text);
        parsed.map(Some).map_err(|e| TokenizerError::File {
            file,
            why: e.to_string(),
        })
    }

    fn text(&self, file: &'static str) -> Result<Option<&str>, TokenizerError> {
        let Some(bytes) = self.0.get(file) else {
            return Ok(None);
        };
        check_length(file, bytes.len())?;
        let text = std::str::from_utf8(bytes).map_err(|_| TokenizerError::File {
            file,
            why: "it is no text in UTF-8".to_owned(),
        })?;
        Ok(Some(text.strip_prefix('\u{feff}').unwrap_or(text)))
    }
}
