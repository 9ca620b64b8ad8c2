//! The graphs of training: a forward pass with its loss, and what is learned from it.

use kernels::ops::{Loss, NO_TARGET};
use kernels::{Graph, GraphError, Tensor, TensorType, Value};

use super::Task;
use crate::config::{Config, HeadKind};
use crate::model::{
    Builder, DropoutRates, Encoder, Layout, TokenBatch, TrainingNoise, cls_rows, encoder_values,
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

/// What is to be learned from texts.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Each text's class.
    Classes(Vec<u32>),
    /// Each text's numbers: of labels 1 where it has one and 0 where not, or its score.
    Numbers(Vec<Vec<f32>>),
    /// Of each text its tokens' tags, [`NO_TARGET`] where none is learned; tokens at the end may be left out.
    Tags(Vec<Vec<u32>>),
    /// Each text's answer: its first and its last token. `[CLS]`, 0 and 0, where there is none.
    Spans(Vec<[u32; 2]>),
    /// Hidden words: text, place in it, and the token to guess.
    Masks(Vec<(usize, usize, u32)>),
}

impl Default for Targets {
    fn default() -> Self {
        Self::Classes(Vec::new())
    }
}

/// Texts of one step, and what is to be learned from them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The texts.
    pub texts: TokenBatch,
    /// Of each of them.
    pub targets: Targets,
}

/// What one step gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Inputs {
    /// Texts, through the encoder.
    Texts(Batch),
    /// Rows of the features on the device, with their targets.
    Features {
        /// Rows.
        rows: Vec<u32>,
        /// Of each of them.
        targets: Targets,
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

    /// What is asked: texts, or masked places.
    pub(super) fn items(&self) -> usize {
        match self.targets() {
            Targets::Masks(masks) => masks.len(),
            _ => self.texts(),
        }
    }

    /// What its loss is a mean of: texts, masked places, tagged tokens.
    pub(super) fn weight(&self) -> usize {
        match self.targets() {
            Targets::Tags(tags) => tags
                .iter()
                .flatten()
                .filter(|tag| **tag != NO_TARGET)
                .count(),
            _ => self.items(),
        }
    }

    /// Masked places.
    pub(super) fn masks(&self) -> usize {
        match self.targets() {
            Targets::Masks(masks) => masks.len(),
            _ => 0,
        }
    }

    fn targets(&self) -> &Targets {
        match self {
            Self::Texts(batch) => &batch.targets,
            Self::Features { targets, .. } => targets,
        }
    }
}

/// Where targets go.
#[derive(Clone, Copy, Debug)]
enum Goal {
    /// `[R]`, u32: a class each row of logits.
    Labels(Value),
    /// `[B, L]` each: numbers, and 1 where there is a text.
    Numbers { targets: Value, weights: Value },
    /// `[2 B]`, u32: the first token of each text's answer and its last one; and `[2 B, T]`, to be added to the logits:
    /// nothing where the text has a token.
    Spans { labels: Value, beyond: Value },
}

/// What is added to the logit of a place that is not there.
const BEYOND: f64 = -1e30;

