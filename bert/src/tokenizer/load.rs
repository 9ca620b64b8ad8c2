//! Tokenizers from the files of a checkpoint, untrusted.

use super::pipeline::Pipeline;
use super::special::{self, SpecialNames, TokenName, TokenSettings};
use super::{Tokenizer, classes, prepare, sound, template};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::{Model, ModelWrapper, NormalizedString, Normalizer, PostProcessorWrapper};

/// The longest `tokenizer.json` or `vocab.txt` that is read, in bytes.
pub const MAX_TOKENIZER_BYTES: usize = 64 << 20;
/// The special tokens of a `vocab.txt`.
const VOCAB_TXT_SPECIAL: [&str; 5] = [UNK, "[SEP]", "[PAD]", "[CLS]", "[MASK]"];
/// The same of a `vocab.json`.
const VOCAB_JSON_SPECIAL: [&str; 5] = ["<unk>", "</s>", "<pad>", "<s>", "<mask>"];
const UNK: &str = "[UNK]";
/// The highest token id a vocabulary may hold, plus one; `config.json` has the same bound.
const MAX_VOCABULARY: usize = 2_000_000;

/// Why a tokenizer was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenizerError {
    /// More than is read.
    #[error("{file} is {bytes} bytes long; at most {MAX_TOKENIZER_BYTES} are read")]
    TooLong {
        /// The file.
        file: &'static str,
        /// Its bytes.
        bytes: usize,
    },
    /// What the parser of tokenizer.json says.
    #[error("tokenizer.json cannot be read: {0}. vocab.txt, where there is one, will do instead.")]
    Json(String),
    /// What the parser of tokenizer_config.json says.
    #[error("tokenizer_config.json cannot be read: {0}")]
    ConfigJson(String),
    /// Special tokens are missing.
    #[error(
        "the vocabulary in {file} has no {}: this is not the tokenizer of a BERT, or the file is incomplete", .missing.join(" and no ")
    )]
    MissingSpecialTokens {
        /// The file.
        file: &'static str,
        /// Their names.
        missing: Vec<&'static str>,
    },
    /// An id beyond any vocabulary.
    #[error(
        "{file} uses {what} with the id {id}, but a vocabulary has at most {MAX_VOCABULARY} ids"
    )]
    IdTooHigh {
        /// The file.
        file: &'static str,
        /// What uses it.
        what: String,
        /// The id.
        id: u32,
    },
    /// Parts that do not fit together; how, in words.
    #[error("tokenizer.json: {0}")]
    Inconsistent(String),
    /// A file that cannot be read.
    #[error("{file} cannot be read: {why}")]
    File {
        /// The file.
        file: &'static str,
        /// Why, in words.
        why: String,
    },
    /// A class that cuts texts in a way of its own.
    #[error(
        "its texts are cut by {class}, which {how}; that is not done here, and other words would come out. \
         Use a model whose tokenizer is BERT's or RoBERTa's, or has a tokenizer.json"
    )]
    Class {
        /// Its name in `transformers`.
        class: String,
        /// What it does, in words.
        how: &'static str,
    },
    /// A file that is needed.
    #[error("there is no {0}, which says how texts are cut into tokens")]
    Missing(&'static str),
}

/// The settings of a `tokenizer_config.json` that are used: the names of special tokens, the class, and how text is
/// prepared where the class says that (see [`TokenizerFiles`](super::TokenizerFiles)).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TokenizerConfig {
    /// Whether capitals are made small.
    pub do_lower_case: bool,
    /// `None`: as `do_lower_case` says.
    pub strip_accents: Option<bool>,
    /// Whether ALBERT's class leaves accents.
    pub keep_accents: bool,
    /// Whether each ideograph is a word.
    pub tokenize_chinese_chars: bool,
    /// Whether a byte-level vocabulary sees a space before the first word.
    pub add_prefix_space: bool,
    /// The class in `transformers`.
    pub tokenizer_class: Option<String>,
    /// How `BertJapaneseTokenizer` cuts words; files may leave its class out.
    pub word_tokenizer_type: Option<String>,
    /// Tokens beside the vocabulary, by their ids.
    pub added_tokens_decoder: Option<BTreeMap<u32, TokenSettings>>,
    /// The names of the special tokens.
    #[serde(flatten)]
    pub special: SpecialNames,
}

