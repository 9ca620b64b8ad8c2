//! A classifier alone: a small safetensors file for a base that others have too.

mod link;

pub use link::MAX_LINK_HEAD;

use kernels::RunError;
use safetensors::tensor::SafeTensors;
use safetensors::{Dtype, SafeTensorError};
use serde_json::json;

use super::weights;
use super::{About, Machine, Refusal};
use crate::config::MAX_LABELS;
use crate::config::{HeadKind, Pooling};
use crate::model::{Model, TaskHead, TaskHeadError, classifier_parts};
use crate::train::Method;

/// The longest file that is read: 1,000 classes of a very wide model.
pub const MAX_HEAD_BYTES: usize = 64 << 20;

/// The only version there is so far.
const VERSION: &str = "1";

/// A classifier, and the base that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Its classes and pooling.
    pub classifier: TaskHead,
    /// [`Model::sha256`] of the base: 64 hexadecimal digits.
    pub base_sha256: String,
    /// The base's name, to be shown.
    pub base: String,
    /// H
    pub hidden_size: usize,
    /// What it was trained on, where that is known.
    pub machine: Option<Machine>,
    /// `[L, H]`, finite.
    weight: Vec<f32>,
    /// `[L]`, finite.
    bias: Vec<f32>,
}

/// Why a file gives no head, or a head does not fit a model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HeadError {
    /// More bytes than a head has.
    #[error(
        "the file has {0} bytes; a head has at most {MAX_HEAD_BYTES}. Is it a whole checkpoint?"
    )]
    TooLong(usize),
    /// Not safetensors.
    #[error("the file is damaged, or no safetensors file: {0}")]
    Format(String),
    /// Not a head that this project wrote.
    #[error("the file is no classifier head of this project: {0}")]
    Rule(String),
    /// The head was trained on another base.
    #[error(
        "this head belongs to `{name}` (SHA-256 {wanted}), but the model that is loaded has SHA-256 \
         {found}; load that base first"
    )]
    Base {
        /// The base's name.
        name: String,
        /// Its hash.
        wanted: String,
        /// The loaded model's hash.
        found: String,
    },
    /// The base's vectors are of another length.
    #[error("this head reads vectors of {head} numbers, the model has {model}")]
    Hidden {
        /// The head's H.
        head: usize,
        /// The model's H.
        model: usize,
    },
    /// The model cannot have such a classifier.
    #[error(transparent)]
    TaskHead(#[from] TaskHeadError),
    /// The head cannot be exported alone.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A link's text that holds no whole head.
    #[error("the head in this link cannot be used: {0}")]
    Link(String),
    /// A number that half precision does not hold.
    #[error(
        "the head holds {0}, beyond what half precision reaches (65504); a link cannot carry it, \
         the head's file can"
    )]
    Half(f32),
    /// More classes or wider vectors than a link has room for.
    #[error(
        "the head takes {0} characters, and a link carries at most {MAX_LINK_HEAD}; save its file"
    )]
    LongLink(usize),
    /// The device failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// The model's classifier alone, as the bytes of a safetensors file with `classifier.weight`
/// `[L, H]` and `classifier.bias` `[L]` in F32, and all else as metadata.
///
/// # Errors
/// As [`Head::of`].
pub async fn head(model: &mut Model, about: &About) -> Result<Vec<u8>, HeadError> {
    Ok(Head::of(model, about).await?.to_safetensors())
}

fn damaged(error: SafeTensorError) -> HeadError {
    HeadError::Format(error.to_string())
}

impl Head {
    /// Reads the model's classifier off its device.
    ///
    /// # Errors
    /// [`Refusal::NotAlone`] where the run changed more than the classifier; there is none; a
    /// number in it is not finite; the device failed.
    pub async fn of(model: &mut Model, about: &About) -> Result<Self, HeadError> {
        let trained = about.run.as_ref().map(|run| run.recipe.method);
        if trained.is_some_and(|method| method != Method::Head) {
            return Err(Refusal::NotAlone.into());
        }
        let classifier = model.classifier().cloned();
        let classifier = classifier.ok_or(Refusal::NoClassifier)?;
        let hidden_size = model.config().hidden_size;
        let [weight, bias] = classifier_parts(classifier.labels.len(), hidden_size);
        Ok(Self {
            weight: read(model, weight).await?,
            bias: read(model, bias).await?,
            base_sha256: model.sha256().to_owned(),
            base: about.base.clone(),
            machine: about.machine.clone().map(Machine::bounded),
            classifier,
            hidden_size,
        })
    }

    fn to_safetensors(&self) -> Vec<u8> {
        let labels = &self.classifier.labels;
        let tensors = classifier_parts(labels.len(), self.hidden_size);
        let mut metadata = json!({
            "format": "pt",
            "unmask_head": VERSION,
            "base_sha256": self.base_sha256,
            "base": self.base,
            "hidden_size": self.hidden_size.to_string(),
            "pooling": self.classifier.pooling,
            "labels": json!(labels).to_string(),
        });
        // Files from before there were others have none.
        if self.classifier.kind != HeadKind::Classes {
            metadata["kind"] = json!(self.classifier.kind);
        }
        if let Some(tokens) = self.classifier.max_tokens {
            metadata["max_tokens"] = tokens.to_string().into();
        }
        if let Some(machine) = &self.machine {
            metadata["machine"] = json!(machine).to_string().into();
        }
        let named = tensors.iter().map(|(name, shape)| (name, shape));
        let mut file = weights::header(named, metadata);
        let numbers = self.weight.iter().chain(&self.bias);
        file.extend(numbers.flat_map(|x| x.to_le_bytes()));
        file
    }

