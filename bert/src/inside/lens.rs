//! The logit lens: what the model's head says of every layer.

use kernels::ops::NO_TARGET;
use kernels::{Control, GraphError, Tensor, TensorType, Value};

use super::pass::{Pass, Text, rows_of_layers, rows_values, run};
use super::{
    InsideError, Lens, LensClasses, LensPlace, LensRequest, LensRow, MAX_LENS_PLACES, Subject,
};
use crate::model::{Builder, Encoder, Model, TaskHead, all_finite};
use crate::probe::{Guesses, MAX_TOP_K, ProbeError, probabilities, spelling};
use crate::tokenizer::Tokenizer;

/// The whole masked-language-model head (dense, activation, norm, decoder) on every layer's output at
/// hidden places, all of them in one product; of a model that classifies, the task's head on every
/// layer's text vector.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn lens(
    model: &mut Model,
    tokenizer: &Tokenizer,
    subject: &Subject,
    request: &LensRequest,
    control: &Control,
) -> Result<Lens, InsideError> {
    let text = Text::read(model, tokenizer, subject)?;
    let head = whole_text_head(model);
    let places = match model.has_mlm() {
        Ok(()) => places(&text, request)?,
        Err(why) if head.is_none() => return Err(ProbeError::NoHead(why).into()),
        Err(_) => Vec::new(),
    };
    if places.is_empty() && head.is_none() {
        return Err(nothing_hidden(tokenizer));
    }
    let vocabulary = model.config().vocab_size;
    if let Some(id) = request.follow.filter(|&id| id as usize >= vocabulary) {
        return Err(InsideError::NoSuchToken { id, vocabulary });
    }
    let top_k = request.top_k.clamp(1, MAX_TOP_K.min(vocabulary));
    let pass = Pass::new(model, &text, 1);
    let sizes = Sizes {
        pass,
        places: match places.len() {
            0 => 0,
            some => some.next_power_of_two(),
        },
        top_k: top_k.next_multiple_of(10).min(vocabulary),
    };
    let key = pass.key(&format!("lens {} {} {head:?}", sizes.places, sizes.top_k));
    let follow = |&place: &usize| match request.follow {
        Some(id) => id,
        None => text.original(place, tokenizer),
    };
    let followed: Vec<u32> = places.iter().map(follow).collect();
    let layers = model.config().num_hidden_layers + 1;
    let mut values = pass.values(model.config(), &text.batch(), &text.off);
    if !places.is_empty() {
        values.extend(rows_values(model.config(), &pass, &places, sizes.places));
        let mut targets = followed.clone();
        targets.resize(sizes.places, NO_TARGET);
        values.push(Tensor::U32(targets.repeat(layers)));
    }
    // The row of [CLS], for each layer, where one is read.
    values.extend((0..layers).map(|_| Tensor::U32(vec![0])));
    let record = |builder: &mut Builder<'_>| sizes.record(builder, head.as_ref());
    let found = run(model, key, record, values, control).await?;
    let mut found = found.iter();
    let mut shown = Vec::new();
    if let (false, [Some(values), Some(columns), Some(figures)]) = (
        places.is_empty(),
        match places.is_empty() {
            true => [None; 3],
            false => [found.next(), found.next(), found.next()],
        },
    ) {
        let guesses = Guesses::new([values, columns, figures]);
        let row = |layer: usize, i: usize| layer * sizes.places + i;
        let all = (0..layers).flat_map(|layer| (0..places.len()).map(move |i| row(layer, i)));
        if !all.clone().all(|row| guesses.is_finite(row)) {
            let head = "masked-language-model head";
            return Err(text.not_finite(model, head, control).await);
        }
        for (i, (&position, &id)) in places.iter().zip(&followed).enumerate() {
            let layer = |layer: usize| LensRow {
                top: guesses.best(row(layer, i), tokenizer, top_k),
                followed: (id != NO_TARGET)
                    .then(|| guesses.standing(row(layer, i), id, spelling(tokenizer, id))),
            };
            shown.push(LensPlace {
                position,
                layers: (0..layers).map(layer).collect(),
            });
        }
    }
    let logits: Vec<Vec<f32>> = found.map(Tensor::to_f32).collect();
    if !logits.iter().all(|row| all_finite(row)) {
        return Err(text.not_finite(model, "task's head", control).await);
    }
    let classes = head.map(|head| LensClasses {
        kind: head.kind,
        probabilities: logits
            .iter()
            .map(|row| probabilities(head.kind, row))
            .collect(),
        labels: head.labels,
        logits,
    });
    Ok(Lens {
        seen: text.seen,
        places: shown,
        classes,
    })
}

/// The head that says something of a whole text, if the model has one.
fn whole_text_head(model: &Model) -> Option<TaskHead> {
    let head = model.head().cloned();
    head.filter(|head| !head.kind.reads_tokens())
}

/// That nothing is hidden, in the words of this tokenizer.
pub(super) fn nothing_hidden(tokenizer: &Tokenizer) -> InsideError {
    let mask = tokenizer.mask_token().unwrap_or("[MASK]").to_owned();
    InsideError::NothingHidden { mask }
}

/// The places that are looked through.
fn places(text: &Text, request: &LensRequest) -> Result<Vec<usize>, InsideError> {
    let asked = request.places.len();
    if asked > MAX_LENS_PLACES {
        let limit = MAX_LENS_PLACES;
        return Err(InsideError::TooManyPlaces { asked, limit });
    }
    for &place in &request.places {
        text.check_place(place)?;
    }
    Ok(match asked {
        0 => text.masked.iter().copied().take(MAX_LENS_PLACES).collect(),
        _ => request.places.clone(),
    })
}

/// The sizes of a lens.
struct Sizes {
    pass: Pass,
    /// Room for so many places; 0 where nothing is hidden.
    places: usize,
    top_k: usize,
}

impl Sizes {
    fn record(
        &self,
        builder: &mut Builder<'_>,
        head: Option<&TaskHead>,
    ) -> Result<(Vec<Value>, Vec<Value>), GraphError> {
        let mut wired = self.pass.wire(builder)?;
        let layers = wired.encoder.hidden.len();
        let mut outputs = Vec::new();
        if self.places > 0 {
            let rows = rows_of_layers(builder, &mut wired, self.places)?;
            let logits = builder.mlm(rows)?;
            let targets = TensorType::u32([layers * self.places]);
            let targets = builder.graph.input("followed", targets);
            wired.inputs.push(targets);
            let top = builder.graph.top_k(logits, targets, self.top_k)?;
            outputs.extend([top.values, top.columns, top.figures]);
        }
        if let Some(head) = head {
            for &hidden in &wired.encoder.hidden {
                let layer = Encoder {
                    hidden: vec![hidden],
                    ..wired.encoder.clone()
                };
                let sizes = [1, head.outputs()];
                let (logits, at) = builder.head(&layer, head.kind, head.pooling, sizes)?;
                wired.inputs.extend(at);
                outputs.push(logits);
            }
        }
        Ok((wired.inputs, outputs))
    }
}
