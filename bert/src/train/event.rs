//! What a run tells: progress, the epochs' figures, and why it cannot go on.

use kernels::{DeviceError, RunError};
use serde::{Deserialize, Serialize};

use super::{REPLACED_WEIGHT, Settling};
use crate::data::Truth;
use crate::metrics::Figures;
use crate::model::NotFinite;
use crate::probe::ProbeError;

/// Why a run cannot begin, or stopped.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// Settings that make no sense.
    #[error("the recipe cannot be run: {}", .0.join("; "))]
    Recipe(Vec<String>),
    /// Too little to learn from.
    #[error("{0}")]
    Data(String),
    /// The pooler was asked for, and the checkpoint has none.
    #[error("this checkpoint has no pooler; choose [CLS] or mean pooling")]
    NoPooler,
    /// Masks are to be learned, and the checkpoint has no head for them.
    #[error("{0}")]
    NoMlmHead(String),
    /// The next word is to be learned, and the model does not read left to right, or has no head for it.
    #[error("{0}")]
    NoNextWord(String),
    /// What follows is to be learned, and the family has no head for it.
    #[error(
        "{0} has no next-sentence head: hidden words alone can be learned, or take a BERT or an ALBERT"
    )]
    NoNextHead(&'static str),
    /// Replaced words are to be learned, and the family has no head for them.
    #[error(
        "{0} has no head that tells replaced words: hidden words can be learned, or take an ELECTRA"
    )]
    NoReplacedHead(&'static str),
    /// Masks are to be learned, and the vocabulary has no token for them.
    #[error("this tokenizer has no [MASK] token, so no word can be hidden")]
    NoMask,
    /// The device has no room for the run.
    #[error("{0}")]
    Memory(String),
    /// A state that belongs to another run.
    #[error("the run cannot be resumed: {0}")]
    Resume(String),
    /// The tokenizer belongs to another model.
    #[error(transparent)]
    Vocabulary(ProbeError),
    /// The numbers overflow before anything was learned, or where the model is asked meanwhile.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// The device failed, or the run was cancelled between two steps.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl From<DeviceError> for TrainError {
    fn from(error: DeviceError) -> Self {
        Self::Run(error.into())
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps taken.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// The epoch, from 1.
    pub epoch: usize,
    /// The mean loss of the step's batch, before the step.
    pub loss: f64,
    /// The learning rate of the step.
    pub rate: f64,
    /// The gradients' global norm before clipping.
    pub norm: f64,
}

/// What an epoch came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The mean of its steps' losses.
    pub train_loss: f64,
    /// The first of the figures after the epoch, without dropout, on a sample of the training set: the
    /// same in every epoch, no larger than the validation set, and of 256 texts at most.
    pub train_figure: f64,
    /// The mean loss on the validation set.
    pub validation_loss: f64,
    /// Figures on the validation set.
    pub figures: Figures,
    /// Validation examples that the model gets wrong, the worst first, at most 100; empty where words
    /// are hidden.
    pub mistakes: Vec<Mistake>,
    /// Whether it is the best so far: the highest first figure, then the lowest loss; for masked
    /// language modelling the lowest loss; the last where the loss is to settle.
    pub best: bool,
}

impl EpochReport {
    /// Of a run with two losses, the mean over the hidden words of the validation set, and that over its pairs or, where replaced
    /// words are told, over all tokens, not weighted.
    pub fn both_losses(&self) -> Option<[f64; 2]> {
        let Figures::Words { next, replaced, .. } = &self.figures else {
            return None;
        };
        let next = next.map(|next| [next.loss; 2]);
        let replaced = replaced.map(|told| [told.loss, REPLACED_WEIGHT * told.loss]);
        let [mean, counted] = next.or(replaced)?;
        Some([self.validation_loss - counted, mean])
    }
}

/// A validation example that the model gets wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Its place in the validation set.
    pub example: usize,
    /// What the model says of it.
    pub found: Truth,
    /// How sure the model is of what is wrong; of a score, how far off it is.
    pub sure: f32,
    /// The probability of each class or label, where it has them.
    pub probabilities: Vec<f32>,
}

/// The best epoch so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its number, from 1.
    pub epoch: usize,
    /// The first of its figures on the validation set.
    #[serde(alias = "accuracy")]
    pub figure: f64,
    /// Its mean loss there.
    pub loss: f64,
}

/// Where a run stood after its last finished epoch: everything but the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Epochs finished.
    pub epoch: usize,
    /// Steps taken in them.
    pub step: usize,
    /// The best of them.
    pub best: Option<Best>,
    /// How far the loss had settled, where it is to settle.
    pub settling: Settling,
}

impl RunState {
    /// The epoch whose weights belong to it, from 1: the best, or the last where none was judged.
    pub fn best_epoch(&self) -> usize {
        self.best.map_or(self.epoch, |best| best.epoch)
    }
}

/// Why a run is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Its epochs were run.
    #[default]
    Epochs,
    /// The loss had settled.
    Settled,
    /// The loss had not settled after the most epochs that the recipe allows.
    Unsettled,
}

/// What happened in one [`Training::advance`](super::Training::advance).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Texts went through the frozen encoder.
    Features {
        /// Texts done.
        done: usize,
        /// Texts in all.
        total: usize,
    },
    /// A step was taken: what it and those before it found, as far as it was read just now.
    /// Mostly empty: see [`Training::set_report_every`](super::Training::set_report_every).
    Steps(Vec<Progress>),
    /// A part of an epoch's evaluation is done; [`Event::Epoch`] comes with the last.
    Evaluating {
        /// Texts done.
        done: usize,
        /// Texts in all.
        total: usize,
    },
    /// An epoch ended.
    Epoch(EpochReport),
    /// The run is over; the model has the best epoch's weights, or the last one's where the loss was
    /// to settle.
    Done {
        /// That epoch, from 1.
        best_epoch: usize,
        /// Why it is over.
        ending: Ending,
    },
    /// The loss is no longer a number; the model has the best weights there were.
    Diverged {
        /// The step at which it happened, from 1.
        step: usize,
        /// A learning rate to try instead.
        try_rate: f64,
    },
}
