//! Fine-tunes a checkpoint on labelled texts, natively, as the page does.
//!
//! `cargo run --release -p bert --example fine_tune -- --model DIR --train FILE --eval FILE
//! --method head|last:N|all|scratch [--goal labels|multi|score|tags|answers|choice|mlm|mlm+nsp|rtd]
//! [--text COLUMN] [--pair COLUMN|none] [--label COLUMN]
//! [--epochs N] [--max-steps N] [--lr RATE] [--batch N] [--accumulation N] [--layer-decay D] [--balance A] [--dropout P] [--seed N] [--limit N]
//! [--pooling pooler|cls|mean] [--max-tokens N] [--device gpu|cpu] [--out DIR]
//! [--other FILE.txt] [--predictions FILE.json] [--json] [--profile]`
//!
//! Files are TSV, CSV or JSON, with or without names of columns; which column holds what is guessed,
//! told, and changed by name or by number from 1. Words with tags are CoNLL or JSON, answers in passages SQuAD's JSON. What
//! is learned is guessed from the file too, unless words are to be hidden: `mlm` hides them in the texts, `mlm+nsp` in pairs
//! of following and other sentences, of plain text (`.txt`) whose documents end with an empty line, or of each row's text; `rtd`
//! has a small new generator fill them, and an ELECTRA tell which words are replaced. A head is trained until its loss settles, unless
//! `--epochs` is given. Progress goes to stderr; `--json` prints one object instead of
//! a few lines. `--limit` takes the first rows of the training file. `--out`
//! writes a folder for `transformers`; `--other` is plain text of another kind, whose hidden words are guessed before and
//! after as those of the evaluation texts are: what is forgotten; `--profile` adds how long the dispatches of each shader took; `--predictions` what the model says of every evaluation
//! text: `{"labels": [..], "rows": [{"text", "pair", "truth", "logits"}, ..]}`.

mod arguments;
#[path = "../common/mod.rs"]
mod common;
mod figures;
mod guessed;
mod texts;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use bert::config::{Family, HeadKind};
use bert::data::{self, Dataset, Prose, Random, Second, Text, Truth};
use bert::export::{self, About, Files, Kind, Machine, Run};
use bert::metrics::Figures;
use bert::model::Model;
use bert::probe;
use bert::tokenizer::Tokenizer;
use bert::train::{Ending, Event, Learner, Lesson, Recipe, Training};

use arguments::{Arguments, Goal, USAGE, arguments};
use common::AnyError;
use guessed::{Guessed, Judge};
use kernels::Control;
use serde_json::{Value, json};

/// What a run came to.
struct Outcome {
    recipe: Recipe,
    losses: Vec<f64>,
    /// Of the best epoch, where one was finished.
    figures: Option<Figures>,
    best_epoch: usize,
    /// Epochs that were run, and why no more.
    epochs: usize,
    ending: Ending,
    seconds: f64,
    /// What was guessed before and after, where words are.
    guessed: Option<[Guessed; 2]>,
}

/// What there is to learn.
enum Material {
    /// Labelled texts: to learn from, and to judge by.
    Labelled(Box<[Dataset; 2]>),
    /// Texts to hide words in.
    Plain([Vec<Text>; 2]),
    /// The same, for a generator to fill and the model to tell.
    Replaced([Vec<Text>; 2]),
    /// Running text.
    Prose([Prose; 2]),
}

impl Material {
    fn load(arguments: &Arguments) -> Result<Self, AnyError> {
        Ok(match arguments.goal {
            Some(Goal::Words) => Self::Plain(texts::plain(arguments)?),
            Some(Goal::Replaced) => Self::Replaced(texts::plain(arguments)?),
            Some(Goal::WordsAndNext) => Self::Prose(texts::prose(arguments)?),
            Some(Goal::Head(_)) | None => {
                let (train, eval) = texts::load(arguments)?;
                Self::Labelled(Box::new([train, eval]))
            }
        })
    }

    /// The head that reads it, where it is a task's.
    fn kind(&self) -> Option<HeadKind> {
        match self {
            Self::Labelled(sets) => Some(sets[0].kind),
            Self::Plain(_) | Self::Replaced(_) | Self::Prose(_) => None,
        }
    }