/// A forward pass with its loss.
pub(super) struct LossGraph {
    pub graph: Graph,
    encoder: Option<Encoder>,
    rows: Option<Value>,
    goal: Goal,
    seed: Option<Value>,
    /// `[B, L]`, `[B·T, L]` of a head that reads tokens, or `[R, V]`.
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
        let mut encoder = None;
        let rows;
        let logits = match (task, source) {
            (
                Task::MaskedLm,
                Source::Texts {
                    batch,
                    tokens,
                    masks,
                },
            ) => {
                let encoded = builder.encoder(batch, tokens)?;
                let at = builder.graph.input("masked rows", TensorType::u32([masks]));
                rows = Some(at);
                let hidden = builder.graph.gather_rows(encoded.output(), at)?;
                encoder = Some(encoded);
                builder.mlm(hidden)?
            }
            (
                Task::Head {
                    kind,
                    outputs,
                    pooling,
                },
                Source::Texts { batch, tokens, .. },
            ) => {
                let encoded = builder.encoder(batch, tokens)?;
                let (logits, at) = builder.head(&encoded, kind, pooling, [batch, outputs])?;
                (encoder, rows) = (Some(encoded), at);
                logits
            }
            (Task::Head { outputs, .. }, Source::Features { batch, rows: count }) => {
                let features = builder.graph.param(FEATURES, [count, config.hidden_size])?;
                let at = builder.graph.input("rows", TensorType::u32([batch]));
                rows = Some(at);
                let hidden = builder.graph.gather_rows(features, at)?;
                builder.classifier(hidden, CLASSIFIER, outputs)?
            }
            (Task::MaskedLm, Source::Features { .. }) => {
                unreachable!("masked language modelling learns from texts")
            }
        };
        let (goal, loss) = loss(&mut graph, task, source, logits)?;
        Ok(Self {
            graph,
            encoder,
            rows,
            goal,
            seed,
            logits,
            loss,
            source,
        })
    }

    /// What the plan has room for: texts, or masked places.
    pub fn room(&self) -> usize {
        match self.source {
            Source::Texts { masks, .. } if masks > 0 => masks,
            Source::Texts { batch, .. } | Source::Features { batch, .. } => batch,
        }
    }

    /// The column that is likeliest in each row of logits, by the goal's own labels.
    pub fn best(&mut self) -> Result<Value, GraphError> {
        let Goal::Labels(labels) = self.goal else {
            unreachable!("only classes and words are guessed on the device")
        };
        Ok(self.graph.top_k(self.logits, labels, 1)?.columns)
    }

    /// The values of a run; places that the plan has room for and the batch does not fill are
    /// padding, and carry no target.
    pub fn values(&self, config: &Config, inputs: &Inputs, seed: u32) -> Vec<(Value, Tensor)> {
        let mut values = Vec::new();
        if let Some(at) = self.seed {
            values.push((at, Tensor::U32(vec![seed])));
        }
        let mut rows = Vec::new();
        let mut lengths = Vec::new();
        match (inputs, &self.encoder, self.source) {
            (
                Inputs::Texts(Batch { texts, targets }),
                Some(encoder),
                Source::Texts { batch, tokens, .. },
            ) => {
                values.extend(encoder_values(config, encoder, texts, batch, tokens));
                lengths = texts.ids.iter().map(Vec::len).collect();
                rows = match targets {
                    Targets::Masks(masks) => {
                        masks.iter().map(|m| (m.0 * tokens + m.1) as u32).collect()
                    }
                    _ => cls_rows(batch, tokens),
                };
            }
            (Inputs::Features { rows: at, .. }, ..) => rows.clone_from(at),
            _ => unreachable!("a learner gives a graph the inputs that it was made for"),
        }
        if let Some(at) = self.rows {
            rows.resize(self.room(), 0);
            values.push((at, Tensor::U32(rows)));
        }
        self.goal_values(inputs.targets(), &lengths, &mut values);
        values
    }

    fn goal_values(&self, targets: &Targets, lengths: &[usize], values: &mut Vec<(Value, Tensor)>) {
        let elements = |value: Value| self.graph.ty(value).shape.len();
        match (self.goal, targets) {
            (Goal::Labels(at), targets) => {
                let mut labels = match targets {
                    Targets::Classes(classes) => classes.clone(),
                    Targets::Masks(masks) => masks.iter().map(|mask| mask.2).collect(),
                    Targets::Tags(tags) => {
                        let tokens = elements(at) / self.room();
                        let padded = |tags: &Vec<u32>| {
                            let mut tags = tags.clone();
                            tags.resize(tokens, NO_TARGET);
                            tags
                        };
                        tags.iter().flat_map(padded).collect()
                    }
                    _ => unreachable!("a learner gives a graph the targets of its task"),
                };
                labels.resize(elements(at), NO_TARGET);
                values.push((at, Tensor::U32(labels)));
            }
            (
                Goal::Numbers {
                    targets: at,
                    weights,
                },
                Targets::Numbers(numbers),
            ) => {
                let mut flat: Vec<f32> = numbers.concat();
                let mut counts = vec![1.0; flat.len()];
                flat.resize(elements(at), 0.0);
                counts.resize(elements(at), 0.0);
                values.push((at, Tensor::F32(flat)));
                values.push((weights, Tensor::F32(counts)));
            }
            (Goal::Spans { labels: at, beyond }, Targets::Spans(spans)) => {
                let mut labels: Vec<u32> = spans.concat();
                labels.resize(elements(at), NO_TARGET);
                values.push((at, Tensor::U32(labels)));
                let tokens = self.graph.ty(beyond).shape.columns();
                let mut mask = vec![0.0; elements(beyond)];
                for (text, &length) in lengths.iter().enumerate() {
                    for row in [2 * text, 2 * text + 1] {
                        mask[row * tokens..][length..tokens].fill(BEYOND);
                    }
                }
                values.push((beyond, Tensor::F64(mask)));
            }
            _ => unreachable!("a learner gives a graph the targets of its task"),
        }
    }
}

/// The loss of a task's logits, and where its targets go.
fn loss(
    graph: &mut Graph,
    task: Task,
    source: Source,
    logits: Value,
) -> Result<(Goal, Value), GraphError> {
    let shape = graph.ty(logits).shape;
    let of_numbers = |graph: &mut Graph, loss| {
        let targets = graph.input("targets", TensorType::real(shape));
        let weights = graph.input("weights of the targets", TensorType::real(shape));
        let mean = graph.mean_loss(loss, logits, targets, weights)?;
        Ok((Goal::Numbers { targets, weights }, mean))
    };
    match (task, source) {
        (
            Task::Head {
                kind: HeadKind::Labels,
                ..
            },
            _,
        ) => of_numbers(graph, Loss::Binary),
        (
            Task::Head {
                kind: HeadKind::Score,
                ..
            },
            _,
        ) => of_numbers(graph, Loss::Squared),
        (
            Task::Head {
                kind: HeadKind::Span,
                ..
            },
            Source::Texts { batch, tokens, .. },
        ) => {
            let columns = graph.transpose(logits, tokens)?;
            let beyond = graph.input("beyond the texts", TensorType::real([2 * batch, tokens]));
            let columns = graph.add(columns, beyond)?;
            let labels = graph.input("labels", TensorType::u32([2 * batch]));
            let mean = graph.cross_entropy(columns, labels)?.mean;
            Ok((Goal::Spans { labels, beyond }, mean))
        }
        _ => {
            let labels = graph.input("labels", TensorType::u32([shape.rows()]));
            let mean = graph.cross_entropy(logits, labels)?.mean;
            Ok((Goal::Labels(labels), mean))
        }
    }
}
