//! A new model: words are counted, a vocabulary is trained, and random weights become a folder. All of it in pieces between
//! which the worker hears its messages.

mod takes;
mod words;

use super::Engine;
use super::io::worker::{breathe, ticks};
use super::parts::Parts;
use super::port::{answer, answer_with};
use super::teach::slug;
use super::words::{sentence, unloadable};
use crate::failure::Failure;
use crate::protocol::{
    FolderFiles, MakeCommand, MakeEvent, MakeStage, Outlook, RequestId, Size, Topic,
};
use crate::recipe::Goal;
use bert::data::Blocks;
use bert::export::{self, About, ExportError, Files, Kind};
use bert::model::Model;
use bert::tokenizer::{Tokenizer, Vocabulary, VocabularyError, VocabularyTrainer, WordCounts};
use bert::train::Limits;
use kernels::bench::{Kind as Factors, Product, ProductBench};
use kernels::{CancelToken, Control, Device, RunError};
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use takes::Takes;
use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;
use words::{read, uncovered};

/// How long is worked between two breaths, and how often the page hears of it.
const BREATH_MS: f64 = 15.0;
const TELL_EVERY_MS: f64 = 100.0;
/// Fewer pieces of text leave nothing to check with.
const FEWEST_PIECES: usize = 10;
/// Pairs of pieces that are merged between two looks at the clock.
const MERGES: usize = 16;
/// How long a sample of a product is to take.
const SAMPLE_MS: f64 = 30.0;
/// What a step takes beside its products, as a factor, and a dispatch of a GPU, in milliseconds.
const BESIDE: f64 = 1.5;
const DISPATCH_MS: f64 = 0.01;

/// What the engine keeps for making.
#[derive(Default)]
pub(super) struct Workshop {
    material: RefCell<Option<Rc<Material>>>,
    /// Ends what is under way.
    cancel: RefCell<Option<CancelToken>>,
    /// Operations a millisecond in products of this width.
    pace: Cell<Option<(usize, f64)>>,
}

/// A text that was read.
struct Material {
    sentences: Vec<String>,
    counts: WordCounts,
}

/// Why nothing was made.
enum Ended {
    Cancelled,
    Failed(Failure, Option<usize>),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure, None)
    }
}

fn tell(id: RequestId, event: MakeEvent) {
    answer(Topic::Make, id, &event);
}

fn unmade(cause: impl Into<String>, advice: &str) -> Failure {
    Failure::new("No model was made", cause, advice)
}

/// Work that breathes, tells how far it is, and can be given up.
struct Pace {
    id: RequestId,
    cancel: CancelToken,
    stage: MakeStage,
    breathed: f64,
    told: f64,
}

impl Pace {
    fn new(id: RequestId, cancel: CancelToken, stage: MakeStage) -> Self {
        Self {
            id,
            cancel,
            stage,
            breathed: ticks(),
            told: f64::NEG_INFINITY,
        }
    }

    /// To be called often.
    async fn at(&mut self, done: u64, total: u64) -> Result<(), Ended> {
        let now = ticks();
        if now - self.breathed < BREATH_MS && self.told > f64::NEG_INFINITY {
            return Ok(());
        }
        if now - self.told >= TELL_EVERY_MS {
            self.told = now;
            let stage = self.stage;
            tell(self.id, MakeEvent::Working { stage, done, total });
        }
        breathe().await;
        self.breathed = ticks();
        match self.cancel.is_cancelled() {
            true => Err(Ended::Cancelled),
            false => Ok(()),
        }
    }
}

impl Engine {
    /// Does what a command asks; `files` came with it.
    pub(super) fn make(
        self: Rc<Self>,
        id: RequestId,
        command: MakeCommand,
        files: Vec<Option<Blob>>,
    ) {
        let file = files.into_iter().next().flatten();
        let work = self.work();
        spawn_local(async move {
            match command {
                MakeCommand::Read { source, lower_case } => {
                    let cancel = self.begin_making();
                    *self.workshop.material.borrow_mut() = None;
                    let read = read(id, &source, lower_case, file, cancel).await;
                    self.conclude(
                        id,
                        read.map(|(material, facts)| {
                            *self.workshop.material.borrow_mut() = Some(Rc::new(material));
                            tell(id, MakeEvent::Read { facts });
                        }),
                    );
                }
                MakeCommand::Plan { size, steps, batch } => {
                    let outlook = self.outlook(size, steps, batch).await;
                    if let Some(outlook) = outlook {
                        tell(id, MakeEvent::Planned { outlook });
                    }
                }
                MakeCommand::Make { name, size, seed } => {
                    let cancel = self.begin_making();
                    let made = self.make_model(id, &name, size, seed, cancel).await;
                    self.conclude(
                        id,
                        made.map(|(folder, weights, pieces)| {
                            let event = MakeEvent::Made { folder, pieces };
                            answer_with(Topic::Make, id, &event, &weights);
                        }),
                    );
                    self.tell_memory();
                }
                MakeCommand::Cancel => {
                    if let Some(token) = &*self.workshop.cancel.borrow() {
                        token.cancel();
                    }
                }
            }
            drop(work);
        });
    }

