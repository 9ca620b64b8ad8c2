//! Typed access to the settings of a `config.json`, each with its rule.

use serde_json::{Map, Value};
use std::fmt;

use super::ConfigError;
use super::family::{Activation, Family, Setting};
use crate::config::Pooling;

/// The numbers a setting may take, in words and as a test.
pub(super) type Rule = (&'static str, fn(f64) -> bool);
pub(super) const PROBABILITY: Rule = ("a number from 0 up to, but not, 1", |x| {
    (0.0..1.0).contains(&x)
});
pub(super) const EPSILON: Rule = ("a number above 0 and at most 1", |x| x > 0.0 && x <= 1.0);
pub(super) const DEVIATION: Rule = ("a number from 0 to 100", |x| (0.0..=100.0).contains(&x));

/// Class names are shown and exported; more of them, or longer ones, are not class names.
pub(crate) const MAX_LABELS: usize = 10_000;
pub(crate) const MAX_LABEL_BYTES: usize = 1_000;

/// Typed access to the settings of the file.
pub(super) struct Keys<'a>(pub &'a Map<String, Value>);

impl Keys<'_> {
    /// The value under `key`, unless it is absent or `null`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    pub fn integer(
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

    pub fn number(
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

    pub fn flag(&self, key: &'static str, default: bool) -> Result<bool, ConfigError> {
        let Some(value) = self.get(key) else {
            return Ok(default);
        };
        value
            .as_bool()
            .ok_or_else(|| rule(key, value, "true or false"))
    }

    pub fn architectures(&self) -> Result<Vec<String>, ConfigError> {
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
    pub fn family(&self, architectures: &[String]) -> Result<Family, ConfigError> {
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

    pub fn activation(
        &self,
        (key, default): Setting<&'static str>,
    ) -> Result<Activation, ConfigError> {
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
    pub fn refuse_what_is_not_computed(&self, family: Family) -> Result<(), ConfigError> {
        if let Some(value) = self.get("position_embedding_type")
            && value != "absolute"
        {
            return Err(ConfigError::Unsupported {
                key: "position_embedding_type",
                found: shown(value),
                supported: vec!["absolute"],
            });
        }
        let supported = |key| match key {
            "is_decoder" if family == Family::Bert => None,
            "is_decoder" => Some("false (an encoder), but in a BERT"),
            _ => Some("false (no second text that it attends to)"),
        };
        for key in ["is_decoder", "add_cross_attention"] {
            if self.flag(key, false)?
                && let Some(supported) = supported(key)
            {
                return Err(ConfigError::Unsupported {
                    key,
                    found: "true".into(),
                    supported: vec![supported],
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

    pub fn pooling(&self) -> Result<Pooling, ConfigError> {
        let Some(value) = self.own("pooling")? else {
            return Ok(Pooling::Pooler);
        };
        let words = "\"pooler\", \"cls\" or \"mean\"";
        serde_json::from_value(value.clone()).map_err(|_| rule("unmask.pooling", value, words))
    }

    pub fn classifier_scale(&self) -> Result<f32, ConfigError> {
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

    pub fn classifier_max_tokens(&self) -> Result<Option<usize>, ConfigError> {
        let Some(value) = self.own("max_tokens")? else {
            return Ok(None);
        };
        let tokens = value.as_u64().filter(|n| (3..=131_072).contains(n));
        let words = "a number of tokens from 3 to 131072";
        let tokens = tokens.ok_or_else(|| rule("unmask.max_tokens", value, words))?;
        Ok(Some(tokens as usize))
    }

    /// `id2label`, whose keys must be 0, 1, 2, ... in any order.
    pub fn labels(&self) -> Result<Vec<String>, ConfigError> {
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
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text,
    }
}
