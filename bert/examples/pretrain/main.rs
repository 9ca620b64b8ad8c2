//! A BERT of one's own from plain text: a vocabulary, random weights, and masked language modelling.
//!
//! `cargo run --release -p bert --example pretrain -- TEXTS OUT [--layers N] [--hidden N] [--heads N] [--vocab N] [--goal mlm|mlm+nsp|rtd|clm]
//! [--steps N] [--batch N] [--tokens N] [--rate RATE] [--share SHARE] [--whole-words] [--cased] [--seed N]
//! [--device gpu|cpu] [--json]`
//!
//! TEXTS is a UTF-8 file, for instance `static/examples/secret-garden.txt`; its last tenth is held out. The steps are rounded up
//! to whole passes. `mlm+nsp` learns of pairs as well whether the second text follows the first or is of another document (an
//! empty line ends one); then the last tenth is one of documents. `rtd` makes
//! an ELECTRA, which learns to tell the words that a small generator beside it replaced; that one lies in OUT/generator. `clm` makes a
//! twin that reads left to right and learns the next word (`BertLMHeadModel` with `is_decoder`): same size, text and vocabulary. OUT becomes a folder that `transformers` loads. Beside the masked loss on held-out text stands the
//! entropy of its tokens: what the mean loss would be of knowing how frequent each is, and nothing of its context.

mod arguments;
#[allow(dead_code)] // each example uses a part
#[path = "../common/mod.rs"]
mod common;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use arguments::{Arguments, Goal, USAGE, arguments};
use bert::data::{self, Prose, Random, Second, SentencePair, Text};
use bert::export::{About, Files, Kind, Machine, Run};
use bert::metrics::Figures;
use bert::model::Model;
use bert::tokenizer::{Tokenizer, Vocabulary, WordCounts};
use bert::train::{EpochReport, Event, Extent, Limits, Recipe, Task, Training, needs};
use common::AnyError;
use kernels::{Control, Device};
use serde_json::json;

/// Evaluations of a run, about.
const LOOKS: usize = 20;

/// What was learned from, and what came of it.
struct Outcome {
    recipe: Recipe,
    blocks: [usize; 2],
    entropy: f64,
    losses: Vec<f64>,
    reports: Vec<EpochReport>,
    best: Option<EpochReport>,
}

/// Texts to learn from and to check with: the last tenth.
fn split(mut blocks: Vec<Text>) -> Result<(Vec<Text>, Vec<Text>), AnyError> {
    if blocks.len() < 10 {
        let found = blocks.len();
        return Err(format!(
            "the text fills {found} pieces of the longest text's length: at least 10 are needed, one of which is held out. \
             Give more text, or fewer --tokens"
        )
        .into());
    }
    let held = blocks.split_off(blocks.len() - blocks.len().div_ceil(10));
    Ok((blocks, held))
}

/// The loss over the hidden words of the held-out texts, without that over pairs or over replaced words.
fn masked(report: &EpochReport) -> f64 {
    let both = report.both_losses();
    both.map_or(report.validation_loss, |[words, _]| words)
}

/// What there is to learn.
enum Material {
    /// Texts to hide words in.
    Texts([Vec<Text>; 2]),
    /// Texts whose every token is guessed from those before it.
    NextWord([Vec<Text>; 2]),
    /// Texts to hide words in, for a generator to fill and the model to tell.
    Replaced([Vec<Text>; 2]),
    /// Pairs of them.
    Pairs([Vec<SentencePair>; 2]),
}

impl Material {
    fn of(arguments: &Arguments, tokenizer: &Tokenizer, text: &str) -> Result<Self, AnyError> {
        let max_tokens = arguments.shape.max_tokens;
        // An epoch ends with an evaluation: of a small text several passes are one.
        let copies = |count: usize| {
            let pass = count.div_ceil(arguments.recipe.batch.min(count.max(1)));
            (arguments.steps / LOOKS / pass.max(1)).max(1)
        };
        if arguments.goal != Goal::WordsAndNext {
            let (train, held) = split(data::blocks(text, tokenizer, max_tokens))?;
            let copies = std::iter::repeat_n(&train, copies(train.len()));
            let texts = [copies.flatten().cloned().collect(), held];
            return Ok(match arguments.goal {
                Goal::Replaced => Self::Replaced(texts),
                Goal::NextWord => Self::NextWord(texts),
                _ => Self::Texts(texts),
            });
        }
        let prose = Prose::read(text);
        let documents = prose.documents().len();
        let (train, held) = prose.split(0.1, arguments.recipe.seed);
        let count = |text: &str| tokenizer.count(text);
        let room = max_tokens.saturating_sub(tokenizer.added_tokens(true));
        let mut random = Random::new(arguments.recipe.seed, 0);
        let mut pairs = |prose: &Prose| prose.pairs(Second::Random, room, count, &mut random);
        let (mut train_pairs, held) = (pairs(&train), pairs(&held));
        if train_pairs.is_empty() || held.is_empty() {
            return Err(format!(
                "there are {documents} documents, which give {} pairs for training and {} for validation: text of several \
                 documents is needed, with an empty line after each, and of two sentences or more in some",
                train_pairs.len(),
                held.len()
            )
            .into());
        }
        // Drawn anew: other texts do not follow.
        for _ in 1..copies(train_pairs.len()) {
            train_pairs.extend(pairs(&train));
        }
        Ok(Self::Pairs([train_pairs, held]))
    }

