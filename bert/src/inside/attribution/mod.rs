//! What a logit rests on.

mod integral;
mod target;

use kernels::{Control, GraphError, Tensor, TensorType, Value, gradients};

use super::pass::{Pass, Text, run};
use super::types::Target;
use super::{Attribution, AttributionRequest, Baseline, InsideError, MAX_POINTS, Subject};
use crate::model::{Builder, Encoder, Model, all_finite, names};
use crate::probe::ProbeError;
use crate::tokenizer::Tokenizer;
use integral::gauss_legendre;
use target::Checked;

/// Tokens of a batch that gradients flow through: each leaves its activations on the device.
const GRADIENT_TOKENS: usize = 256;

/// Tokens of a batch that only goes forward.
pub(super) const FORWARD_TOKENS: usize = 2048;

/// Texts of a batch at most.
pub(super) const BATCH: usize = 32;

/// What a logit rests on, by gradient times input, integrated gradients and hiding one token at a time.
/// `progress` hears how many of how many passes over the text are done.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn attribution(
    model: &mut Model,
    tokenizer: &Tokenizer,
    subject: &Subject,
    request: &AttributionRequest,
    progress: &mut dyn FnMut(usize, usize),
    control: &Control,
) -> Result<Attribution, InsideError> {
    let text = Text::read(model, tokenizer, subject)?;
    let found = request.points;
    if !(1..=MAX_POINTS).contains(&found) {
        return Err(InsideError::Range {
            what: "the number of points of an integral",
            found,
            least: 1,
            most: MAX_POINTS,
        });
    }
    let target = Checked::new(model, &text, request.target)?;
    let mask = tokenizer.mask_id().ok_or(ProbeError::NoMask)?;
    let bias = target.bias(model).await?;
    let hidden = hidden_in_turn(&text, request.target);
    let points = gauss_legendre(request.points);
    let of = points.len() + 2 + hidden.len();
    let [sum, base, words] = sums(model, tokenizer, &text, request.baseline, control).await?;
    // The text itself, the baseline itself, and the points between.
    let mut alphas = vec![1.0, 0.0];
    alphas.extend(points.iter().map(|(alpha, _)| *alpha));
    let mut along = Along {
        target: &target,
        text: &text,
        sums: [&sum, &base],
        width: model.config().embedding_size,
    };
    let found = along
        .gradients(model, &alphas, &mut |done| progress(done, of), control)
        .await?;
    let (logits, slopes): (Vec<f32>, Vec<Vec<f32>>) = found.into_iter().unzip();
    let width = along.width;
    let dot = |slope: &[f32], other: &dyn Fn(usize) -> f64, token: usize| -> f64 {
        let range = token * width..(token + 1) * width;
        range.map(|i| f64::from(slope[i]) * other(i)).sum()
    };
    let own = |i: usize| f64::from(words[i]);
    let difference = |i: usize| f64::from(sum[i]) - f64::from(base[i]);
    let tokens = 0..text.len();
    let gradient_x_input = tokens
        .clone()
        .map(|t| dot(&slopes[0], &own, t) as f32)
        .collect();
    let integrated = |t: usize| {
        let terms = points.iter().zip(&slopes[2..]);
        terms
            .map(|((_, weight), slope)| weight * dot(slope, &difference, t))
            .sum::<f64>()
    };
    let integrated: Vec<f64> = tokens.map(integrated).collect();
    let (logit, baseline_logit) = (logits[0], logits[1]);
    let gap = f64::from(logit) - f64::from(baseline_logit);
    let share = 100.0 * integrated.iter().sum::<f64>() / gap;
    let mut mask_one_out = vec![None; text.len()];
    let done = alphas.len();
    let without = one_out(
        model,
        &target,
        &text,
        (mask, &hidden),
        &mut |more| progress(done + more, of),
        control,
    )
    .await?;
    for (&place, &other) in hidden.iter().zip(&without) {
        mask_one_out[place] = Some(logit - other);
    }
    Ok(Attribution {
        seen: text.seen,
        logit: logit + bias,
        baseline_logit: baseline_logit + bias,
        gradient_x_input,
        integrated_gradients: integrated.into_iter().map(|x| x as f32).collect(),
        completeness: share.is_finite().then_some(share as f32),
        mask_one_out,
    })
}

