//! Rows as examples.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Columns, DataError, MAX_CLASSES, Row, Table};

/// A text, or a pair of texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Text {
    /// The text, without spaces around.
    pub text: String,
    /// The second text.
    pub pair: Option<String>,
}

/// One labelled text or pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The text, without spaces around.
    pub text: String,
    /// The second text.
    pub pair: Option<String>,
    /// Its class: the place of its label in [`Dataset::labels`].
    pub label: usize,
}

/// Labelled texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// The examples in the order of the file.
    pub examples: Vec<Example>,
    /// The classes' names: by number if all are integers, by spelling otherwise.
    pub labels: Vec<String>,
}

/// Spellings of one label that differ in spaces or case only, and were taken for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedLabel {
    /// The spelling that stays: the most frequent, the first of equals.
    pub kept: String,
    /// Every spelling with its number of rows, the most frequent first.
    pub spellings: Vec<(String, usize)>,
}

/// What a user should know of a data set before training on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Examples of each class.
    pub counts: Vec<usize>,
    /// Labels that were merged.
    pub merged: Vec<MergedLabel>,
    /// Classes with one example, which cannot be in both halves of a split.
    pub single: Vec<String>,
    /// Examples whose text stands further up already.
    pub repeated: usize,
    /// Those of them that have another label there.
    pub contradicting: usize,
}

/// The texts of a table that need no labels.
///
/// # Errors
/// [`DataError::Empty`] and [`DataError::Column`].
pub fn texts(table: &Table, columns: &Columns) -> Result<Vec<Text>, DataError> {
    columns.check(table)?;
    filled(table, columns.text)?;
    if let Some(pair) = columns.pair {
        filled(table, pair)?;
    }
    let cell = |row: &Row, column: usize| row.cells[column].trim().to_owned();
    let text = |row: &Row| Text {
        text: cell(row, columns.text),
        pair: columns.pair.map(|pair| cell(row, pair)),
    };
    Ok(table.rows.iter().map(text).collect())
}

/// Refuses a column that is empty in some rows.
fn filled(table: &Table, column: usize) -> Result<(), DataError> {
    let mut empty = (table.rows.iter()).filter(|row| row.cells[column].trim().is_empty());
    match empty.next() {
        None => Ok(()),
        Some(row) => Err(DataError::Empty {
            line: row.line,
            column: table.columns[column].clone(),
            more: empty.count(),
        }),
    }
}

impl Dataset {
    /// Reads examples to learn from. Labels that differ only in spaces or case are one.
    ///
    /// # Errors
    /// Empty cells, one row, one class, too many classes, or columns that do not exist.
    pub fn new(table: &Table, columns: &Columns) -> Result<(Dataset, Report), DataError> {
        let (texts, label) = labelled(table, columns)?;
        let spellings = || table.rows.iter().map(|row| row.cells[label].trim());
        let column = || table.columns[label].clone();
        let (labels, merged) = merge(spellings());
        match labels.len() {
            _ if texts.len() == 1 => return Err(DataError::OneRow),
            1 => {
                let (label, column) = (labels[0].clone(), column());
                return Err(DataError::OneClass { column, label });
            }
            n if n > MAX_CLASSES => {
                let (column, rows) = (column(), texts.len());
                return Err(DataError::TooManyClasses { column, rows });
            }
            _ => {}
        }
        let classes = classes(&labels);
        let labels_of_rows = spellings().map(|label| classes[&folded(label)]);
        let examples = examples(texts, labels_of_rows);
        let dataset = Dataset { examples, labels };
        let report = dataset.report(merged);
        Ok((dataset, report))
    }

