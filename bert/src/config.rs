//! `config.json`: the hyperparameters of a checkpoint, checked before anything is built from them.
//!
//! The file is untrusted. Every number is bounded, so no later product of dimensions can overflow or
//! ask for an absurd allocation, and what this project does not compute is refused by name.

mod family;

use family::Setting;
pub use family::{Activation, Family};

use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

use crate::train::Pooling;

/// The longest `config.json` that is read, in bytes.
pub const MAX_CONFIG_BYTES: usize = 1 << 20;

/// Hyperparameters of a checkpoint, under BERT's names whatever its family. Keys that are absent take the
/// defaults of the family's configuration class in `transformers`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    pub family: Family,
    /// V: rows of the word embedding and of the decoder.
    pub vocab_size: usize,
    /// C: width of the hidden states; a multiple of `num_attention_heads`.
    pub hidden_size: usize,
    /// E: width of the embeddings; the hidden size, but for ALBERT and ELECTRA.
    pub embedding_size: usize,
    pub num_hidden_layers: usize,
    /// Layers with weights of their own; fewer than layers where those share them (ALBERT).
    pub num_hidden_groups: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    /// P: rows of the position embedding; see [`Config::max_tokens`].
    pub max_position_embeddings: usize,
    /// S: rows of the token-type embedding; 0 where there are no token types.
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
        (self.family == Family::Roberta).then_some(self.pad_token_id)
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

    /// D: `hidden_size / num_attention_heads`.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }
}

/// The position of a text's first token.
fn first_position(family: Family, pad_token_id: usize) -> usize {
    match family {
        Family::Roberta => pad_token_id + 1,
        _ => 0,
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
        (key, default): Setting<usize>,
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
        (key, default): Setting<f64>,
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
            Some(value) => match value.as_str().and_then(Family::of_model_type) {
                Some(family) => Ok(family),
                None => unsupported("model_type", shown(value)),
            },
            None => {
                let mut family = None;
                for name in architectures {
                    let found = Family::of_class(name);
                    if found.is_none() || family.is_some_and(|other| found != Some(other)) {
                        return unsupported("architectures", format!("{name:?}"));
                    }
                    family = found;
                }
                Ok(family.unwrap_or(Family::Bert))
            }
        }
    }

    fn activation(&self, (key, default): Setting<&'static str>) -> Result<Activation, ConfigError> {
        let default = Value::from(default);
        let value = self.0.get(key).unwrap_or(&default);
        value
            .as_str()
            .and_then(Activation::from_name)
            .ok_or_else(|| ConfigError::Unsupported {
                key,
                found: shown(value),
                supported: Activation::SUPPORTED.to_vec(),
            })
    }

    /// Settings that would change the arithmetic in ways that are not written here.
    fn refuse_what_is_not_computed(&self, family: Family) -> Result<(), ConfigError> {
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
        if let (Family::Albert, Some(value)) = (family, self.get("inner_group_num"))
            && value != 1
        {
            return Err(ConfigError::Unsupported {
                key: "inner_group_num",
                found: shown(value),
                supported: vec!["1"],
            });
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
