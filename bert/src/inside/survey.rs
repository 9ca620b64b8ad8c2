//! All heads at a glance.

use kernels::ops::Mask;
use kernels::{Control, Tensor, TensorType};

use super::guesses::ask;
use super::pass::{Pass, Text, run};
use super::{Guesses, Head, HeadSurvey, HeadTraits, InsideError, Subject, Survey, THUMBNAIL};
use crate::model::{Builder, Model, all_finite};
use crate::tokenizer::Tokenizer;

/// Numbers of a row of weights before its stretches.
const TRAITS: usize = 6;

/// All heads of all layers, each as a thumbnail and by what it does on this text, and the guesses.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn survey(
    model: &mut Model,
    tokenizer: &Tokenizer,
    subject: &Subject,
    top_k: usize,
    control: &Control,
) -> Result<Survey, InsideError> {
    let text = Text::read(model, tokenizer, subject)?;
    let pass = Pass::new(model, &text, 1);
    let heads = model.config().num_attention_heads;
    let mut values = pass.values(model.config(), &text.batch(), &text.off);
    let mut marked: Vec<u32> = text
        .seen
        .tokens
        .iter()
        .map(|token| u32::from(token.special))
        .collect();
    marked.resize(pass.tokens, 0);
    let mut ids = text.ids.clone();
    ids.resize(pass.tokens, 0);
    values.extend([Tensor::U32(ids), Tensor::U32(marked)]);
    let mask = model.config().mask(Mask::ALL);
    let record = |builder: &mut Builder<'_>| {
        let mut wired = pass.wire(builder)?;
        let lengths = wired.encoder.lengths;
        let graph = &mut builder.graph;
        let [ids, marked] =
            ["ids", "special"].map(|name| graph.input(name, TensorType::u32([pass.tokens])));
        wired.inputs.extend([ids, marked]);
        let mut outputs = Vec::new();
        for &qkv in &wired.qkv {
            let weights = graph.attention_weights(qkv, lengths, heads, mask)?;
            outputs.push(graph.attention_survey(weights, [ids, marked, lengths], THUMBNAIL)?);
        }
        Ok((wired.inputs, outputs))
    };
    let found = run(model, pass.key("survey"), record, values, control).await?;
    let side = text.len().min(THUMBNAIL);
    let mut layers = Vec::new();
    for (layer, rows) in found.iter().enumerate() {
        let rows = rows.to_f32();
        let each = pass.tokens * (TRAITS + THUMBNAIL);
        let of_head = |(head, rows): (usize, &[f32])| {
            let head = Head { layer, head };
            let rows: Vec<&[f32]> = rows
                .chunks_exact(TRAITS + THUMBNAIL)
                .take(text.len())
                .collect();
            HeadSurvey {
                head,
                off: text.off.contains(&head),
                thumbnail: thumbnail(&rows, side),
                traits: traits(&text, &rows),
            }
        };
        let heads: Vec<HeadSurvey> = rows.chunks_exact(each).enumerate().map(of_head).collect();
        if !heads.iter().all(|head| all_finite(&head.thumbnail)) {
            return Err(text.not_finite(model, "attention", control).await);
        }
        layers.push(heads);
    }
    let (masks, said) = ask(model, tokenizer, &text, Mask::ALL, top_k, control).await?;
    Ok(Survey {
        side,
        layers,
        guesses: Guesses {
            seen: text.seen.clone(),
            masks,
            said,
        },
        seen: text.seen,
    })
}

/// The mean of each stretch of queries over each stretch of keys.
fn thumbnail(rows: &[&[f32]], side: usize) -> Vec<f32> {
    let stretch = |s: usize| s * rows.len() / side..(s + 1) * rows.len() / side;
    let mean = |(s, key): (usize, usize)| {
        let rows = &rows[stretch(s)];
        let sum: f32 = rows.iter().map(|row| row[TRAITS + key]).sum();
        sum / rows.len() as f32
    };
    let places = (0..side).flat_map(|s| (0..side).map(move |key| (s, key)));
    places.map(mean).collect()
}

/// The means over the queries that are no special tokens.
fn traits(text: &Text, rows: &[&[f32]]) -> HeadTraits {
    let words: Vec<&[f32]> = rows
        .iter()
        .zip(&text.seen.tokens)
        .filter(|(_, token)| !token.special)
        .map(|(row, _)| *row)
        .collect();
    let mean = |trait_: usize| {
        words.iter().map(|row| row[trait_]).sum::<f32>() / words.len().max(1) as f32
    };
    HeadTraits {
        previous: mean(0),
        next: mean(1),
        itself: mean(2),
        same: mean(3),
        special: mean(4),
        entropy: mean(5),
    }
}