    /// Reads examples to test a model on that has `labels` already; labels match whatever their
    /// spaces and case. One row or one class is enough here.
    ///
    /// # Errors
    /// As [`Dataset::new`], and [`DataError::UnknownLabel`].
    pub fn with_labels(
        table: &Table,
        columns: &Columns,
        labels: &[String],
    ) -> Result<Dataset, DataError> {
        let (texts, label) = labelled(table, columns)?;
        let classes = classes(labels);
        let class = |row: &Row| {
            let label = row.cells[label].trim();
            let unknown = || DataError::UnknownLabel {
                line: row.line,
                label: label.to_owned(),
                known: labels.to_vec(),
            };
            classes.get(&folded(label)).copied().ok_or_else(unknown)
        };
        let found = table
            .rows
            .iter()
            .map(class)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Dataset {
            examples: examples(texts, found.into_iter()),
            labels: labels.to_vec(),
        })
    }

    /// Examples of each class.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.labels.len()];
        for example in &self.examples {
            counts[example.label] += 1;
        }
        counts
    }

    /// How many of `other`'s examples have a text that stands here too, whatever its spaces and
    /// case: a test on them measures memory.
    pub fn also_in(&self, other: &Dataset) -> usize {
        let here: HashSet<_> = self.examples.iter().map(Example::key).collect();
        let stands = |example: &&Example| here.contains(&example.key());
        other.examples.iter().filter(stands).count()
    }

    fn report(&self, merged: Vec<MergedLabel>) -> Report {
        let counts = self.counts();
        let single = counts.iter().zip(&self.labels).filter(|(n, _)| **n == 1);
        let single = single.map(|(_, label)| label.clone()).collect();
        let mut first = HashMap::new();
        let (mut repeated, mut contradicting) = (0, 0);
        for example in &self.examples {
            match first.entry(example.key()) {
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(example.label);
                }
                std::collections::hash_map::Entry::Occupied(entry) => {
                    repeated += 1;
                    contradicting += usize::from(*entry.get() != example.label);
                }
            }
        }
        Report {
            counts,
            merged,
            single,
            repeated,
            contradicting,
        }
    }
}

impl Example {
    /// What two examples share that say the same.
    pub(super) fn key(&self) -> (String, Option<String>) {
        (folded(&self.text), self.pair.as_deref().map(folded))
    }
}

fn labelled(table: &Table, columns: &Columns) -> Result<(Vec<Text>, usize), DataError> {
    let texts = texts(table, columns)?;
    let label = columns.label.ok_or_else(|| DataError::NoLabels {
        columns: table.columns.clone(),
    })?;
    filled(table, label)?;
    Ok((texts, label))
}

fn examples(texts: Vec<Text>, labels: impl Iterator<Item = usize>) -> Vec<Example> {
    let example = |(Text { text, pair }, label)| Example { text, pair, label };
    texts.into_iter().zip(labels).map(example).collect()
}

/// The place of every label, by its folded spelling.
fn classes(labels: &[String]) -> HashMap<String, usize> {
    let folded = labels.iter().map(|label| folded(label));
    folded.enumerate().map(|(i, label)| (label, i)).collect()
}

/// Lower case, with one space for any run of them.
fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// The different labels in order, and those that came in several spellings.
fn merge<'a>(spellings: impl Iterator<Item = &'a str>) -> (Vec<String>, Vec<MergedLabel>) {
    // By folded label: its spellings in the order of their first rows.
    let mut found: HashMap<String, Vec<(&str, usize)>> = HashMap::new();
    for spelling in spellings {
        let same = found.entry(folded(spelling)).or_default();
        match same.iter_mut().find(|(s, _)| *s == spelling) {
            Some((_, count)) => *count += 1,
            None => same.push((spelling, 1)),
        }
    }
    let (mut labels, mut merged) = (Vec::new(), Vec::new());
    for mut same in found.into_values() {
        same.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let kept = same[0].0.to_owned();
        labels.push(kept.clone());
        if same.len() > 1 {
            let spellings = same.into_iter().map(|(s, n)| (s.to_owned(), n)).collect();
            merged.push(MergedLabel { kept, spellings });
        }
    }
    merged.sort_by(|a, b| a.kept.cmp(&b.kept));
    let numbers: Option<Vec<i64>> = labels.iter().map(|l| l.parse().ok()).collect();
    labels.sort();
    if numbers.is_some() {
        labels.sort_by_key(|label| label.parse::<i64>().ok());
    }
    (labels, merged)
}
