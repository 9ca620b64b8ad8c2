//! `config.json`: the hyperparameters of a checkpoint, checked before anything is built from them.
//!
//! The file is untrusted. Every number is bounded, so no later product of dimensions can overflow or
//! ask for an absurd allocation, and what this project does not compute is refused by name.

mod family;
mod generator;
mod head;
mod keys;
mod shape;

pub use family::{Activation, Family};
pub use head::HeadKind;
use keys::{DEVIATION, EPSILON, Keys, PROBABILITY, shown};
pub(crate) use keys::{MAX_LABEL_BYTES, MAX_LABELS};
pub use shape::BertShape;

use kernels::ops::Mask;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest `config.json` that is read, in bytes.
pub const MAX_CONFIG_BYTES: usize = 1 << 20;

/// Hyperparameters of a checkpoint, under BERT's names whatever its family. Keys that are absent take the
/// defaults of the family's configuration class in `transformers`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// Whose arithmetic it is.
    pub family: Family,
    /// V: rows of the word embedding and of the decoder.
    pub vocab_size: usize,
    /// C: width of the hidden states; a multiple of `num_attention_heads`.
    pub hidden_size: usize,
    /// E: width of the embeddings; the hidden size, but for ALBERT and ELECTRA.
    pub embedding_size: usize,
    /// L: transformer layers.
    pub num_hidden_layers: usize,
    /// Layers with weights of their own; fewer than layers where those share them (ALBERT).
    pub num_hidden_groups: usize,
    /// H: heads of each layer.
    pub num_attention_heads: usize,
    /// Width between the two feed-forward matrices.
    pub intermediate_size: usize,
    /// P: rows of the position embedding; see [`Config::max_tokens`].
    pub max_position_embeddings: usize,
    /// S: rows of the token-type embedding; 0 where there are no token types.
    pub type_vocab_size: usize,
    /// Between them.
    pub hidden_act: Activation,
    /// Added to the variance in layer norms.
    pub layer_norm_eps: f64,
    /// The id of `[PAD]`.
    pub pad_token_id: u32,
    /// Standard deviation of fresh weights.
    pub initializer_range: f64,
    /// Dropout of hidden states in training.
    pub hidden_dropout_prob: f64,
    /// Dropout of attention weights in training.
    pub attention_probs_dropout_prob: f64,
    /// Dropout before a classifier; `hidden_dropout_prob` where the file has none.
    pub classifier_dropout: f64,
    /// Whether a token sees only itself and those before it (`is_decoder`), so that the next word can be learned; of a BERT alone.
    pub causal: bool,
    /// Whether the decoder shares the word embedding where the file stores no decoder.
    pub tie_word_embeddings: bool,
    /// Class names of `transformers`, e.g. `BertForMaskedLM`; empty where the file has none.
    pub architectures: Vec<String>,
    /// The tokenizer's class in `transformers`, where the file names it.
    pub tokenizer_class: Option<String>,
    /// Names of the classes by id; empty where the file names none.
    pub id2label: Vec<String>,
    /// How a classifier's vector is made: the pooler, unless this project's own key `unmask` says
    /// another way.
    pub pooling: Pooling,
    /// The longest text that the classifier was trained on, in tokens, where this project's own key
    /// `unmask` says so.
    pub classifier_max_tokens: Option<usize>,
    /// What a head over whole texts was trained for, where `problem_type` says so.
    pub problem: Option<Problem>,
    /// The stored classifier's weight is the true one times this power of two (as
    /// exports write it).
    pub classifier_scale: f32,
}

/// What a head over whole texts was trained for: `problem_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Problem {
    /// `single_label_classification`
    Classes,
    /// `multi_label_classification`
    Labels,
    /// `regression`
    Score,
}

impl Problem {
    fn of(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "single_label_classification" => Some(Self::Classes),
            "multi_label_classification" => Some(Self::Labels),
            "regression" => Some(Self::Score),
            _ => None,
        }
    }
}

/// How a sentence's vector is made from its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The pooler (a tanh layer) over `[CLS]`, as `BertForSequenceClassification` does.
    Pooler,
    /// `[CLS]` of the last layer.
    Cls,
    /// The mean over all tokens that are not padding.
    Mean,
}

/// Why a `config.json` was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// More than is read.
    #[error(
        "config.json is {bytes} bytes long; a configuration is at most {MAX_CONFIG_BYTES}. Is it another file under this name?"
    )]
    TooLong {
        /// Bytes of the file.
        bytes: usize,
    },
    /// No JSON; what its parser says.
    #[error("config.json is not JSON: {0}")]
    Json(String),
    /// JSON of another kind.
    #[error("config.json holds {found} where an object of settings is expected")]
    NotAnObject {
        /// What stands there.
        found: String,
    },
    /// A value is out of range.
    #[error("config.json: `{key}` is {found}, but it must be {rule}")]
    Rule {
        /// Its key.
        key: &'static str,
        /// What stands there.
        found: String,
        /// What it must be, in words.
        rule: String,
    },
    /// A value that means something else than is computed here.
    #[error("config.json: `{key}` is {found}, which this project does not compute. Supported: {}", .supported.join(", "))]
    Unsupported {
        /// Its key.
        key: &'static str,
        /// What stands there.
        found: String,
        /// What may stand there.
        supported: Vec<&'static str>,
    },
}

