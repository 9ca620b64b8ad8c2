//! The graphs of training: a forward pass with its loss, and what is learned from it.

use kernels::ops::NO_TARGET;
use kernels::{Graph, GraphError, Plan, Tensor, TensorType, Value};

use super::{DropoutRates, Pooling, Task};
use crate::config::Config;
use crate::model::{Builder, Encoder, Layout, TrainingNoise};

/// The classifier's parameters.
pub(super) const CLASSIFIER: &str = "classifier";
/// The features of a frozen encoder, `[N, H]`.
pub(super) const FEATURES: &str = "features";
/// The features of one batch, `[B, H]`, before each is laid in its place.
pub(super) const POOLED: &str = "features of a batch";

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

/// Texts of one step, padded to one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// T, the padded length.
    pub tokens: usize,
    /// Each text's ids, at most T.
    pub ids: Vec<Vec<u32>>,
    /// Each text's token types.
    pub types: Vec<Vec<u32>>,
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
            Self::Texts(batch) => batch.ids.len(),
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
                values.extend(encoder_values(config, encoder, batch, room, tokens));
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

/// The vectors of texts `[B, H]`, and the input that names the rows of `[CLS]`, where one is read.
fn pool(
    builder: &mut Builder<'_>,
    encoder: &Encoder,
    pooling: Pooling,
    batch: usize,
) -> Result<(Value, Option<Value>), GraphError> {
    if pooling == Pooling::Mean {
        return Ok((
            builder
                .graph
                .mean_tokens(encoder.output(), encoder.lengths)?,
            None,
        ));
    }
    let at = builder.graph.input("[CLS] rows", TensorType::u32([batch]));
    let first = builder.graph.gather_rows(encoder.output(), at)?;
    let pooled = if pooling == Pooling::Pooler {
        builder.pooler(first)?
    } else {
        first
    };
    Ok((pooled, Some(at)))
}

/// Texts in, their vectors out: the features that a classifier reads.
pub(crate) struct FeatureGraph {
    pub graph: Graph,
    encoder: Encoder,
    rows: Option<Value>,
    /// `[B, H]`
    pub pooled: Value,
    batch: usize,
    tokens: usize,
}

impl FeatureGraph {
    /// For `batch` texts of `tokens` tokens.
    pub fn new(
        config: &Config,
        layout: &Layout,
        pooling: Pooling,
        batch: usize,
        tokens: usize,
    ) -> Result<Self, GraphError> {
        let mut graph = Graph::new();
        let mut builder = Builder {
            graph: &mut graph,
            config,
            layout,
            noise: None,
        };
        let encoder = builder.encoder(batch, tokens)?;
        let (pooled, rows) = pool(&mut builder, &encoder, pooling, batch)?;
        Ok(Self {
            graph,
            encoder,
            rows,
            pooled,
            batch,
            tokens,
        })
    }

    /// What computes the vectors and leaves them in [`POOLED`].
    pub fn plan(&self) -> Plan {
        Plan::with_stores(&self.graph, &[], &[(self.pooled, POOLED.to_owned())])
    }

    /// The values of a run.
    pub fn values(&self, config: &Config, batch: &Batch) -> Vec<(Value, Tensor)> {
        let mut values = encoder_values(config, &self.encoder, batch, self.batch, self.tokens);
        if let Some(at) = self.rows {
            values.push((at, Tensor::U32(cls_rows(self.batch, self.tokens))));
        }
        values
    }
}

/// The rows of `[CLS]` in `batch` texts of `tokens` tokens.
fn cls_rows(batch: usize, tokens: usize) -> Vec<u32> {
    (0..batch).map(|b| (b * tokens) as u32).collect()
}

/// The encoder's inputs for a batch, in a plan with room for `room` texts of `tokens` tokens.
pub(crate) fn encoder_values(
    config: &Config,
    encoder: &Encoder,
    batch: &Batch,
    room: usize,
    tokens: usize,
) -> Vec<(Value, Tensor)> {
    let lay = |texts: &[Vec<u32>], filler: u32| {
        let mut flat = vec![filler; room * tokens];
        for (row, text) in flat.chunks_exact_mut(tokens).zip(texts) {
            row[..text.len()].copy_from_slice(text);
        }
        flat
    };
    let mut lengths: Vec<u32> = batch.ids.iter().map(|ids| ids.len() as u32).collect();
    lengths.resize(room, 1);
    let (ids, types) = (lay(&batch.ids, config.pad_token_id), lay(&batch.types, 0));
    encoder.values(config, tokens, ids, types, lengths)
}
