//! The command line.

use std::path::PathBuf;

use bert::config::{HeadKind, Pooling};
use bert::data::Named;
use bert::train::{Method, Optimiser, Recipe};

use crate::common::AnyError;

pub const USAGE: &str = "usage: fine_tune --model DIR --train FILE --eval FILE \
    --method head|last:N|all|scratch [--goal labels|multi|score|tags|answers|choice|mlm|mlm+nsp|rtd] [--text COLUMN] [--pair COLUMN|none] [--label COLUMN] \
    [--epochs N] [--max-steps N] [--lr RATE] [--batch N] [--accumulation N] [--layer-decay D] [--balance A] [--dropout P] [--seed N] [--limit N] \
    [--pooling pooler|cls|mean] [--max-tokens N] [--device gpu|cpu] [--out DIR] \
    [--other FILE.txt] [--predictions FILE.json] [--json] [--profile]";

/// What is to be learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A head of a task.
    Head(HeadKind),
    /// Hidden words.
    Words,
    /// Hidden words of pairs, and whether the second text follows.
    WordsAndNext,
    /// Hidden words that a generator fills, and which words are replaced.
    Replaced,
}

pub struct Arguments {
    pub model: PathBuf,
    pub train: PathBuf,
    pub eval: PathBuf,
    /// Columns that were named.
    pub columns: Named,
    pub settings: Settings,
    /// What is to be learned, where it was named.
    pub goal: Option<Goal>,
    pub limit: Option<usize>,
    pub max_steps: Option<usize>,
    pub device: String,
    pub out: Option<PathBuf>,
    pub predictions: Option<PathBuf>,
    /// Plain text of another kind, whose words are guessed before and after.
    pub other: Option<PathBuf>,
    pub json: bool,
    pub profile: bool,
}

/// The recipe's settings that were given.
pub struct Settings {
    pub method: Method,
    pooling: Option<Pooling>,
    epochs: Option<usize>,
    batch: Option<usize>,
    accumulation: Option<usize>,
    max_tokens: Option<usize>,
    learning_rate: Option<f64>,
    seed: Option<u64>,
    layer_decay: Option<f64>,
    balance: Option<f64>,
    dropout: Option<f64>,
}

impl Settings {
    /// The recipe that they are put over: a head over whole texts is trained until its loss settles,
    /// unless a number of epochs was given.
    pub fn base(&self, kind: Option<HeadKind>) -> Recipe {
        let settles = kind.is_some_and(HeadKind::reads_one_vector);
        match self.epochs.is_some() || !settles {
            true => Recipe::scheduled(self.method),
            false => Recipe::new(self.method),
        }
    }

    /// The recipe with them in place of its own.
    pub fn over(&self, recipe: Recipe) -> Recipe {
        Recipe {
            pooling: self.pooling.unwrap_or(recipe.pooling),
            epochs: self.epochs.unwrap_or(recipe.epochs),
            batch: self.batch.unwrap_or(recipe.batch),
            accumulation: self.accumulation.unwrap_or(recipe.accumulation),
            max_tokens: self.max_tokens.unwrap_or(recipe.max_tokens),
            learning_rate: self.learning_rate.unwrap_or(recipe.learning_rate),
            seed: self.seed.unwrap_or(recipe.seed),
            balance: self.balance.unwrap_or(recipe.balance),
            dropout: self.dropout.unwrap_or(recipe.dropout),
            optimiser: Optimiser {
                layer_decay: self.layer_decay.unwrap_or(1.0),
                ..recipe.optimiser
            },
            ..recipe
        }
    }
}

fn method(name: &str) -> Result<Method, AnyError> {
    match (name, name.strip_prefix("last:")) {
        ("head", _) => Ok(Method::Head),
        ("all", _) => Ok(Method::All),
        ("scratch", _) => Ok(Method::Scratch),
        (_, Some(n)) => Ok(Method::LastLayers(
            n.parse().map_err(|e| format!("--method {name}: {e}"))?,
        )),
        _ => Err(format!("--method {name}: it is head, last:N, all or scratch").into()),
    }
}