impl Default for TokenizerConfig {
    fn default() -> Self {
        Self {
            do_lower_case: true,
            strip_accents: None,
            keep_accents: false,
            tokenize_chinese_chars: true,
            add_prefix_space: false,
            tokenizer_class: None,
            word_tokenizer_type: None,
            added_tokens_decoder: None,
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
        Self::new(
            read_pipeline(bytes)?,
            &TokenizerConfig::default(),
            "tokenizer.json",
        )
    }

    /// [`Tokenizer::from_tokenizer_json`] with the special tokens that a `tokenizer_config.json` names. Where its
    /// class is BERT's or ALBERT's, texts are prepared as it says, whatever the file itself says, as in `transformers`.
    ///
    /// # Errors
    /// As there; also a name that the vocabulary lacks.
    pub fn from_tokenizer_json_with(
        bytes: &[u8],
        config: &TokenizerConfig,
    ) -> Result<Self, TokenizerError> {
        let mut inner = read_pipeline(bytes)?;
        let refused = |e: tokenizers::Error| TokenizerError::Json(e.to_string());
        match inner.get_model() {
            ModelWrapper::WordPiece(_) if classes::prepares_as_bert(config) => {
                prepare::as_bert(&mut inner, config).map_err(refused)?;
                inner.with_post_processor(None::<PostProcessorWrapper>);
            }
            ModelWrapper::Unigram(_) if classes::prepares_as_albert(config) => {
                prepare::as_albert(&mut inner, config).map_err(refused)?;
            }
            _ => {}
        }
        Self::new(inner, config, "tokenizer.json")
    }
}

fn read_pipeline(bytes: &[u8]) -> Result<Pipeline, TokenizerError> {
    let file = "tokenizer.json";
    check_length(file, bytes.len())?;
    sound::check(bytes).map_err(TokenizerError::Json)?;
    let mut inner = Pipeline::from_bytes(bytes).map_err(|e| TokenizerError::Json(e.to_string()))?;
    inner.with_padding(None);
    inner
        .with_truncation(None)
        .map_err(|e| TokenizerError::Json(e.to_string()))?;
    Ok(inner)
}

impl Tokenizer {
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
        let mut specials = config.special.added(VOCAB_TXT_SPECIAL);
        specials.retain(|token| vocab.contains_key(&token.content));
        let unknown = config
            .special
            .unk_token
            .as_ref()
            .map_or(UNK, TokenName::text);
        let model = WordPiece::builder()
            .vocab(vocab)
            .unk_token(unknown.into())
            .continuing_subword_prefix("##".into())
            .max_input_chars_per_word(100)
            .build()
            .map_err(|e| TokenizerError::Inconsistent(e.to_string()))?;
        let mut inner = Pipeline::new(model.into());
        prepare::as_bert(&mut inner, config)
            .and_then(|()| inner.add_special_tokens(specials))
            .map_err(|e| TokenizerError::Inconsistent(e.to_string()))?;
        Self::new(inner, config, file)
    }