    /// Begins in place of what was under way.
    fn begin_making(&self) -> CancelToken {
        let token = CancelToken::default();
        let earlier = self.workshop.cancel.borrow_mut().replace(token.clone());
        if let Some(earlier) = earlier {
            earlier.cancel();
        }
        token
    }

    fn conclude(&self, id: RequestId, outcome: Result<(), Ended>) {
        match outcome {
            Ok(()) => {}
            Err(Ended::Cancelled) => tell(id, MakeEvent::Cancelled),
            Err(Ended::Failed(failure, bears)) => tell(id, MakeEvent::Failed { failure, bears }),
        }
    }

    /// What a model of this size would take; `None` before the device is open.
    async fn outlook(&self, size: Size, steps: usize, batch: usize) -> Option<Outlook> {
        let device = self.device.borrow().clone()?;
        let shape = size.shape();
        let mut outlook = Outlook {
            parameters: 0,
            weights: 0,
            training: 0,
            seconds: None,
            problems: shape.problems(),
            notes: Vec::new(),
        };
        if !outlook.problems.is_empty() {
            return Some(outlook);
        }
        let takes = Takes::of(size, batch);
        outlook.parameters = shape.parameters();
        outlook.weights = 4 * outlook.parameters;
        outlook.training = takes.bytes;
        outlook.problems.extend(takes.problem(&Limits::of(&device)));
        if let Some(material) = &*self.workshop.material.borrow() {
            outlook
                .notes
                .extend(uncovered(&material.counts, size.vocabulary));
        }
        if outlook.problems.is_empty() && !self.classroom.is_teaching() {
            let rate = self.product_pace(&device, size, batch).await;
            let on_gpu = matches!(device, Device::Gpu(_));
            outlook.seconds = rate.map(|rate| {
                let dispatches = (60 * size.layers + 100) as f64 * DISPATCH_MS;
                let beside = if on_gpu { dispatches } else { 0.0 };
                steps as f64 * (takes.flops / rate * BESIDE + beside) / 1000.0
            });
        }
        Some(outlook)
    }

    /// Operations a millisecond in a product as a layer of this width has it.
    async fn product_pace(&self, device: &Device, size: Size, batch: usize) -> Option<f64> {
        if let Some((hidden, rate)) = self.workshop.pace.get()
            && hidden == size.hidden
        {
            return Some(rate);
        }
        self.trials_over().await;
        let control = Control::default();
        let product = Product {
            kind: Factors::Nt,
            m: (batch * size.max_tokens).clamp(1, 2048),
            k: size.hidden,
            n: 4 * size.hidden,
        };
        let bench = ProductBench::new(device, &product, ticks, &control).await;
        let mut bench = bench.ok()?;
        let (runs, _) = bench.calibrate(SAMPLE_MS, ticks, &control).await.ok()?;
        let each = bench.sample(runs, ticks, &control).await.ok()?;
        let rate = product.flops() / each.max(1e-6);
        self.workshop.pace.set(Some((size.hidden, rate)));
        Some(rate)
    }

