//! Pairs of texts of which it is learned whether the second follows the first.

use super::BREATH;
use super::material::Material;
use crate::recipe::Setup;
use bert::config::{Config, Family};
use bert::data::{Prose, Random, Second, SentencePair};
use bert::tokenizer::Tokenizer;
use kernels::LocalBoxFuture;
use std::collections::HashMap;

/// What pairs depend on beside the texts.
#[derive(Clone, PartialEq)]
pub(super) struct Key {
    /// The model's hash.
    hash: String,
    second: Second,
    max_tokens: usize,
    share: f64,
    seed: u64,
}

impl Key {
    pub fn new(hash: &str, config: &Config, setup: &Setup) -> Self {
        Self {
            hash: hash.to_owned(),
            // As in the pretraining of the family.
            second: match config.family {
                Family::Albert => Second::Swapped,
                _ => Second::Random,
            },
            max_tokens: setup.recipe.max_tokens.min(config.max_tokens()),
            share: setup.share,
            seed: setup.recipe.seed,
        }
    }
}

/// Pairs to learn from and to check with, of different documents.
pub(super) struct Pairs {
    key: Key,
    documents: usize,
    train: Vec<SentencePair>,
    validation: Vec<SentencePair>,
}

impl Pairs {
    /// Makes them; sentences are counted in tokens, with breaths between.
    pub async fn make(
        key: Key,
        prose: Prose,
        tokenizer: &Tokenizer,
        breathe: fn() -> LocalBoxFuture<'static, ()>,
    ) -> Self {
        let mut tokens = HashMap::new();
        for (i, sentence) in prose.sentences().enumerate() {
            tokens.insert(sentence.clone(), tokenizer.count(sentence));
            if i % BREATH == BREATH - 1 {
                breathe().await;
            }
        }
        let count = |sentence: &str| tokens.get(sentence).copied().unwrap_or(1);
        let room = key.max_tokens.saturating_sub(tokenizer.added_tokens(true));
        let documents = prose.documents().len();
        let (train, validation) = prose.split(key.share, key.seed);
        let mut random = Random::new(key.seed, 0);
        let mut pairs = |prose: &Prose| prose.pairs(key.second, room, count, &mut random);
        Self {
            train: pairs(&train),
            validation: pairs(&validation),
            documents,
            key,
        }
    }

    pub fn is_of(&self, key: &Key) -> bool {
        self.key == *key
    }

    /// The examples of a run.
    ///
    /// # Errors
    /// Too few documents, in a sentence.
    pub fn material(&self) -> Result<Material, String> {
        let (train, validation) = (&self.train, &self.validation);
        // Of text that follows only, nothing is learned.
        let differ = |pairs: &[SentencePair]| pairs.iter().any(|pair| !pair.follows);
        if train.is_empty() || validation.is_empty() || !differ(train) {
            return Err(format!(
                "{} give {} pairs for training and {} for validation. Take text of several documents, an empty line after \
                 each, and of two sentences or more in each.",
                match self.documents {
                    1 => "1 document".to_owned(),
                    count => format!("{count} documents"),
                },
                train.len(),
                validation.len()
            ));
        }
        Ok(Material::Pairs {
            train: train.clone(),
            validation: validation.clone(),
        })
    }
}