    /// Builds RoBERTa's byte-level pipeline around a `vocab.json`, an object of tokens and their ids, and a
    /// `merges.txt`: two tokens a line, which become one, the likeliest pair first.
    ///
    /// # Errors
    /// Either file cannot be read, or they do not fit together; a vocabulary without `<s>`, `</s>` or `<unk>`.
    pub fn from_vocab_json(
        vocab: &str,
        merges: &str,
        config: &TokenizerConfig,
    ) -> Result<Self, TokenizerError> {
        let file = "vocab.json";
        check_length(file, vocab.len())?;
        check_length("merges.txt", merges.len())?;
        let refused = |file, why: String| TokenizerError::File { file, why };
        let vocab: HashMap<String, u32> =
            serde_json::from_str(vocab).map_err(|e| refused(file, e.to_string()))?;
        let mut specials = config.special.added(VOCAB_JSON_SPECIAL);
        specials.retain(|token| vocab.contains_key(&token.content));
        let pair = |(i, line): (usize, &str)| match line.split_once(' ') {
            Some((a, b)) if !a.is_empty() && !b.is_empty() && !b.contains(' ') => {
                Ok((a.to_owned(), b.to_owned()))
            }
            _ => Err(refused(
                "merges.txt",
                format!("line {} is not two tokens with a space between", i + 1),
            )),
        };
        let lines = merges.lines().enumerate();
        let merges = lines
            .filter(|(i, line)| {
                !(line.trim().is_empty() || *i == 0 && line.starts_with("#version"))
            })
            .map(pair)
            .collect::<Result<Vec<_>, _>>()?;
        sound::check_merges(vocab.keys(), &merges).map_err(|why| refused("merges.txt", why))?;
        let model = BPE::builder()
            .vocab_and_merges(vocab.into_iter().collect::<Vocab>(), merges)
            .build()
            .map_err(|e| refused("merges.txt", e.to_string()))?;
        let mut inner = Pipeline::new(model.into());
        inner.with_pre_tokenizer(Some(ByteLevel::new(config.add_prefix_space, true, true)));
        inner
            .add_special_tokens(specials)
            .map_err(|e| refused(file, e.to_string()))?;
        let special = special::find(&inner, &config.special, file)?;
        let [sep, cls] = [&special.sep, &special.cls].map(|s| (s.text.clone(), s.id));
        let around = RobertaProcessing::new(sep, cls);
        inner.with_post_processor(Some(around.add_prefix_space(config.add_prefix_space)));
        Self::new(inner, config, file)
    }

    /// What both files have in common: the special tokens are found and everything is checked that could fail later.
    fn new(
        mut inner: Pipeline,
        config: &TokenizerConfig,
        file: &'static str,
    ) -> Result<Self, TokenizerError> {
        add_tokens(&mut inner, config)?;
        let special = special::find(&inner, &config.special, file)?;
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

/// Adds the tokens that the settings give beside the vocabulary, each of which must get the id that it has there,
/// and looks at all that were added.
fn add_tokens(inner: &mut Pipeline, config: &TokenizerConfig) -> Result<(), TokenizerError> {
    let refused = |why| TokenizerError::File {
        file: "the list of added tokens",
        why,
    };
    for (&id, token) in config.added_tokens_decoder.iter().flatten() {
        let shown = || token.content.chars().take(60).collect::<String>();
        if token.content.is_empty() || inner.get_added_tokens_decoder().contains_key(&id) {
            continue;
        }
        let added = match token.special {
            true => inner.add_special_tokens([token.added()]),
            false => inner.add_tokens([token.added()]),
        };
        added.map_err(|e| refused(e.to_string()))?;
        let given = inner.token_to_id(&token.content);
        if given != Some(id) {
            return Err(refused(format!(
                "{:?} has the id {id} there, but the vocabulary leaves it {}",
                shown(),
                given.map_or("none".to_owned(), |given| given.to_string())
            )));
        }
    }
    for (id, token) in inner.get_added_tokens_decoder() {
        let mut seen = NormalizedString::from(token.content.as_str());
        if let Some(normalizer) = inner.get_normalizer().filter(|_| token.normalized) {
            normalizer
                .normalize(&mut seen)
                .map_err(|e| refused(e.to_string()))?;
        }
        // The `tokenizers` crate panics on a token of nothing, and on one of spaces that takes those before
        // it where they went to another.
        let is_space = seen.get().trim().is_empty();
        if seen.get().is_empty() || (token.lstrip && is_space) {
            return Err(refused(format!(
                "of the token with the id {id} nothing but space is left when a text is prepared"
            )));
        }
    }
    Ok(())
}

pub(super) fn check_length(file: &'static str, bytes: usize) -> Result<(), TokenizerError> {
    if bytes > MAX_TOKENIZER_BYTES {
        return Err(TokenizerError::TooLong { file, bytes });
    }
    Ok(())
}
