//! From a checkpoint's files to a model on the device: read, check, send on, piece by piece.
//!
//! Nothing here holds a weights file: each piece goes to the device before the next is read.

use super::io::folder::{Bundled, Folder, Picked};
use super::io::reader::Reader;
use super::io::worker::{breathe, ticks};
use super::later;
use super::port::post;
use super::resident::kind_of;
use super::speed::Speed;
use super::words::{missing, read_config, sentence, strangers, text, unloadable};
use crate::checkpoint::{Hub, Offer, Role, Source};
use crate::failure::Failure;
use crate::protocol::{Event, ModelFacts, Progress, RequestId, Stage};
use async_lock::OnceCell;
use bert::checkpoint::{Dtype, FileKind, SNIFF_BYTES, sniff};
use bert::config::Config;
use bert::export;
use bert::model::{Model, ModelLoader};
use bert::probe::check_vocabulary;
use bert::tokenizer::{Tokenizer, TokenizerError, TokenizerFiles};
use kernels::{CancelToken, Device};
use wasm_bindgen::{JsCast, UnwrapThrowExt};
use web_sys::{AbortController, Blob};

/// Longest configuration that is read.
const CONFIG_BYTES: usize = 1 << 20;
/// Longest vocabulary that is read; the largest in use have some 20 MB.
const VOCABULARY_BYTES: usize = 64 << 20;
/// Progress is told at most this often.
const TELL_EVERY_MS: f64 = 60.0;

/// A model ready to answer, and what it needs to understand text.
pub struct Loaded {
    pub model: Model,
    pub language: Language,
    pub facts: ModelFacts,
}

/// What turns text into a model's ids.
pub struct Language {
    pub tokenizer: Tokenizer,
    pub config: Config,
}

/// Why a load did not come to its end.
pub enum Ended {
    Cancelled,
    Failed(Failure),
    /// It takes a download that nobody has agreed to.
    Offered(Box<Offer>),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// One load: where from, and how it reports and is stopped.
pub struct Load {
    pub id: RequestId,
    pub source: Source,
    /// The message's attachments, one for each of the source's files.
    pub files: Vec<Option<Blob>>,
    pub cancel: CancelToken,
    /// Ends what is on its way over the network.
    pub abort: AbortController,
    pub hub: Hub,
    folder: OnceCell<Box<dyn Folder>>,
}

impl Load {
    pub fn new(id: RequestId, source: Source, files: Vec<Option<Blob>>, hub: Hub) -> Self {
        Self {
            id,
            source,
            files,
            cancel: CancelToken::default(),
            abort: AbortController::new().expect_throw("every browser with workers has these"),
            hub,
            folder: OnceCell::new(),
        }
    }

    /// Gives the load up, wherever it is.
    pub fn stop(&self) {
        self.cancel.cancel();
        self.abort.abort();
    }

    /// Where the files are.
    ///
    /// # Errors
    /// What opens checkpoints on other hosts cannot be fetched.
    async fn folder(&self) -> Result<&dyn Folder, Failure> {
        let make = || async {
            let folder: Box<dyn Folder> = match &self.source {
                Source::Bundled {
                    folder,
                    sha256,
                    packed,
                    ..
                } => Box::new(Bundled {
                    folder: folder.clone(),
                    sha256: sha256.clone(),
                    packed: *packed,
                }),
                Source::Files { files, .. } => Box::new(Picked {
                    files: files.clone(),
                    blobs: self.files.clone(),
                }),
                Source::Remote { listing, download } => {
                    let (hub, signal) = (self.hub.clone(), self.abort.signal());
                    later::folder(listing.clone(), *download, hub, signal).await?
                }
            };
            Ok(folder)
        };
        let folder = self.folder.get_or_try_init(make).await;
        folder.map(AsRef::as_ref)
    }

    /// Loads the model.
    pub async fn run(&self, device: &Device) -> Result<Loaded, Ended> {
        self.tell(Stage::Read, 0, None, None);
        if let Some(offer) = self.folder().await?.offer() {
            return Err(Ended::Offered(Box::new(offer.clone())));
        }
        let mut weights = self.weights().await?;
        let first = weights.first().await?;
        let outcome = self.read(device, &mut weights, first).await;
        if outcome.is_err() {
            weights.reader.close();
        }
        outcome
    }