    async fn make_model(
        &self,
        id: RequestId,
        name: &str,
        size: Size,
        seed: u64,
        cancel: CancelToken,
    ) -> Result<(FolderFiles, Blob, usize), Ended> {
        let material = self.workshop.material.borrow().clone();
        let material = material.ok_or_else(|| {
            unmade(
                "There is no text to learn a vocabulary from.",
                "Choose a text first.",
            )
        })?;
        let device = self.device.borrow().clone();
        let device = device.ok_or_else(|| unmade("The device is not open yet.", "Try again."))?;
        let (config_text, config) = (size.config())
            .map_err(|problems| unmade(problems.join("; "), "Choose another size."))?;
        let vocabulary = train(id, &material.counts, size.vocabulary, cancel.clone()).await?;
        let tokenizer = vocabulary.tokenizer().map_err(|error| {
            unmade(
                sentence(&error),
                "Take another text, or another vocabulary.",
            )
        })?;
        let pieces = cut(id, &material.sentences, &tokenizer, size, cancel.clone()).await?;
        let stage = MakeStage::Weights;
        let mut pace = Pace::new(id, cancel.clone(), stage);
        let total = 4 * size.shape().parameters();
        pace.at(0, total).await?;
        self.trials_over().await;
        let replaced = size.goal == Goal::Replaced;
        let model = Model::fresh(&device, config, !replaced, seed).await;
        let mut model = model.map_err(|error| unloadable(&error))?;
        if replaced {
            let added = model.add_replaced(seed).await;
            added.map_err(|error| unmade(sentence(&error), "Choose a smaller size."))?;
        }
        let name = slug(name);
        let about = About {
            name: name.clone(),
            base: "none: random weights".to_owned(),
            kind: if replaced {
                Kind::Replaced
            } else {
                Kind::MaskedLm
            },
            run: None,
            machine: None,
            date: None,
            badge: None,
        };
        let tokenizer = vocabulary.files(size.max_tokens);
        let files = Files {
            config: &config_text,
            tokenizer: &tokenizer,
        };
        let control = Control::new(cancel, breathe);
        let mut parts = Parts::default();
        let (mut done, mut told) = (0, ticks());
        let mut sink = |file: &str, bytes: &[u8]| -> io::Result<()> {
            done += bytes.len() as u64;
            if ticks() - told >= TELL_EVERY_MS {
                told = ticks();
                let done = done.min(total);
                tell(id, MakeEvent::Working { stage, done, total });
            }
            parts.push(file, bytes)
        };
        let written = export::folder(&mut model, &about, &files, &control, &mut sink).await;
        model.destroy();
        match written {
            Ok(()) => {}
            Err(ExportError::Run(RunError::Cancelled)) => return Err(Ended::Cancelled),
            Err(error) => {
                return Err(
                    unmade(sentence(&error), "Choose a smaller size, and try again.").into(),
                );
            }
        }
        let (folder, weights) = parts.finish(&name).map_err(|details| {
            unmade("The browser has no room for it.", "Choose a smaller size.")
                .with_details(details)
        })?;
        Ok((folder, weights, pieces))
    }
}

/// Trains the vocabulary.
async fn train(
    id: RequestId,
    counts: &WordCounts,
    size: usize,
    cancel: CancelToken,
) -> Result<Vocabulary, Ended> {
    let failed = |error: VocabularyError| {
        let bears = match error {
            VocabularyError::TooLarge { bears, .. } => Some(bears),
            _ => None,
        };
        let advice = "Choose a smaller vocabulary, or take a longer text.";
        Ended::Failed(unmade(sentence(&error), advice), bears)
    };
    let mut pace = Pace::new(id, cancel, MakeStage::Vocabulary);
    pace.at(0, size as u64).await?;
    let mut trainer = VocabularyTrainer::new(counts, size).map_err(failed)?;
    while trainer.step(MERGES) {
        pace.at(trainer.tokens() as u64, size as u64).await?;
    }
    trainer.finish().map_err(failed)
}

/// How many pieces of the longest text's length there are.
async fn cut(
    id: RequestId,
    sentences: &[String],
    tokenizer: &Tokenizer,
    size: Size,
    cancel: CancelToken,
) -> Result<usize, Ended> {
    let mut pace = Pace::new(id, cancel, MakeStage::Cut);
    let mut blocks = Blocks::new(tokenizer, size.max_tokens);
    for (i, sentence) in sentences.iter().enumerate() {
        blocks.push(tokenizer, sentence);
        pace.at(i as u64 + 1, sentences.len() as u64).await?;
    }
    let pieces = blocks.finish().len();
    match pieces {
        few if few < FEWEST_PIECES => Err(unmade(
            format!(
                "The text fills {few} pieces of {} tokens: at least {FEWEST_PIECES} are needed, one of which is held out.",
                size.max_tokens
            ),
            "Take a longer text, or a shorter longest text.",
        )
        .into()),
        pieces => Ok(pieces),
    }
}
