//! A model out of this project: a folder that `transformers` loads, a classifier alone, and
//! predictions as a table.
//!
//! ```text
//! config.json          the source's own, with the class, the labels and the precision changed
//! (tokenizer files)    the source's own
//! modeling_unmask.py   where `transformers` has no class
//! README.md            the model card
//! model.safetensors    every weight, in F32
//! ```
//!
//! Each family's tensors have the names that `transformers` gives them, and the class is the one that it has for the head.
//!
//! **Poolings.** `BertForSequenceClassification` computes `W_c tanh(W_p h + b_p) + b_c` for the
//! `[CLS]` vector h, whatever a file says.
//!
//! * *Pooler* is that.
//! * *`[CLS]`*, `W_c h + b_c`, is written as `W_p = 2⁻¹² I`, `b_p = 0` and `2¹² W_c`. Products with
//!   powers of two are exact, and `tanh x = x (1 - x²/3 + …)`: a component of h counts too little
//!   by the share `(2⁻¹² h)²/3`, which is 2e-8 for h = 1 and 2e-6 for h = 10. A smaller power
//!   would be nearer still, but leave no room for half precision. `unmask` in config.json names
//!   the pooling and the power, so that loading undoes it exactly.
//! * The heads of DistilBERT and ELECTRA put a ReLU and a GELU there, which pass nothing on as it is: for `[CLS]` these bring a
//!   class of their own, as for the mean.
//! * *Mean* has no class in `transformers`: the folder brings one. Its model type is its own, so
//!   that loading it without that code fails, instead of giving a BERT with a random pooler.
//!
//! A pooler that the classifier does not read stays behind, and so does the
//! masked-language-model head.
//!
//! Weights are F32 throughout: what was trained is, and what rests in F16 loses nothing by it.

mod card;
mod cluster;
mod code;
mod config;
mod head;
mod machine;
mod predictions;
mod weights;

pub use card::card;
pub use head::{Head, HeadError, MAX_HEAD_BYTES, MAX_LINK_HEAD, head};
pub use machine::Machine;
pub use predictions::{predictions_tsv, said_tsv};

use kernels::ops::Function;
use kernels::{Control, RunError};
use serde::{Deserialize, Serialize};

use crate::config::Pooling;
use crate::metrics::Figures;
use crate::model::Model;
use crate::train::Recipe;

/// The files that a folder always has beside the tokenizer's.
const CONFIG: &str = "config.json";
const CARD: &str = "README.md";
const WEIGHTS: &str = "model.safetensors";
const CODE: &str = "modeling_unmask.py";
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

/// What a folder's model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Its task's head: the family's class for it, or the folder's own. The masked-language-model head
    /// stays behind.
    Head,
    /// Filling masks: `BertForMaskedLM`. Pooler, next-sentence head and classifier stay behind.
    MaskedLm,
    /// Filling masks, and saying whether one text follows another: `BertForPreTraining`. The classifier stays behind.
    Pretraining,
    /// Telling of each token whether it was replaced: `ElectraForPreTraining`. What lies beside is another model:
    /// [`Model::generator`].
    Replaced,
}

/// What the model card tells, and no weight shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The model's name.
    pub name: String,
    /// The name of the checkpoint that it was loaded from; [`Model::sha256`] is its hash.
    pub base: String,
    /// What it is for.
    pub kind: Kind,
    /// The run that made it; `None` where it was only loaded.
    pub run: Option<Run>,
    /// What the run, or the classifier's own run elsewhere, was computed on, where that is known.
    #[serde(default)]
    pub machine: Option<Machine>,
    /// The day, as it is to be shown.
    pub date: Option<String>,
    /// Markdown that leads to a page where the published model can be tried; in it `OWNER/NAME` stands for
    /// where that will be.
    #[serde(default)]
    pub badge: Option<String>,
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its settings.
    pub recipe: Recipe,
    /// Texts to learn from, by class; one number for masked language modelling.
    pub train: Vec<usize>,
    /// Texts to check with, likewise.
    pub validation: Vec<usize>,
    /// Whether the texts are pairs.
    pub pairs: bool,
    /// What it came to on the validation texts.
    pub figures: Option<Figures>,
    /// The epoch whose weights were kept, from 1.
    pub best_epoch: usize,
}

/// The source's own files.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The text of the config.json that the model was loaded with.
    pub config: &'a str,
    /// The tokenizer's files: names and bytes.
    pub tokenizer: &'a [(String, Vec<u8>)],
}

/// Why a model cannot be exported so.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// There is no classifier.
    #[error("this model has no classifier to export; train one first")]
    NoClassifier,
    /// There is no masked-language-model head.
    #[error("this model has no masked-language-model head to export")]
    NoMlm,
    /// There is no head for replaced words.
    #[error("this model has no head that tells replaced words to export")]
    NoReplaced,
    /// There is no next-sentence head.
    #[error("this model has no next-sentence head to export")]
    NoNext,
    /// More was trained than the head.
    #[error(
        "this run trained more than the classifier, so the classifier alone would be lost without \
         the rest: export the whole folder"
    )]
    NotAlone,
    /// The config.json is another model's, or not JSON.
    #[error("the config.json given is not the one that this model was loaded with{0}")]
    Config(String),
    /// A tokenizer file that would take another's place.
    #[error("`{0}` is no name for a tokenizer file in a folder that has it already")]
    File(String),
    /// A weight is not a number.
    #[error(
        "`{0}` holds NaN or infinity: the training diverged. Train again with a lower learning rate"
    )]
    NonFinite(String),
}