    fn sizes(&self) -> [usize; 2] {
        match self {
            Self::Texts(texts) | Self::Replaced(texts) | Self::NextWord(texts) => {
                texts.each_ref().map(Vec::len)
            }
            Self::Pairs(pairs) => pairs.each_ref().map(Vec::len),
        }
    }

    /// The texts that are held out.
    fn held(&self) -> Vec<Text> {
        match self {
            Self::Texts([_, held]) | Self::Replaced([_, held]) | Self::NextWord([_, held]) => {
                held.clone()
            }
            Self::Pairs([_, held]) => held.iter().map(|pair| pair.text.clone()).collect(),
        }
    }

    fn task(&self) -> Task {
        match self {
            Self::Texts(_) => Task::MaskedLm,
            Self::Replaced(_) => Task::Replaced,
            Self::NextWord(_) => Task::NextWord,
            Self::Pairs(_) => Task::MaskedLmAndNext,
        }
    }
}

fn train(
    arguments: &Arguments,
    model: &mut Model,
    tokenizer: &Tokenizer,
    text: &str,
) -> Result<Outcome, AnyError> {
    let control = Control::default();
    let max_tokens = arguments.shape.max_tokens;
    let material = Material::of(arguments, tokenizer, text)?;
    let entropy = data::unigram_entropy(&material.held(), tokenizer, max_tokens);
    let [all, held] = material.sizes();
    let epoch = all.div_ceil(arguments.recipe.batch.min(all));
    let recipe = Recipe {
        epochs: arguments.steps.div_ceil(epoch),
        ..arguments.recipe
    };
    if arguments.goal == Goal::WordsAndNext {
        // The head is there before what it takes is worked out.
        pollster::block_on(model.add_next_sentence(arguments.recipe.seed))?;
    }
    let needed = needs(
        model,
        material.task(),
        &recipe,
        Extent::of(max_tokens, all + held),
    )?;
    let limits = Limits::of(model.device());
    eprintln!(
        "{all} texts to learn from, {held} held out; {} numbers, {:.0} MiB on the device while training{}",
        model.parameter_count(),
        needed.total() as f64 / f64::from(1 << 20),
        limits
            .total
            .map_or(String::new(), |most| format!(" of {most} bytes"))
    );
    let start = Instant::now();
    let mut training = match &material {
        Material::Texts([train, held]) => {
            let training = Training::start_mlm(model, tokenizer, train, held, recipe);
            pollster::block_on(training)?
        }
        Material::Replaced([train, held]) => {
            let training = Training::start_replaced(model, tokenizer, train, held, recipe);
            pollster::block_on(training)?
        }
        Material::NextWord([train, held]) => {
            let training = Training::start_next_word(model, tokenizer, train, held, recipe);
            pollster::block_on(training)?
        }
        Material::Pairs([train, held]) => {
            let training = Training::start_mlm_and_next(model, tokenizer, train, held, recipe);
            pollster::block_on(training)?
        }
    };
    let (mut losses, mut reports) = (Vec::new(), Vec::<EpochReport>::new());
    loop {
        match pollster::block_on(training.advance(model, &control))? {
            Event::Steps(steps) => losses.extend(steps.iter().map(|p| p.loss)),
            Event::Epoch(report) => {
                let named = report.figures.named().into_iter();
                let named: Vec<String> = named.map(|(name, x)| format!("{name} {x:.3}")).collect();
                eprintln!(
                    "step {} of {}: loss {:.4}, held out {:.4} (entropy of its tokens {entropy:.4}), {}, {:.0} s",
                    losses.len(),
                    recipe.epochs * epoch,
                    report.train_loss,
                    masked(&report),
                    named.join(", "),
                    start.elapsed().as_secs_f64()
                );
                reports.push(report);
            }
            Event::Done { .. } => break,
            Event::Diverged { step, try_rate } => {
                return Err(format!(
                    "the loss was no number at step {step}: try --rate {try_rate:e}"
                )
                .into());
            }
            Event::Features { .. } | Event::Evaluating { .. } => {}
        }
    }
    training.finish(model)?;
    Ok(Outcome {
        recipe,
        blocks: [all, held],
        entropy,
        losses,
        best: reports.iter().rfind(|report| report.best).cloned(),
        reports,
    })
}

