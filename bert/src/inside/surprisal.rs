//! How surprising each token is, hidden in turn.

use kernels::ops::NO_TARGET;
use kernels::{Control, Tensor, TensorType};

use super::attribution::{BATCH, FORWARD_TOKENS};
use super::pass::{Pass, Text, run};
use super::{InsideError, Subject, Surprisal};
use crate::model::{Builder, Model, cls_rows};
use crate::probe::{Guesses, ProbeError};
use crate::tokenizer::Tokenizer;

/// The surprisal of every token, each hidden in turn (the subject's `hidden` is not looked at; typed
/// masks stay). `within_word` hides the later pieces of the same word as well. `progress` hears how many
/// of how many tokens are done.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn surprisal(
    model: &mut Model,
    tokenizer: &Tokenizer,
    subject: &Subject,
    within_word: bool,
    progress: &mut dyn FnMut(usize, usize),
    control: &Control,
) -> Result<Surprisal, InsideError> {
    let subject = Subject {
        hidden: Vec::new(),
        ..subject.clone()
    };
    let text = Text::read(model, tokenizer, &subject)?;
    model.has_mlm().map_err(ProbeError::NoHead)?;
    let mask = tokenizer.mask_id().ok_or(ProbeError::NoMask)?;
    let words = words(&text);
    let scored: Vec<usize> = (0..text.len())
        .filter(|&i| words[i].is_some() && !text.seen.tokens[i].masked)
        .collect();
    let batch = (FORWARD_TOKENS / text.len()).clamp(1, BATCH);
    let pass = Pass {
        one_row: true,
        ..Pass::new(model, &text, batch.min(scored.len().max(1)))
    };
    let mut bits = vec![None; text.len()];
    let mut done = 0;
    for part in scored.chunks(pass.batch) {
        let variant = |&place: &usize| {
            let mut ids = text.ids.clone();
            ids[place] = mask;
            let later = (place + 1..ids.len()).filter(|&i| within_word && words[i] == words[place]);
            for i in later {
                ids[i] = mask;
            }
            ids
        };
        let texts = text.variants(part.iter().map(variant).collect());
        let mut values = pass.values(model.config(), &texts, &text.off);
        let mut at = cls_rows(pass.batch, pass.tokens);
        let mut targets = vec![NO_TARGET; pass.batch];
        for (i, &place) in part.iter().enumerate() {
            at[i] += place as u32;
            targets[i] = text.ids[place];
        }
        values.extend([Tensor::U32(at), Tensor::U32(targets)]);
        let record = |builder: &mut Builder<'_>| {
            let mut wired = pass.wire(builder)?;
            let targets = TensorType::u32([pass.batch]);
            let targets = builder.graph.input("hidden ids", targets);
            wired.inputs.push(targets);
            let logits = builder.mlm(wired.encoder.output())?;
            let top = builder.graph.top_k(logits, targets, 1)?;
            Ok((wired.inputs, vec![top.values, top.columns, top.figures]))
        };
        let found = run(model, pass.key("surprisal"), record, values, control).await?;
        if let [values, columns, figures] = &found[..] {
            let rows = Guesses::new([values, columns, figures]);
            for (row, &place) in part.iter().enumerate() {
                if !rows.is_finite(row) {
                    let head = "masked-language-model head";
                    return Err(text.not_finite(model, head, control).await);
                }
                let [sum, logit] = rows.target(row);
                bits[place] = Some((sum - logit) / std::f32::consts::LN_2);
            }
        }
        done += part.len();
        progress(done, scored.len());
    }
    let total: f64 = bits.iter().flatten().map(|&bits| f64::from(bits)).sum();
    let mean = total / scored.len().max(1) as f64;
    Ok(Surprisal {
        seen: text.seen,
        bits,
        words,
        total,
        scored: scored.len(),
        pseudo_perplexity: mean.exp2(),
        within_word,
    })
}

/// The word that each token is a piece of, counted over both texts.
fn words(text: &Text) -> Vec<Option<usize>> {
    let mut last = None;
    let mut count = 0;
    let tokens = text.seen.tokens.iter().zip(&text.words);
    let number = |(token, &word): (&crate::probe::Token, &Option<u32>)| {
        let own = (token.sequence?, word?);
        if last != Some(own) {
            last = Some(own);
            count += 1;
        }
        Some(count - 1)
    };
    tokens.map(number).collect()
}
