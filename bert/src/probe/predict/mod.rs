//! What a task's head says of a text: its logits, and what people read in them.

mod answer;
mod entities;

pub(crate) use answer::best_span;
pub use answer::{Answer, MAX_ANSWER_TOKENS, answer, answers};
pub use entities::{Entity, entities};

use kernels::Control;
use serde::{Deserialize, Serialize};

use super::{ProbeError, Token, Truncated, check_vocabulary, one_text, tokens};
use crate::config::HeadKind;
use crate::data::{Text, padded_lengths};
use crate::model::{Model, TaskHead, TokenBatch, all_finite};
use crate::tokenizer::{Encoding, Tokenizer};

/// The most choices that are read.
const MAX_CHOICES: usize = 16;

/// What a head says of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// What was asked of.
    pub text: Text,
    /// Which head.
    pub head: TaskHead,
    /// The text's tokens.
    pub tokens: Vec<Token>,
    /// As the head computes them: `[L]` of a text, or `[T, L]`, a token after the other, where it reads tokens.
    pub logits: Vec<f32>,
    /// Where the text was longer than the head reads.
    pub truncated: Option<Truncated>,
    /// Parts in which a passage that is too long was read; these are the tokens and logits of the one with the likeliest answer.
    pub windows: usize,
}

impl Said {
    /// A token's logits, of a head that reads tokens.
    ///
    /// # Panics
    /// If there is no such token, or the head reads whole texts.
    pub fn token(&self, i: usize) -> &[f32] {
        let outputs = self.head.outputs();
        &self.logits[i * outputs..][..outputs]
    }

    /// The logits as probabilities: of classes and of each token's tags, their softmax; of labels and of a score, a
    /// logistic function each; of a span, begin and end each over the tokens. Of choices, their softmax; of
    /// one alone there is none.
    pub fn probabilities(&self) -> Vec<f32> {
        let outputs = self.head.outputs();
        match self.head.kind {
            kind @ (HeadKind::Classes | HeadKind::Labels | HeadKind::Score) => {
                probabilities(kind, &self.logits)
            }
            HeadKind::Tokens => self
                .logits
                .chunks_exact(outputs)
                .flat_map(softmax)
                .collect(),
            HeadKind::Span => {
                let column = |c: usize| {
                    let column: Vec<f32> = self.logits.iter().skip(c).step_by(2).copied().collect();
                    softmax(&column)
                };
                let (starts, ends) = (column(0), column(1));
                let pairs = starts.into_iter().zip(ends);
                pairs.flat_map(|(start, end)| [start, end]).collect()
            }
            HeadKind::Choice if self.logits.len() > 1 => softmax(&self.logits),
            HeadKind::Choice => Vec::new(),
        }
    }

    /// What a head chooses from: the lines of the second text.
    pub fn choices(&self) -> Vec<&str> {
        choices(&self.text)
    }
}

/// Asks the head of a task what it says of a text, or of a pair of texts. A text that is longer than the head was trained on,
/// or than the model reads, is cut at its end; a passage that answers are sought in is read in parts. Of a head that chooses,
/// each line of the second text is a choice, and has a logit.
///
/// # Errors
/// [`ProbeError::NoTaskHead`], a tokenizer of another model, [`ProbeError::NotFinite`] where numbers overflow,
/// [`ProbeError::Cancelled`] when `control` says so between two steps (after both the model can be used on), or the
/// device's failure.
pub async fn predict(
    model: &mut Model,
    tokenizer: &Tokenizer,
    text: &Text,
    control: &Control,
) -> Result<Said, ProbeError> {
    check_vocabulary(tokenizer, model.config())?;
    let head = model.head().cloned().ok_or(ProbeError::NoTaskHead)?;
    let limit = model.head_limit();
    let encodings = match (&text.pair, head.kind) {
        (Some(passage), HeadKind::Span) => tokenizer.windows(&text.text, passage, limit),
        _ => vec![tokenizer.encode(&text.text, text.pair.as_deref(), limit)],
    };
    if head.kind == HeadKind::Choice {
        return choose(model, tokenizer, text, &head, control).await;
    }
    let windows = encodings.len();
    let mut best: Option<(f32, Said)> = None;
    for encoding in encodings {
        let said = of_encoding(model, tokenizer, text, &head, encoding, control).await?;
        let sum = match head.kind {
            HeadKind::Span => answer::likeliest(&said).unwrap_or(f32::NEG_INFINITY),
            _ => 0.0,
        };
        if best.as_ref().is_none_or(|(least, _)| sum > *least) {
            best = Some((sum, Said { windows, ..said }));
        }
    }
    best.map(|(_, said)| said).ok_or(ProbeError::NoTaskHead)
}

