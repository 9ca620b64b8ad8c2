//! What a model says with heads off, or from one side only.

use kernels::ops::{Mask, NO_TARGET};
use kernels::{Control, Tensor, TensorType};

use super::lens::nothing_hidden;
use super::pass::{Pass, Text, run};
use super::{Guesses, HeadSays, InsideError, Sides, Subject};
use crate::model::{Builder, Model, all_finite, cls_rows};
use crate::probe::{Guesses as Rows, MAX_TOP_K, MaskResult, ProbeError};
use crate::tokenizer::Tokenizer;

/// What the model says of the text with the subject's heads switched off.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn guesses(
    model: &mut Model,
    tokenizer: &Tokenizer,
    subject: &Subject,
    top_k: usize,
    control: &Control,
) -> Result<Guesses, InsideError> {
    let text = Text::read(model, tokenizer, subject)?;
    if !text.masked.is_empty() && model.head().is_none() {
        model.has_mlm().map_err(ProbeError::NoHead)?;
    }
    let (masks, said) = ask(model, tokenizer, &text, Mask::ALL, top_k, control).await?;
    Ok(Guesses {
        seen: text.seen,
        masks,
        said,
    })
}

/// The guesses for the hidden places from the left alone, the right alone and both sides.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn sides(
    model: &mut Model,
    tokenizer: &Tokenizer,
    subject: &Subject,
    top_k: usize,
    control: &Control,
) -> Result<Sides, InsideError> {
    let text = Text::read(model, tokenizer, subject)?;
    model.has_mlm().map_err(ProbeError::NoHead)?;
    if text.masked.is_empty() {
        return Err(nothing_hidden(tokenizer));
    }
    let mut found = Vec::new();
    for mask in [Mask::LEFT, Mask::RIGHT, Mask::ALL] {
        let (masks, _) = ask(model, tokenizer, &text, mask, top_k, control).await?;
        found.push(masks);
    }
    let both = found.pop().unwrap_or_default();
    let right = found.pop().unwrap_or_default();
    let left = found.pop().unwrap_or_default();
    Ok(Sides {
        seen: text.seen,
        left,
        right,
        both,
    })
}

/// The guesses for each hidden place where the model can fill any, and what a task's head says where there is
/// one.
pub(super) async fn ask(
    model: &mut Model,
    tokenizer: &Tokenizer,
    text: &Text,
    mask: Mask,
    top_k: usize,
    control: &Control,
) -> Result<(Vec<MaskResult>, Option<HeadSays>), InsideError> {
    let head = model.head().cloned();
    let masked: &[usize] = match model.has_mlm().is_ok() {
        true => &text.masked,
        false => &[],
    };
    if masked.is_empty() && head.is_none() {
        return Ok((Vec::new(), None));
    }
    let vocabulary = model.config().vocab_size;
    let top_k = top_k.clamp(1, MAX_TOP_K.min(vocabulary));
    let room_k = top_k.next_multiple_of(10).min(vocabulary);
    let pass = Pass {
        mask,
        ..Pass::new(model, text, 1)
    };
    let room = match masked.len() {
        0 => 0,
        some => some.next_power_of_two(),
    };
    let key = pass.key(&format!("guesses {room} {room_k} {head:?}"));
    let mut values = pass.values(model.config(), &text.batch(), &text.off);
    if let Some(&first) = masked.first() {
        // The rest repeat the first row, and are ignored.
        let mut at: Vec<u32> = masked.iter().map(|&i| i as u32).collect();
        at.resize(room, first as u32);
        let mut targets: Vec<u32> = masked
            .iter()
            .map(|&i| text.original(i, tokenizer))
            .collect();
        targets.resize(room, NO_TARGET);
        values.extend([Tensor::U32(at), Tensor::U32(targets)]);
    }
    values.push(Tensor::U32(cls_rows(1, pass.tokens)));
    let record = |builder: &mut Builder<'_>| {
        let mut wired = pass.wire(builder)?;
        let mut outputs = Vec::new();
        if room > 0 {
            let at = builder.graph.input("masked rows", TensorType::u32([room]));
            let targets = builder.graph.input("hidden ids", TensorType::u32([room]));
            wired.inputs.extend([at, targets]);
            let rows = builder.graph.gather_rows(wired.encoder.output(), at)?;
            let logits = builder.mlm(rows)?;
            let top = builder.graph.top_k(logits, targets, room_k)?;
            outputs.extend([top.values, top.columns, top.figures]);
        }
        if let Some(head) = &head {
            let sizes = [1, head.outputs()];
            let (logits, at) = builder.head(&wired.encoder, head.kind, head.pooling, sizes)?;
            wired.inputs.extend(at);
            outputs.push(logits);
        }
        Ok((wired.inputs, outputs))
    };
    let found = run(model, key, record, values, control).await?;
    let (mut masks, mut rest) = (Vec::new(), &found[..]);
    if let (false, [values, columns, figures, others @ ..]) = (masked.is_empty(), &found[..]) {
        rest = others;
        let rows = Rows::new([values, columns, figures]);
        if !(0..masked.len()).all(|row| rows.is_finite(row)) {
            let head = "masked-language-model head";
            return Err(text.not_finite(model, head, control).await);
        }
        let result = |(row, &i)| rows.mask(row, i, &text.seen.tokens[i], tokenizer, top_k);
        masks = masked.iter().enumerate().map(result).collect();
    }
    let Some(head) = head else {
        return Ok((masks, None));
    };
    let mut logits = rest.first().map(Tensor::to_f32).unwrap_or_default();
    if head.kind.reads_tokens() {
        logits.truncate(text.len() * head.outputs());
    }
    if !all_finite(&logits) {
        return Err(text.not_finite(model, "task's head", control).await);
    }
    let said = HeadSays {
        kind: head.kind,
        labels: head.labels,
        logits,
    };
    Ok((masks, Some(said)))
}