    async fn read(
        &self,
        device: &Device,
        weights: &mut Weights,
        first: Vec<u8>,
    ) -> Result<Loaded, Ended> {
        let config = self.config().await?;
        self.check_cancel()?;
        let tokenizer = self.tokenizer(&config).await?;
        self.check_cancel()?;
        check_vocabulary(&tokenizer, &config).map_err(|error| strangers(&error))?;

        let loader = ModelLoader::new(device, config.clone(), weights.reader.len);
        let mut loader = loader.map_err(|error| unloadable(&error))?;
        let mut told = f64::NEG_INFINITY;
        let mut speed = Speed::default();
        let mut piece = first;
        loop {
            loader.push(&piece).map_err(|error| unloadable(&error))?;
            if ticks() - told >= TELL_EVERY_MS {
                told = ticks();
                let (done, total) = loader.progress();
                let stage = match weights.reader.is_remote() {
                    true => Stage::Download,
                    false => Stage::Upload,
                };
                let total = Some(total)
                    .filter(|&total| total > 0)
                    .or(weights.reader.len);
                self.tell(stage, done, total, speed.after(told, done, stage));
                breathe().await;
            }
            self.check_cancel()?;
            // One buffer for all pieces: this memory would never shrink again.
            if !weights.reader.next_into(&mut piece).await? {
                break;
            }
        }
        self.check_cancel()?;

        let (_, file_bytes) = loader.progress();
        self.tell(Stage::Compile, file_bytes, Some(file_bytes), None);
        breathe().await;
        let dtypes: Vec<String> = loader.dtypes().iter().map(Dtype::to_string).collect();
        let dtypes = dtypes.join(", ");
        let model = loader.finish().await.map_err(|error| unloadable(&error))?;
        if self.cancel.is_cancelled() {
            model.destroy();
            return Err(Ended::Cancelled);
        }
        let settled = match self.folder().await {
            Ok(folder) => folder.settle(model.sha256(), file_bytes).await,
            Err(failure) => Err(failure),
        };
        let provenance = match settled {
            Ok(provenance) => provenance,
            Err(failure) => {
                model.destroy();
                return Err(failure.into());
            }
        };
        let mut facts = self.facts(&model, &config, &tokenizer, file_bytes);
        facts.dtype = dtypes;
        facts.provenance = provenance;
        Ok(Loaded {
            model,
            language: Language { tokenizer, config },
            facts,
        })
    }

    fn tell(&self, stage: Stage, done: u64, total: Option<u64>, speed: Option<u64>) {
        post(&Event::Progress {
            id: self.id,
            progress: Progress {
                stage,
                done,
                total,
                speed,
            },
        });
    }

    fn check_cancel(&self) -> Result<(), Ended> {
        if self.cancel.is_cancelled() {
            Err(Ended::Cancelled)
        } else {
            Ok(())
        }
    }

    async fn open(&self, role: Role) -> Result<Option<Reader>, Failure> {
        self.folder().await?.open(role).await
    }

    /// Whether loading would take a download that nobody has agreed to.
    ///
    /// # Errors
    /// What opens checkpoints on other hosts cannot be fetched.
    pub async fn must_download(&self) -> Result<bool, Failure> {
        Ok(self.folder().await?.offer().is_some())
    }

    /// The weights' file from its start, to be read once more.
    ///
    /// # Errors
    /// It is no longer there.
    pub async fn weights_reader(&self) -> Result<Reader, Failure> {
        Ok(self.weights().await?.reader)
    }

    async fn weights(&self) -> Result<Weights, Failure> {
        let reader = self
            .open(Role::Weights)
            .await?
            .ok_or_else(|| missing("model.safetensors"))?;
        let name = self.folder().await?.weights_name().to_owned();
        Ok(Weights { reader, name })
    }

    async fn config(&self) -> Result<Config, Failure> {
        let reader = self
            .open(Role::Config)
            .await?
            .ok_or_else(|| missing("config.json"))?;
        read_config(&reader.all(CONFIG_BYTES).await?)
    }

    /// The text of the config.json, and the tokenizer's files with their names, read once more:
    /// keeping them would hold memory for what few visitors ask for.
    pub async fn companions(&self) -> Result<(String, Vec<(String, Vec<u8>)>), Failure> {
        let config = self.open(Role::Config).await?;
        let config = config.ok_or_else(|| missing("config.json"))?;
        let config = text(&config.all(CONFIG_BYTES).await?, "config.json")?.to_owned();
        let mut files = Vec::new();
        for role in Role::TOKENIZER {
            if let (Some(name), Some(reader)) = (role.file_name(), self.open(role).await?) {
                files.push((name.to_owned(), reader.all(VOCABULARY_BYTES).await?));
            }
        }
        Ok((config, files))
    }