/// Why an export ended early. `E` is the sink's own error.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E> {
    /// It cannot be done.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The device failed, or the export was cancelled between two pieces.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The sink refused.
    #[error("{0}")]
    Sink(E),
}

/// Takes a folder's bytes: the file's name and its next piece.
pub type Sink<'a, E> = dyn FnMut(&str, &[u8]) -> Result<(), E> + 'a;

/// Writes a folder that `transformers` loads. The sink gets one file after the other, each in one
/// or more pieces, and the weights last, at most 2 MiB at a time as they are read back from the
/// device: nothing ever holds them all.
///
/// # Errors
/// What cannot be exported is refused before the first piece, except weights that are not finite.
pub async fn folder<E>(
    model: &mut Model,
    about: &About,
    files: &Files<'_>,
    control: &Control,
    sink: &mut Sink<'_, E>,
) -> Result<(), ExportError<E>> {
    let tensors = weights::tensors(model, about.kind)?;
    let config = config::rewritten(model, about.kind, files.config)?;
    let brings_code = needs_code(model, about.kind);
    check_names(files)?;
    let card = card(model, about);
    let mut put = |name: &str, bytes: &[u8]| sink(name, bytes).map_err(ExportError::Sink);
    put(CONFIG, config.as_bytes())?;
    for (name, bytes) in files.tokenizer {
        match name.as_str() {
            TOKENIZER_CONFIG => put(name, &config::with_limit(model, about.kind, bytes))?,
            _ => put(name, bytes)?,
        }
    }
    if brings_code {
        put(CODE, code::modeling(model, about.kind).as_bytes())?;
    }
    // Where there is no code of the folder's own, the model type tells which tokenizer it is.
    let needed = brings_code || config::limit(model, about.kind).is_some();
    if needed && !files.tokenizer.iter().any(|(n, _)| n == TOKENIZER_CONFIG) {
        put(
            TOKENIZER_CONFIG,
            config::tokenizer(model, about.kind).as_bytes(),
        )?;
    }
    put(CARD, card.as_bytes())?;
    let mut piece = |bytes: &[u8]| put(WEIGHTS, bytes);
    weights::write(model, &tensors, format(), control, &mut piece).await
}

/// Whether [`folder`] will be possible after a run of classification on this model with these
/// files, as far as that can be known before.
///
/// # Errors
/// What stands in the way.
pub fn check_ahead(model: &Model, files: &Files<'_>) -> Result<(), Refusal> {
    config::check(model, files.config)?;
    check_names(files)
}

/// Refuses tokenizer files that would take the place of others.
fn check_names(files: &Files<'_>) -> Result<(), Refusal> {
    for (i, (name, _)) in files.tokenizer.iter().enumerate() {
        let own = [CONFIG, CARD, WEIGHTS, CODE].contains(&name.as_str());
        let twice = files.tokenizer[..i].iter().any(|(n, _)| n == name);
        if own || twice || name.is_empty() || name.contains(['/', '\\']) {
            return Err(Refusal::File(name.clone()));
        }
    }
    Ok(())
}

/// The metadata that `transformers` asks for.
fn format() -> serde_json::Value {
    serde_json::json!({"format": "pt"})
}

/// Length of the `model.safetensors` that [`folder`] writes, in bytes.
///
/// # Errors
/// As [`folder`] refuses.
pub fn size(model: &Model, kind: Kind) -> Result<u64, Refusal> {
    let tensors = weights::tensors(model, kind)?;
    let named = tensors.iter().map(|tensor| (&tensor.name, &tensor.shape));
    Ok(weights::header(named, format()).len() as u64 + weights::data_len(&tensors))
}

/// What stands in the way of any export of this kind.
fn check(model: &Model, kind: Kind) -> Result<(), Refusal> {
    match kind {
        Kind::Head if model.head().is_none() => Err(Refusal::NoClassifier),
        Kind::MaskedLm | Kind::Pretraining if !model.heads().mlm => Err(Refusal::NoMlm),
        Kind::Pretraining if !model.heads().nsp => Err(Refusal::NoNext),
        Kind::Replaced if !model.heads().replaced => Err(Refusal::NoReplaced),
        _ => Ok(()),
    }
}

/// How the vectors are made that the exported head reads, where it reads one a text.
fn pooling(model: &Model, kind: Kind) -> Option<Pooling> {
    let head = model.head().filter(|_| kind == Kind::Head);
    head.filter(|head| !head.kind.reads_tokens())
        .map(|head| head.pooling)
}

/// Whether `transformers` has no class for it.
fn needs_code(model: &Model, kind: Kind) -> bool {
    match pooling(model, kind) {
        Some(Pooling::Mean) => true,
        // Only a tanh passes small numbers on as they are.
        Some(Pooling::Cls) => model.pooler_activation() != Function::Tanh,
        Some(Pooling::Pooler) | None => false,
    }
}
