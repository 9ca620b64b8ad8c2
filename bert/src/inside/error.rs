//! Why a look inside failed.

use kernels::RunError;

use crate::model::NotFinite;
use crate::probe::ProbeError;

/// Why a look inside failed. Each says what is missing and what would help.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InsideError {
    /// What also stops a probe: cancelled, no head, another tokenizer, numbers that overflow, the
    /// device.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// Nothing is hidden, and there is nothing else to look at.
    #[error(
        "no word is hidden, so there is no guess to look into: hide a word, or write {mask} in the text"
    )]
    NothingHidden {
        /// How a mask is typed.
        mask: String,
    },
    /// More places than are looked at together.
    #[error("the lens looks through {limit} places at a time, and {asked} were asked for")]
    TooManyPlaces {
        /// How many.
        asked: usize,
        /// The most.
        limit: usize,
    },
    /// The text has special tokens only.
    #[error("the text has no word to look at, only special tokens: write a word")]
    NoWords,
    /// No word of the text is one token of the vocabulary.
    #[error(
        "no word of the text is one token of this model's vocabulary, so none can be replaced: write other \
         words"
    )]
    NoWholeWord,
    /// There is no such token in the text.
    #[error("there is no token {place} in this text: its tokens are 0 to {last}")]
    NoSuchPlace {
        /// The place asked for.
        place: usize,
        /// The last one.
        last: usize,
    },
    /// A guess is asked about at a place that is not hidden.
    #[error("token {place}, `{token}`, is not hidden, so there is no guess there: hide it first")]
    NotHidden {
        /// The place asked for.
        place: usize,
        /// What stands there.
        token: String,
    },
    /// There is no such token in the vocabulary.
    #[error("there is no token number {id}: the vocabulary has {vocabulary}")]
    NoSuchToken {
        /// The id asked for.
        id: u32,
        /// How many there are.
        vocabulary: usize,
    },
    /// There is no such layer.
    #[error("there is no layer {layer}: this model's layers are 0 to {last}")]
    NoSuchLayer {
        /// The layer asked for.
        layer: usize,
        /// The last one.
        last: usize,
    },
    /// There is no such head.
    #[error("there is no head {head} in a layer: this model's heads are 0 to {last}")]
    NoSuchHead {
        /// The head asked for.
        head: usize,
        /// The last one.
        last: usize,
    },
    /// The head has no such output.
    #[error("the head has no output {output}: its outputs are {labels}")]
    NoSuchOutput {
        /// The output asked for.
        output: usize,
        /// Their names.
        labels: String,
    },
    /// The model's head is of another kind than the target.
    #[error("{0}")]
    OtherHead(String),
    /// All rows of a long text.
    #[error(
        "all rows of the attention are shown for texts of up to {limit} tokens, and this one has {tokens}: \
         choose one token's row"
    )]
    TooLong {
        /// Tokens of the text.
        tokens: usize,
        /// The most.
        limit: usize,
    },
    /// A word is to be looked up in a sentence that was cut before it.
    #[error("no token of sentence {sentence} comes from characters {from} to {to}")]
    NotInSentence {
        /// Which sentence, from 1.
        sentence: usize,
        /// First character.
        from: usize,
        /// One past the last.
        to: usize,
    },
    /// A number is out of range.
    #[error("{what} must be {least} to {most}, not {found}")]
    Range {
        /// Which number.
        what: &'static str,
        /// What was given.
        found: usize,
        /// The least that may be.
        least: usize,
        /// The most that may be.
        most: usize,
    },
}

impl From<RunError> for InsideError {
    fn from(error: RunError) -> Self {
        Self::Probe(error.into())
    }
}

impl From<NotFinite> for InsideError {
    fn from(error: NotFinite) -> Self {
        Self::Probe(error.into())
    }
}
