//! What is asked of a model's inside, and what it answers: plain data.

use serde::{Deserialize, Serialize};

use crate::config::HeadKind;
use crate::probe::{MaskResult, Original, Prediction, Token, Truncated};

/// An attention head: both count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Head {
    /// Its layer.
    pub layer: usize,
    /// Its place in the layer.
    pub head: usize,
}

/// What is looked at: a text, what is hidden in it, and which heads are switched off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The text; `[MASK]` may stand in it.
    pub text: String,
    /// A second text.
    pub pair: Option<String>,
    /// Places among the tokens to hide beside the typed `[MASK]`s, as in
    /// [`crate::probe::Request::hidden`]; places that hold no word are ignored.
    pub hidden: Vec<usize>,
    /// Heads whose output (the head's part of the context, before the layer's output matrix) is taken
    /// as 0.
    pub without: Vec<Head>,
}

/// The text as the model read it; part of every answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The tokens: T of them.
    pub tokens: Vec<Token>,
    /// Where the text was longer than the model reads: it was cut there.
    pub truncated: Option<Truncated>,
}

/// What to ask the lens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LensRequest {
    /// Places among the tokens to look through, at most [`super::MAX_LENS_PLACES`]; empty for the first
    /// hidden ones.
    pub places: Vec<usize>,
    /// Best words of each layer: at least 1, at most [`crate::probe::MAX_TOP_K`].
    pub top_k: usize,
    /// A token whose standing is followed, by its id; `None` for the word that is hidden at the place, if
    /// any.
    pub follow: Option<u32>,
}

/// What the model's head says of each layer's output (the logit lens).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lens {
    /// The text.
    pub seen: Seen,
    /// One entry a place that was looked through; empty where the model fills no words.
    pub places: Vec<LensPlace>,
    /// What the task's head says of each layer, where it says something of a whole text.
    pub classes: Option<LensClasses>,
}

/// The lens at one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LensPlace {
    /// The place among the tokens.
    pub position: usize,
    /// The embeddings first, then every layer: L + 1 rows.
    pub layers: Vec<LensRow>,
}

/// What the whole masked-language-model head says of one layer's output at one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LensRow {
    /// The best words, best first.
    pub top: Vec<Prediction>,
    /// The standing of the token that is followed.
    pub followed: Option<Original>,
}

/// What a task's head says of the text's vector at each layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LensClasses {
    /// What kind of head.
    pub kind: HeadKind,
    /// The names of its outputs.
    pub labels: Vec<String>,
    /// Logits `[L + 1][labels]`, the embeddings first.
    pub logits: Vec<Vec<f32>>,
    /// The same as probabilities: softmax of classes, a logistic function of each label and of a score;
    /// empty where the head has none.
    pub probabilities: Vec<Vec<f32>>,
}

/// What the model says of the text with these heads switched off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guesses {
    /// The text.
    pub seen: Seen,
    /// The guesses for each hidden place.
    pub masks: Vec<MaskResult>,
    /// What the task's head says, where there is one.
    pub said: Option<HeadSays>,
}

/// A task's head on a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadSays {
    /// What kind of head.
    pub kind: HeadKind,
    /// The names of its outputs.
    pub labels: Vec<String>,
    /// `[labels]`, or `[T][labels]` flat where the head reads tokens.
    pub logits: Vec<f32>,
}

/// All heads of all layers on this text, small.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// The text.
    pub seen: Seen,
    /// S: a thumbnail is S x S numbers, at most [`super::THUMBNAIL`] and at most T.
    pub side: usize,
    /// `[L][A]`.
    pub layers: Vec<Vec<HeadSurvey>>,
    /// What the model says with these heads off.
    pub guesses: Guesses,
}

/// One head in a survey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadSurvey {
    /// Which.
    pub head: Head,
    /// Whether it is switched off. (Its weights are there all the same; nothing of them arrives.)
    pub off: bool,
    /// `[S][S]` flat, a row for a stretch of queries: the mean over those queries of the weight on a
    /// stretch of keys. Every row sums to 1.
    pub thumbnail: Vec<f32>,
    /// What it does on this text.
    pub traits: HeadTraits,
}

/// Where a head looks on this text: means over all the queries that are no special tokens. Shares lie between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeadTraits {
    /// Share of the weight on the token before.
    pub previous: f32,
    /// On the token after.
    pub next: f32,
    /// On itself.
    pub itself: f32,
    /// On other places with the same token.
    pub same: f32,
    /// On special tokens.
    pub special: f32,
    /// Entropy of the weights in bits: 0 where all lies on one token, log2 T where it is even.
    pub entropy: f32,
}

/// Which weights to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttentionRequest {
    /// The layer, from 0.
    pub layer: usize,
    /// One query's row; `None` for all of them, where the text has at most [`super::MAX_ALL_ROWS`]
    /// tokens.
    pub row: Option<usize>,
}

