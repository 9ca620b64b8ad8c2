//! The part of the wire that measures: what to time, and how long it took.

use serde::{Deserialize, Serialize};

/// Something to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    /// A matrix product `a bᵀ`: a `[m, k]`, b `[n, k]`.
    Product { m: usize, k: usize, n: usize },
    /// Texts of so many tokens through the loaded model: one to its guesses for a hidden word, where it
    /// makes any; several, or else, to their vectors.
    Forward { texts: usize, tokens: usize },
    /// A step of training of a classifier alone, over features that are there, as wide as the loaded
    /// model's.
    HeadStep { texts: usize },
    /// A step of training of one layer as wide as the loaded model's, and a classifier.
    LayerStep { texts: usize, tokens: usize },
    /// Where the time of one [`Case::Forward`] goes, kernel by kernel.
    ForwardProfile { texts: usize, tokens: usize },
    /// Where the time of one [`Case::LayerStep`] goes.
    StepProfile { texts: usize, tokens: usize },
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Measured(Measured),
    Profiled(Profile),
    /// Why it was left out, in a sentence.
    Skipped {
        reason: String,
    },
}

/// How long a case took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Milliseconds: the middle of the rounds.
    pub median: f64,
    /// Milliseconds: the quickest round.
    pub least: f64,
    pub rounds: usize,
    /// GPU dispatches, or steps on the CPU.
    pub dispatches: usize,
}

/// Where the time of one pass or step goes on a GPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The longest first; empty where the adapter grants no timestamps.
    pub kernels: Vec<KernelTime>,
    /// Pieces of work that the GPU was handed, one after the other.
    pub submits: usize,
    /// Milliseconds of the longest piece.
    pub longest_ms: f64,
}

/// What one kernel took in all its dispatches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelTime {
    pub kernel: String,
    pub dispatches: usize,
    pub microseconds: f64,
}

/// From the page to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchCommand {
    /// Time these, one after the other.
    Start { cases: Vec<Case> },
    /// Give up what is left.
    Cancel,
}

/// From the engine to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchEvent {
    /// The case at this place has begun.
    Began {
        place: usize,
    },
    Ended {
        place: usize,
        outcome: Outcome,
    },
    Done,
    Cancelled,
}
