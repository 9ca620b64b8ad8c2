//! Fine-tuning: tasks, methods, the step on the device, and the run as a series of events.

pub mod curve;
mod encode;
mod epoch;
mod event;
mod features;
mod graph;
mod held_out;
mod inputs;
mod learner;
mod memory;
mod recipe;
mod replaced;
mod run;
mod score;
mod settle;
mod start;
mod step;
mod texts;
mod weights;

pub use event::{Best, Ending, EpochReport, Event, Mistake, Progress, RunState, TrainError};
pub use held_out::{HeldOut, OtherTexts};
pub use inputs::{Batch, Inputs, Mask, Targets};
pub use learner::{Guessed, Learner, StepReport};
pub use memory::{Extent, Limits, Needs, check, needs, offers};
pub use recipe::Recipe;
pub use run::Training;
pub use settle::Settling;

use crate::config::{HeadKind, Pooling};
use crate::data::Example;
use crate::model::TaskHead;
use serde::{Deserialize, Serialize};

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// What a fresh head over the encoder says of a text or a pair of texts.
    Head {
        /// What it says.
        kind: HeadKind,
        /// Its outputs: classes, labels or tags; 1 for a score, 2 for a span.
        outputs: usize,
        /// How a text's vector is made, where it reads one.
        pooling: Pooling,
    },
    /// Guessing masked tokens.
    MaskedLm,
    /// Guessing masked tokens of pairs, and whether the second text follows the first: BERT's own pretraining
    /// (Devlin et al. 2019, section 3.1), or ALBERT's with its order of sentences (Lan et al. 2020, section 3.1).
    MaskedLmAndNext,
    /// Guessing masked tokens, by a generator beside the model, and telling of each token whether a guess stands there now
    /// (Clark et al. 2020, section 3.1).
    Replaced,
    /// Guessing each token from those before it, by a model that reads left to right.
    NextWord,
}

impl Task {
    /// Choosing one of several classes.
    pub const fn classify(classes: usize, pooling: Pooling) -> Self {
        Self::Head {
            kind: HeadKind::Classes,
            outputs: classes,
            pooling,
        }
    }

    /// Outputs of the head; 0 where words are guessed.
    pub fn outputs(self) -> usize {
        match self {
            Self::Head { outputs, .. } => outputs,
            Self::MaskedLm | Self::MaskedLmAndNext | Self::Replaced | Self::NextWord => 0,
        }
    }

    /// Whether a head alone learns from vectors of the texts that are computed once, one for each example.
    pub(crate) fn has_features(self, method: Method) -> bool {
        let one = matches!(self, Self::Head { kind, .. } if kind.reads_one_vector());
        method == Method::Head && one
    }

    /// Losses that are learned at once: each is a mean of its own.
    pub(crate) fn losses(self) -> usize {
        match self {
            Self::MaskedLmAndNext | Self::Replaced => 2,
            Self::MaskedLm | Self::NextWord | Self::Head { .. } => 1,
        }
    }

    /// Whether words are guessed: hidden ones, or next ones.
    pub fn guesses_words(self) -> bool {
        !matches!(self, Self::Head { .. })
    }
}

/// What the loss over all tokens counts beside that over the hidden words, where replaced words are learned (Clark et al. 2020,
/// section 3.1 and appendix A).
pub const REPLACED_WEIGHT: f64 = 50.0;

/// Labelled texts, to learn from and to check with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lesson<'a> {
    /// The head that learns them.
    pub kind: HeadKind,
    /// The names of classes, labels or tags.
    pub labels: &'a [String],
    /// To learn from.
    pub train: &'a [Example],
    /// To check with.
    pub validation: &'a [Example],
}

impl Lesson<'_> {
    /// The task of its head.
    pub fn task(&self, pooling: Pooling) -> Task {
        let head = TaskHead::of(self.kind, self.labels.to_vec(), pooling);
        Task::Head {
            kind: self.kind,
            outputs: head.outputs(),
            pooling,
        }
    }

    /// The head that a run of this recipe makes.
    pub fn head(&self, recipe: &Recipe) -> TaskHead {
        TaskHead {
            max_tokens: Some(recipe.max_tokens),
            ..TaskHead::of(self.kind, self.labels.to_vec(), recipe.pooling)
        }
    }
}

/// Which weights are learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// The classifier alone, over features that are computed once.
    Head,
    /// The classifier and the last n layers (and the pooler, where it is used).
    LastLayers(usize),
    /// Everything.
    All,
    /// Everything, from random weights: for comparison.
    Scratch,
}

/// The optimiser's settings; the defaults are the field's (Devlin et al. 2019, appendix A.3).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Optimiser {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Whether biases and layer norms are decayed too.
    pub decay_all: bool,
    /// The L2 penalty on a classifier that is trained until its loss settles, as the C of
    /// scikit-learn's `LogisticRegression`: `Σ w² / 2C` on the sum of the texts' losses.
    pub penalty_c: Option<f64>,
    /// Clips the gradients' global norm to this.
    pub max_norm: Option<f64>,
    /// What the learning rate of each layer is of that of the layer above it, the embeddings being below the first; the
    /// head learns at the whole rate (layer-wise decay: Howard & Ruder 2018, section 3.2; Clark et al. 2020, appendix A).
    #[serde(default = "whole")]
    pub layer_decay: f64,
}

fn whole() -> f64 {
    1.0
}

impl Default for Optimiser {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.01,
            decay_all: false,
            penalty_c: None,
            max_norm: Some(1.0),
            layer_decay: 1.0,
        }
    }
}
