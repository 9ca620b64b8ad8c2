//! How hard each word that a text asks for is to guess.

use kernels::{Control, Tensor};

use super::{Guesses, ProbeError, encoder_inputs, one_text};
use crate::data::Masked;
use crate::model::Model;

/// The loss of each token that a text asks for, in nats and in the order of its positions: the cross-entropy that
/// masked language modelling takes the mean of (Devlin et al. 2019, section 3.1), without dropout. The text is read as it is,
/// swapped and kept tokens too.
///
/// # Errors
/// A model that fills no blanks, [`ProbeError::Cancelled`], [`ProbeError::NotFinite`]; the model can be used on.
pub async fn losses(
    model: &mut Model,
    text: &Masked,
    control: &Control,
) -> Result<Vec<f64>, ProbeError> {
    model.has_mlm().map_err(ProbeError::NoHead)?;
    if text.positions.is_empty() {
        return Ok(Vec::new());
    }
    let (ids, asked) = (text.ids.clone(), text.positions.len());
    let types = vec![0; ids.len()];
    let seen = one_text(&ids, &types);
    let (prepared, params, config) = model.prepare(ids.len(), asked, 1, false).await?;
    let mut inputs = encoder_inputs(prepared, config, ids, types);
    let Some((at, targets, _)) = prepared.fill.masked else {
        return Ok(Vec::new());
    };
    // The plan may have room for more: the rest repeat the first row, and are ignored.
    let room = prepared.executable.plan().ty(at).shape.len();
    let mut places: Vec<u32> = text.positions.iter().map(|&place| place as u32).collect();
    places.resize(room, places[0]);
    let mut wanted = text.targets.clone();
    wanted.resize(room, wanted[0]);
    inputs.extend([(at, Tensor::U32(places)), (targets, Tensor::U32(wanted))]);
    let outputs = prepared.executable.run(params, inputs, control).await?;
    let [values, columns, figures, ..] = &outputs[..] else {
        return Ok(Vec::new());
    };
    let guesses = Guesses::new([values, columns, figures]);
    if !(0..asked).all(|row| guesses.is_finite(row)) {
        let head = "masked-language-model head";
        return Err(model.not_finite(&seen, head, control).await?.into());
    }
    let loss = |row: usize| {
        let [sum, logit] = guesses.target(row);
        f64::from(sum) - f64::from(logit)
    };
    Ok((0..asked).map(loss).collect())
}
