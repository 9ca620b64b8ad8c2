//! The command line.

use std::path::PathBuf;

use bert::inside::{Baseline, Head, Subject};

use crate::common::AnyError;

pub const USAGE: &str = "usage: inside DIR \"text\" [--pair \"text\"] [--mask POSITION]... [--target TOKEN] \
    [--without LAYER.HEAD]... [--baseline mask|pad|zero] [--points N] [--plain] [--neighbours TOKEN] \
    [--states] [--device gpu|cpu] [--json]";

/// What is asked.
pub struct Arguments {
    pub folder: PathBuf,
    pub subject: Subject,
    /// A token that is followed and explained, or the name of one of a head's outputs.
    pub target: Option<String>,
    pub baseline: Baseline,
    pub points: usize,
    /// Surprisal without the rule that hides the rest of a word.
    pub plain: bool,
    pub neighbours: Option<String>,
    pub states: bool,
    pub device: String,
    pub json: bool,
}

impl Arguments {
    /// Reads them.
    ///
    /// # Errors
    /// What is wrong, and the usage.
    pub fn read() -> Result<Self, AnyError> {
        let mut found = Self {
            folder: PathBuf::new(),
            subject: Subject::default(),
            target: None,
            baseline: Baseline::Mask,
            points: 16,
            plain: false,
            neighbours: None,
            states: false,
            device: "gpu".to_owned(),
            json: false,
        };
        let mut places = Vec::new();
        let mut rest = std::env::args().skip(1);
        while let Some(argument) = rest.next() {
            let mut value =
                |name: &str| rest.next().ok_or(format!("{name} needs a value\n{USAGE}"));
            match argument.as_str() {
                "--pair" => found.subject.pair = Some(value("--pair")?),
                "--mask" => found
                    .subject
                    .hidden
                    .push(number("--mask", &value("--mask")?)?),
                "--target" => found.target = Some(value("--target")?),
                "--without" => found.subject.without.push(head(&value("--without")?)?),
                "--baseline" => found.baseline = baseline(&value("--baseline")?)?,
                "--points" => found.points = number("--points", &value("--points")?)?,
                "--neighbours" => found.neighbours = Some(value("--neighbours")?),
                "--device" => found.device = value("--device")?,
                "--plain" => found.plain = true,
                "--states" => found.states = true,
                "--json" => found.json = true,
                "--help" => return Err(USAGE.into()),
                other if other.starts_with("--") => return Err(format!("{other}?\n{USAGE}").into()),
                _ => places.push(argument),
            }
        }
        let [folder, text] = places.try_into().map_err(|_| USAGE)?;
        found.folder = folder.into();
        found.subject.text = text;
        Ok(found)
    }
}

fn number(name: &str, value: &str) -> Result<usize, AnyError> {
    let parsed = value.parse();
    parsed.map_err(|_| format!("{name} {value}: it is a whole number\n{USAGE}").into())
}

fn head(value: &str) -> Result<Head, AnyError> {
    let parsed = value
        .split_once('.')
        .and_then(|(layer, head)| Some((layer.parse().ok()?, head.parse().ok()?)));
    match parsed {
        Some((layer, head)) => Ok(Head { layer, head }),
        None => Err(format!("--without {value}: it is LAYER.HEAD, both from 0\n{USAGE}").into()),
    }
}

fn baseline(value: &str) -> Result<Baseline, AnyError> {
    match value {
        "mask" => Ok(Baseline::Mask),
        "pad" => Ok(Baseline::Pad),
        "zero" => Ok(Baseline::Zero),
        other => Err(format!("--baseline {other}: it is mask, pad or zero\n{USAGE}").into()),
    }
}
