//! The command line.

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;

use bert::config::BertShape;
use bert::data::Masking;
use bert::train::{Method, Recipe};

use crate::common::AnyError;

pub const USAGE: &str = "usage: pretrain TEXTS OUT [--layers N] [--hidden N] [--heads N] [--vocab N] [--goal mlm|mlm+nsp|rtd|clm] [--steps N] \
    [--batch N] [--tokens N] [--rate RATE] [--share SHARE] [--whole-words] [--cased] [--seed N] [--device gpu|cpu] [--json]";

const NAMES: [&str; 12] = [
    "--layers", "--hidden", "--heads", "--vocab", "--goal", "--steps", "--batch", "--tokens",
    "--rate", "--share", "--seed", "--device",
];

/// What is to be learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Hidden words.
    Words,
    /// Hidden words of pairs, and whether the second text follows.
    WordsAndNext,
    /// Hidden words that a generator fills, and which words are replaced.
    Replaced,
    /// The next word.
    NextWord,
}

pub struct Arguments {
    pub texts: PathBuf,
    pub out: PathBuf,
    pub shape: BertShape,
    pub goal: Goal,
    pub steps: usize,
    pub recipe: Recipe,
    pub cased: bool,
    pub device: String,
    pub json: bool,
}

fn number<T: FromStr<Err: std::fmt::Display>>(name: &str, value: &str) -> Result<T, AnyError> {
    let wrong = |e: T::Err| format!("{name} {value}: {e}");
    Ok(value.parse().map_err(wrong)?)
}

/// `None` where help was asked for.
pub fn arguments() -> Result<Option<Arguments>, AnyError> {
    let (mut given, mut flags, mut paths) = (HashMap::new(), Vec::new(), Vec::new());
    let mut rest = std::env::args().skip(1);
    while let Some(name) = rest.next() {
        match name.as_str() {
            "--help" => return Ok(None),
            "--json" | "--whole-words" | "--cased" => flags.push(name),
            known if NAMES.contains(&known) => {
                let value = rest
                    .next()
                    .ok_or(format!("{name} needs a value\n{USAGE}"))?;
                given.insert(name, value);
            }
            other if other.starts_with('-') || paths.len() == 2 => {
                return Err(format!("{other}?\n{USAGE}").into());
            }
            _ => paths.push(PathBuf::from(name)),
        }
    }
    let whole = |name: &str, usual: usize| match given.get(name) {
        Some(value) => number(name, value),
        None => Ok(usual),
    };
    let real = |name: &str, usual: f64| match given.get(name) {
        Some(value) => number(name, value),
        None => Ok(usual),
    };
    let goal = match given.get("--goal").map(String::as_str) {
        None | Some("mlm") => Goal::Words,
        Some("mlm+nsp") => Goal::WordsAndNext,
        Some("rtd") => Goal::Replaced,
        Some("clm") => Goal::NextWord,
        Some(goal) => return Err(format!("--goal {goal}: it is mlm, mlm+nsp, rtd or clm").into()),
    };
    let [texts, out] = <[PathBuf; 2]>::try_from(paths).map_err(|_| USAGE)?;
    let has = |flag: &str| flags.iter().any(|given| given == flag);
    let shape = BertShape {
        layers: whole("--layers", 2)?,
        hidden: whole("--hidden", 128)?,
        heads: whole("--heads", 2)?,
        vocabulary: whole("--vocab", 2000)?,
        max_tokens: whole("--tokens", 64)?,
    };
    let problems = shape.problems();
    if !problems.is_empty() {
        return Err(problems.join("; ").into());
    }
    let recipe = Recipe {
        learning_rate: real("--rate", 2e-3)?,
        batch: whole("--batch", 32)?,
        max_tokens: shape.max_tokens,
        seed: whole("--seed", 42)? as u64,
        masking: Masking {
            share: real("--share", Masking::default().share)?,
            whole_words: has("--whole-words"),
            ..Masking::default()
        },
        ..Recipe::scheduled(Method::All)
    };
    let problems = recipe.problems();
    if !problems.is_empty() {
        return Err(problems.join("; ").into());
    }
    Ok(Some(Arguments {
        texts,
        out,
        shape,
        goal,
        steps: whole("--steps", 1500)?.max(1),
        recipe,
        cased: has("--cased"),
        device: given
            .get("--device")
            .map_or("gpu", String::as_str)
            .to_owned(),
        json: has("--json"),
    }))
}
