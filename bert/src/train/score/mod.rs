//! How what a head says is held against what is right: a file for each kind of head.

mod answers;
mod choices;
mod classes;
mod labels;
mod scores;
mod tags;
mod words;

pub(super) use words::Words;

use super::encode::Encoded;
use super::event::Mistake;
use crate::config::HeadKind;
use crate::data::Example;
use crate::metrics::Figures;

/// The most mistakes that are told.
const MAX_MISTAKES: usize = 100;

/// Texts of one set that were judged so far.
pub(super) trait Score {
    /// Counts a text, or a window of one, by its logits.
    fn add(&mut self, encoded: &Encoded, example: &Example, logits: &[f32]);

    /// What it came to.
    fn figures(&self) -> Figures;

    /// What the model gets wrong, the worst first.
    fn mistakes(&self) -> Vec<Mistake>;
}

/// Nothing judged yet by a head with these outputs.
pub(super) fn new(kind: HeadKind, labels: &[String], outputs: usize) -> Box<dyn Score> {
    match kind {
        HeadKind::Classes => Box::new(classes::Classes::new(outputs)),
        HeadKind::Choice => Box::new(choices::Choices::default()),
        HeadKind::Labels => Box::new(labels::Labels::new(outputs)),
        HeadKind::Score => Box::new(scores::Scores::default()),
        HeadKind::Tokens => Box::new(tags::Tags::new(labels)),
        HeadKind::Span => Box::new(answers::Answers::default()),
    }
}

/// The largest of some numbers, the last of equals.
fn largest(row: &[f32]) -> usize {
    let best = (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
    best.unwrap_or(0)
}

/// The mistakes that are told: the surest first.
fn surest(mut mistakes: Vec<Mistake>) -> Vec<Mistake> {
    mistakes.sort_by(|a, b| b.sure.total_cmp(&a.sure).then(a.example.cmp(&b.example)));
    mistakes.truncate(MAX_MISTAKES);
    mistakes
}
