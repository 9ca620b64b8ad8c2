//! The head that a task put on an encoder: what it says, and its weights.

use kernels::ops::Function;
use kernels::{ParamSpec, Params, RunError, Shape};
use serde::{Deserialize, Serialize};

use super::families;
use super::{Config, Heads, Model, Slot, names};
use crate::config::{HeadKind, MAX_LABEL_BYTES, Pooling};

/// What the head says that a task put on an encoder, and of which vectors of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskHead {
    /// What it says.
    pub kind: HeadKind,
    /// The names of its outputs, in the order of the logits: classes, labels, tags; `start` and `end`; one of a score.
    pub labels: Vec<String>,
    /// How a text's vector is made, where it reads one.
    pub pooling: Pooling,
    /// The longest text that it was trained on, in tokens: longer ones are cut there. `None` is the
    /// model's own limit.
    #[serde(default)]
    pub max_tokens: Option<usize>,
}

/// Why a model's weights are no classifier of these classes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskHeadError {
    /// Nothing was trained or loaded yet, or something else.
    #[error(
        "the model's `{name}` is {found}, but {labels} classes need {want:?}; train or load a \
         classifier of these classes first"
    )]
    Weights {
        /// `classifier.weight` or `classifier.bias`.
        name: String,
        /// Its shape, or "missing".
        found: String,
        /// Classes.
        labels: usize,
        /// The shape that they need.
        want: Vec<usize>,
    },
    /// Labels that cannot be told apart, or too few or too many.
    #[error("{0}")]
    Labels(String),
    /// The pooler is asked for, and the checkpoint has none.
    #[error("this checkpoint has no pooler; choose [CLS] or mean pooling")]
    NoPooler,
}

impl TaskHead {
    /// Choosing one of several classes, of texts as long as the model reads.
    pub fn new(labels: Vec<String>, pooling: Pooling) -> Self {
        Self::of(HeadKind::Classes, labels, pooling)
    }

    /// Of any kind, of texts as long as the model reads. Outputs that nobody names are named here.
    pub fn of(kind: HeadKind, labels: Vec<String>, pooling: Pooling) -> Self {
        let labels = match kind {
            HeadKind::Span => ["start", "end"].map(str::to_owned).to_vec(),
            HeadKind::Score | HeadKind::Choice if labels.is_empty() => unnamed(1),
            _ => labels,
        };
        Self {
            kind,
            labels,
            // What reads every token makes no vector of the text.
            pooling: if kind.reads_tokens() {
                Pooling::Cls
            } else {
                pooling
            },
            max_tokens: None,
        }
    }

    /// Logits of a text, or of each of its tokens.
    pub fn outputs(&self) -> usize {
        self.labels.len()
    }

    /// The head of a checkpoint, by its config.json; `LABEL_0` and so on where that names no
    /// outputs, as `transformers` does.
    pub(super) fn loaded(config: &Config, heads: &Heads) -> Option<Self> {
        let (kind, outputs) = heads.task?;
        let labels = match config.id2label.len() == outputs {
            true => config.id2label.clone(),
            false => unnamed(outputs),
        };
        Some(Self {
            max_tokens: config.classifier_max_tokens,
            ..Self::of(kind, labels, config.pooling)
        })
    }

    /// Refuses labels that config.json could not hold, or that are too few for a head of this kind.
    ///
    /// # Errors
    /// Labels that are too few, too many, too long or alike.
    pub fn check_labels(kind: HeadKind, labels: &[String]) -> Result<(), TaskHeadError> {
        let refuse = |words: String| Err(TaskHeadError::Labels(words));
        let range = kind.outputs();
        if !range.contains(&labels.len()) {
            let (found, least, most) = (labels.len(), range.start(), range.end());
            return refuse(format!("{found} classes: there are {least} to {most}"));
        }
        let mut seen = std::collections::HashSet::new();
        for (i, label) in labels.iter().enumerate() {
            if label.len() > MAX_LABEL_BYTES {
                return refuse(format!(
                    "the name of class {i} is longer than {MAX_LABEL_BYTES} bytes"
                ));
            }
            if !seen.insert(label) {
                return refuse(format!("two classes have the name `{label}`"));
            }
        }
        Ok(())
    }

    /// The first parameter that this classifier lacks, as an error.
    fn check_weights(&self, params: &Params, hidden: usize) -> Result<(), TaskHeadError> {
        let labels = self.labels.len();
        for (name, want) in parts(labels, hidden) {
            let spec = params.specs().iter().find(|s| s.name == name);
            if spec.is_none_or(|s| s.shape.dims() != want) {
                let found = spec.map_or("missing".to_owned(), |s| s.shape.to_string());
                return Err(TaskHeadError::Weights {
                    name,
                    found,
                    labels,
                    want,
                });
            }
        }
        Ok(())
    }
}

