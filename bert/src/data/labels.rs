//! Labels: which are one, in which order they come, and which cells are none.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use unicode_normalization_alignments::UnicodeNormalization;

use crate::decimal::parse_decimal;

/// Spellings of one label that differ in spaces, case, invisible characters or Unicode's forms, or
/// that are one number, and were taken for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedLabel {
    /// The spelling that stays: one without invisible characters if there is one, of those the most
    /// frequent, of equals the first.
    pub kept: String,
    /// Every spelling with its number of rows, the kept one first.
    pub spellings: Vec<(String, usize)>,
}

/// Composed (NFC) and without characters that nobody sees: joiners, marks of direction, soft
/// hyphens, variation selectors.
fn visible(text: &str) -> String {
    let unseen = |c: &char| {
        matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
    };
    text.nfc().map(|(c, _)| c).filter(|c| !unseen(c)).collect()
}

/// What texts share that say the same: visible characters in lower case, with one space for any run
/// of them.
pub(super) fn folded(text: &str) -> String {
    let text = visible(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// What spellings of one label share: their number, or their folded text.
pub(super) fn key(label: &str) -> String {
    let folded = folded(label);
    // Up to here numbers are exact.
    match parse_decimal(&folded).filter(|number| number.abs() < 1e15) {
        // Minus zero is zero.
        Some(number) => (number + 0.0).to_string(),
        None => folded,
    }
}

/// The place of every label, by its key.
pub(super) fn classes(labels: &[String]) -> HashMap<String, usize> {
    let keys = labels.iter().map(|label| key(label));
    keys.enumerate().map(|(i, key)| (key, i)).collect()
}

/// The different labels in order, and those that came in several spellings.
pub(super) fn merge<'a>(
    spellings: impl Iterator<Item = &'a str>,
) -> (Vec<String>, Vec<MergedLabel>) {
    // By key: its spellings in the order of their first rows.
    let mut found: HashMap<String, Vec<(&str, usize)>> = HashMap::new();
    let mut known: HashMap<&str, String> = HashMap::new();
    for spelling in spellings {
        let key = known.entry(spelling).or_insert_with(|| key(spelling));
        let same = found.entry(key.clone()).or_default();
        match same.iter_mut().find(|(s, _)| *s == spelling) {
            Some((_, count)) => *count += 1,
            None => same.push((spelling, 1)),
        }
    }
    let (mut labels, mut merged) = (Vec::new(), Vec::new());
    for mut same in found.into_values() {
        same.sort_by_key(|&(spelling, count)| (spelling != visible(spelling), Reverse(count)));
        let kept = same[0].0.to_owned();
        labels.push(kept.clone());
        if same.len() > 1 {
            let spellings = same.into_iter().map(|(s, n)| (s.to_owned(), n)).collect();
            merged.push(MergedLabel { kept, spellings });
        }
    }
    merged.sort_by(|a, b| a.kept.cmp(&b.kept));
    labels.sort();
    let numbers: Option<Vec<f64>> = labels.iter().map(|l| parse_decimal(l)).collect();
    if numbers.is_some() {
        let number = |label: &String| parse_decimal(label).unwrap_or_default();
        labels.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    (labels, merged)
}

/// Which cells of a label column say that there is no label: empty ones (and null) always, what
/// tables write for them, and SNLI's `-` or the `-1` of GLUE and `datasets` where they are no label.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unlabelled {
    /// Null and the like stand for nothing: in a file without types.
    words: bool,
    dash: bool,
    minus_one: bool,
}

impl Unlabelled {
    /// In a column: a dash is a label beside a plus. `-1` is none beside the classes 0, 1, 2 and
    /// so on, and in fewer rows than they have on average; -1, 0 and 1 are three labels.
    pub fn in_column<'a>(cells: impl Iterator<Item = &'a str>, typed: bool) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for cell in cells {
            *counts.entry(cell.trim().to_owned()).or_default() += 1;
        }
        let mut marks = Self {
            words: !typed,
            dash: !counts.contains_key("+"),
            minus_one: false,
        };
        counts.retain(|cell, _| !marks.has(cell));
        let mut classes: HashMap<String, usize> = HashMap::new();
        for (cell, count) in counts {
            *classes.entry(key(&cell)).or_default() += count;
        }
        let minus = classes.remove("-1").unwrap_or(0);
        let rows: usize = classes.values().sum();
        marks.minus_one = classes.len() > 2
            && are_ids(classes.keys(), classes.len())
            && minus * classes.len() < rows;
        marks
    }

    /// In a column of scores, of which any may be -1.
    pub fn of_scores(typed: bool) -> Self {
        Self {
            words: !typed,
            dash: true,
            minus_one: false,
        }
    }

    /// In rows to test a model on that has these labels.
    pub fn beside(labels: &[String], typed: bool) -> Self {
        let keys: Vec<String> = labels.iter().map(|label| key(label)).collect();
        let has = |mark: &str| keys.iter().any(|key| key == mark);
        Self {
            words: !typed,
            dash: !has("+") && !has("-"),
            minus_one: are_ids(keys.iter(), keys.len()),
        }
    }

    /// Whether a cell says that there is no label.
    pub fn has(&self, cell: &str) -> bool {
        const WORDS: [&str; 6] = ["null", "nan", "na", "n/a", "#n/a", "<na>"];
        let cell = cell.trim();
        cell.is_empty()
            || self.dash && cell == "-"
            || self.minus_one && key(cell) == "-1"
            || self.words && WORDS.contains(&cell.to_lowercase().as_str())
    }
}

/// Whether these are the numbers from 0 on.
fn are_ids<'a>(mut keys: impl Iterator<Item = &'a String>, count: usize) -> bool {
    let id = |key: &String| key.parse().is_ok_and(|id: usize| id < count);
    keys.all(id)
}
