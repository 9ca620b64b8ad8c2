//! `config.json`: the hyperparameters of a checkpoint, checked before anything is built from them.
//!
//! The file is untrusted. Every number is bounded, so no later product of dimensions can overflow or
//! ask for an absurd allocation, and what this project does not compute is refused by name.

use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

use crate::train::Pooling;

/// The longest `config.json` that is read, in bytes.
pub const MAX_CONFIG_BYTES: usize = 1 << 20;

/// Hyperparameters of a checkpoint. Keys that are absent take the defaults of `transformers`' `BertConfig`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    pub family: Family,
    /// V: rows of the word embedding and of the decoder.
    pub vocab_size: usize,
    /// C: width of the hidden states; a multiple of `num_attention_heads`.
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    /// Longest sequence, in tokens.
    pub max_position_embeddings: usize,
    pub type_vocab_size: usize,
    pub hidden_act: Activation,
    pub layer_norm_eps: f64,
    pub pad_token_id: u32,
    /// Standard deviation of fresh weights.
    pub initializer_range: f64,
    pub hidden_dropout_prob: f64,
    pub attention_probs_dropout_prob: f64,
    /// Dropout before a classifier; `hidden_dropout_prob` where the file has none.
    pub classifier_dropout: f64,
    /// Whether the decoder shares the word embedding where the file stores no decoder.
    pub tie_word_embeddings: bool,
    /// Class names of `transformers`, e.g. `BertForMaskedLM`; empty where the file has none.
    pub architectures: Vec<String>,
    /// Names of the classes by id; empty where the file names none.
    pub id2label: Vec<String>,
    /// How a classifier's vector is made: the pooler, unless this project's own key `unmask` says
    /// another way.
    pub pooling: Pooling,
    /// Whether a classifier chooses one class: `problem_type` is absent, or says so.
    pub single_label: bool,
    /// The stored classifier's weight is the true one times this power of two (see
    /// [`crate::export`]).
    pub classifier_scale: f32,
}

/// Model families that this project computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Family {
    Bert,
}

impl Family {
    /// `model_type` values that are understood.
    pub const SUPPORTED: &[&str] = &["bert"];
}

/// The activation between the two feed-forward matrices and in the MLM head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Activation {
    /// `0.5 x (1 + erf(x / sqrt 2))`: `gelu`.
    Gelu,
    /// `0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`: `gelu_new`, `gelu_pytorch_tanh`, `gelu_fast`.
    GeluTanh,
    Relu,
}

impl Activation {
    /// `hidden_act` values that are understood.
    pub const SUPPORTED: &[&str] = &[
        "gelu",
        "gelu_python",
        "gelu_new",
        "gelu_pytorch_tanh",
        "gelu_fast",
        "relu",
    ];

    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "gelu" | "gelu_python" => Self::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Self::GeluTanh,
            "relu" => Self::Relu,
            _ => return None,
        })
    }
}

