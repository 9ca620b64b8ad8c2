//! Tokenizers from the files of a checkpoint, untrusted.

use super::pipeline::Pipeline;
use super::special::{self, SpecialNames};
use super::{Tokenizer, template};
use serde::Deserialize;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{AddedToken, Model, ModelWrapper, PostProcessorWrapper};

/// The longest `tokenizer.json` or `vocab.txt` that is read, in bytes.
pub const MAX_TOKENIZER_BYTES: usize = 64 << 20;
/// The special tokens of a `vocab.txt`.
const VOCAB_TXT_SPECIAL: [&str; 5] = [UNK, "[SEP]", "[PAD]", "[CLS]", "[MASK]"];
const UNK: &str = "[UNK]";
/// The highest token id a vocabulary may hold, plus one; `config.json` has the same bound.
const MAX_VOCABULARY: usize = 2_000_000;

/// Why a tokenizer was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenizerError {
    #[error("{file} is {bytes} bytes long; at most {MAX_TOKENIZER_BYTES} are read")]
    TooLong { file: &'static str, bytes: usize },
    #[error("tokenizer.json cannot be read: {0}. vocab.txt, where there is one, will do instead.")]
    Json(String),
    #[error("tokenizer_config.json cannot be read: {0}")]
    ConfigJson(String),
    #[error(
        "the vocabulary in {file} has no {}: this is not the tokenizer of a BERT, or the file is incomplete", .missing.join(" and no ")
    )]
    MissingSpecialTokens {
        file: &'static str,
        missing: Vec<&'static str>,
    },
    #[error(
        "{file} uses {what} with the id {id}, but a vocabulary has at most {MAX_VOCABULARY} ids"
    )]
    IdTooHigh {
        file: &'static str,
        what: String,
        id: u32,
    },
    #[error("tokenizer.json: {0}")]
    Inconsistent(String),
}

/// The settings of a `tokenizer_config.json` that are used: the names of special tokens, and how text is
/// prepared where only `vocab.txt` comes with it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TokenizerConfig {
    pub do_lower_case: bool,
    /// `None`: as `do_lower_case` says.
    pub strip_accents: Option<bool>,
    pub tokenize_chinese_chars: bool,
    #[serde(flatten)]
    pub special: SpecialNames,
}

impl Default for TokenizerConfig {
    fn default() -> Self {
        Self {
            do_lower_case: true,
            strip_accents: None,
            tokenize_chinese_chars: true,
            special: SpecialNames::default(),
        }
    }
}

impl TokenizerConfig {
    /// Reads a `tokenizer_config.json`; keys that are absent take BERT's defaults (lower case).
    ///
    /// # Errors
    /// Text that is too long, no JSON object, or of the wrong types.
    pub fn from_json(text: &str) -> Result<Self, TokenizerError> {
        let file = "tokenizer_config.json";
        check_length(file, text.len())?;
        serde_json::from_str(text).map_err(|e| TokenizerError::ConfigJson(e.to_string()))
    }
}

impl Tokenizer {
    /// Reads a `tokenizer.json`. Its own padding and truncation are switched off. Special tokens are
    /// BERT's or RoBERTa's: `[CLS]` or `<s>`, `[SEP]` or `</s>`, `[MASK]` or `<mask>`.
    ///
    /// # Errors
    /// A file that cannot be parsed, or a vocabulary without `[CLS]`, `[SEP]` or `[UNK]` in either spelling.
    pub fn from_tokenizer_json(bytes: &[u8]) -> Result<Self, TokenizerError> {
        Self::from_tokenizer_json_with(bytes, &SpecialNames::default())
    }

    /// [`Tokenizer::from_tokenizer_json`] with the special tokens that a `tokenizer_config.json` names.
    ///
    /// # Errors
    /// As there; also a name that the vocabulary lacks.
    pub fn from_tokenizer_json_with(
        bytes: &[u8],
        names: &SpecialNames,
    ) -> Result<Self, TokenizerError> {
        let file = "tokenizer.json";
        check_length(file, bytes.len())?;
        let mut inner =
            Pipeline::from_bytes(bytes).map_err(|e| TokenizerError::Json(e.to_string()))?;
        inner.with_padding(None);
        inner
            .with_truncation(None)
            .map_err(|e| TokenizerError::Json(e.to_string()))?;
        Self::new(inner, names, file)
    }

