//! What happens between a text and a model's answer: the guesses layer by layer, where attention looks,
//! what an answer rests on, how surprising each token is.
//!
//! Each look is a plan of its own, made on first use. Probing does not know of it.

mod error;
mod types;

pub use error::InsideError;
pub use types::{
    AttentionRequest, Attribution, AttributionRequest, Baseline, Contextual, Guesses, Head,
    HeadSays, HeadSurvey, HeadTraits, HiddenStates, LayerAttention, Lens, LensClasses, LensPlace,
    LensRequest, LensRow, Neighbour, Occurrence, Seen, Sides, Subject, Surprisal, Survey, Target,
};

/// The most places that a lens looks through at a time.
pub const MAX_LENS_PLACES: usize = 4;

/// The longest text of which all rows of a layer's attention are read.
pub const MAX_ALL_ROWS: usize = 128;

/// The most numbers along a side of a survey's thumbnail.
pub const THUMBNAIL: usize = 16;

/// The most points of an integral.
pub const MAX_POINTS: usize = 256;

/// The most sentences whose words are compared.
pub const MAX_OCCURRENCES: usize = 32;

use kernels::Control;

use crate::model::Model;
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
    todo!()
}

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
    todo!()
}

/// All heads of all layers, each as a thumbnail and by what it does on this text, and the guesses.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn survey(
    model: &mut Model,
    tokenizer: &Tokenizer,
    subject: &Subject,
    top_k: usize,
    control: &Control,
) -> Result<Survey, InsideError> {
    todo!()
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
    todo!()
}

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
    todo!()
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
    todo!()
}

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
    todo!()
}

/// The `count` nearest tokens to token `id` in the word embedding, by cosine, the nearest first, itself
/// left out.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn neighbours(
    model: &mut Model,
    tokenizer: &Tokenizer,
    id: u32,
    count: usize,
    control: &Control,
) -> Result<Vec<Neighbour>, InsideError> {
    todo!()
}

/// How alike the vectors of a word are in several sentences (at most [`MAX_OCCURRENCES`]), layer by
/// layer.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn contextual(
    model: &mut Model,
    tokenizer: &Tokenizer,
    occurrences: &[Occurrence],
    control: &Control,
) -> Result<Contextual, InsideError> {
    todo!()
}

/// Every layer's output for a text of at most [`MAX_ALL_ROWS`] tokens.
///
/// # Errors
/// [`InsideError`]; the model can be used on.
pub async fn hidden_states(
    model: &mut Model,
    tokenizer: &Tokenizer,
    subject: &Subject,
    control: &Control,
) -> Result<HiddenStates, InsideError> {
    todo!()
}

/// The mean over the tokens of the cosine of two states of each, layer by layer: of one text before
/// and after training.
pub fn cosines(before: &HiddenStates, after: &HiddenStates) -> Vec<f32> {
    todo!()
}