/// The choices of a second text: its lines.
fn choices(text: &Text) -> Vec<&str> {
    let lines = text.pair.iter().flat_map(|pair| pair.lines());
    let lines = lines.map(str::trim).filter(|line| !line.is_empty());
    lines.take(MAX_CHOICES).collect()
}

/// A logit for each choice; without any, for the text alone. The tokens are those of the first.
async fn choose(
    model: &mut Model,
    tokenizer: &Tokenizer,
    text: &Text,
    head: &TaskHead,
    control: &Control,
) -> Result<Said, ProbeError> {
    let limit = model.head_limit();
    let choices = choices(text);
    let pairs: Vec<Option<&str>> = match choices.is_empty() {
        true => vec![text.pair.as_deref()],
        false => choices.into_iter().map(Some).collect(),
    };
    let mut all: Option<Said> = None;
    for pair in pairs {
        let encoding = tokenizer.encode(&text.text, pair, limit);
        let said = of_encoding(model, tokenizer, text, head, encoding, control).await?;
        match &mut all {
            Some(all) => all.logits.extend(said.logits),
            None => all = Some(said),
        }
    }
    all.ok_or(ProbeError::NoTaskHead)
}

async fn of_encoding(
    model: &mut Model,
    tokenizer: &Tokenizer,
    text: &Text,
    head: &TaskHead,
    encoding: Encoding,
    control: &Control,
) -> Result<Said, ProbeError> {
    // One of few lengths, so that plans are few.
    let lengths = padded_lengths(encoding.ids.len(), model.config().max_tokens());
    let input = TokenBatch {
        tokens: lengths.last().copied().unwrap_or(encoding.ids.len()),
        ..one_text(&encoding.ids, &encoding.type_ids)
    };
    let found = model.head_batch(&input, 1, control).await?;
    let logits = found.into_iter().next().unwrap_or_default();
    if !all_finite(&logits) {
        return Err(model
            .not_finite(&input, "task's head", control)
            .await?
            .into());
    }
    Ok(Said {
        text: text.clone(),
        head: head.clone(),
        tokens: tokens(tokenizer, &encoding, &[]),
        logits,
        truncated: encoding.truncated,
        windows: 1,
    })
}

/// The logits of a head over whole texts as probabilities: of classes their softmax, of labels and of a score a
/// logistic function each; none for the other heads.
pub(crate) fn probabilities(kind: HeadKind, logits: &[f32]) -> Vec<f32> {
    match kind {
        HeadKind::Classes => softmax(logits),
        HeadKind::Labels | HeadKind::Score => logits.iter().map(|x| logistic(*x)).collect(),
        HeadKind::Tokens | HeadKind::Span | HeadKind::Choice => Vec::new(),
    }
}

/// `exp(x_i) / Σ exp(x_j)`, without overflow.
pub(crate) fn softmax(row: &[f32]) -> Vec<f32> {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f32> = row.iter().map(|x| (x - largest).exp()).collect();
    let sum: f32 = exps.iter().sum();
    exps.into_iter().map(|x| x / sum).collect()
}

/// `1 / (1 + exp(-x))`
pub fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