impl Config {
    /// Reads and checks the text of a `config.json`.
    ///
    /// # Errors
    /// The first rule that is broken, with the key and the value found.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        if text.len() > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLong { bytes: text.len() });
        }
        // Files edited on Windows may start with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut value: Value =
            serde_json::from_str(text).map_err(|e| ConfigError::Json(e.to_string()))?;
        // A folder that needs code of its own in `transformers` has a type of its own there.
        let own_type = value.get("unmask").and_then(|own| own.get("model_type"));
        if let Some(family) = own_type.cloned() {
            value["model_type"] = family;
        }
        let Value::Object(map) = &value else {
            return Err(ConfigError::NotAnObject {
                found: shown(&value),
            });
        };
        let keys = Keys(map);
        let architectures = keys.architectures()?;
        let family = keys.family(&architectures)?;

        let names = family.settings();
        let vocab_size = keys.integer(names.vocab_size, 1, 2_000_000)?;
        let hidden_size = keys.integer(names.hidden_size, 1, 16_384)?;
        let num_attention_heads = keys.integer(names.heads, 1, 1_024)?;
        if hidden_size % num_attention_heads != 0 {
            return Err(ConfigError::Rule {
                key: names.heads.0,
                found: num_attention_heads.to_string(),
                rule: format!("a divisor of `{}`, {hidden_size}", names.hidden_size.0),
            });
        }
        let pad_token_id = match keys.get(names.pad.0) {
            None => names.pad.1.min(vocab_size - 1),
            Some(_) => keys.integer(names.pad, 0, vocab_size - 1)?,
        };
        let positions = ("max_position_embeddings", 512);
        let max_position_embeddings = keys.integer(positions, 2, 131_072)?;
        let first = first_position(family, pad_token_id);
        if max_position_embeddings < first + 2 {
            return Err(ConfigError::Rule {
                key: positions.0,
                found: max_position_embeddings.to_string(),
                rule: format!(
                    "at least {}: positions begin at `pad_token_id` + 1",
                    first + 2
                ),
            });
        }
        keys.refuse_what_is_not_computed(family)?;
        let num_hidden_layers = keys.integer(names.layers, 1, 256)?;
        let hidden_dropout_prob = keys.number(names.hidden_dropout, PROBABILITY)?;
        let (dropout, default) = names.classifier_dropout;
        let default = default.unwrap_or(hidden_dropout_prob);

        Ok(Self {
            family,
            vocab_size,
            hidden_size,
            embedding_size: match names.embedding_size {
                None => hidden_size,
                Some(setting) => keys.integer(setting, 1, 16_384)?,
            },
            num_hidden_layers,
            num_hidden_groups: match family {
                Family::Albert => keys.integer(("num_hidden_groups", 1), 1, num_hidden_layers)?,
                _ => num_hidden_layers,
            },
            num_attention_heads,
            intermediate_size: keys.integer(names.intermediate_size, 1, 131_072)?,
            max_position_embeddings,
            type_vocab_size: match names.types {
                None => 0,
                Some(setting) => keys.integer(setting, 1, 1_024)?,
            },
            hidden_act: keys.activation(names.activation)?,
            layer_norm_eps: match names.eps {
                None => 1e-12,
                Some(setting) => keys.number(setting, EPSILON)?,
            },
            pad_token_id: pad_token_id as u32,
            initializer_range: keys.number(("initializer_range", 0.02), DEVIATION)?,
            hidden_dropout_prob,
            attention_probs_dropout_prob: keys.number(names.attention_dropout, PROBABILITY)?,
            classifier_dropout: match keys.get(dropout) {
                None => default,
                Some(_) => keys.number((dropout, default), PROBABILITY)?,
            },
            causal: keys.flag("is_decoder", false)?,
            tie_word_embeddings: keys.flag("tie_word_embeddings", true)?,
            architectures,
            tokenizer_class: keys
                .get("tokenizer_class")
                .and_then(|class| class.as_str().map(String::from)),
            id2label: keys.labels()?,
            pooling: keys.pooling()?,
            classifier_max_tokens: keys.classifier_max_tokens()?,
            problem: keys.get("problem_type").and_then(Problem::of),
            classifier_scale: keys.classifier_scale()?,
        })
    }

    /// The longest text that it reads, in tokens.
    pub fn max_tokens(&self) -> usize {
        self.max_position_embeddings - first_position(self.family, self.pad_token_id as usize)
    }

    /// The position of each of a text's tokens. RoBERTa counts from `pad_token_id + 1` and leaves
    /// padding out, which stands at `pad_token_id`; the others count from 0.
    pub fn positions(&self, ids: &[u32]) -> Vec<u32> {
        let mut next = first_position(self.family, self.pad_token_id as usize) as u32;
        let mut position = |&id: &u32| {
            if self.position_padding() == Some(id) {
                return id;
            }
            next += 1;
            next - 1
        };
        ids.iter().map(&mut position).collect()
    }

    /// The row of the position embedding that stands for padding, and learns nothing.
    pub fn position_padding(&self) -> Option<u32> {
        self.family.is_roberta().then_some(self.pad_token_id)
    }

    /// Whether a matrix leads from the embeddings to the hidden states.
    pub fn projects_embeddings(&self) -> bool {
        self.family == Family::Albert || self.embedding_size != self.hidden_size
    }

    /// Which of the [`Config::num_hidden_groups`] weights layer `i` has.
    pub fn layer_group(&self, i: usize) -> usize {
        // In floating point, as the reference does it.
        let layers = self.num_hidden_layers as f64 / self.num_hidden_groups as f64;
        ((i as f64 / layers) as usize).min(self.num_hidden_groups - 1)
    }

    /// Which tokens a token attends to where `asked` are asked for: a model that reads left to right has no others.
    pub(crate) fn mask(&self, asked: Mask) -> Mask {
        match self.causal {
            true => Mask::LEFT,
            false => asked,
        }
    }

    /// D: `hidden_size / num_attention_heads`.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }
}

/// The position of a text's first token.
fn first_position(family: Family, pad_token_id: usize) -> usize {
    match family.is_roberta() {
        true => pad_token_id + 1,
        false => 0,
    }
}
