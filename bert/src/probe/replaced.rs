//! Which tokens of a text were replaced (Clark et al. 2020: ELECTRA's discriminator).

use kernels::Control;
use serde::{Deserialize, Serialize};

use super::{
    ProbeError, Request, Token, Truncated, check_vocabulary, encode, encoder_inputs, one_text,
    tokens,
};
use crate::model::{Model, all_finite};
use crate::tokenizer::Tokenizer;

/// What a discriminator says of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replaced {
    /// The text's tokens.
    pub tokens: Vec<Token>,
    /// One a token: the head's output.
    pub logits: Vec<f32>,
    /// One a token: the probability that it is not what the author wrote, the logit's sigmoid.
    pub probabilities: Vec<f32>,
    /// Where the text was longer than the model can read.
    pub truncated: Option<Truncated>,
}

/// Asks the discriminator of each token whether it was replaced. What the request hides, the model
/// sees as `[MASK]`; `top_k` is not used.
///
/// # Errors
/// [`ProbeError::NoDiscriminator`] if the model lacks the head, [`ProbeError::NoMask`] if a word is
/// to be hidden and the vocabulary has no `[MASK]`, a tokenizer of another model,
/// [`ProbeError::NotFinite`] where numbers overflow, [`ProbeError::Cancelled`] when `control` says
/// so between two steps (after both the model can be used on), or the device's failure.
pub async fn replaced(
    model: &mut Model,
    tokenizer: &Tokenizer,
    request: &Request,
    control: &Control,
) -> Result<Replaced, ProbeError> {
    check_vocabulary(tokenizer, model.config())?;
    if !model.has_replaced() {
        return Err(ProbeError::NoDiscriminator);
    }
    let encoding = encode(tokenizer, model.config(), request);
    let tokens = tokens(tokenizer, &encoding, &request.hidden);
    let mut ids = encoding.ids;
    for (id, _) in ids.iter_mut().zip(&tokens).filter(|(_, t)| t.masked) {
        *id = tokenizer.mask_id().ok_or(ProbeError::NoMask)?;
    }
    let (prepared, params, config) = model.prepare(tokens.len(), 0, 1, false).await?;
    let text = one_text(&ids, &encoding.type_ids);
    let inputs = encoder_inputs(prepared, config, ids, encoding.type_ids);
    let outputs = prepared.executable.run(params, inputs, control).await?;
    let Some(logits) = outputs.last() else {
        unreachable!("the model has the head, and its logits come last")
    };
    let mut logits = logits.to_f32();
    logits.truncate(tokens.len());
    if !all_finite(&logits) {
        let head = "replaced-token head";
        return Err(model.not_finite(&text, head, control).await?.into());
    }
    let sigmoid = |logit: &f32| 1.0 / (1.0 + (-logit).exp());
    Ok(Replaced {
        tokens,
        probabilities: logits.iter().map(sigmoid).collect(),
        logits,
        truncated: encoding.truncated,
    })
}
