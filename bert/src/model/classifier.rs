//! The classifier for whole texts: its classes, and the pass that computes its logits.

use kernels::{Control, Executable, GraphError, ParamSpec, Params, Plan, RunError, Shape, Value};
use serde::{Deserialize, Serialize};

use super::families;
use super::features::FeatureGraph;
use super::forward::Builder;
use super::tokens::TokenBatch;
use super::{Config, Heads, Layout, Model, Slot, names};
use crate::config::Pooling;
use crate::config::{MAX_LABEL_BYTES, MAX_LABELS};

/// Prepared passes kept at a time; each holds the activations of its batch.
const PREPARED: usize = 4;

/// What a classifier tells apart, and from which vector of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classifier {
    /// The classes' names, in the order of the logits; at least two.
    pub labels: Vec<String>,
    /// How a text's vector is made.
    pub pooling: Pooling,
    /// The longest text that it was trained on, in tokens: longer ones are cut there. `None` is the
    /// model's own limit.
    #[serde(default)]
    pub max_tokens: Option<usize>,
}

/// Why a model's weights are no classifier of these classes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassifierError {
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

impl Classifier {
    /// Of texts as long as the model reads.
    pub fn new(labels: Vec<String>, pooling: Pooling) -> Self {
        Self {
            labels,
            pooling,
            max_tokens: None,
        }
    }

    /// The classifier of a checkpoint, by its config.json; `LABEL_0` and so on where that names no
    /// classes, as `transformers` does.
    pub(super) fn loaded(config: &Config, heads: &Heads) -> Option<Self> {
        let classes = heads.classifier?;
        let labels = match config.id2label.len() {
            0 => (0..classes).map(|i| format!("LABEL_{i}")).collect(),
            _ => config.id2label.clone(),
        };
        Some(Self {
            labels,
            pooling: config.pooling,
            max_tokens: config.classifier_max_tokens,
        })
    }

