//! The recipe as a link carries it: its numbers, read as the form reads them and brought into their range.

use super::{Field, Goal, MethodChoice, rate_text, typed};
use bert::config::Pooling;
use std::collections::BTreeMap;

/// The last layers that may learn.
pub const LAYERS: std::ops::RangeInclusive<usize> = 1..=100;

/// A recipe, as far as it is not the default one.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried {
    pub goal: Goal,
    pub method: MethodChoice,
    /// How many of the last layers learn, where that is the method.
    pub layers: usize,
    /// `None` where it follows the method.
    pub pooling: Option<Pooling>,
    /// Whether whole words are hidden.
    pub whole_words: bool,
    /// Numbers as [`number`] writes them; those that are not here follow the method.
    pub fields: BTreeMap<Field, String>,
}

impl Default for Carried {
    fn default() -> Self {
        Self {
            goal: Goal::default(),
            method: MethodChoice::default(),
            layers: 1,
            pooling: None,
            whole_words: false,
            fields: BTreeMap::new(),
        }
    }
}

/// A number that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// As links write it.
    Fine(String),
    /// It was outside its range; this is the nearest in it.
    Clamped(String),
    /// It is none, or no whole one where one is wanted.
    Bad,
}

/// What a field of the recipe may hold, and whether only whole numbers.
fn range(field: Field) -> (f64, f64, bool) {
    match field {
        Field::LearningRate => (1e-9, 1.0, false),
        Field::Epochs => (1.0, 1000.0, true),
        Field::Batch => (1.0, 1024.0, true),
        Field::Accumulation => (1.0, 64.0, true),
        Field::MaxTokens => (3.0, 8192.0, true),
        Field::Share => (1.0, 90.0, false),
        Field::Warmup => (0.0, 99.0, false),
        Field::Dropout => (0.0, 0.99, false),
        Field::WeightDecay => (0.0, 1.0, false),
        Field::Clipping => (1e-6, 1e6, false),
        Field::LayerDecay => (0.01, 1.0, false),
        Field::Balance => (0.0, 1.0, false),
        Field::Seed => (0.0, u32::MAX as f64, true),
        Field::MaskShare => (1.0, 90.0, false),
        Field::MaskHidden | Field::MaskSwapped => (0.0, 100.0, false),
    }
}

/// Reads a field's number as the form does. No clipping is an empty text.
pub fn number(field: Field, text: &str) -> Number {
    let text = text.trim();
    if field == Field::Clipping && text.is_empty() {
        return Number::Fine(String::new());
    }
    let (low, high, whole) = range(field);
    let found = typed(text).filter(|found| !whole || found.fract() == 0.0);
    let Some(found) = found else {
        return Number::Bad;
    };
    // Adding zero turns -0 into 0.
    let near = found.clamp(low, high) + 0.0;
    let written = rate_text(near);
    match near == found {
        true => Number::Fine(written),
        false => Number::Clamped(written),
    }
}

/// The names of what is chosen rather than typed.
pub const GOALS: [(Goal, &str); 5] = [
    (Goal::Labels, "labels"),
    (Goal::Masks, "masks"),
    (Goal::Next, "next"),
    (Goal::Replaced, "replaced"),
    (Goal::NextWord, "next-word"),
];
pub const METHODS: [(MethodChoice, &str); 4] = [
    (MethodChoice::Head, "head"),
    (MethodChoice::Last, "last"),
    (MethodChoice::All, "all"),
    (MethodChoice::Scratch, "scratch"),
];
pub const POOLINGS: [(Pooling, &str); 3] = [
    (Pooling::Mean, "mean"),
    (Pooling::Cls, "cls"),
    (Pooling::Pooler, "pooler"),
];
