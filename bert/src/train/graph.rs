//! The graphs of training: a forward pass with its loss, and what is learned from it.

use kernels::ops::{Loss, NO_TARGET};
use kernels::{Graph, GraphError, Tensor, TensorType, Value};

use super::Task;
use super::inputs::{Batch, Inputs, Targets};
use super::replaced::{self, Replaced};
use crate::config::{Config, HeadKind};
use crate::model::{
    Builder, DropoutRates, Encoder, Layout, TrainingNoise, cls_rows, encoder_values,
};

/// The classifier's parameters.
pub(super) const CLASSIFIER: &str = "classifier";
/// The features of a frozen encoder, `[N, H]`.
pub(super) const FEATURES: &str = "features";

/// Guesses for a hidden word that are looked at.
pub(super) const LIKELIEST: usize = 5;

/// What a step reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Texts, through the encoder: B examples of G sequences of T tokens, G being 1 but where one of several texts is
    /// chosen; for masked language modelling, R masked places.
    Texts {
        batch: usize,
        group: usize,
        tokens: usize,
        masks: usize,
    },
    /// Rows of features that rest on the device: B of N.
    Features { batch: usize, rows: usize },
}

/// One of the losses of a pass, and where its targets go.
struct Term {
    goal: Goal,
    /// `[1]`
    loss: Value,
}

/// Where targets go.
#[derive(Clone, Copy, Debug)]
enum Goal {
    /// `[R]`, u32: a class each row of logits; and `[R]`, what each row counts, where classes have weights.
    Labels(Value, Option<Value>),
    /// `[B, L]` each: numbers, and 1 where there is a text.
    Numbers { targets: Value, weights: Value },
    /// `[B·T, 1]`: 1 for each token that is not padding.
    Tokens(Value),
    /// One place of several. `[2 B]`, u32: the first token of each text's answer and its last one; and `[2 B, T]`, to be
    /// added to the logits: nothing where the text has a token. Or `[B]` and `[B, G]`: the right text of each group.
    Places { labels: Value, beyond: Value },
}

/// What is added to the logit of a place that is not there.
const BEYOND: f64 = -1e30;

/// A forward pass with its loss.
pub(super) struct LossGraph {
    pub graph: Graph,
    encoder: Option<Encoder>,
    rows: Option<Value>,
    /// The rows of `[CLS]`, and the logits of following `[B, 2]`.
    next: Option<(Value, Value)>,
    replaced: Option<Replaced>,
    /// One or, of pairs with hidden words and of replaced words, two.
    terms: Vec<Term>,
    seed: Option<Value>,
    /// What each class counts, where they differ.
    class_weights: Vec<f32>,
    /// `[B, L]`, `[B·T, L]` of a head that reads tokens, `[B, G]` of one that chooses, or `[R, V]`.
    pub logits: Value,
    /// The sum of the losses, `[1]`.
    pub loss: Value,
    source: Source,
}