/// The places that are hidden in turn: words that are not hidden already, but a tag's own token is hidden too.
fn hidden_in_turn(text: &Text, target: Target) -> Vec<usize> {
    let asked = match target {
        Target::Guess { place, .. } => Some(place),
        _ => None,
    };
    let word = |&i: &usize| {
        let token = &text.seen.tokens[i];
        token.sequence.is_some() && !token.masked && asked != Some(i)
    };
    (0..text.len()).filter(word).collect()
}

/// The sums of embeddings of the text and of the baseline, and the text's word embeddings alone: `[T, E]` each.
async fn sums(
    model: &mut Model,
    tokenizer: &Tokenizer,
    text: &Text,
    baseline: Baseline,
    control: &Control,
) -> Result<[Vec<f32>; 3], InsideError> {
    let filler = match baseline {
        Baseline::Mask => tokenizer.mask_id(),
        Baseline::Pad => Some(tokenizer.pad_id()),
        Baseline::Zero => None,
    };
    let word = |(i, &id): (usize, &u32)| match (filler, text.seen.tokens[i].sequence) {
        (Some(filler), Some(_)) => filler,
        _ => id,
    };
    let other: Vec<u32> = text.ids.iter().enumerate().map(word).collect();
    let pass = Pass::new(model, text, 2);
    let lay = |rows: [&[u32]; 2], filler: u32| {
        let mut flat = vec![filler; 2 * pass.tokens];
        for (row, ids) in flat.chunks_exact_mut(pass.tokens).zip(rows) {
            row[..ids.len()].copy_from_slice(ids);
        }
        flat
    };
    let config = model.config();
    // The baseline keeps the positions of the text, also where a family gives padding none.
    let rows = match Encoder::look_ups(
        config,
        pass.tokens,
        lay([&text.ids, &text.ids], config.pad_token_id),
        lay([&text.types, &text.types], 0),
    ) {
        Tensor::U32(mut rows) => {
            rows[pass.tokens..][..other.len()].copy_from_slice(&other);
            Tensor::U32(rows)
        }
        rows => rows,
    };
    let width = config.embedding_size;
    let mut alone = text.ids.clone();
    alone.resize(2 * alone.len(), 0);
    let values = vec![rows, Tensor::U32(alone), Tensor::F32(vec![0.0; width])];
    let tokens = text.len();
    let record = |builder: &mut Builder<'_>| {
        let rows = builder.look_ups(2 * pass.tokens);
        let sum = builder.embeddings(rows)?;
        let at = builder.graph.input("ids", TensorType::u32([2 * tokens]));
        let zero = builder.graph.input("zero", TensorType::real([1, width]));
        let table = |blocks: Vec<Value>| kernels::ops::Lookup {
            blocks,
            padding: None,
        };
        // The second table adds nothing.
        let words = builder.vocabulary(names::WORD)?;
        let words = builder
            .graph
            .embed(at, &[table(words), table(vec![zero])])?;
        Ok((vec![rows, at, zero], vec![sum, words]))
    };
    let key = pass.key(&format!("sums {tokens}"));
    let found = run(model, key, record, values, control).await?;
    let (found, words) = (found[0].to_f32(), found[1].to_f32());
    let own = found[..text.len() * width].to_vec();
    let base = match baseline {
        Baseline::Zero => vec![0.0; own.len()],
        _ => found[pass.tokens * width..][..own.len()].to_vec(),
    };
    Ok([own, base, words])
}

/// The line from a baseline to a text, and the logit that is followed along it.
struct Along<'a> {
    target: &'a Checked,
    text: &'a Text,
    /// The sums of embeddings of the text and of the baseline, `[T, E]`.
    sums: [&'a [f32]; 2],
    /// E.
    width: usize,
}

