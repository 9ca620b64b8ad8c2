//! A new model: words are counted, a vocabulary is trained, and random weights become a folder. All of it in pieces between
//! which the worker hears its messages.

use super::Engine;
use super::io::worker::{breathe, ticks};
use super::parts::Parts;
use super::port::{post, post_with};
use super::teach::{slug, text_of};
use super::words::{sentence, unloadable};
use crate::failure::Failure;
use crate::protocol::{
    Event, FolderFiles, MakeCommand, MakeEvent, MakeStage, Outlook, RequestId, Size, TextFacts,
};
use crate::recipe::TextSource;
use bert::data::{Blocks, sentences};
use bert::export::{self, About, ExportError, Files, Kind};
use bert::model::Model;
use bert::tokenizer::{Tokenizer, Vocabulary, VocabularyError, VocabularyTrainer, WordCounts};
use bert::train::Limits;
use kernels::bench::{Kind as Factors, Product, ProductBench};
use kernels::{CancelToken, Control, Device, RunError};
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;

/// How long is worked between two breaths, and how often the page hears of it.
const BREATH_MS: f64 = 15.0;
const TELL_EVERY_MS: f64 = 100.0;
/// Fewer words teach nothing.
const FEWEST_WORDS: u64 = 100;
/// Fewer pieces of text leave nothing to check with.
const FEWEST_PIECES: usize = 10;
/// Letters of a word, in the mean, beyond which a text has no spaces between words.
const LONG_WORDS: f64 = 16.0;
/// The share of signs beyond which their script is the text's.
const SIGNS: f64 = 0.02;
/// Pairs of pieces that are merged between two looks at the clock.
const MERGES: usize = 16;
/// The share of tokens that are asked for.
const SHARE: f64 = bert::data::MASKED_SHARE;
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
    post(&Event::Make { id, event });
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
                            post_with(&Event::Make { id, event }, &weights);
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
        let (config_text, config) = (size.shape().config())
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
        let model = Model::fresh(&device, config, true, seed).await;
        let mut model = model.map_err(|error| unloadable(&error))?;
        let name = slug(name);
        let about = About {
            name: name.clone(),
            base: "none: random weights".to_owned(),
            kind: Kind::MaskedLm,
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

/// Reads a text and counts its words.
async fn read(
    id: RequestId,
    source: &TextSource,
    lower_case: bool,
    file: Option<Blob>,
    cancel: CancelToken,
) -> Result<(Material, TextFacts), Ended> {
    Pace::new(id, cancel.clone(), MakeStage::Read)
        .at(0, 0)
        .await?;
    let text = text_of(source, file).await?;
    let letters = text.chars().count() as f64;
    let signs = text.chars().filter(|c| is_sign(*c)).count() as f64;
    let sentences = sentences(&text);
    drop(text);
    let total = sentences.len() as u64;
    let mut pace = Pace::new(id, cancel, MakeStage::Count);
    let mut counts = WordCounts::new(lower_case);
    for (i, sentence_text) in sentences.iter().enumerate() {
        counts.add(sentence_text).map_err(|error| {
            unmade(
                sentence(&error),
                "Take the part of the text that is named out of it.",
            )
        })?;
        pace.at(i as u64 + 1, total).await?;
    }
    let words = counts.total();
    if words < FEWEST_WORDS {
        return Err(too_short(sentences.len(), words).into());
    }
    let mut notes = Vec::new();
    if counts.mean_length() > LONG_WORDS {
        notes.push(format!(
            "Between spaces stand {:.0} letters in the mean: this text has few spaces, or its script writes none \
             between words. What is cut into pieces are whole phrases then.",
            counts.mean_length()
        ));
    }
    if lower_case && signs > SIGNS * letters {
        notes.push(
            "This script's signs for vowels or tones count as accents, and are taken off: tell capitals and accents apart, \
             unless that is wanted."
                .to_owned(),
        );
    }
    let facts = TextFacts {
        name: source.name().to_owned(),
        sentences: sentences.len(),
        words,
        different: counts.words(),
        notes,
    };
    Ok((Material { sentences, counts }, facts))
}

/// Whether taking off accents takes off this letter, which is no accent in its script: signs of Hebrew, Arabic, Devanagari and its
/// kin, and Thai.
fn is_sign(c: char) -> bool {
    matches!(c,
        '\u{5b0}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{93a}'..='\u{94f}' | '\u{9bc}'..='\u{9cd}'
        | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}')
}

fn too_short(sentences: usize, words: u64) -> Failure {
    let some = |count: u64, name: &str| match count {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    };
    unmade(
        match words {
            0 => "The text has no words.".to_owned(),
            _ => format!(
                "The text has {} in {}: at least {FEWEST_WORDS} words are needed, and some ten thousand to learn much.",
                some(words, "word"),
                some(sentences as u64, "sentence")
            ),
        },
        "Take a longer text, such as a book.",
    )
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

/// The letters that a vocabulary of this size has no place for, in a sentence.
fn uncovered(counts: &WordCounts, size: usize) -> Option<String> {
    let (letters, kept, share) = counts.coverage(size);
    (kept < letters).then(|| {
        format!(
            "The text has {letters} different letters; a vocabulary of {size} has room for the {kept} most frequent. \
             {:.1} % of the text become [UNK].",
            100.0 * (1.0 - share)
        )
    })
}

/// What learning takes, worked out from the size alone.
struct Takes {
    /// Operations of a step.
    flops: f64,
    /// Bytes on the device: weights, gradients, two moments, the best weights, and what lies between.
    bytes: u64,
    /// Bytes of the largest thing between.
    largest: u64,
}

impl Takes {
    fn of(size: Size, batch: usize) -> Self {
        let Size {
            layers,
            hidden,
            vocabulary,
            max_tokens,
            ..
        } = size;
        let tokens = batch * max_tokens;
        let masks = (SHARE * tokens as f64).ceil() as usize;
        let (t, h, v, m) = (
            tokens as f64,
            hidden as f64,
            vocabulary as f64,
            masks as f64,
        );
        let layer = 2.0 * t * 12.0 * h * h + 4.0 * t * max_tokens as f64 * h;
        let decoder = 2.0 * m * (h * h + v * h);
        let logits = 4 * (masks * vocabulary) as u64;
        let row = 4 * (tokens * hidden) as u64;
        let between = 16 * row * layers as u64 + 3 * logits + 8 * row;
        Self {
            flops: 3.0 * (layers as f64 * layer + decoder),
            bytes: 5 * 4 * size.shape().parameters() + between,
            largest: logits.max(4 * row),
        }
    }

    /// Why a device cannot hold it.
    fn problem(&self, limits: &Limits) -> Option<String> {
        let mib = |bytes: u64| format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20));
        if self.largest > limits.buffer {
            return Some(format!(
                "Learning needs {} in one piece, and this device allows {}: take a smaller vocabulary, shorter texts or a \
                 narrower model.",
                mib(self.largest),
                mib(limits.buffer)
            ));
        }
        let total = limits.total.filter(|total| self.bytes > *total)?;
        Some(format!(
            "Learning needs about {}, and there are {}: take fewer layers, a smaller hidden size or a smaller vocabulary.",
            mib(self.bytes),
            mib(total)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: Size = Size {
        layers: 2,
        hidden: 128,
        heads: 2,
        vocabulary: 2000,
        max_tokens: 64,
    };

    #[test]
    fn what_does_not_fit_is_told_with_its_numbers() {
        let takes = Takes::of(TINY, 32);
        let roomy = Limits {
            buffer: 1 << 30,
            total: Some(1 << 31),
        };
        assert_eq!(takes.problem(&roomy), None);
        let total = Limits {
            total: Some(1 << 20),
            ..roomy
        };
        let words = takes.problem(&total).expect("too little");
        assert!(words.contains("and there are 1 MiB"), "{words}");
        let buffer = Limits {
            buffer: 1 << 20,
            ..roomy
        };
        let words = takes.problem(&buffer).expect("too small");
        assert!(words.contains("this device allows 1 MiB"), "{words}");
        let large = Size {
            layers: 24,
            hidden: 2048,
            heads: 32,
            vocabulary: 200_000,
            max_tokens: 512,
        };
        assert!(Takes::of(large, 32).problem(&roomy).is_some());
        assert!(Takes::of(large, 32).flops > 1e4 * takes.flops);
    }

    #[test]
    fn short_texts_and_rare_letters_are_named() {
        assert_eq!(too_short(0, 0).cause, "The text has no words.");
        let one = too_short(1, 1).cause;
        assert!(
            one.starts_with("The text has 1 word in 1 sentence: at least 100"),
            "{one}"
        );
        let mut counts = WordCounts::new(true);
        counts
            .add("天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏")
            .expect("words");
        let note = uncovered(&counts, 64).expect("more letters than room");
        assert!(
            note.starts_with(
                "The text has 24 different letters; a vocabulary of 64 has room for the 14"
            ),
            "{note}"
        );
        assert_eq!(uncovered(&counts, 1000), None);
    }
}