    /// Reads the vocabulary, and the settings beside it. The page's own checkpoint comes with a tokenizer.json
    /// that agrees with its settings, and is spared them.
    async fn tokenizer(&self, config: &Config) -> Result<Tokenizer, Failure> {
        let mut files = TokenizerFiles::default();
        let mut whole = false;
        for role in Role::TOKENIZER {
            let spare = match role {
                Role::VocabTxt => whole,
                Role::VocabJson | Role::MergesTxt => whole || files.has("vocab.txt"),
                Role::TokenizerJson => false,
                _ => whole && matches!(self.source, Source::Bundled { .. }),
            };
            let Some(name) = role.file_name().filter(|_| !spare) else {
                continue;
            };
            if let Some(reader) = self.open(role).await? {
                files.insert(name, reader.all(VOCABULARY_BYTES).await?);
                whole |= role == Role::TokenizerJson;
            }
        }
        let tokenizer = files.read(config.tokenizer_class.as_deref());
        tokenizer.map_err(|error| match error {
            TokenizerError::Missing(name) => missing(name),
            error => Failure::new(
                "The tokenizer's files cannot be used",
                sentence(&error),
                "Use the checkpoint's own tokenizer.json, or vocab.txt, with its tokenizer_config.json.",
            ),
        })
    }

    fn facts(
        &self,
        model: &Model,
        config: &Config,
        tokenizer: &Tokenizer,
        file_bytes: u64,
    ) -> ModelFacts {
        let no_mask_token = || {
            let none = tokenizer.mask_id().is_none();
            none.then(|| "The vocabulary has no [MASK] token, so no word can be hidden.".to_owned())
        };
        ModelFacts {
            name: self.source.name().to_owned(),
            sha256: model.sha256().to_owned(),
            architecture: config
                .architectures
                .first()
                .cloned()
                .unwrap_or_else(|| "BERT".into()),
            layers: config.num_hidden_layers,
            hidden_size: config.hidden_size,
            heads: config.num_attention_heads,
            intermediate_size: config.intermediate_size,
            vocabulary: config.vocab_size,
            max_positions: config.max_tokens(),
            parameters: model.parameter_count(),
            dtype: String::new(),
            file_bytes,
            provenance: None,
            loses_capitals: tokenizer.loses_capitals(),
            can_save: export::size(model, kind_of(model)).is_ok(),
            no_masks: model.guesses_words().err().or_else(no_mask_token),
            causal: config.causal,
            next_sentence: model.has_nsp(),
            replaced: model.has_replaced(),
            mask: tokenizer.mask_token().map(str::to_owned),
            pooler: model.heads().pooler,
            head: model.head().cloned(),
        }
    }
}

struct Weights {
    reader: Reader,
    name: String,
}

impl Weights {
    /// The first piece, once it is clear that this is not some other kind of file. A file with a
    /// broken safetensors header goes on: the reader of headers names the rule it breaks.
    async fn first(&mut self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let mut piece = Vec::new();
        while bytes.len() < SNIFF_BYTES && self.reader.next_into(&mut piece).await? {
            bytes.extend_from_slice(&piece);
        }
        let kind = sniff(&bytes);
        let named_safetensors = self.name.ends_with(".safetensors");
        match kind {
            FileKind::Safetensors | FileKind::PytorchPickle => Ok(bytes),
            FileKind::Unknown if named_safetensors => Ok(bytes),
            _ => {
                self.reader.close();
                let (cause, advice) = kind.explain().split_once(". ").map_or(
                    (kind.explain().to_owned(), String::new()),
                    |(cause, advice)| (format!("{cause}."), advice.to_owned()),
                );
                Err(Failure::new(
                    format!("{} cannot be loaded", self.name),
                    cause,
                    advice,
                ))
            }
        }
    }
}

/// The files that came with a message.
pub fn attachments(message: &js_sys::Array) -> Vec<Option<Blob>> {
    message
        .iter()
        .skip(1)
        .map(|file| file.dyn_into().ok())
        .collect()
}