fn goal(name: &str) -> Result<Goal, AnyError> {
    Ok(Goal::Head(match name {
        "labels" => HeadKind::Classes,
        "multi" => HeadKind::Labels,
        "score" => HeadKind::Score,
        "tags" => HeadKind::Tokens,
        "answers" => HeadKind::Span,
        "choice" => HeadKind::Choice,
        "mlm" => return Ok(Goal::Words),
        "mlm+nsp" => return Ok(Goal::WordsAndNext),
        "rtd" => return Ok(Goal::Replaced),
        _ => {
            let known = "labels, multi, score, tags, answers, choice, mlm, mlm+nsp or rtd";
            return Err(format!("--goal {name}: it is {known}").into());
        }
    }))
}

fn pooling(name: &str) -> Result<Pooling, AnyError> {
    match name {
        "pooler" => Ok(Pooling::Pooler),
        "cls" => Ok(Pooling::Cls),
        "mean" => Ok(Pooling::Mean),
        _ => Err(format!("--pooling {name}: it is pooler, cls or mean").into()),
    }
}

fn number<T: std::str::FromStr<Err: std::fmt::Display>>(
    name: &str,
    value: &str,
) -> Result<T, AnyError> {
    let wrong = |e: T::Err| format!("{name} {value}: {e}");
    Ok(value.parse().map_err(wrong)?)
}

/// `None` where help was asked for.
pub fn arguments() -> Result<Option<Arguments>, AnyError> {
    let mut given: Vec<(String, String)> = Vec::new();
    let (mut json, mut profile) = (false, false);
    let mut rest = std::env::args().skip(1);
    const NAMES: [&str; 24] = [
        "--model",
        "--train",
        "--eval",
        "--method",
        "--goal",
        "--max-steps",
        "--text",
        "--pair",
        "--label",
        "--epochs",
        "--lr",
        "--batch",
        "--accumulation",
        "--layer-decay",
        "--balance",
        "--dropout",
        "--seed",
        "--limit",
        "--pooling",
        "--max-tokens",
        "--device",
        "--out",
        "--predictions",
        "--other",
    ];
    while let Some(name) = rest.next() {
        match name.as_str() {
            "--json" => json = true,
            "--profile" => profile = true,
            "--help" => return Ok(None),
            known if NAMES.contains(&known) => {
                let value = rest
                    .next()
                    .ok_or(format!("{name} needs a value\n{USAGE}"))?;
                given.push((name, value));
            }
            other => return Err(format!("{other}?\n{USAGE}").into()),
        }
    }
    let last = |name: &str| {
        given
            .iter()
            .rev()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    let needed = |name: &str| last(name).ok_or(format!("{name} is missing\n{USAGE}"));
    let option = |name: &str| last(name).map(|v| number(name, v)).transpose();
    let settings = Settings {
        method: method(needed("--method")?)?,
        pooling: last("--pooling").map(pooling).transpose()?,
        epochs: option("--epochs")?,
        batch: option("--batch")?,
        accumulation: option("--accumulation")?,
        max_tokens: option("--max-tokens")?,
        learning_rate: last("--lr").map(|v| number("--lr", v)).transpose()?,
        seed: last("--seed").map(|v| number("--seed", v)).transpose()?,
        layer_decay: last("--layer-decay")
            .map(|v| number("--layer-decay", v))
            .transpose()?,
        balance: last("--balance")
            .map(|v| number("--balance", v))
            .transpose()?,
        dropout: last("--dropout")
            .map(|v| number("--dropout", v))
            .transpose()?,
    };
    let base = settings.base(Some(HeadKind::Classes));
    let problems = settings.over(base).problems();
    if !problems.is_empty() {
        return Err(problems.join("; ").into());
    }
    let (limit, max_steps) = (option("--limit")?, option("--max-steps")?);
    Ok(Some(Arguments {
        model: needed("--model")?.into(),
        train: needed("--train")?.into(),
        eval: needed("--eval")?.into(),
        columns: Named {
            text: last("--text").map(str::to_owned),
            pair: last("--pair").map(str::to_owned),
            label: last("--label").map(str::to_owned),
        },
        settings,
        goal: last("--goal").map(goal).transpose()?,
        limit,
        max_steps,
        device: last("--device").unwrap_or("gpu").to_owned(),
        out: last("--out").map(PathBuf::from),
        predictions: last("--predictions").map(PathBuf::from),
        other: last("--other").map(PathBuf::from),
        json,
        profile,
    }))
}
