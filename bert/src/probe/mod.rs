//! What a model says of a text: tokens, predictions for hidden words, the next-sentence verdict.

mod classify;
mod guesses;
mod losses;
mod predict;
mod replaced;

pub use classify::{Classification, classify};
pub use losses::losses;
pub use predict::{
    Answer, Entity, MAX_ANSWER_TOKENS, Said, answer, answers, entities, logistic, predict,
};
pub(crate) use predict::{best_span, probabilities, softmax};
pub use replaced::{Replaced, replaced};

pub(crate) use guesses::{Guesses, spelling};
use guesses::{compared, words};
use kernels::ops::NO_TARGET;
use kernels::{Control, RunError, Tensor, Value};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::model::TokenBatch;
use crate::model::{Model, NotFinite, Prepared, all_finite};
use crate::tokenizer::{Encoding, Tokenizer};

pub use crate::tokenizer::Truncated;

/// The most predictions of one mask that may be asked for.
pub const MAX_TOP_K: usize = 100;

/// The most words that may be compared.
pub const MAX_COMPARED: usize = 8;

/// One token of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Its id in the vocabulary; the id of the word that is hidden, where one is.
    pub id: u32,
    /// Its spelling in the vocabulary; of the word that is hidden, where one is.
    pub text: String,
    /// Whether it was put around the text.
    pub special: bool,
    /// Whether the model sees `[MASK]` here.
    pub masked: bool,
    /// 0 for the first text, 1 for the second.
    pub sequence: Option<u8>,
    /// First character in the text that it comes from.
    pub start: usize,
    /// One past its last character.
    pub end: usize,
}

/// One guess.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The token's id.
    pub id: u32,
    /// Its spelling.
    pub token: String,
    /// The decoder's output.
    pub logit: f32,
    /// Its share of the softmax over the whole vocabulary.
    pub probability: f32,
}

/// How one word fares at a mask: the one that really stands there, or one that is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Original {
    /// The token's id.
    pub id: u32,
    /// Its spelling.
    pub token: String,
    /// The decoder's output.
    pub logit: f32,
    /// Its share of the softmax over the whole vocabulary.
    pub probability: f32,
    /// 1 if it is the best guess.
    pub rank: u32,
}

/// The guesses for one mask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaskResult {
    /// The mask's place among the tokens.
    pub position: usize,
    /// The hidden word's standing; `None` where `[MASK]` was typed.
    pub original: Option<Original>,
    /// The best guesses, best first.
    pub predictions: Vec<Prediction>,
    /// The words that were to be compared here, as asked.
    pub compared: Vec<Compared>,
}

/// A word that was to be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// As it was typed.
    pub word: String,
    /// How it fares, or why it can stand at no hidden place, in a sentence without its full stop.
    pub standing: Result<Original, String>,
}

/// The next-sentence head's verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nsp {
    /// "It follows", "it does not".
    pub logits: [f32; 2],
    /// Probability that the second text follows the first.
    pub is_next: f32,
}

/// What a model says of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    /// The text's tokens.
    pub tokens: Vec<Token>,
    /// One entry a mask, in the order of the text.
    pub masks: Vec<MaskResult>,
    /// Of two texts, where the checkpoint has the head.
    pub nsp: Option<Nsp>,
    /// Where the text was longer than the model can read.
    pub truncated: Option<Truncated>,
}

/// What to ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The text; `[MASK]` may stand in it.
    pub text: String,
    /// A second text.
    pub pair: Option<String>,
    /// Places among the tokens to hide beside the typed `[MASK]`s; places that hold no word of a
    /// text are ignored.
    pub hidden: Vec<usize>,
    /// How many guesses for each mask: at least 1, at most [`MAX_TOP_K`].
    pub top_k: usize,
    /// Words whose standing at each mask is wanted, beside the guesses: at most [`MAX_COMPARED`], later ones are
    /// ignored.
    pub compare: Vec<String>,
}