    /// Refuses labels that config.json could not hold.
    ///
    /// # Errors
    /// Labels that are too few, too many, too long or alike.
    pub fn check_labels(labels: &[String]) -> Result<(), ClassifierError> {
        let refuse = |words: String| Err(ClassifierError::Labels(words));
        if !(2..=MAX_LABELS).contains(&labels.len()) {
            let found = labels.len();
            return refuse(format!("{found} classes: there are 2 to {MAX_LABELS}"));
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
    fn check_weights(&self, params: &Params, hidden: usize) -> Result<(), ClassifierError> {
        let labels = self.labels.len();
        for (name, want) in parts(labels, hidden) {
            let spec = params.specs().iter().find(|s| s.name == name);
            if spec.is_none_or(|s| s.shape.dims() != want) {
                let found = spec.map_or("missing".to_owned(), |s| s.shape.to_string());
                return Err(ClassifierError::Weights {
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

/// Names and shapes of a classifier's parameters.
pub(crate) fn parts(labels: usize, hidden: usize) -> [(String, Vec<usize>); 2] {
    let name = |part: &str| format!("{}.{part}", names::CLASSIFIER);
    [
        (name("weight"), vec![labels, hidden]),
        (name("bias"), vec![labels]),
    ]
}

impl Model {
    /// The classifier, loaded with the checkpoint or set since; `None` where there is none, or
    /// where its weights were replaced by those of other classes since.
    pub fn classifier(&self) -> Option<&Classifier> {
        let fits = |c: &&Classifier| {
            c.check_weights(&self.params, self.config.hidden_size)
                .is_ok()
        };
        self.classifier.as_ref().filter(fits)
    }

    /// The most tokens of a text that its classifier reads: those that it was trained on, as far as
    /// the model reads them.
    pub fn classifier_limit(&self) -> usize {
        let own = self.classifier().and_then(|c| c.max_tokens);
        let most = self.config.max_tokens();
        own.map_or(most, |own| own.min(most))
    }

    /// Says what the classifier that training added tells apart, and how long its texts are:
    /// `classifier.weight` `[L, H]` and `classifier.bias` `[L]` must be there for its L labels.
    ///
    /// # Errors
    /// Weights that are missing or of another shape, labels that are too few or alike, a pooler
    /// that the checkpoint lacks. The model stays as it was.
    pub fn set_classifier(&mut self, classifier: Classifier) -> Result<(), ClassifierError> {
        Classifier::check_labels(&classifier.labels)?;
        if classifier.pooling == Pooling::Pooler && !self.layout.heads.pooler {
            return Err(ClassifierError::NoPooler);
        }
        let hidden = self.config.hidden_size;
        classifier.check_weights(&self.params, hidden)?;
        let classes = classifier.labels.len();
        let parts = parts(classes, hidden);
        let layout = &mut self.layout;
        layout.heads.classifier = Some(classes);
        // New slots stand last, or in the place of the old: what the file's tensors point to stays.
        let own = families::names(self.config.family).classifier;
        for (param, shape) in parts {
            match layout.slots.iter_mut().find(|s| s.param == param) {
                Some(slot) => slot.shape = shape,
                None => layout.slots.push(Slot {
                    name: param.replacen(names::CLASSIFIER, own, 1),
                    param,
                    shape,
                    offset: 0,
                    block: None,
                }),
            }
        }
        self.classifying.clear();
        self.classifier = Some(classifier);
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

    /// The logits (`[texts, classes]`) of texts, in a pass with room for `room` texts.
    pub(crate) async fn classify_batch(
        &mut self,
        texts: &TokenBatch,
        room: usize,
        control: &Control,
    ) -> Result<Vec<Vec<f32>>, RunError> {
        let Some(classifier) = self.classifier() else {
            return Err(RunError::MissingParam(names::CLASSIFIER.to_owned()));
        };
        let (classes, pooling) = (classifier.labels.len(), classifier.pooling);
        let sizes = (room, texts.tokens);
        if let Some(i) = self.classifying.iter().position(|p| p.sizes == sizes) {
            // The most recently used one last, the one to forget first.
            let prepared = self.classifying.remove(i);
            self.classifying.push(prepared);
        } else {
            let pass = Pass::new(
                &self.config,
                &self.layout,
                classes,
                pooling,
                room,
                texts.tokens,
            )
            .expect("the layout checked every shape against the configuration");
            let plan = Plan::new(&pass.features.graph, &[pass.logits]);
            let executable = Executable::new(&self.device, plan, &self.params).await?;
            if self.classifying.len() == PREPARED {
                self.classifying.remove(0);
            }
            self.classifying.push(Prepared {
                sizes,
                pass,
                executable,
            });
        }
        let last = self.classifying.len() - 1;
        let Prepared {
            pass, executable, ..
        } = &mut self.classifying[last];
        let values = pass.features.values(&self.config, texts);
        let found = executable.run(&mut self.params, values, control).await?;
        let logits = found[0].to_f32();
        let rows = logits.chunks_exact(classes).take(texts.ids.len());
        Ok(rows.map(<[f32]>::to_vec).collect())
    }
}

/// A pass on the device, for so many texts of so many tokens.
pub(super) struct Prepared {
    sizes: (usize, usize),
    pass: Pass,
    executable: Executable,
}

/// Texts in, logits out.
struct Pass {
    features: FeatureGraph,
    /// `[B, L]`
    logits: Value,
}

impl Pass {
    fn new(
        config: &Config,
        layout: &Layout,
        classes: usize,
        pooling: Pooling,
        batch: usize,
        tokens: usize,
    ) -> Result<Self, GraphError> {
        let mut features = FeatureGraph::new(config, layout, pooling, batch, tokens)?;
        let mut builder = Builder {
            graph: &mut features.graph,
            config,
            layout,
            noise: None,
        };
        let logits = builder.classifier(features.pooled, names::CLASSIFIER, classes)?;
        Ok(Self { features, logits })
    }
}
