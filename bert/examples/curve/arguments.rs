//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use bert::config::Pooling;
use bert::data::Named;
use bert::train::Method;

use crate::common::AnyError;

pub const USAGE: &str = "usage: curve DIR --train FILE --eval FILE [--sizes 8,16,..,all] [--seeds N] \
    [--methods head,last:N,all,scratch] [--steps N] [--batch N] [--pooling pooler|cls|mean] [--max-tokens N] \
    [--text COLUMN] [--pair COLUMN|none] [--label COLUMN] [--limit-eval N] [--minutes N] [--state FILE.json] \
    [--tsv FILE.tsv] [--device gpu|cpu] [--json] [--rows]";

const NAMES: [&str; 16] = [
    "--train",
    "--eval",
    "--sizes",
    "--seeds",
    "--methods",
    "--steps",
    "--batch",
    "--pooling",
    "--max-tokens",
    "--text",
    "--pair",
    "--label",
    "--limit-eval",
    "--minutes",
    "--state",
    "--tsv",
];

pub struct Arguments {
    pub model: PathBuf,
    pub train: PathBuf,
    pub eval: PathBuf,
    /// `None` for the usual ones.
    pub sizes: Option<Sizes>,
    pub seeds: usize,
    pub methods: Vec<Method>,
    pub steps: Option<usize>,
    pub batch: Option<usize>,
    pub pooling: Option<Pooling>,
    pub max_tokens: Option<usize>,
    pub columns: Named,
    pub limit_eval: Option<usize>,
    pub minutes: Option<f64>,
    pub state: Option<PathBuf>,
    pub tsv: Option<PathBuf>,
    pub device: String,
    pub json: bool,
    pub rows: bool,
}

/// Numbers of examples, and whether all of them are one more.
pub struct Sizes {
    pub numbers: Vec<usize>,
    pub all: bool,
}

fn sizes(list: &str) -> Result<Sizes, AnyError> {
    let mut sizes = Sizes {
        numbers: Vec::new(),
        all: false,
    };
    for size in list.split(',').map(str::trim) {
        match size {
            "all" => sizes.all = true,
            // As the usage writes it: doubling.
            ".." => sizes.numbers.push(0),
            size => sizes.numbers.push(number("--sizes", size)?),
        }
    }
    Ok(sizes)
}

impl Sizes {
    /// The sizes for so many texts; two dots stand for doubling.
    pub fn of(&self, texts: usize) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        let next = |i: usize| self.numbers[i..].iter().copied().find(|&n| n > 0);
        for (i, &size) in self.numbers.iter().enumerate() {
            match (size, found.last().copied()) {
                (0, Some(last)) => {
                    let end = next(i).unwrap_or(texts);
                    let doubles = std::iter::successors(Some(2 * last), |n| Some(2 * n));
                    found.extend(doubles.take_while(|&n| n < end));
                }
                (0, None) => {}
                (size, _) => found.push(size),
            }
        }
        if self.all {
            found.push(texts);
        }
        found.dedup();
        found
    }
}

fn method(name: &str) -> Result<Method, AnyError> {
    match (name, name.strip_prefix("last:")) {
        ("head", _) => Ok(Method::Head),
        ("all", _) => Ok(Method::All),
        ("scratch", _) => Ok(Method::Scratch),
        (_, Some(n)) => Ok(Method::LastLayers(number("--methods last:", n)?)),
        _ => Err(format!("--methods {name}: it is head, last:N, all or scratch").into()),
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

fn number<T: FromStr<Err: std::fmt::Display>>(name: &str, value: &str) -> Result<T, AnyError> {
    let wrong = |e: T::Err| format!("{name} {value}: {e}");
    Ok(value.parse().map_err(wrong)?)
}

/// `None` where help was asked for.
pub fn arguments() -> Result<Option<Arguments>, AnyError> {
    let mut given: Vec<(String, String)> = Vec::new();
    let (mut json, mut rows, mut folder) = (false, false, None);
    let mut rest = std::env::args().skip(1);
    while let Some(name) = rest.next() {
        match name.as_str() {
            "--json" => json = true,
            "--rows" => rows = true,
            "--help" => return Ok(None),
            known if NAMES.contains(&known) || known == "--device" => {
                let value = rest.next();
                let value = value.ok_or(format!("{name} needs a value\n{USAGE}"))?;
                given.push((name, value));
            }
            other if other.starts_with('-') || folder.is_some() => {
                return Err(format!("{other}?\n{USAGE}").into());
            }
            _ => folder = Some(PathBuf::from(name)),
        }
    }
    let last = |name: &str| {
        let of = |(n, _): &&(String, String)| n == name;
        given.iter().rev().find(of).map(|(_, value)| value.as_str())
    };
    let missing = |name: &str| format!("{name} is missing\n{USAGE}");
    let needed = |name: &str| last(name).ok_or_else(|| missing(name));
    let option = |name: &str| last(name).map(|v| number(name, v)).transpose();
    let methods = last("--methods").unwrap_or("head,all,scratch");
    let methods = methods.split(',').map(|name| method(name.trim()));
    Ok(Some(Arguments {
        model: folder.ok_or_else(|| missing("the checkpoint's folder"))?,
        train: needed("--train")?.into(),
        eval: needed("--eval")?.into(),
        sizes: last("--sizes").map(sizes).transpose()?,
        seeds: option("--seeds")?.unwrap_or(3),
        methods: methods.collect::<Result<_, _>>()?,
        steps: option("--steps")?,
        batch: option("--batch")?,
        pooling: last("--pooling").map(pooling).transpose()?,
        max_tokens: option("--max-tokens")?,
        columns: Named {
            text: last("--text").map(str::to_owned),
            pair: last("--pair").map(str::to_owned),
            label: last("--label").map(str::to_owned),
        },
        limit_eval: option("--limit-eval")?,
        minutes: last("--minutes")
            .map(|v| number("--minutes", v))
            .transpose()?,
        state: last("--state").map(PathBuf::from),
        tsv: last("--tsv").map(PathBuf::from),
        device: last("--device").unwrap_or("gpu").to_owned(),
        json,
        rows,
    }))
}