/// Why a text could not be probed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProbeError {
    /// A newer request came, or the user pressed cancel.
    #[error("cancelled")]
    Cancelled,
    /// The tokenizer belongs to another model.
    #[error(
        "the tokenizer has ids up to {highest}, but the model's vocabulary ends at {vocab_size}: they \
         belong to different models"
    )]
    Vocabulary {
        /// The tokenizer's highest id.
        highest: usize,
        /// Rows of the word embedding.
        vocab_size: usize,
    },
    /// The tokenizer's own tokens do not fit.
    #[error(
        "the tokenizer puts {around} tokens around a pair of texts, but the model reads {limit} in all"
    )]
    Template {
        /// Special tokens around a pair.
        around: usize,
        /// The most tokens of a text.
        limit: usize,
    },
    /// There are masks, but the model cannot fill them.
    #[error("{0}")]
    NoHead(String),
    /// Texts are to be classified, and the model has no classifier.
    #[error("this model has no classifier; train one, or load a model that has one")]
    NoClassifier,
    /// A head is to be asked, and the model has none for a task.
    #[error("this model has no head for a task; train one, or load a model that has one")]
    NoTaskHead,
    /// Words are to be hidden, but the vocabulary has no `[MASK]`.
    #[error("this tokenizer has no [MASK] token, so no word can be hidden")]
    NoMask,
    /// The model cannot tell replaced tokens.
    #[error(
        "this checkpoint has no replaced-token head (`discriminator_predictions.*`), so it cannot \
         say which tokens were replaced; the discriminator of an ELECTRA has it"
    )]
    NoDiscriminator,
    /// The answer would be made of NaN and infinities.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The run failed.
    #[error(transparent)]
    Run(RunError),
}

impl From<RunError> for ProbeError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Cancelled => ProbeError::Cancelled,
            error => ProbeError::Run(error),
        }
    }
}

/// Refuses a tokenizer whose ids the model does not know, or that puts more tokens around a text than the
/// model reads.
///
/// # Errors
/// [`ProbeError::Vocabulary`], [`ProbeError::Template`].
pub fn check_vocabulary(tokenizer: &Tokenizer, config: &Config) -> Result<(), ProbeError> {
    let (ids, vocab_size) = (tokenizer.vocab_size(), config.vocab_size);
    if ids > vocab_size {
        return Err(ProbeError::Vocabulary {
            highest: ids.saturating_sub(1),
            vocab_size,
        });
    }
    let (around, limit) = (tokenizer.added_tokens(true), config.max_tokens());
    if around > limit {
        return Err(ProbeError::Template { around, limit });
    }
    Ok(())
}

/// The tokens of a request's text, with those that are hidden marked.
pub fn tokenize(
    tokenizer: &Tokenizer,
    config: &Config,
    request: &Request,
) -> (Vec<Token>, Option<Truncated>) {
    let encoding = encode(tokenizer, config, request);
    let tokens = tokens(tokenizer, &encoding, &request.hidden);
    (tokens, encoding.truncated)
}

fn encode(tokenizer: &Tokenizer, config: &Config, request: &Request) -> Encoding {
    let pair = request.pair.as_deref();
    tokenizer.encode(&request.text, pair, config.max_tokens())
}

/// An encoding's tokens, with those that are hidden marked.
pub(crate) fn tokens(tokenizer: &Tokenizer, encoding: &Encoding, hidden: &[usize]) -> Vec<Token> {
    let token = |i: usize| {
        let word = encoding.sequence[i].is_some();
        let typed = word && tokenizer.mask_id() == Some(encoding.ids[i]);
        Token {
            id: encoding.ids[i],
            text: encoding.tokens[i].clone(),
            special: encoding.special[i],
            masked: typed || (word && hidden.contains(&i)),
            sequence: encoding.sequence[i],
            start: encoding.offsets[i].0,
            end: encoding.offsets[i].1,
        }
    };
    (0..encoding.ids.len()).map(token).collect()
}