    /// Reads a file, trusting nothing in it.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeadError> {
        let rule = |words: String| HeadError::Rule(words);
        if bytes.len() > MAX_HEAD_BYTES {
            return Err(HeadError::TooLong(bytes.len()));
        }
        let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let text = |key: &str| {
            let metadata = header.metadata().as_ref();
            let found = metadata.and_then(|map| map.get(key));
            found.ok_or_else(|| rule(format!("its metadata lacks `{key}`")))
        };
        let version = text("unmask_head")?;
        if version != VERSION {
            return Err(rule(format!(
                "its version is {version:.20}, and this program reads {VERSION}"
            )));
        }
        let base_sha256 = text("base_sha256")?.to_ascii_lowercase();
        if base_sha256.len() != 64 || !base_sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(rule(
                "`base_sha256` is not 64 hexadecimal digits".to_owned(),
            ));
        }
        let base: String = text("base")?.chars().take(200).collect();
        let hidden_size = text("hidden_size")?.parse().ok();
        let hidden_size = hidden_size
            .filter(|size| (1..=16_384).contains(size))
            .ok_or_else(|| rule("`hidden_size` is no number from 1 to 16384".to_owned()))?;
        let pooling: Pooling = serde_json::from_value(text("pooling")?.clone().into())
            .map_err(|_| rule("`pooling` is not `pooler`, `cls` or `mean`".to_owned()))?;
        let labels: Vec<String> = serde_json::from_str(text("labels")?)
            .ok()
            .filter(|labels: &Vec<String>| labels.len() <= MAX_LABELS)
            .ok_or_else(|| rule(format!("`labels` is no list of at most {MAX_LABELS} names")))?;
        let kind = match text("kind").ok() {
            None => HeadKind::Classes,
            Some(name) => serde_json::from_value(json!(name))
                .map_err(|_| rule("`kind` is no kind of head".to_owned()))?,
        };
        TaskHead::check_labels(kind, &labels)?;
        // Files of earlier versions have neither.
        let max_tokens = text("max_tokens").ok().map(|text| {
            let tokens = text.parse().ok().filter(|n| (3..=131_072).contains(n));
            tokens.ok_or_else(|| rule("`max_tokens` is no number from 3 to 131072".to_owned()))
        });
        let max_tokens = max_tokens.transpose()?;
        let machine = text("machine")
            .ok()
            .map(|text| serde_json::from_str(text).map(Machine::bounded))
            .transpose()
            .map_err(|_| rule("`machine` is not what it was trained on".to_owned()))?;
        let [weight, bias] = classifier_parts(labels.len(), hidden_size);
        if let Some(other) = file
            .names()
            .into_iter()
            .find(|name| ![&weight.0, &bias.0].contains(&&name.to_string()))
        {
            return Err(rule(format!("it holds `{other:.60}` too")));
        }
        Ok(Self {
            classifier: TaskHead {
                kind,
                labels,
                pooling,
                max_tokens,
            },
            base_sha256,
            base,
            hidden_size,
            machine,
            weight: numbers(&file, &weight)?,
            bias: numbers(&file, &bias)?,
        })
    }

    /// Gives a model this classifier. The model must be the head's base as it was loaded: its hash
    /// says nothing of training since.
    ///
    /// # Errors
    /// Another base, named with both hashes; the model stays as it was.
    pub async fn attach(self, model: &mut Model) -> Result<(), HeadError> {
        if self.base_sha256 != model.sha256() {
            return Err(HeadError::Base {
                name: self.base,
                wanted: self.base_sha256,
                found: model.sha256().to_owned(),
            });
        }
        let (head, hidden) = (self.hidden_size, model.config().hidden_size);
        if head != hidden {
            return Err(HeadError::Hidden {
                head,
                model: hidden,
            });
        }
        let reads_pooler = !self.classifier.kind.reads_tokens();
        if reads_pooler && self.classifier.pooling == Pooling::Pooler && !model.heads().pooler {
            return Err(TaskHeadError::NoPooler.into());
        }
        model
            .write_classifier(self.classifier.labels.len(), &self.weight, &self.bias)
            .await?;
        Ok(model.set_head(self.classifier)?)
    }
}

/// A parameter's numbers, all finite.
async fn read(model: &Model, (name, shape): (String, Vec<usize>)) -> Result<Vec<f32>, HeadError> {
    let count = shape.iter().product();
    let numbers = model.params().read(&name, 0, count).await?;
    match numbers.iter().all(|x| x.is_finite()) {
        true => Ok(numbers),
        false => Err(Refusal::NonFinite(name).into()),
    }
}

/// A tensor's numbers, if it is what it must be.
fn numbers(
    file: &SafeTensors<'_>,
    (name, shape): &(String, Vec<usize>),
) -> Result<Vec<f32>, HeadError> {
    let rule = |words: String| HeadError::Rule(format!("`{name}` {words}"));
    let tensor = file
        .tensor(name)
        .map_err(|_| rule("is missing".to_owned()))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
        let (dtype, found) = (tensor.dtype(), tensor.shape());
        return Err(rule(format!(
            "is {dtype:?} {found:?}; the metadata asks for F32 {shape:?}"
        )));
    }
    let words = tensor.data().as_chunks::<4>().0;
    let numbers: Vec<f32> = words.iter().map(|w| f32::from_le_bytes(*w)).collect();
    match numbers.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(rule(format!("holds NaN or infinity at element {at}"))),
        None => Ok(numbers),
    }
}
