//! The graphs of training: a forward pass with its loss, and what is learned from it.

use kernels::ops::NO_TARGET;
use kernels::{Graph, GraphError, Tensor, TensorType, Value};

use super::Task;
use crate::config::Config;
use crate::model::{
    Builder, DropoutRates, Encoder, Layout, TokenBatch, TrainingNoise, cls_rows, encoder_values,
    pool,
};

/// The classifier's parameters.
pub(super) const CLASSIFIER: &str = "classifier";
/// The features of a frozen encoder, `[N, H]`.
pub(super) const FEATURES: &str = "features";

/// What a step reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Texts, through the encoder: B sequences of T tokens; for masked language modelling, R
    /// masked places.
    Texts {
        batch: usize,
        tokens: usize,
        masks: usize,
    },
    /// Rows of features that rest on the device: B of N.
    Features { batch: usize, rows: usize },
}

/// Texts of one step, and what is to be learned from them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The texts.
    pub texts: TokenBatch,
    /// Each text's class; or, for masked language modelling, unused.
    pub labels: Vec<u32>,
    /// For masked language modelling: text, place in it, and the token to guess.
    pub masks: Vec<(usize, usize, u32)>,
}

/// What one step gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Inputs {
    /// Texts, through the encoder.
    Texts(Batch),
    /// Rows of the features on the device, with their classes.
    Features {
        /// Rows.
        rows: Vec<u32>,
        /// Classes.
        labels: Vec<u32>,
    },
}

impl Inputs {
    /// Texts.
    pub(super) fn texts(&self) -> usize {
        match self {
            Self::Texts(batch) => batch.texts.ids.len(),
            Self::Features { rows, .. } => rows.len(),
        }
    }

    /// Rows of logits: texts, or masked places.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Texts(batch) if !batch.masks.is_empty() => batch.masks.len(),
            _ => self.texts(),
        }
    }
}

/// A forward pass with its loss.
pub(super) struct LossGraph {
    pub graph: Graph,
    encoder: Option<Encoder>,
    rows: Option<Value>,
    /// `[B]` or `[R]`, u32.
    pub labels: Value,
    seed: Option<Value>,
    /// `[B, classes]` or `[R, V]`.
    pub logits: Value,
    /// `[1]`
    pub loss: Value,
    source: Source,
}

impl LossGraph {
    /// Records the pass; `dropout` only where something is learned from it.
    pub fn new(
        config: &Config,
        layout: &Layout,
        task: Task,
        source: Source,
        dropout: Option<DropoutRates>,
    ) -> Result<Self, GraphError> {
        let mut graph = Graph::new();
        let seed = dropout.map(|_| graph.input("seed", TensorType::u32([1])));
        let noise = dropout
            .zip(seed)
            .map(|(rates, seed)| TrainingNoise::new(rates, seed));
        let mut builder = Builder {
            graph: &mut graph,
            config,
            layout,
            noise,
        };
        let (mut encoder, mut rows) = (None, None);
        let hidden = match source {
            Source::Texts { batch, tokens, .. } => {
                let encoded = builder.encoder(batch, tokens)?;
                let hidden = encoded.output();
                encoder = Some(encoded);
                hidden
            }
            Source::Features { batch, rows: count } => {
                let features = builder.graph.param(FEATURES, [count, config.hidden_size])?;
                let at = builder.graph.input("rows", TensorType::u32([batch]));
                rows = Some(at);
                builder.graph.gather_rows(features, at)?
            }
        };
        let (logits, count) = match (task, source) {
            (Task::MaskedLm, Source::Texts { masks, .. }) => {
                let at = builder.graph.input("masked rows", TensorType::u32([masks]));
                rows = Some(at);
                let hidden = builder.graph.gather_rows(hidden, at)?;
                (builder.mlm(hidden)?, masks)
            }
            (Task::Classify { classes, pooling }, Source::Texts { batch, .. }) => {
                let Some(encoder) = &encoder else {
                    unreachable!("texts go through the encoder")
                };
                let (pooled, at) = pool(&mut builder, encoder, pooling, batch)?;
                rows = at;
                (builder.classifier(pooled, CLASSIFIER, classes)?, batch)
            }
            (Task::Classify { classes, .. }, Source::Features { batch, .. }) => {
                (builder.classifier(hidden, CLASSIFIER, classes)?, batch)
            }
            (Task::MaskedLm, Source::Features { .. }) => {
                unreachable!("masked language modelling learns from texts")
            }
        };
        let labels = graph.input("labels", TensorType::u32([count]));
        let loss = graph.cross_entropy(logits, labels)?.mean;
        Ok(Self {
            graph,
            encoder,
            rows,
            labels,
            seed,
            logits,
            loss,
            source,
        })
    }

    /// The values of a run; places that the plan has room for and the batch does not fill are
    /// padding, and carry no label.
    pub fn values(&self, config: &Config, inputs: &Inputs, seed: u32) -> Vec<(Value, Tensor)> {
        let mut values = Vec::new();
        if let Some(at) = self.seed {
            values.push((at, Tensor::U32(vec![seed])));
        }
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        match (inputs, &self.encoder, self.source) {
            (
                Inputs::Texts(batch),
                Some(encoder),
                Source::Texts {
                    batch: room,
                    tokens,
                    ..
                },
            ) => {
                values.extend(encoder_values(config, encoder, &batch.texts, room, tokens));
                if batch.masks.is_empty() {
                    rows = cls_rows(room, tokens);
                    labels.extend(&batch.labels);
                } else {
                    let place = |&(text, at, _): &(usize, usize, u32)| (text * tokens + at) as u32;
                    rows = batch.masks.iter().map(place).collect();
                    labels = batch.masks.iter().map(|&(.., token)| token).collect();
                }
            }
            (
                Inputs::Features {
                    rows: at,
                    labels: classes,
                },
                ..,
            ) => {
                rows.clone_from(at);
                labels.clone_from(classes);
            }
            _ => unreachable!("a learner gives a graph the inputs that it was made for"),
        }
        let room = self.graph.ty(self.labels).shape.len();
        labels.resize(room, NO_TARGET);
        values.push((self.labels, Tensor::U32(labels)));
        if let Some(at) = self.rows {
            rows.resize(room, 0);
            values.push((at, Tensor::U32(rows)));
        }
        values
    }
}