impl Along<'_> {
    /// The recorded logit and its gradient `[T, E]` at each of these shares of the way.
    async fn gradients(
        &mut self,
        model: &mut Model,
        alphas: &[f64],
        progress: &mut dyn FnMut(usize),
        control: &Control,
    ) -> Result<Vec<(f32, Vec<f32>)>, InsideError> {
        let batch = (GRADIENT_TOKENS / self.text.len()).clamp(1, BATCH);
        let pass = Pass::new(model, self.text, batch.min(alphas.len()));
        let [outputs, output] = self.target.output();
        let room = pass.tokens * self.width;
        let mut all = Vec::new();
        for part in alphas.chunks(pass.batch) {
            let mut rows = vec![0.0; pass.batch * room];
            for (row, &alpha) in rows.chunks_exact_mut(room).zip(part) {
                let ends = self.sums[0].iter().zip(self.sums[1]);
                for (x, (&own, &base)) in row.iter_mut().zip(ends) {
                    let (own, base) = (f64::from(own), f64::from(base));
                    *x = (base + alpha * (own - base)) as f32;
                }
            }
            let mut flow = vec![0.0; pass.batch * outputs];
            flow.iter_mut()
                .skip(output)
                .step_by(outputs)
                .for_each(|d| *d = 1.0);
            let lengths = vec![self.text.len(); part.len()];
            let mut values =
                pass.values_from(model.config(), Tensor::F32(rows), lengths, &self.text.off);
            values.push(Tensor::F32(flow));
            values.extend(self.target.values(&pass));
            let record = |builder: &mut Builder<'_>| self.record(builder, &pass, outputs);
            let key = pass.key(&format!("gradients {}", self.target.key()));
            let found = run(model, key, record, values, control).await?;
            let (logits, slopes) = (found[0].to_f32(), found[1].to_f32());
            for i in 0..part.len() {
                let slope = &slopes[i * room..][..self.text.len() * self.width];
                let logit = logits[i * outputs + output];
                if !logit.is_finite() || !all_finite(slope) {
                    let head = "gradient of the logit";
                    return Err(self.text.not_finite(model, head, control).await);
                }
                all.push((logit, slope.to_vec()));
            }
            progress(all.len());
        }
        Ok(all)
    }

    fn record(
        &self,
        builder: &mut Builder<'_>,
        pass: &Pass,
        outputs: usize,
    ) -> Result<(Vec<Value>, Vec<Value>), GraphError> {
        let sum = TensorType::real([pass.batch * pass.tokens, self.width]);
        let sum = builder.graph.input("sum of embeddings", sum);
        let mut wired = pass.wire_from(builder, sum, sum)?;
        let flow = TensorType::real([pass.batch, outputs]);
        let flow = builder.graph.input("which logit", flow);
        wired.inputs.push(flow);
        let logits = self.target.record(builder, &mut wired, pass)?;
        let found = gradients(builder.graph, logits, flow, &[sum])?;
        // Every logit depends on the sum.
        let slope = found.into_iter().flatten();
        Ok((wired.inputs, std::iter::once(logits).chain(slope).collect()))
    }
}

/// The recorded logit with each of `places` hidden, one at a time.
async fn one_out(
    model: &mut Model,
    target: &Checked,
    text: &Text,
    (mask, places): (u32, &[usize]),
    progress: &mut dyn FnMut(usize),
    control: &Control,
) -> Result<Vec<f32>, InsideError> {
    let batch = (FORWARD_TOKENS / text.len()).clamp(1, BATCH);
    let pass = Pass::new(model, text, batch.min(places.len().max(1)));
    let [outputs, output] = target.output();
    let mut all = Vec::new();
    for part in places.chunks(pass.batch) {
        let variant = |&place: &usize| {
            let mut ids = text.ids.clone();
            ids[place] = mask;
            ids
        };
        let texts = text.variants(part.iter().map(variant).collect());
        let mut values = pass.values(model.config(), &texts, &text.off);
        values.extend(target.values(&pass));
        let record = |builder: &mut Builder<'_>| {
            let mut wired = pass.wire(builder)?;
            let logits = target.record(builder, &mut wired, &pass)?;
            Ok((wired.inputs, vec![logits]))
        };
        let key = pass.key(&format!("one out {}", target.key()));
        let found = run(model, key, record, values, control).await?;
        let logits = found[0].to_f32();
        let own = logits.chunks_exact(outputs).map(|row| row[output]);
        all.extend(own.take(part.len()));
        if !all_finite(&all) {
            let head = "head, with a word hidden";
            return Err(text.not_finite(model, head, control).await);
        }
        progress(all.len());
    }
    Ok(all)
}
