//! What happens between a text and a model's answer: the guesses layer by layer, where attention looks,
//! what an answer rests on, how surprising each token is.
//!
//! Each look is a plan of its own, made on first use. Probing does not know of it.

mod attention;
mod attribution;
mod error;
mod guesses;
mod lens;
mod neighbours;
mod pass;
mod replacing;
mod rewind;
mod states;
mod surprisal;
mod survey;
mod types;
mod writing;

pub use attention::{attention, attention_shift};
pub use attribution::attribution;
pub use error::InsideError;
pub use guesses::{guesses, sides};
pub use lens::lens;
pub use neighbours::{contextual, neighbours};
pub use replacing::{MAX_REPLACED, ReplaceRequest, Round, RoundWord, replace};
pub use rewind::{Displaced, Moved, MovedPart, Rewind, RewindError};
pub use states::{cosines, hidden_states};
pub use surprisal::surprisal;
pub use survey::survey;
pub use types::{
    AttentionRequest, Attribution, AttributionRequest, Baseline, Contextual, Guesses, Head,
    HeadSays, HeadSurvey, HeadTraits, HiddenStates, LayerAttention, Lens, LensClasses, LensPlace,
    LensRequest, LensRow, Neighbour, Occurrence, Seen, Sides, Subject, Surprisal, Survey, Target,
};

pub use writing::{
    Count, DRAWN_AMONG, Draft, MAX_WRITTEN, Order, Step, WriteRequest, Written, WrittenToken, write,
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