    /// Builds BERT's own pipeline around a `vocab.txt`: one token a line, its id the line's number from 0.
    ///
    /// # Errors
    /// A vocabulary without `[CLS]`, `[SEP]` or `[UNK]`.
    pub fn from_vocab_txt(text: &str, do_lower_case: bool) -> Result<Self, TokenizerError> {
        Self::from_vocab_txt_with(
            text,
            &TokenizerConfig {
                do_lower_case,
                ..Default::default()
            },
        )
    }

    /// [`Tokenizer::from_vocab_txt`] with the settings of a `tokenizer_config.json`.
    ///
    /// # Errors
    /// A vocabulary without `[CLS]`, `[SEP]` or `[UNK]`.
    pub fn from_vocab_txt_with(
        text: &str,
        config: &TokenizerConfig,
    ) -> Result<Self, TokenizerError> {
        let file = "vocab.txt";
        check_length(file, text.len())?;
        // Blank lines inside keep their ids, as in transformers; those at the end are an editor's.
        let lines = text
            .strip_prefix('\u{feff}')
            .unwrap_or(text)
            .trim_end_matches(['\r', '\n']);
        // Of a token that stands twice the last line counts, as in transformers.
        let vocab = WordPiece::read_bytes(lines.as_bytes())
            .map_err(|e| TokenizerError::Inconsistent(e.to_string()))?;
        let specials: Vec<_> = VOCAB_TXT_SPECIAL
            .into_iter()
            .filter(|name| vocab.contains_key(*name))
            .map(|name| AddedToken::from(name, true))
            .collect();
        let model = WordPiece::builder()
            .vocab(vocab)
            .unk_token(UNK.into())
            .continuing_subword_prefix("##".into())
            .max_input_chars_per_word(100)
            .build()
            .map_err(|e| TokenizerError::Inconsistent(e.to_string()))?;
        let mut inner = Pipeline::new(model.into());
        inner
            .with_normalizer(Some(BertNormalizer::new(
                true,
                config.tokenize_chinese_chars,
                config.strip_accents,
                config.do_lower_case,
            )))
            .and_then(|inner| {
                inner
                    .with_pre_tokenizer(Some(BertPreTokenizer))
                    .add_special_tokens(specials)
            })
            .map_err(|e| TokenizerError::Inconsistent(e.to_string()))?;
        Self::new(inner, &config.special, file)
    }

    /// What both files have in common: the special tokens are found and everything is checked that could fail later.
    fn new(
        mut inner: Pipeline,
        names: &SpecialNames,
        file: &'static str,
    ) -> Result<Self, TokenizerError> {
        let special = special::find(&inner, names, file)?;
        let vocab = inner.get_vocab(true);
        let Some((highest, &id)) = vocab.iter().max_by_key(|(_, id)| **id) else {
            unreachable!("there are special tokens in it")
        };
        if id as usize >= MAX_VOCABULARY {
            let what = format!("{:?}", highest.chars().take(60).collect::<String>());
            return Err(TokenizerError::IdTooHigh { file, what, id });
        }
        let unknown = match inner.get_model() {
            ModelWrapper::WordPiece(model) => Some(&model.unk_token),
            ModelWrapper::WordLevel(model) => Some(&model.unk_token),
            _ => None,
        };
        if let Some(unknown) = unknown
            && inner.get_model().token_to_id(unknown).is_none()
        {
            return Err(TokenizerError::Inconsistent(format!(
                "its model names {unknown:?} as the unknown token, which its vocabulary lacks"
            )));
        }
        let template = match inner.get_post_processor() {
            Some(processor) => processor.clone(),
            None => template::of(&special).map_err(TokenizerError::Inconsistent)?,
        };
        template::check(&template).map_err(TokenizerError::Inconsistent)?;
        inner.with_post_processor(None::<PostProcessorWrapper>);
        let tokenizer = Self {
            vocab_size: id as usize + 1,
            special,
            inner,
            template,
        };
        for pair in [None, Some("")] {
            let ids = tokenizer.encode("", pair, usize::MAX).ids;
            if let Some(&id) = ids.iter().find(|id| **id as usize >= tokenizer.vocab_size) {
                return Err(TokenizerError::Inconsistent(format!(
                    "it puts a token with the id {id} around texts, but its highest id is {}",
                    tokenizer.vocab_size - 1
                )));
            }
        }
        Ok(tokenizer)
    }
}

fn check_length(file: &'static str, bytes: usize) -> Result<(), TokenizerError> {
    if bytes > MAX_TOKENIZER_BYTES {
        return Err(TokenizerError::TooLong { file, bytes });
    }
    Ok(())
}