impl LossGraph {
    /// Records the pass; `dropout` and the classes' weights, where they have some, only where something is learned from it.
    pub fn new(
        config: &Config,
        layout: &Layout,
        task: Task,
        source: Source,
        dropout: Option<DropoutRates>,
        class_weights: &[f32],
    ) -> Result<Self, GraphError> {
        let mut graph = Graph::new();
        let draws = dropout.is_some() || task == Task::Replaced;
        let seed = draws.then(|| graph.input("seed", TensorType::u32([1])));
        let noise = dropout
            .zip(seed)
            .map(|(rates, seed)| TrainingNoise::new(rates, seed));
        let mut builder = Builder {
            graph: &mut graph,
            config,
            layout,
            noise,
            prefix: "",
        };
        let mut encoder = None;
        let (mut next, mut replaced) = (None, None);
        let rows;
        let logits = match (task, source) {
            (
                Task::MaskedLm | Task::MaskedLmAndNext | Task::NextWord,
                Source::Texts {
                    batch,
                    tokens,
                    masks,
                    ..
                },
            ) => {
                let encoded = builder.encoder(batch, tokens)?;
                let at = builder.graph.input("masked rows", TensorType::u32([masks]));
                rows = Some(at);
                let hidden = builder.graph.gather_rows(encoded.output(), at)?;
                if task == Task::MaskedLmAndNext {
                    let first = TensorType::u32([batch]);
                    let first = builder.graph.input("[CLS] rows", first);
                    let hidden = builder.graph.gather_rows(encoded.output(), first)?;
                    let pooled = builder.pooler(hidden)?;
                    next = Some((first, builder.nsp(pooled)?));
                }
                encoder = Some(encoded);
                builder.mlm(hidden)?
            }
            (
                Task::Replaced,
                Source::Texts {
                    batch,
                    tokens,
                    masks,
                    ..
                },
            ) => {
                let Some(seed) = seed else {
                    unreachable!("replaced words are drawn with a seed")
                };
                let recorded = replaced::record(&mut builder, [batch, tokens, masks], seed)?;
                encoder = Some(recorded.generator);
                rows = Some(recorded.hidden);
                replaced = Some(recorded.replaced);
                recorded.logits
            }
            (
                Task::Head {
                    kind,
                    outputs,
                    pooling,
                },
                Source::Texts {
                    batch,
                    group,
                    tokens,
                    ..
                },
            ) => {
                let texts = batch * group;
                let encoded = builder.encoder(texts, tokens)?;
                let (logits, at) = builder.head(&encoded, kind, pooling, [texts, outputs])?;
                (encoder, rows) = (Some(encoded), at);
                match kind {
                    HeadKind::Choice => builder.graph.transpose(logits, group)?,
                    _ => logits,
                }
            }
            (Task::Head { outputs, .. }, Source::Features { batch, rows: count }) => {
                let features = builder.graph.param(FEATURES, [count, config.hidden_size])?;
                let at = builder.graph.input("rows", TensorType::u32([batch]));
                rows = Some(at);
                let hidden = builder.graph.gather_rows(features, at)?;
                builder.classifier(hidden, CLASSIFIER, outputs)?
            }
            (_, Source::Features { .. }) => {
                unreachable!("words are learned from texts")
            }
        };
        let first = term(&mut graph, task, source, logits, !class_weights.is_empty())?;
        let mut loss = first.loss;
        let mut terms = vec![first];
        if let Some((_, logits)) = next {
            let second = labelled(&mut graph, "labels of the pairs", logits, false)?;
            loss = graph.add(loss, second.loss)?;
            terms.push(second);
        }
        if let Some(found) = &replaced {
            let weights = graph.input("tokens", TensorType::real(graph.ty(found.logits).shape));
            let second = Term {
                goal: Goal::Tokens(weights),
                loss: found.loss(&mut graph, weights)?,
            };
            loss = graph.add(loss, second.loss)?;
            terms.push(second);
        }
        Ok(Self {
            graph,
            encoder,
            rows,
            next,
            replaced,
            terms,
            seed,
            class_weights: class_weights.to_vec(),
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

    /// Texts that the plan has room for.
    fn texts(&self) -> usize {
        match self.source {
            Source::Texts { batch, group, .. } => batch * group,
            Source::Features { batch, .. } => batch,
        }
    }

    /// Each of its losses.
    pub fn losses(&self) -> Vec<Value> {
        self.terms.iter().map(|term| term.loss).collect()
    }

    /// What is said beside [`LossGraph::logits`]: the logits of following `[B, 2]`, where pairs are learned; each token's logit of having
    /// been replaced, and whether it was, `[B·T, 1]` each.
    pub fn others(&self) -> Vec<Value> {
        let next = self.next.iter().map(|(_, logits)| *logits);
        let replaced = self.replaced.iter();
        next.chain(replaced.flat_map(|found| [found.logits, found.changed]))
            .collect()
    }

    /// The columns that are likeliest in each row of logits, `[R, k]`, by the goal's own labels: five, or as many as there are.
    pub fn best(&mut self) -> Result<Value, GraphError> {
        let Goal::Labels(labels, _) = self.terms[0].goal else {
            unreachable!("only classes and words are guessed on the device")
        };
        let count = self.graph.ty(self.logits).shape.columns().min(LIKELIEST);
        Ok(self.graph.top_k(self.logits, labels, count)?.columns)
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
                Source::Texts {
                    batch,
                    group,
                    tokens,
                    ..
                },
            ) => {
                let batch = batch * group;
                values.extend(encoder_values(config, encoder, texts, batch, tokens));
                lengths = texts.ids.iter().map(Vec::len).collect();
                rows = match targets {
                    Targets::Masks(masks)
                    | Targets::MasksAndNext(masks, _)
                    | Targets::Replaced(masks) => {
                        masks.iter().map(|m| (m.0 * tokens + m.1) as u32).collect()
                    }
                    _ => cls_rows(batch, tokens),
                };
                if let Some(found) = &self.replaced {
                    values.extend(found.values(config, texts, targets.masks(), batch));
                }
                if let Some((at, _)) = self.next {
                    values.push((at, Tensor::U32(cls_rows(batch, tokens))));
                }
            }
            (Inputs::Features { rows: at, .. }, ..) => rows.clone_from(at),
            _ => unreachable!("a learner gives a graph the inputs that it was made for"),
        }
        if let Some(at) = self.rows {
            rows.resize(self.graph.ty(at).shape.len(), 0);
            values.push((at, Tensor::U32(rows)));
        }
        for i in 0..self.terms.len() {
            self.goal_values(i, inputs.targets(), &lengths, &mut values);
        }
        values
    }

    fn goal_values(
        &self,
        term: usize,
        targets: &Targets,
        lengths: &[usize],
        values: &mut Vec<(Value, Tensor)>,
    ) {
        let elements = |value: Value| self.graph.ty(value).shape.len();
        match (self.terms[term].goal, targets) {
            (Goal::Labels(at, weights), targets) => {
                let mut labels = match targets {
                    Targets::Classes(classes) => classes.clone(),
                    Targets::MasksAndNext(_, next) if term == 1 => next.clone(),
                    Targets::Masks(masks)
                    | Targets::MasksAndNext(masks, _)
                    | Targets::Replaced(masks) => masks.iter().map(|mask| mask.2).collect(),
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
                if let Some(weights) = weights {
                    let weight = |class: &u32| self.class_weights.get(*class as usize).copied();
                    let rows = labels.iter().map(|class| weight(class).unwrap_or(0.0));
                    values.push((weights, Tensor::F32(rows.collect())));
                }
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
            (Goal::Tokens(at), _) => {
                let tokens = elements(at) / self.texts();
                let mut weights = vec![0.0; elements(at)];
                for (row, length) in weights.chunks_exact_mut(tokens).zip(lengths) {
                    row[..*length].fill(1.0);
                }
                values.push((at, Tensor::F32(weights)));
            }
            (Goal::Places { labels: at, beyond }, targets) => {
                // How many places each row of logits has.
                let (mut labels, places): (Vec<u32>, Vec<usize>) = match targets {
                    Targets::Spans(spans) => {
                        let places = lengths.iter().flat_map(|&length| [length; 2]);
                        (spans.concat(), places.collect())
                    }
                    Targets::Choices { right, .. } => {
                        (right.iter().map(|&[right, of]| (right, of as usize))).unzip()
                    }
                    _ => unreachable!("a learner gives a graph the targets of its task"),
                };
                labels.resize(elements(at), NO_TARGET);
                values.push((at, Tensor::U32(labels)));
                let columns = self.graph.ty(beyond).shape.columns();
                let mut mask = vec![0.0; elements(beyond)];
                for (row, places) in mask.chunks_exact_mut(columns).zip(places) {
                    row[places..].fill(BEYOND);
                }
                values.push((beyond, Tensor::F64(mask)));
            }
            _ => unreachable!("a learner gives a graph the targets of its task"),
        }
    }
}

/// Cross-entropy against a class each row of logits.
fn labelled(
    graph: &mut Graph,
    name: &str,
    logits: Value,
    weighted: bool,
) -> Result<Term, GraphError> {
    let rows = graph.ty(logits).shape.rows();
    let labels = graph.input(name, TensorType::u32([rows]));
    let weights = weighted.then(|| graph.input("weights of the rows", TensorType::real([rows])));
    let loss = graph.cross_entropy(logits, labels, weights)?.mean;
    Ok(Term {
        goal: Goal::Labels(labels, weights),
        loss,
    })
}

/// Cross-entropy against one of each row's places that are there.
fn of_places(graph: &mut Graph, columns: Value) -> Result<Term, GraphError> {
    let shape = graph.ty(columns).shape;
    let beyond = graph.input("beyond the texts", TensorType::real(shape));
    let columns = graph.add(columns, beyond)?;
    let labels = graph.input("labels", TensorType::u32([shape.rows()]));
    let loss = graph.cross_entropy(columns, labels, None)?.mean;
    let goal = Goal::Places { labels, beyond };
    Ok(Term { goal, loss })
}

/// The loss of a task's logits, and where its targets go.
fn term(
    graph: &mut Graph,
    task: Task,
    source: Source,
    logits: Value,
    weighted: bool,
) -> Result<Term, GraphError> {
    let shape = graph.ty(logits).shape;
    let of_numbers = |graph: &mut Graph, loss| {
        let targets = graph.input("targets", TensorType::real(shape));
        let weights = graph.input("weights of the targets", TensorType::real(shape));
        let loss = graph.mean_loss(loss, logits, targets, weights)?;
        let goal = Goal::Numbers { targets, weights };
        Ok(Term { goal, loss })
    };
    let Task::Head { kind, .. } = task else {
        return labelled(graph, "labels", logits, false);
    };
    match (kind, source) {
        (HeadKind::Labels, _) => of_numbers(graph, Loss::Binary),
        (HeadKind::Score, _) => of_numbers(graph, Loss::Squared),
        (HeadKind::Span, Source::Texts { tokens, .. }) => {
            let columns = graph.transpose(logits, tokens)?;
            of_places(graph, columns)
        }
        (HeadKind::Choice, _) => of_places(graph, logits),
        _ => labelled(graph, "labels", logits, weighted),
    }
}
