//! What a model's classifier says of texts.

use kernels::Control;
use serde::{Deserialize, Serialize};

use super::{ProbeError, check_vocabulary, one_text};
use crate::data::{self, Random, Text};
use crate::model::TokenBatch;
use crate::model::{Model, all_finite};
use crate::tokenizer::{Encoding, Tokenizer};

/// The texts that [`classify`] computes together, at most.
const CLASSIFY_BATCH: usize = 16;

/// What a classifier says of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// One a class, in the order of [`crate::model::TaskHead::labels`].
    pub logits: Vec<f32>,
    /// Their softmax.
    pub probabilities: Vec<f32>,
    /// The class with the highest logit, the first of equals.
    pub best: usize,
}

impl Classification {
    /// From a text's logits.
    pub fn new(logits: Vec<f32>) -> Self {
        let best = (0..logits.len())
            .rev()
            .max_by(|&a, &b| logits[a].total_cmp(&logits[b]))
            .unwrap_or(0);
        let top = logits.get(best).copied().unwrap_or(0.0);
        let shares: Vec<f32> = logits.iter().map(|l| (l - top).exp()).collect();
        let sum: f32 = shares.iter().sum();
        Self {
            probabilities: shares.iter().map(|share| share / sum).collect(),
            logits,
            best,
        }
    }
}

/// Runs the model's classifier over texts, those of like length together; the results are in the
/// order of `texts`. A text that is longer than those that the classifier was trained on, or than the
/// model reads, is cut at its end.
///
/// # Errors
/// [`ProbeError::NoClassifier`], a tokenizer of another model, [`ProbeError::NotFinite`] where the
/// numbers of a text overflow, [`ProbeError::Cancelled`] when `control` says so between two steps
/// (after both the model can be used on), or the device's failure.
pub async fn classify(
    model: &mut Model,
    tokenizer: &Tokenizer,
    texts: &[Text],
    control: &Control,
) -> Result<Vec<Classification>, ProbeError> {
    check_vocabulary(tokenizer, model.config())?;
    if model.classifier().is_none() {
        return Err(ProbeError::NoClassifier);
    }
    let limit = model.head_limit();
    let encode = |text: &Text| tokenizer.encode(&text.text, text.pair.as_deref(), limit);
    let encodings: Vec<Encoding> = texts.iter().map(encode).collect();
    let lengths: Vec<usize> = encodings.iter().map(|e| e.ids.len()).collect();
    // A power of two, so that plans are few.
    let room = texts.len().next_power_of_two().min(CLASSIFY_BATCH);
    let mut found = vec![None; texts.len()];
    for batch in data::batches(&lengths, room, limit, &mut Random::new(0, 0)) {
        let chosen = || batch.examples.iter().map(|&i| &encodings[i]);
        let inputs = TokenBatch {
            tokens: batch.tokens,
            ids: chosen().map(|e| e.ids.clone()).collect(),
            types: chosen().map(|e| e.type_ids.clone()).collect(),
        };
        let logits = model.head_batch(&inputs, room, control).await?;
        for (&place, logits) in batch.examples.iter().zip(logits) {
            if !all_finite(&logits) {
                let text = one_text(&encodings[place].ids, &encodings[place].type_ids);
                return Err(model.not_finite(&text, "classifier", control).await?.into());
            }
            found[place] = Some(Classification::new(logits));
        }
    }
    Ok(found.into_iter().flatten().collect())
}