/// The attention of one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerAttention {
    /// The text.
    pub seen: Seen,
    /// The layer.
    pub layer: usize,
    /// A, its heads.
    pub heads: usize,
    /// The queries whose rows these are: R of them.
    pub rows: Vec<usize>,
    /// The weights `[A][R][T]` flat: where each head looks. A row sums to 1.
    pub weights: Vec<f32>,
    /// What arrives, `[A][R][T]` flat: the norm of each key's value, carried through the head's part of the
    /// output matrix, times the weight (Kobayashi et al. 2020). 0 of a head that is off.
    pub arrives: Vec<f32>,
}

/// The number that an attribution explains; always a logit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A guess for a hidden place.
    Guess {
        /// The place among the tokens.
        place: usize,
        /// The token that is guessed.
        id: u32,
    },
    /// An output of a head that says something of a whole text.
    Class {
        /// Which of its outputs.
        output: usize,
    },
    /// An output of a head that reads tokens: a tag; or 0 and 1, that an answer starts or ends here.
    Token {
        /// The place among the tokens.
        place: usize,
        /// Which of its outputs.
        output: usize,
    },
}

/// What integrated gradients begin from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// Every word is `[MASK]`; special tokens, positions and token types stay.
    #[default]
    Mask,
    /// Every word is `[PAD]` (and attended to); special tokens, positions and token types stay.
    Pad,
    /// The whole sum of embeddings is 0, special tokens' too. The norm that follows undoes scaling, so nearly all that
    /// happens on this line happens next to 0, and completeness is low.
    Zero,
}

/// What to attribute, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributionRequest {
    /// Which logit.
    pub target: Target,
    /// Where integrated gradients begin.
    pub baseline: Baseline,
    /// Points of the integral (Gauss-Legendre, as in Captum): 1 to [`super::MAX_POINTS`].
    pub points: usize,
}

/// What a logit rests on, by three methods, a number a token each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// The text.
    pub seen: Seen,
    /// The logit.
    pub logit: f32,
    /// The same logit for the baseline.
    pub baseline_logit: f32,
    /// `[T]`: gradient times input, the input being the word's embedding. (Of the whole sum it would be 0: a norm
    /// follows, to which a vector's length is nothing.)
    pub gradient_x_input: Vec<f32>,
    /// `[T]`: integrated gradients, of the sum of embeddings.
    pub integrated_gradients: Vec<f32>,
    /// The sum of the integrated gradients in per cent of `logit - baseline_logit`, which it would be
    /// with enough points; `None` where the two are equal.
    pub completeness: Option<f32>,
    /// `[T]`: by how much the logit falls where this token alone is `[MASK]`; `None` for special tokens
    /// and for what is hidden already.
    pub mask_one_out: Vec<Option<f32>>,
}

/// The guesses for the same blanks from what stands left of each, right of each, and on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sides {
    /// The text.
    pub seen: Seen,
    /// Every token sees itself and what stands before it only.
    pub left: Vec<MaskResult>,
    /// Every token sees itself and what stands after it only.
    pub right: Vec<MaskResult>,
    /// As the model was trained.
    pub both: Vec<MaskResult>,
}

/// How surprising each token of a text is to the model, hidden in turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Surprisal {
    /// The text.
    pub seen: Seen,
    /// `[T]`: minus the binary logarithm of the token's probability; `None` for special tokens and for
    /// a typed `[MASK]`.
    pub bits: Vec<Option<f32>>,
    /// The word that each token is a piece of, counted from 0 over both texts; `None` for special
    /// tokens.
    pub words: Vec<Option<usize>>,
    /// The sum of the bits: minus the pseudo-log-likelihood, in bits.
    pub total: f64,
    /// How many tokens have bits.
    pub scored: usize,
    /// 2 to the power of the mean of the bits (pseudo-perplexity).
    pub pseudo_perplexity: f64,
    /// Whether, of a word of several pieces, the pieces after the one in turn were hidden as well
    /// (Kauf and Ivanova 2023).
    pub within_word: bool,
}

/// A token near another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its id.
    pub id: u32,
    /// Its spelling.
    pub token: String,
    /// The cosine of their vectors.
    pub cosine: f32,
}

/// A word in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// The sentence.
    pub text: String,
    /// Which of its characters the word is, from..to; its vector is the mean of those of its pieces.
    pub characters: (usize, usize),
}

/// How alike a word's vectors are in several sentences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contextual {
    /// Of each sentence, the pieces of the word.
    pub pieces: Vec<Vec<String>>,
    /// `[L + 1][n][n]`, the last two flat: cosines, the embeddings first.
    pub cosines: Vec<Vec<f32>>,
}

/// Every layer's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HiddenStates {
    /// The text.
    pub seen: Seen,
    /// H, numbers of a token.
    pub width: usize,
    /// `[L + 1][T · H]`, the embeddings first.
    pub layers: Vec<Vec<f32>>,
}