fn write(
    model: &mut Model,
    outcome: &Outcome,
    config: &str,
    tokenizer: &[(String, Vec<u8>)],
    (machine, goal): (Machine, Goal),
    out: &Path,
) -> Result<(), AnyError> {
    let kind = match goal {
        Goal::Words | Goal::NextWord => Kind::MaskedLm,
        Goal::WordsAndNext => Kind::Pretraining,
        Goal::Replaced => Kind::Replaced,
    };
    let name = out.file_name().map(|n| n.to_string_lossy().into_owned());
    let about = About {
        name: name.unwrap_or_else(|| "a new model".to_owned()),
        base: "none: random weights".to_owned(),
        kind,
        run: Some(Run {
            recipe: outcome.recipe,
            train: vec![outcome.blocks[0]],
            validation: vec![outcome.blocks[1]],
            pairs: kind == Kind::Pretraining,
            figures: outcome.best.as_ref().map(|best| best.figures.clone()),
            best_epoch: outcome.best.as_ref().map_or(0, |best| best.epoch),
        }),
        machine: Some(machine),
        date: None,
        badge: None,
    };
    let files = Files { config, tokenizer };
    common::write_folder(model, &about, &files, out)
}

fn run(arguments: &Arguments) -> Result<(), AnyError> {
    let start = Instant::now();
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", arguments.texts.display());
    let bytes = fs::read(&arguments.texts).map_err(|e| named(&e))?;
    if bytes.len() > data::MAX_FILE_BYTES {
        return Err(named(&format!("at most {} bytes are read", data::MAX_FILE_BYTES)).into());
    }
    let text = String::from_utf8(bytes).map_err(|e| named(&format!("it is no UTF-8 text: {e}")))?;
    let mut counts = WordCounts::new(!arguments.cased);
    for sentence in data::sentences(&text) {
        counts.add(&sentence)?;
    }
    let vocabulary = Vocabulary::train(&counts, arguments.shape.vocabulary)?;
    eprintln!(
        "a vocabulary of {} tokens from {} different words, {:.1} s",
        vocabulary.tokens.len(),
        counts.words(),
        start.elapsed().as_secs_f64()
    );
    let tokenizer = vocabulary.tokenizer()?;
    let device: Device = common::device(&arguments.device)?;
    let replaced = arguments.goal == Goal::Replaced;
    let made = match arguments.goal {
        Goal::Replaced => arguments.shape.electra(),
        Goal::NextWord => arguments.shape.causal(),
        Goal::Words | Goal::WordsAndNext => arguments.shape.config(),
    };
    let (text_of_config, config) = made.map_err(|problems| problems.join("; "))?;
    let fresh = Model::fresh(&device, config, !replaced, arguments.recipe.seed);
    let mut model = pollster::block_on(fresh)?;
    let machine = Machine::of(&device);
    let outcome = train(arguments, &mut model, &tokenizer, &text)?;
    let files = vocabulary.files(arguments.shape.max_tokens);
    write(
        &mut model,
        &outcome,
        &text_of_config,
        &files,
        (machine, arguments.goal),
        &arguments.out,
    )?;
    eprintln!("written to {}", arguments.out.display());
    let facts = common::device_facts(&device, false)?;
    let best = outcome.best.as_ref();
    let loss = best.map(masked);
    let accuracy = best.map(|best| match &best.figures {
        Figures::Words { accuracy, .. } => *accuracy,
        other => other.first().1,
    });
    if arguments.json {
        let mut object = json!({
            "losses": outcome.losses, "steps": outcome.losses.len(), "unigram_entropy": outcome.entropy,
            "held_out_loss": loss, "held_out_accuracy": accuracy, "parameters": model.parameter_count(),
            "eval": best.map(|best| best.figures.named().into_iter().collect::<HashMap<_, _>>()),
            "held_out": outcome.reports.iter().map(masked).collect::<Vec<f64>>(),
            "seconds": start.elapsed().as_secs_f64(),
        });
        if let Some(object) = object.as_object_mut() {
            object.extend(facts);
        }
        println!("{object}");
    } else if let (Some(loss), Some(accuracy)) = (loss, accuracy) {
        println!(
            "held out: loss {loss:.4} nats, {:.1}% right; entropy of its tokens {:.4} nats; {:.0} s",
            100.0 * accuracy,
            outcome.entropy,
            start.elapsed().as_secs_f64()
        );
    }
    common::finish(&device);
    Ok(())
}

fn main() -> ExitCode {
    common::exit(USAGE, arguments(), run)
}
