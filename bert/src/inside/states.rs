//! Every layer's output, and how alike those of two models are.

use kernels::Control;

use super::pass::{Pass, Text, run};
use super::{HiddenStates, InsideError, MAX_ALL_ROWS, Subject};
use crate::model::{Builder, Model, all_finite};
use crate::tokenizer::Tokenizer;

/// Every layer's output for a text of at most [`MAX_ALL_ROWS`] tokens.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn hidden_states(
    model: &mut Model,
    tokenizer: &Tokenizer,
    subject: &Subject,
    control: &Control,
) -> Result<HiddenStates, InsideError> {
    let text = Text::read(model, tokenizer, subject)?;
    let (tokens, limit) = (text.len(), MAX_ALL_ROWS);
    if tokens > limit {
        return Err(InsideError::TooLong { tokens, limit });
    }
    let pass = Pass::new(model, &text, 1);
    let values = pass.values(model.config(), &text.batch(), &text.off);
    let record = |builder: &mut Builder<'_>| {
        let wired = pass.wire(builder)?;
        Ok((wired.inputs, wired.encoder.hidden))
    };
    let found = run(model, pass.key("states"), record, values, control).await?;
    let width = model.config().hidden_size;
    let layers: Vec<Vec<f32>> = found
        .iter()
        .map(|layer| layer.to_f32()[..tokens * width].to_vec())
        .collect();
    if !layers.iter().all(|layer| all_finite(layer)) {
        return Err(text.not_finite(model, "encoder", control).await);
    }
    Ok(HiddenStates {
        seen: text.seen,
        width,
        layers,
    })
}

/// The mean over the tokens of the cosine of two states of each, layer by layer: of one text before
/// and after training.
pub fn cosines(before: &HiddenStates, after: &HiddenStates) -> Vec<f32> {
    let layers = before.layers.iter().zip(&after.layers);
    let mean = |(a, b): (&Vec<f32>, &Vec<f32>)| {
        let tokens = a
            .chunks_exact(before.width.max(1))
            .zip(b.chunks_exact(after.width.max(1)));
        let all: Vec<f32> = tokens.map(|(a, b)| cosine(a, b)).collect();
        all.iter().sum::<f32>() / all.len().max(1) as f32
    };
    layers.map(mean).collect()
}

/// The cosine of the angle between two vectors; 0 where one has no direction.
pub(super) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let sum = |x: &[f32], y: &[f32]| -> f64 {
        let pairs = x.iter().zip(y);
        pairs.map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    };
    let size = (sum(a, a) * sum(b, b)).sqrt();
    match size > 0.0 {
        true => (sum(a, b) / size) as f32,
        false => 0.0,
    }
}
