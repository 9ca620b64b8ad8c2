//! The size of a generator for replaced words.

use serde_json::{Map, Value};

use super::{Config, ConfigError};

impl Config {
    /// That of a generator for replaced words beside a model of this one (Clark et al. 2020, section 3.2): as many layers, a quarter of
    /// the heads, one at least, each as wide, and embeddings of the same width.
    #[must_use]
    pub fn generator(&self) -> Self {
        let heads = (self.num_attention_heads / 4).max(1);
        Self {
            hidden_size: heads * self.head_size(),
            intermediate_size: (self.intermediate_size * heads / self.num_attention_heads).max(1),
            num_attention_heads: heads,
            ..self.clone()
        }
    }

    /// Its config.json, from the one that this was read from.
    ///
    /// # Errors
    /// A text that is no config.json.
    pub fn generator_json(&self, source: &str) -> Result<String, ConfigError> {
        Self::from_json(source)?;
        let mut map: Map<String, Value> = serde_json::from_str(source).unwrap_or_default();
        let generator = self.generator();
        // The family that has one has BERT's names for these.
        for (name, size) in [
            ("embedding_size", generator.embedding_size),
            ("hidden_size", generator.hidden_size),
            ("intermediate_size", generator.intermediate_size),
            ("num_attention_heads", generator.num_attention_heads),
        ] {
            map.insert(name.to_owned(), size.into());
        }
        let text = format!("{:#}\n", Value::Object(map));
        Self::from_json(&text)?;
        Ok(text)
    }
}
