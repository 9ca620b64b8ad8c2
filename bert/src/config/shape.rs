//! The configuration of a BERT that comes from no file.

use serde_json::{Value, json};

use super::Config;

/// The size of a new BERT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BertShape {
    /// Transformer layers.
    pub layers: usize,
    /// Width of the hidden states; the feed-forward layer is four times as wide.
    pub hidden: usize,
    /// Attention heads of each layer.
    pub heads: usize,
    /// Tokens of the vocabulary; `[PAD]` is the first.
    pub vocabulary: usize,
    /// The longest text, in tokens.
    pub max_tokens: usize,
}

impl BertShape {
    /// Everything that is wrong with it, in words; empty if there can be such a model.
    pub fn problems(&self) -> Vec<String> {
        let ranges = [
            ("layers", self.layers, 1, 24),
            ("hidden size", self.hidden, 8, 2048),
            ("heads", self.heads, 1, 64),
            ("vocabulary", self.vocabulary, 8, 200_000),
            ("longest text", self.max_tokens, 8, 2048),
        ];
        let outside = ranges
            .into_iter()
            .filter(|(_, n, least, most)| n < least || n > most);
        let mut problems: Vec<String> = outside
            .map(|(name, n, least, most)| format!("{name} {n}: {least} to {most}"))
            .collect();
        let (hidden, heads) = (self.hidden, self.heads.max(1));
        if hidden % heads != 0 {
            problems.push(format!(
                "{heads} heads share a hidden size of {hidden}: take a divisor of it"
            ));
        } else if hidden / heads > kernels::ops::MAX_HEAD_SIZE {
            let most = kernels::ops::MAX_HEAD_SIZE;
            problems.push(format!(
                "heads of {} numbers: {most} at most; take more heads",
                hidden / heads
            ));
        }
        problems
    }

    /// Its config.json, as `transformers` writes one, and what that says.
    ///
    /// # Errors
    /// [`BertShape::problems`].
    pub fn config(&self) -> Result<(String, Config), Vec<String>> {
        self.text(json!({"architectures": ["BertForMaskedLM"], "model_type": "bert"}))
    }

    /// That of its twin that reads left to right, and learns the next word.
    ///
    /// # Errors
    /// [`BertShape::problems`].
    pub fn causal(&self) -> Result<(String, Config), Vec<String>> {
        self.text(
            json!({"architectures": ["BertLMHeadModel"], "is_decoder": true, "model_type": "bert"}),
        )
    }

    /// That of an ELECTRA of this size, which tells replaced words.
    ///
    /// # Errors
    /// [`BertShape::problems`].
    pub fn electra(&self) -> Result<(String, Config), Vec<String>> {
        self.text(json!({
            "architectures": ["ElectraForPreTraining"], "embedding_size": self.hidden, "model_type": "electra",
        }))
    }

    fn text(&self, own: Value) -> Result<(String, Config), Vec<String>> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut map = json!({
            "attention_probs_dropout_prob": 0.1,
            "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": self.hidden,
            "initializer_range": 0.02, "intermediate_size": 4 * self.hidden, "layer_norm_eps": 1e-12,
            "max_position_embeddings": self.max_tokens,
            "num_attention_heads": self.heads, "num_hidden_layers": self.layers, "pad_token_id": 0,
            "tie_word_embeddings": true, "type_vocab_size": 2, "vocab_size": self.vocabulary,
        });
        if let (Value::Object(map), Value::Object(own)) = (&mut map, own) {
            map.extend(own);
        }
        let text = format!("{map:#}\n");
        let config = Config::from_json(&text).map_err(|error| vec![error.to_string()])?;
        Ok((text, config))
    }

    /// Numbers of such a model, with its masked-language-model head.
    pub fn parameters(&self) -> u64 {
        let [layers, h, v, p] =
            [self.layers, self.hidden, self.vocabulary, self.max_tokens].map(|n| n as u64);
        let layer = 4 * (h * h + h) + 2 * 4 * h * h + 4 * h + h + 4 * h;
        let embeddings = (v + p + 2) * h + 2 * h;
        layers * layer + embeddings + h * h + h + 2 * h + v
    }
}