/// Why a `config.json` was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "config.json is {bytes} bytes long; a configuration is at most {MAX_CONFIG_BYTES}. Is it another file under this name?"
    )]
    TooLong { bytes: usize },
    #[error("config.json is not JSON: {0}")]
    Json(String),
    #[error("config.json holds {found} where an object of settings is expected")]
    NotAnObject { found: String },
    #[error("config.json: `{key}` is {found}, but it must be {rule}")]
    Rule {
        key: &'static str,
        found: String,
        rule: String,
    },
    #[error("config.json: `{key}` is {found}, which this project does not compute. Supported: {}", .supported.join(", "))]
    Unsupported {
        key: &'static str,
        found: String,
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

        let vocab_size = keys.integer("vocab_size", 30_522, 1, 2_000_000)?;
        let hidden_size = keys.integer("hidden_size", 768, 1, 16_384)?;
        let num_attention_heads = keys.integer("num_attention_heads", 12, 1, 1_024)?;
        if hidden_size % num_attention_heads != 0 {
            return Err(ConfigError::Rule {
                key: "num_attention_heads",
                found: num_attention_heads.to_string(),
                rule: format!("a divisor of `hidden_size`, {hidden_size}"),
            });
        }
        let pad_token_id = match keys.get("pad_token_id") {
            None => 0,
            Some(_) => keys.integer("pad_token_id", 0, 0, vocab_size - 1)?,
        };
        keys.refuse_what_is_not_computed()?;
        let hidden_dropout_prob = keys.number("hidden_dropout_prob", 0.1, PROBABILITY)?;

        Ok(Self {
            family,
            vocab_size,
            hidden_size,
            num_hidden_layers: keys.integer("num_hidden_layers", 12, 1, 256)?,
            num_attention_heads,
            intermediate_size: keys.integer("intermediate_size", 3_072, 1, 131_072)?,
            max_position_embeddings: keys.integer("max_position_embeddings", 512, 2, 131_072)?,
            type_vocab_size: keys.integer("type_vocab_size", 2, 1, 1_024)?,
            hidden_act: keys.activation()?,
            layer_norm_eps: keys.number("layer_norm_eps", 1e-12, EPSILON)?,
            pad_token_id: pad_token_id as u32,
            initializer_range: keys.number("initializer_range", 0.02, DEVIATION)?,
            hidden_dropout_prob,
            attention_probs_dropout_prob: keys.number(
                "attention_probs_dropout_prob",
                0.1,
                PROBABILITY,
            )?,
            classifier_dropout: match keys.get("classifier_dropout") {
                None => hidden_dropout_prob,
                Some(_) => keys.number("classifier_dropout", 0.1, PROBABILITY)?,
            },
            tie_word_embeddings: keys.flag("tie_word_embeddings", true)?,
            architectures,
            id2label: keys.labels()?,
            pooling: keys.pooling()?,
            single_label: keys
                .get("problem_type")
                .is_none_or(|kind| kind == "single_label_classification"),
            classifier_scale: keys.classifier_scale()?,
        })
    }

    /// D: `hidden_size / num_attention_heads`.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }
}

/// The numbers a setting may take, in words and as a test.
type Rule = (&'static str, fn(f64) -> bool);
const PROBABILITY: Rule = ("a number from 0 up to, but not, 1", |x| {
    (0.0..1.0).contains(&x)
});
const EPSILON: Rule = ("a number above 0 and at most 1", |x| x > 0.0 && x <= 1.0);
const DEVIATION: Rule = ("a number from 0 to 100", |x| (0.0..=100.0).contains(&x));

/// Class names are shown and exported; more of them, or longer ones, are not class names.
pub(crate) const MAX_LABELS: usize = 10_000;
pub(crate) const MAX_LABEL_BYTES: usize = 1_000;

/// Typed access to the settings of the file.
struct Keys<'a>(&'a Map<String, Value>);