    /// What is exported of a model that has learned it.
    fn export(&self) -> Kind {
        match self {
            Self::Labelled(_) => Kind::Head,
            Self::Plain(_) => Kind::MaskedLm,
            Self::Replaced(_) => Kind::Replaced,
            Self::Prose(_) => Kind::Pretraining,
        }
    }

    fn start(
        &self,
        model: &mut Model,
        tokenizer: &Tokenizer,
        recipe: Recipe,
    ) -> Result<Training, AnyError> {
        let training = match self {
            Self::Labelled(sets) => {
                let [train, eval] = &**sets;
                let lesson = Lesson {
                    kind: train.kind,
                    labels: &train.labels,
                    train: &train.examples,
                    validation: &eval.examples,
                };
                let training = Training::start(model, tokenizer, &lesson, recipe);
                let training = pollster::block_on(training)?;
                // What cannot be named is refused before anything is learned.
                model.set_head(lesson.head(&recipe))?;
                training
            }
            Self::Plain([train, eval]) => {
                let training = Training::start_mlm(model, tokenizer, train, eval, recipe);
                pollster::block_on(training)?
            }
            Self::Replaced([train, eval]) => {
                let training = Training::start_replaced(model, tokenizer, train, eval, recipe);
                pollster::block_on(training)?
            }
            Self::Prose(both) => {
                // As in the pretraining of the family: ALBERT's order, or another document's text.
                let second = match model.config().family {
                    Family::Albert => Second::Swapped,
                    _ => Second::Random,
                };
                let count = |text: &str| tokenizer.count(text);
                let room = recipe.max_tokens.saturating_sub(3);
                let mut random = Random::new(recipe.seed, 0);
                let mut pairs = |prose: &Prose| prose.pairs(second, room, count, &mut random);
                let (train, eval) = (pairs(&both[0]), pairs(&both[1]));
                eprintln!(
                    "{} pairs for training, {} for validation",
                    train.len(),
                    eval.len()
                );
                let training =
                    Training::start_mlm_and_next(model, tokenizer, &train, &eval, recipe);
                pollster::block_on(training)?
            }
        };
        Ok(training)
    }
}

