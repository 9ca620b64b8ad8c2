//! Where the heads of a layer look, and what arrives.

use kernels::{Control, Tensor, TensorType};

use super::pass::{Pass, Text, check_layer, heads_on, run};
use super::{AttentionRequest, InsideError, LayerAttention, MAX_ALL_ROWS, Subject};
use crate::model::{Builder, Model, all_finite, names};
use crate::tokenizer::Tokenizer;

/// By how much of its attention each head of a layer looks elsewhere: `[A]`, the total variation distance (half the sum of
/// the absolute differences, 0 to 1) of each query's two rows, its mean over the queries that are no special tokens.
/// Both are of all rows of the same text; what is in one alone is left out.
pub fn attention_shift(before: &LayerAttention, after: &LayerAttention) -> Vec<f32> {
    let tokens = &before.seen.tokens;
    let (width, rows) = (tokens.len().max(1), before.rows.len());
    let words: Vec<usize> = (0..rows)
        .filter(|&row| {
            let token = before.rows.get(row).and_then(|&place| tokens.get(place));
            token.is_some_and(|token| !token.special)
        })
        .collect();
    let of_row = |both: [&[f32]; 2]| -> f32 {
        let [before, after] = both;
        let apart = before.iter().zip(after).map(|(a, b)| (a - b).abs());
        apart.sum::<f32>() / 2.0
    };
    let heads = before
        .weights
        .chunks_exact(rows.max(1) * width)
        .zip(after.weights.chunks_exact(rows.max(1) * width));
    heads
        .map(|(before, after)| {
            let row = |&row: &usize| {
                let at = row * width..(row + 1) * width;
                of_row([&before[at.clone()], &after[at]])
            };
            words.iter().map(row).sum::<f32>() / words.len().max(1) as f32
        })
        .collect()
}

/// The attention of one layer: where its heads look, and what arrives.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn attention(
    model: &mut Model,
    tokenizer: &Tokenizer,
    subject: &Subject,
    request: &AttentionRequest,
    control: &Control,
) -> Result<LayerAttention, InsideError> {
    let text = Text::read(model, tokenizer, subject)?;
    let AttentionRequest { layer, row } = *request;
    check_layer(model.config(), layer)?;
    let (tokens, limit) = (text.len(), MAX_ALL_ROWS);
    match row {
        Some(place) => text.check_place(place)?,
        None if tokens > limit => return Err(InsideError::TooLong { tokens, limit }),
        None => {}
    }
    let pass = Pass::new(model, &text, 1);
    let heads = model.config().num_attention_heads;
    let hidden = model.config().hidden_size;
    let key = pass.key(&format!("attention {layer} {}", row.is_some()));
    let mut values = pass.values(model.config(), &text.batch(), &text.off);
    values.push(Tensor::F32(heads_on(model.config(), layer, &text.off)));
    if let Some(place) = row {
        let of_head = |head: usize| (head * pass.tokens + place) as u32;
        values.push(Tensor::U32((0..heads).map(of_head).collect()));
    }
    let mask = model.config().mask(pass.mask);
    let record = |builder: &mut Builder<'_>| {
        let mut wired = pass.wire(builder)?;
        let (qkv, lengths) = (wired.qkv[layer], wired.encoder.lengths);
        let group = builder.config.layer_group(layer);
        let matrix = names::layer(group, "attention.output.dense.weight");
        let graph = &mut builder.graph;
        let mut weights = graph.attention_weights(qkv, lengths, heads, mask)?;
        let on = graph.input("heads on", TensorType::real([heads]));
        wired.inputs.push(on);
        // It may rest in f16.
        let matrix = graph.param(&matrix, [hidden, hidden])?;
        let matrix = graph.copy(matrix)?;
        let norms = graph.value_norms(qkv, matrix, on, pass.tokens)?;
        if row.is_some() {
            let at = graph.input("rows", TensorType::u32([heads]));
            wired.inputs.push(at);
            weights = graph.gather_rows(weights, at)?;
        }
        Ok((wired.inputs, vec![weights, norms]))
    };
    let found = run(model, key, record, values, control).await?;
    let (all, norms) = (found[0].to_f32(), found[1].to_f32());
    let rows: Vec<usize> = match row {
        Some(place) => vec![place],
        None => (0..tokens).collect(),
    };
    let padded = match row {
        Some(_) => 1,
        None => pass.tokens,
    };
    let (mut weights, mut arrives) = (Vec::new(), Vec::new());
    for head in 0..heads {
        let norms = &norms[head * pass.tokens..][..tokens];
        for i in 0..rows.len() {
            let row = &all[(head * padded + i) * pass.tokens..][..tokens];
            weights.extend_from_slice(row);
            arrives.extend(row.iter().zip(norms).map(|(weight, norm)| weight * norm));
        }
    }
    if !all_finite(&weights) || !all_finite(&arrives) {
        return Err(text.not_finite(model, "attention", control).await);
    }
    Ok(LayerAttention {
        seen: text.seen,
        layer,
        heads,
        rows,
        weights,
        arrives,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inside::Seen;
    use crate::probe::Token;

    #[test]
    fn attention_that_moves_is_counted_for_words_alone() {
        let token = |special: bool| Token {
            id: 1,
            text: "a".into(),
            special,
            masked: false,
            sequence: Some(0),
            start: 0,
            end: 1,
        };
        let layer = |weights: &[f32]| LayerAttention {
            seen: Seen {
                tokens: vec![token(true), token(false), token(false)],
                truncated: None,
            },
            layer: 0,
            heads: 2,
            rows: vec![0, 1, 2],
            weights: weights.to_vec(),
            arrives: Vec::new(),
        };
        let rest = [1.0, 0.0, 0.0].repeat(3);
        let before = layer(&[&rest[..], &rest[..]].concat());
        // The first head moves a special token's row only; the second half of one word's, all of another's.
        let first = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
        let second = [1.0, 0.0, 0.0, 0.5, 0.25, 0.25, 0.0, 0.0, 1.0];
        let after = layer(&[first, second].concat());
        assert_eq!(attention_shift(&before, &after), [0.0, 0.75]);
        assert_eq!(attention_shift(&before, &before), [0.0, 0.0]);
    }
}