/// The names of outputs that nobody named.
fn unnamed(outputs: usize) -> Vec<String> {
    (0..outputs).map(|i| format!("LABEL_{i}")).collect()
}

/// Names and shapes of a head's parameters.
pub(crate) fn parts(labels: usize, hidden: usize) -> [(String, Vec<usize>); 2] {
    let name = |part: &str| format!("{}.{part}", names::CLASSIFIER);
    [
        (name("weight"), vec![labels, hidden]),
        (name("bias"), vec![labels]),
    ]
}

impl Model {
    /// The head that a task put on the encoder, loaded with the checkpoint or set since; `None` where there is none, or
    /// where its weights were replaced by others since.
    pub fn head(&self) -> Option<&TaskHead> {
        let fits = |head: &&TaskHead| {
            head.check_weights(&self.params, self.config.hidden_size)
                .is_ok()
        };
        self.task_head.as_ref().filter(fits)
    }

    /// The same, where it chooses one of several classes.
    pub fn classifier(&self) -> Option<&TaskHead> {
        self.head().filter(|head| head.kind == HeadKind::Classes)
    }

    /// What follows the matrix of the layer over `[CLS]`, in this family.
    pub(crate) fn pooler_activation(&self) -> Function {
        families::names(self.config.family).pooler_activation
    }

    /// What `transformers` calls the decoder's bias where the decoder is tied to the embeddings.
    pub(crate) fn tied_bias_name(&self) -> &'static str {
        families::names(self.config.family).mlm.bias[0]
    }

    /// What `transformers` calls that layer where a head of this kind reads it.
    pub(crate) fn pooler_name(&self, kind: HeadKind) -> Option<String> {
        let names = families::names(self.config.family);
        let encoders = || Some(format!("{}{}", names.prefix, names.pooler?));
        let own = names.head_pooler(kind).map(str::to_owned);
        own.or_else(encoders)
    }

    /// What `transformers` calls that layer and the one after it, as attributes of the model.
    pub(crate) fn head_names(&self, kind: HeadKind) -> (String, &'static str) {
        let names = families::names(self.config.family);
        (self.pooler_name(kind).unwrap_or_default(), names.head(kind))
    }

    /// The most tokens of a text that its head reads: those that it was trained on, as far as
    /// the model reads them.
    pub fn head_limit(&self) -> usize {
        let own = self.head().and_then(|head| head.max_tokens);
        let most = self.config.max_tokens();
        own.map_or(most, |own| own.min(most))
    }

    /// Says what the head that training added tells, and how long its texts are:
    /// `classifier.weight` `[L, H]` and `classifier.bias` `[L]` must be there for its L labels.
    ///
    /// # Errors
    /// Weights that are missing or of another shape, labels that are too few or alike, a pooler
    /// that the checkpoint lacks. The model stays as it was.
    pub fn set_head(&mut self, head: TaskHead) -> Result<(), TaskHeadError> {
        TaskHead::check_labels(head.kind, &head.labels)?;
        let reads_pooler = !head.kind.reads_tokens() && head.pooling == Pooling::Pooler;
        if reads_pooler && !self.layout.heads.pooler {
            return Err(TaskHeadError::NoPooler);
        }
        let hidden = self.config.hidden_size;
        head.check_weights(&self.params, hidden)?;
        let outputs = head.labels.len();
        let parts = parts(outputs, hidden);
        let own = families::names(self.config.family).head(head.kind);
        let layout = &mut self.layout;
        layout.heads.task = Some((head.kind, outputs));
        // New slots stand last, or in the place of the old: what the file's tensors point to stays.
        for (param, shape) in parts {
            match layout.slots.iter_mut().find(|s| s.param == param) {
                Some(slot) => {
                    slot.name = slot.param.replacen(names::CLASSIFIER, own, 1);
                    slot.shape = shape;
                }
                None => layout.slots.push(Slot {
                    name: param.replacen(names::CLASSIFIER, own, 1),
                    param,
                    shape,
                    offset: 0,
                    block: None,
                }),
            }
        }
        self.passes.clear();
        self.looks.clear();
        self.task_head = Some(head);
        Ok(())
    }

    /// The parameters of a classifier with these numbers, in place of an older one.
    pub(crate) async fn write_classifier(
        &mut self,
        labels: usize,
        weight: &[f32],
        bias: &[f32],
    ) -> Result<(), RunError> {
        let spec = |(name, shape): (String, Vec<usize>)| ParamSpec {
            name,
            shape: Shape::new(&shape),
            storage: kernels::Storage::F32,
        };
        let specs = parts(labels, self.config.hidden_size).map(spec);
        self.params.add(&specs, false)?.await?;
        self.params.write(&specs[0].name, 0, weight)?;
        self.params.write(&specs[1].name, 0, bias)?;
        self.forget_plans();
        Ok(())
    }
}