fn train(
    arguments: &Arguments,
    model: &mut Model,
    tokenizer: &Tokenizer,
    material: &Material,
) -> Result<Outcome, AnyError> {
    let control = Control::default();
    let settings = &arguments.settings;
    let base = settings.base(material.kind());
    let recipe = settings.over(base.suited(model));
    for warning in recipe.warnings() {
        eprintln!("warning: {warning}");
    }
    let start = Instant::now();
    let mut training = material.start(model, tokenizer, recipe)?;
    let judge = match material {
        Material::Labelled(_) => None,
        _ => Some(Judge::new(
            model,
            tokenizer,
            arguments.other.as_deref(),
            &recipe,
        )?),
    };
    let guess = |when: &str, model: &mut Model, training: &mut Training| {
        let found = judge.as_ref().map(|judge| judge.guess(model, training));
        let found = found.transpose()?;
        found.iter().for_each(|found| found.print(when));
        Ok::<_, AnyError>(found)
    };
    let before = guess("before", model, &mut training)?;
    // As far as is held at a time: looking waits for the device.
    let every = arguments
        .max_steps
        .map_or(Learner::REPORTS, |steps| steps.min(Learner::REPORTS));
    training.set_report_every(every);
    let (mut losses, mut best, mut epochs) = (Vec::new(), None, 0);
    let (best_epoch, ending) = loop {
        match pollster::block_on(training.advance(model, &control))? {
            Event::Features { done, total } => {
                if done == total || done % 256 == 0 {
                    eprintln!("features {done} of {total}");
                }
            }
            Event::Steps(steps) => {
                losses.extend(steps.iter().map(|p| p.loss));
                if let Some(p) = steps.last() {
                    eprintln!(
                        "step {} of {}, loss {:.4}, rate {:.2e}, {:.0} s",
                        p.step,
                        p.steps,
                        p.loss,
                        p.rate,
                        start.elapsed().as_secs_f64()
                    );
                }
                if arguments.max_steps.is_some_and(|most| losses.len() >= most) {
                    break (best_epoch_of(&best), Ending::Unsettled);
                }
            }
            Event::Evaluating { .. } => {}
            Event::Epoch(report) => {
                epochs = report.epoch;
                let named = report.figures.named().into_iter();
                let named: Vec<String> = named.map(|(name, x)| format!("{name} {x:.4}")).collect();
                eprintln!(
                    "epoch {}: loss {:.4}, evaluation loss {:.4}, {}{}",
                    report.epoch,
                    report.train_loss,
                    report.validation_loss,
                    named.join(", "),
                    match report.best && !recipe.settles {
                        true => ", the best so far",
                        false => "",
                    }
                );
                if report.best {
                    best = Some((report.epoch, report.figures));
                }
            }
            Event::Done { best_epoch, ending } => break (best_epoch, ending),
            Event::Diverged { step, try_rate } => {
                return Err(format!(
                    "the loss was no number at step {step}: try --lr {try_rate:e}"
                )
                .into());
            }
        }
    };
    let after = guess("after", model, &mut training)?;
    training.finish(model)?;
    Ok(Outcome {
        guessed: before.zip(after).map(Into::into),
        recipe,
        losses,
        figures: best.map(|(_, figures)| figures),
        best_epoch,
        epochs,
        ending,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// The best of the epochs that were finished, from 1; 0 where none was.
fn best_epoch_of(best: &Option<(usize, Figures)>) -> usize {
    best.as_ref().map_or(0, |(epoch, _)| *epoch)
}

/// The files of the base that an export takes over.
struct Source {
    config: String,
    tokenizer: Vec<(String, Vec<u8>)>,
}

/// What an export will need, before anything is learned: refused now if it cannot be written.
fn prepare_export(model: &Model, folder: &Path, out: &Path) -> Result<Source, AnyError> {
    let path = folder.join("config.json");
    let config = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let tokenizer = tokenizer_files(folder)?;
    let files = Files {
        config: &config,
        tokenizer: &tokenizer,
    };
    export::check_ahead(model, &files).map_err(|e| format!("--out: {e}"))?;
    fs::create_dir_all(out).map_err(|e| format!("{}: {e}", out.display()))?;
    Ok(Source { config, tokenizer })
}

/// The tokenizer's files of a folder, as they are.
fn tokenizer_files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, AnyError> {
    const NAMES: [&str; 4] = [
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
        "special_tokens_map.json",
    ];
    let mut files = Vec::new();
    for name in NAMES.iter().filter(|name| folder.join(name).exists()) {
        let path = folder.join(name);
        let bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        files.push(((*name).to_owned(), bytes));
    }
    Ok(files)
}

fn write(
    model: &mut Model,
    arguments: &Arguments,
    source: &Source,
    (kind, run, machine): (Kind, Run, Machine),
    out: &Path,
) -> Result<(), AnyError> {
    let text = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let about = About {
        name: text(out).unwrap_or_else(|| "fine-tuned".to_owned()),
        base: text(&arguments.model).unwrap_or_else(|| "unnamed".to_owned()),
        kind,
        run: Some(run),
        machine: Some(machine),
        date: None,
        badge: None,
    };
    let files = Files {
        config: &source.config,
        tokenizer: &source.tokenizer,
    };
    common::write_folder(model, &about, &files, out)
}

fn predictions(
    model: &mut Model,
    tokenizer: &Tokenizer,
    eval: &Dataset,
    path: &Path,
) -> Result<(), AnyError> {
    let text = |e: &data::Example| Text {
        text: e.text.clone(),
        pair: e.pair.clone(),
    };
    let texts: Vec<Text> = eval.examples.iter().map(text).collect();
    let control = Control::default();
    let mut rows = Vec::with_capacity(texts.len());
    for (text, example) in texts.iter().zip(&eval.examples) {
        let said = pollster::block_on(probe::predict(model, tokenizer, text, &control))?;
        rows.push(json!({
            "text": text.text, "pair": text.pair, "truth": truth(&example.truth, &eval.labels),
            "logits": said.logits,
        }));
    }
    let object = json!({"labels": eval.labels, "rows": rows});
    fs::write(path, object.to_string()).map_err(|e| format!("{}: {e}", path.display()).into())
}

/// What is right, by names.
fn truth(truth: &Truth, labels: &[String]) -> Value {
    match truth {
        Truth::Class(class) => json!(labels[*class]),
        Truth::Labels(found) => found.iter().map(|label| labels[*label].as_str()).collect(),
        Truth::Score(score) => json!(score),
        Truth::Tags(tags) => tags.iter().map(|one| labels[one.tag].as_str()).collect(),
        Truth::Answers(answers) => json!(answers),
        Truth::Choice { right, .. } => json!(right),
    }
}

fn run(arguments: &Arguments) -> Result<(), AnyError> {
    let material = Material::load(arguments)?;
    let device = common::device(&arguments.device)?;
    let (config, tokenizer) = common::tokenizer(&arguments.model)?;
    let mut model = common::model(&arguments.model, config, &device)?;
    let out = arguments.out.as_ref();
    let source = out.map(|out| prepare_export(&model, &arguments.model, out));
    let source = source.transpose()?;
    common::start_profile(&device, arguments.profile)?;
    let machine = Machine::of(&device);
    let outcome = train(arguments, &mut model, &tokenizer, &material)?;
    let facts = common::device_facts(&device, arguments.profile)?;
    if let Some(path) = &arguments.predictions {
        let Material::Labelled(sets) = &material else {
            return Err("--predictions are of labelled texts".into());
        };
        predictions(&mut model, &tokenizer, &sets[1], path)?;
    }
    if arguments.json {
        let mut object = json!({
            "losses": outcome.losses,
            "eval": outcome.figures.as_ref().map(figures::object),
            "seconds": outcome.seconds,
            "steps": outcome.losses.len(),
            "epochs": outcome.epochs,
            "best_epoch": outcome.best_epoch,
            "ending": outcome.ending,
            "guessed": outcome.guessed.map(|[before, after]| json!({"before": before.object(), "after": after.object()})),
        });
        if let Value::Object(object) = &mut object {
            object.extend(facts);
        }
        println!("{object}");
    } else {
        print(&outcome, &material);
        common::print_profile(&facts);
    }
    if let (Some(out), Some(source)) = (&arguments.out, &source) {
        let sizes = |[train, eval]: [usize; 2]| (vec![train], vec![eval]);
        let (train, validation) = match &material {
            Material::Labelled(sets) => (sets[0].counts(), sets[1].counts()),
            Material::Plain(texts) | Material::Replaced(texts) => {
                sizes(texts.each_ref().map(Vec::len))
            }
            Material::Prose(prose) => sizes(prose.each_ref().map(|p| p.documents().len())),
        };
        let pairs = match &material {
            Material::Labelled(sets) => sets[0].examples.iter().any(|e| e.pair.is_some()),
            Material::Plain([texts, _]) | Material::Replaced([texts, _]) => {
                texts.iter().any(|text| text.pair.is_some())
            }
            Material::Prose(_) => true,
        };
        let run = Run {
            recipe: outcome.recipe,
            train,
            validation,
            pairs,
            figures: outcome.figures,
            best_epoch: outcome.best_epoch,
        };
        let about = (material.export(), run, machine);
        write(&mut model, arguments, source, about, out)?;
        eprintln!("written to {}", out.display());
    }
    common::finish(&device);
    Ok(())
}

fn print(outcome: &Outcome, material: &Material) {
    let (epochs, best) = (outcome.epochs, outcome.best_epoch);
    let what = match outcome.ending {
        _ if best == 0 => "no epoch was finished".to_owned(),
        Ending::Epochs => format!("epoch {best} of {epochs} is the best"),
        Ending::Settled => format!("the loss settled after {epochs} epochs"),
        Ending::Unsettled => format!("ended after {epochs} epochs, the most"),
    };
    let (steps, seconds) = (outcome.losses.len(), outcome.seconds);
    println!("{what}; {steps} steps in {seconds:.1} s");
    if let Some(figures) = &outcome.figures {
        let sets = match material {
            Material::Labelled(sets) => Some(&**sets),
            Material::Plain(_) | Material::Replaced(_) | Material::Prose(_) => None,
        };
        figures::print(figures, sets);
    }
}

fn main() -> ExitCode {
    common::exit(USAGE, arguments(), run)
}