/// Hides what the request hides, runs the model, and returns its guesses for every mask. A model that reads left to right guesses each
/// from the words before it, as they stand: it sees none after, and nothing is hidden from it.
///
/// # Errors
/// [`ProbeError::Cancelled`] when `control` says so between two steps, [`ProbeError::NotFinite`] where
/// numbers overflow; the model can be used on.
pub async fn fill_mask(
    model: &mut Model,
    tokenizer: &Tokenizer,
    request: &Request,
    control: &Control,
) -> Result<Fill, ProbeError> {
    check_vocabulary(tokenizer, model.config())?;
    let encoding = encode(tokenizer, model.config(), request);
    let tokens = tokens(tokenizer, &encoding, &request.hidden);
    let truncated = encoding.truncated;
    let masked: Vec<usize> = (0..tokens.len()).filter(|&i| tokens[i].masked).collect();
    if !masked.is_empty() {
        model.guesses_words().map_err(ProbeError::NoHead)?;
    }
    let pair = request.pair.is_some() && model.has_nsp();
    if masked.is_empty() && !pair {
        return Ok(Fill {
            tokens,
            masks: Vec::new(),
            nsp: None,
            truncated,
        });
    }
    let mut ids = encoding.ids;
    let causal = model.config().causal;
    for &i in masked.iter().filter(|_| !causal) {
        ids[i] = tokenizer.mask_id().ok_or(ProbeError::NoMask)?;
    }
    let top_k = request
        .top_k
        .clamp(1, MAX_TOP_K.min(model.config().vocab_size));
    let words = words(tokenizer, &request.compare);
    let known: Vec<u32> = words
        .iter()
        .filter_map(|(_, id)| id.as_ref().ok().copied())
        .collect();
    // Each mask has a row for its guesses and one for each word that is compared.
    let rows = masked.len() * (1 + known.len());
    let (prepared, params, config) = model.prepare(tokens.len(), rows, top_k, pair).await?;
    let text = one_text(&ids, &encoding.type_ids);
    let mut inputs = encoder_inputs(prepared, config, ids, encoding.type_ids);
    if let Some((at, targets, _)) = prepared.fill.masked {
        // The plan may have room for more masks: the rest repeat the first row, and are ignored.
        let room = prepared.executable.plan().ty(at).shape.len();
        let row = |&i: &usize| i.saturating_sub(usize::from(causal)) as u32;
        let mut places: Vec<u32> = masked.iter().cycle().take(rows).map(row).collect();
        places.resize(room, places[0]);
        let original = |&i: &usize| match tokenizer.mask_id() == Some(tokens[i].id) {
            true => NO_TARGET,
            false => tokens[i].id,
        };
        let mut originals: Vec<u32> = masked.iter().map(original).collect();
        originals.extend(known.iter().flat_map(|&id| masked.iter().map(move |_| id)));
        originals.resize(room, NO_TARGET);
        inputs.extend([(at, Tensor::U32(places)), (targets, Tensor::U32(originals))]);
    }
    let outputs = prepared.executable.run(params, inputs, control).await?;
    let mut outputs = outputs.iter();
    let mut masks = Vec::new();
    if prepared.fill.masked.is_some()
        && let (Some(values), Some(columns), Some(figures)) =
            (outputs.next(), outputs.next(), outputs.next())
    {
        let guesses = Guesses::new([values, columns, figures]);
        if !(0..masked.len()).all(|row| guesses.is_finite(row)) {
            let head = "masked-language-model head";
            return Err(model.not_finite(&text, head, control).await?.into());
        }
        let result = |(row, &i): (usize, &usize)| {
            let mut mask = guesses.mask(row, i, &tokens[i], tokenizer, top_k);
            let mut row = row;
            let standing = |id: &u32| {
                row += masked.len();
                guesses.standing(row, *id, spelling(tokenizer, *id))
            };
            mask.compared = compared(&words, standing);
            mask
        };
        masks = masked.iter().enumerate().map(result).collect();
    }
    let nsp = prepared.fill.nsp.and_then(|_| outputs.next());
    let nsp = nsp.map(Tensor::to_f32);
    if nsp.as_ref().is_some_and(|logits| !all_finite(logits)) {
        let head = "next-sentence head";
        return Err(model.not_finite(&text, head, control).await?.into());
    }
    let nsp = nsp.map(|logits| {
        let is_next = 1.0 / (1.0 + (logits[1] - logits[0]).exp());
        Nsp {
            logits: [logits[0], logits[1]],
            is_next,
        }
    });
    Ok(Fill {
        tokens,
        masks,
        nsp,
        truncated,
    })
}

/// A text alone.
fn one_text(ids: &[u32], types: &[u32]) -> TokenBatch {
    TokenBatch {
        tokens: ids.len(),
        ids: vec![ids.to_vec()],
        types: vec![types.to_vec()],
    }
}

/// The encoder's inputs for one text in a plan that may have room for more tokens, and for the
/// next-sentence head the row of `[CLS]`.
fn encoder_inputs(
    prepared: &Prepared,
    config: &Config,
    mut ids: Vec<u32>,
    mut types: Vec<u32>,
) -> Vec<(Value, Tensor)> {
    let encoder = &prepared.fill.encoder;
    let room = encoder.tokens;
    let length = ids.len() as u32;
    ids.resize(room, config.pad_token_id);
    types.resize(room, 0);
    let mut inputs = encoder.values(config, room, ids, types, vec![length]);
    inputs.extend(prepared.fill.nsp.map(|(at, _)| (at, Tensor::U32(vec![0]))));
    inputs
}
