//! Where the heads of a layer look, and what arrives.

use kernels::{Control, Tensor, TensorType};

use super::pass::{Pass, Text, check_layer, heads_on, run};
use super::{AttentionRequest, InsideError, LayerAttention, MAX_ALL_ROWS, Subject};
use crate::model::{Builder, Model, all_finite, names};
use crate::tokenizer::Tokenizer;

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
