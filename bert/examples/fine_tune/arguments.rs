//! The command line.

use std::path::PathBuf;

use bert::train::{Method, Pooling, Recipe};

use crate::common::AnyError;

pub const USAGE: &str = "usage: fine_tune --model DIR --train FILE --eval FILE \
    --method head|last:N|all|scratch [--epochs N] [--lr RATE] [--batch N] [--seed N] [--limit N] \
    [--pooling pooler|cls|mean] [--max-tokens N] [--device gpu|cpu] [--out DIR] \
    [--predictions FILE.json] [--json]";

pub struct Arguments {
    pub model: PathBuf,
    pub train: PathBuf,
    pub eval: PathBuf,
    pub recipe: Recipe,
    pub limit: Option<usize>,
    pub device: String,
    pub out: Option<PathBuf>,
    pub predictions: Option<PathBuf>,
    pub json: bool,
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
    let mut json = false;
    let mut rest = std::env::args().skip(1);
    const NAMES: [&str; 14] = [
        "--model",
        "--train",
        "--eval",
        "--method",
        "--epochs",
        "--lr",
        "--batch",
        "--seed",
        "--limit",
        "--pooling",
        "--max-tokens",
        "--device",
        "--out",
        "--predictions",
    ];
    while let Some(name) = rest.next() {
        match name.as_str() {
            "--json" => json = true,
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
    let mut recipe = Recipe::new(method(needed("--method")?)?);
    let fields: [(&str, &mut usize); 3] = [
        ("--epochs", &mut recipe.epochs),
        ("--batch", &mut recipe.batch),
        ("--max-tokens", &mut recipe.max_tokens),
    ];
    for (name, field) in fields {
        if let Some(value) = last(name) {
            *field = number(name, value)?;
        }
    }
    if let Some(value) = last("--lr") {
        recipe.learning_rate = number("--lr", value)?;
    }
    if let Some(value) = last("--seed") {
        recipe.seed = number("--seed", value)?;
    }
    if let Some(value) = last("--pooling") {
        recipe.pooling = pooling(value)?;
    }
    let problems = recipe.problems();
    if !problems.is_empty() {
        return Err(problems.join("; ").into());
    }
    let limit = last("--limit").map(|v| number("--limit", v)).transpose()?;
    Ok(Some(Arguments {
        model: needed("--model")?.into(),
        train: needed("--train")?.into(),
        eval: needed("--eval")?.into(),
        recipe,
        limit,
        device: last("--device").unwrap_or("gpu").to_owned(),
        out: last("--out").map(PathBuf::from),
        predictions: last("--predictions").map(PathBuf::from),
        json,
    }))
}
