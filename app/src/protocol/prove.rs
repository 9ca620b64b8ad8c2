//! The part of the wire that draws a sample-efficiency curve from the texts that Teach has open.

use crate::failure::Failure;
use bert::train::Method;
use bert::train::curve::{Curve, CurveEvent, CurveRates};
use serde::{Deserialize, Serialize};

/// What is to be drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveAsk {
    pub methods: Vec<Method>,
    /// Numbers of examples, rising; empty for the usual ones.
    pub sizes: Vec<usize>,
    /// Whether all of the examples are one more.
    pub all: bool,
    pub seeds: usize,
    /// Steps of every run that changes the encoder.
    pub steps: usize,
    /// The share of the texts that is put aside to test with.
    pub share: f64,
}

/// From the page to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProveCommand {
    /// Compute the points that are missing, the frozen line first. Of an `earlier` curve of the same model, texts and
    /// settings the points are taken over; one of anything else is left aside. `rehearse`: find out at the end how long
    /// steps take.
    Start {
        ask: CurveAsk,
        earlier: Option<Box<Curve>>,
        rehearse: bool,
    },
    /// End it as soon as its step is done.
    Stop,
}

/// From the engine to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProveEvent {
    /// It begins with what is known already.
    Started {
        curve: Box<Curve>,
    },
    /// How far it is, or a point.
    Happened {
        event: CurveEvent,
    },
    /// How long pieces of work take here.
    Rates {
        rates: CurveRates,
    },
    /// All points are there.
    Done,
    /// It ended before that, as asked.
    Stopped,
    Failed {
        failure: Failure,
    },
}