impl Keys<'_> {
    /// The value under `key`, unless it is absent or `null`.
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn integer(
        &self,
        key: &'static str,
        default: usize,
        min: usize,
        max: usize,
    ) -> Result<usize, ConfigError> {
        let Some(value) = self.0.get(key) else {
            return Ok(default);
        };
        value
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| (min..=max).contains(n))
            .ok_or_else(|| rule(key, value, format!("a whole number from {min} to {max}")))
    }

    fn number(
        &self,
        key: &'static str,
        default: f64,
        (words, holds): Rule,
    ) -> Result<f64, ConfigError> {
        let Some(value) = self.0.get(key) else {
            return Ok(default);
        };
        value
            .as_f64()
            .filter(|x| holds(*x))
            .ok_or_else(|| rule(key, value, words))
    }

    fn flag(&self, key: &'static str, default: bool) -> Result<bool, ConfigError> {
        let Some(value) = self.get(key) else {
            return Ok(default);
        };
        value
            .as_bool()
            .ok_or_else(|| rule(key, value, "true or false"))
    }

    fn architectures(&self) -> Result<Vec<String>, ConfigError> {
        let Some(value) = self.get("architectures") else {
            return Ok(Vec::new());
        };
        value
            .as_array()
            .filter(|list| list.len() <= 64)
            .and_then(|list| {
                list.iter()
                    .map(|name| name.as_str().map(String::from))
                    .collect()
            })
            .ok_or_else(|| rule("architectures", value, "a list of class names"))
    }

    /// The family by `model_type`, or by the class name in old files that have no `model_type`.
    fn family(&self, architectures: &[String]) -> Result<Family, ConfigError> {
        let unsupported = |key, found: String| {
            Err(ConfigError::Unsupported {
                key,
                found,
                supported: Family::SUPPORTED.to_vec(),
            })
        };
        match self.get("model_type") {
            Some(Value::String(name)) if name == "bert" => Ok(Family::Bert),
            Some(other) => unsupported("model_type", shown(other)),
            None => match architectures.iter().find(|name| !name.starts_with("Bert")) {
                Some(other) => unsupported("architectures", format!("{other:?}")),
                None => Ok(Family::Bert),
            },
        }
    }

    fn activation(&self) -> Result<Activation, ConfigError> {
        let Some(value) = self.0.get("hidden_act") else {
            return Ok(Activation::Gelu);
        };
        value
            .as_str()
            .and_then(Activation::from_name)
            .ok_or_else(|| ConfigError::Unsupported {
                key: "hidden_act",
                found: shown(value),
                supported: Activation::SUPPORTED.to_vec(),
            })
    }

    /// Settings that would change the arithmetic in ways that are not written here.
    fn refuse_what_is_not_computed(&self) -> Result<(), ConfigError> {
        if let Some(value) = self.get("position_embedding_type")
            && value != "absolute"
        {
            return Err(ConfigError::Unsupported {
                key: "position_embedding_type",
                found: shown(value),
                supported: vec!["absolute"],
            });
        }
        for key in ["is_decoder", "add_cross_attention"] {
            if self.flag(key, false)? {
                return Err(ConfigError::Unsupported {
                    key,
                    found: "true".into(),
                    supported: vec!["false (an encoder)"],
                });
            }
        }
        Ok(())
    }

    /// A setting of this project's own, in the object `unmask`.
    fn own(&self, key: &str) -> Result<Option<&Value>, ConfigError> {
        let Some(value) = self.get("unmask") else {
            return Ok(None);
        };
        let map = value
            .as_object()
            .ok_or_else(|| rule("unmask", value, "an object of settings"))?;
        Ok(map.get(key).filter(|value| !value.is_null()))
    }

    fn pooling(&self) -> Result<Pooling, ConfigError> {
        let Some(value) = self.own("pooling")? else {
            return Ok(Pooling::Pooler);
        };
        let words = "\"pooler\", \"cls\" or \"mean\"";
        serde_json::from_value(value.clone()).map_err(|_| rule("unmask.pooling", value, words))
    }

    fn classifier_scale(&self) -> Result<f32, ConfigError> {
        let Some(value) = self.own("classifier_scale")? else {
            return Ok(1.0);
        };
        let power = |n: &u64| n.is_power_of_two() && *n <= 1 << 20;
        value
            .as_u64()
            .filter(power)
            .map(|n| n as f32)
            .ok_or_else(|| {
                rule(
                    "unmask.classifier_scale",
                    value,
                    "a power of two up to 1048576",
                )
            })
    }

    /// `id2label`, whose keys must be 0, 1, 2, ... in any order.
    fn labels(&self) -> Result<Vec<String>, ConfigError> {
        let Some(value) = self.get("id2label") else {
            return Ok(Vec::new());
        };
        let words = format!(
            "an object that names each class from \"0\" up, at most {MAX_LABELS}, each name at most {MAX_LABEL_BYTES} bytes"
        );
        let bad = || rule("id2label", value, words.clone());
        let map = value
            .as_object()
            .filter(|map| map.len() <= MAX_LABELS)
            .ok_or_else(bad)?;
        let mut labels = vec![None; map.len()];
        for (key, label) in map {
            let label = label
                .as_str()
                .filter(|l| l.len() <= MAX_LABEL_BYTES)
                .ok_or_else(bad)?;
            let id = key.parse::<usize>().map_err(|_| bad())?;
            *labels.get_mut(id).ok_or_else(bad)? = Some(label.to_owned());
        }
        // "0" and "00" name the same class: then another one has no name.
        labels
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .ok_or_else(bad)
    }
}

fn rule(key: &'static str, found: &Value, rule: impl fmt::Display) -> ConfigError {
    ConfigError::Rule {
        key,
        found: shown(found),
        rule: rule.to_string(),
    }
}

/// A value as it stands in the file, cut to what an error message can hold.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text,
    }
}
