//! The part of the wire that looks into the model: what to look at, and what is seen.

use crate::failure::Failure;
use bert::inside::{
    Attribution, Baseline, Contextual, Guesses, Head, Lens, LensPlace, Moved, Neighbour,
    Occurrence, ReplaceRequest, Round, Seen, Sides, Subject, Surprisal, Survey, WriteRequest,
    Written,
};
use bert::probe::{MaskResult, Replaced};
use serde::{Deserialize, Serialize};

/// A word that is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// A token of the vocabulary.
    Id(u32),
    /// As someone typed it: it must be one token.
    Typed(String),
}

/// What an attribution explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// A guess for a hidden token.
    Guess { place: usize, word: Word },
    /// An output of the head of a task.
    Class { output: usize },
    /// An output for a token of a head that reads tokens.
    Token { place: usize, output: usize },
}

/// One question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// What the head would say after each layer.
    Lens {
        subject: Subject,
        /// The token; `None` where the head of a task is asked instead.
        place: Option<usize>,
        top_k: usize,
        /// `None` for the hidden word itself.
        follow: Option<Word>,
    },
    /// What the model says with heads switched off.
    Guesses { subject: Subject, top_k: usize },
    /// All heads, small.
    Survey { subject: Subject, top_k: usize },
    /// One head; of a long text one row alone.
    Map {
        subject: Subject,
        head: Head,
        row: Option<usize>,
    },
    /// Guesses from the left, from the right, from both.
    Sides { subject: Subject, top_k: usize },
    /// How unexpected each token is; `within_word` hides the later pieces of the same word as well.
    Surprisal { subject: Subject, within_word: bool },
    /// The same of several sentences.
    Swaps {
        sentences: Vec<String>,
        without: Vec<Head>,
        within_word: bool,
    },
    /// The tokens that lie nearest to one in the word embedding.
    Neighbours { word: Word, count: usize },
    /// How alike a word's vectors are in several sentences.
    Contextual {
        occurrences: Vec<Occurrence>,
        without: Vec<Head>,
    },
    /// Words replaced by the model's own guesses.
    Replace(ReplaceRequest),
    /// Which tokens of a text look replaced to a discriminator.
    Judge { text: String },
    /// A text that is gone on with, or whose blanks are filled.
    Write { request: WriteRequest },
    /// What a run has changed in the model, against the checkpoint that it began from.
    Change {
        subject: Subject,
        /// The hidden token that the lens looks at.
        place: Option<usize>,
        top_k: usize,
    },
    /// What a logit rests on.
    Attribution {
        subject: Subject,
        aim: Aim,
        baseline: Baseline,
        points: usize,
    },
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    Lens(Lens),
    Guesses(Guesses),
    Survey(Survey),
    Map(HeadMap),
    Sides(Sides),
    Surprisal(Surprisal),
    Swaps(Vec<Surprisal>),
    Neighbours(Vec<Neighbour>),
    Contextual(Contextual),
    Round(Round),
    Judged(Replaced),
    Written(Written),
    Change(Box<Change>),
    Attribution(Attribution),
}

/// The model before and after a run, on one text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The text.
    pub seen: Seen,
    /// By how much the weights of each part have moved.
    pub moved: Vec<Moved>,
    /// The mean over the tokens of the cosine of each hidden state before and after, the embeddings first.
    pub cosines: Vec<f32>,
    /// The guesses for the hidden tokens, before and after; empty where the model fills none.
    pub guesses: [Vec<MaskResult>; 2],
    /// The bits by which each word surprises the model, before and after; `None` where it fills none.
    pub surprisal: Option<[Surprisal; 2]>,
    /// `[L][A]`: by how much of its attention each head looks elsewhere, from 0 to 1.
    pub attention: Vec<Vec<f32>>,
    /// The lens at the hidden token, before and after; `None` where none is hidden or the model fills none.
    pub lens: Option<[LensPlace; 2]>,
}

/// The attention of one head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadMap {
    pub seen: Seen,
    pub head: Head,
    /// The queries whose rows these are.
    pub rows: Vec<usize>,
    /// `[rows][tokens]`, flat: where each looks.
    pub weights: Vec<f32>,
    /// The same shape: what arrives there.
    pub arrives: Vec<f32>,
}

/// From the page to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InsideCommand {
    /// Replaces any earlier look, waiting or running.
    Look { look: Look },
    /// Give up the look with this id.
    Cancel,
}

/// From the engine to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InsideEvent {
    /// So many of so many passes over the text are done.
    Progress {
        done: usize,
        total: usize,
    },
    Found {
        found: Box<Found>,
        milliseconds: f64,
    },
    Failed {
        failure: Failure,
    },
    Cancelled,
}
