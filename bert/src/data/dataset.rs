//! Rows as examples.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::labels::{MergedLabel, Unlabelled, classes, folded, key, merge};
use super::{Columns, DataError, Format, MAX_CLASSES, Row, Table};

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
    /// The classes' names: by number if all are numbers, by spelling otherwise.
    pub labels: Vec<String>,
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
    /// Rows without a label, which are left out: its cell is empty, null, `-` or the like.
    pub unlabelled: usize,
    /// The line of the first of them.
    pub first_unlabelled: Option<usize>,
    /// Rows whose label the annotator did not accept: Prodigy's `answer` is `reject` or `ignore`.
    pub not_accepted: usize,
    /// Examples whose text stands further up already.
    pub repeated: usize,
    /// Those of them that have another label there.
    pub contradicting: usize,
}

/// The texts of a table that need no labels.
///
/// # Errors
/// [`DataError::Empty`], [`DataError::EndsEarly`] and [`DataError::Column`].
pub fn texts(table: &Table, columns: &Columns) -> Result<Vec<Text>, DataError> {
    columns.check(table)?;
    texts_of(table, columns, &table.rows.iter().collect::<Vec<_>>())
}

fn texts_of(table: &Table, columns: &Columns, rows: &[&Row]) -> Result<Vec<Text>, DataError> {
    filled(table, rows, columns.text)?;
    if let Some(pair) = columns.pair {
        filled(table, rows, pair)?;
    }
    let cell = |row: &Row, column: usize| row.cells[column].trim().to_owned();
    let text = |row: &&Row| Text {
        text: cell(row, columns.text),
        pair: columns.pair.map(|pair| cell(row, pair)),
    };
    Ok(rows.iter().map(text).collect())
}

/// Refuses a column that is empty in some rows.
fn filled(table: &Table, rows: &[&Row], column: usize) -> Result<(), DataError> {
    let mut empty = (rows.iter()).filter(|row| row.cells[column].trim().is_empty());
    match empty.next() {
        None => Ok(()),
        Some(row) if row.given <= column => Err(ends_early(table, row, column)),
        Some(row) => Err(DataError::Empty {
            line: row.line,
            column: table.columns[column].clone(),
            more: empty.count(),
        }),
    }
}

fn ends_early(table: &Table, row: &Row, column: usize) -> DataError {
    DataError::EndsEarly {
        line: row.line,
        found: row.given,
        expected: table.columns.len(),
        column: table.columns[column].clone(),
        hint: table.format.hint(),
    }
}

/// The rows that have a label, and what is to be told of the others.
struct Labelled<'a> {
    rows: Vec<&'a Row>,
    texts: Vec<Text>,
    /// The label's column.
    column: usize,
    report: Report,
}

impl<'a> Labelled<'a> {
    fn new(
        table: &'a Table,
        columns: &Columns,
        known: Option<&[String]>,
    ) -> Result<Self, DataError> {
        columns.check(table)?;
        let column = columns.label.ok_or_else(|| DataError::NoLabels {
            columns: table.columns.clone(),
        })?;
        let typed = table.format == Format::Json;
        let unlabelled = match known {
            Some(labels) => Unlabelled::beside(labels, typed),
            None => {
                let cells = table.rows.iter().map(|row| row.cells[column].as_str());
                Unlabelled::in_column(cells, typed)
            }
        };
        // Without quotes, a line break splits a text: its first half is no row without a label.
        let early = |row: &&Row| table.format == Format::Tsv && row.given <= column;
        if let Some(row) = table.rows.iter().find(early) {
            return Err(ends_early(table, row, column));
        }
        let lacks = |row: &&Row| unlabelled.has(&row.cells[column]);
        let (without, rows): (Vec<&Row>, Vec<&Row>) = table.rows.iter().partition(lacks);
        if rows.is_empty() {
            return Err(DataError::Unlabelled {
                column: table.columns[column].clone(),
                rows: without.len(),
            });
        }
        let report = Report {
            unlabelled: without.len(),
            first_unlabelled: without.first().map(|row| row.line),
            not_accepted: not_accepted(table, &rows),
            ..Report::default()
        };
        Ok(Self {
            texts: texts_of(table, columns, &rows)?,
            rows,
            column,
            report,
        })
    }

    fn labels(&self) -> impl Iterator<Item = &'a str> {
        let column = self.column;
        self.rows.iter().map(move |row| row.cells[column].trim())
    }
}

/// Rows that an annotator did not accept, where the file tells.
fn not_accepted(table: &Table, rows: &[&Row]) -> usize {
    let Some(answer) = table.columns.iter().position(|name| name == "answer") else {
        return 0;
    };
    let answers = || rows.iter().map(|row| row.cells[answer].trim());
    match answers().all(|answer| ["accept", "reject", "ignore", ""].contains(&answer)) {
        true => answers()
            .filter(|answer| ["reject", "ignore"].contains(answer))
            .count(),
        false => 0,
    }
}

impl Dataset {
    /// Reads examples to learn from. Labels that differ only in spaces, case or invisible
    /// characters are one, and so are spellings of one number; rows without a label are left out.
    ///
    /// # Errors
    /// Empty cells, one row, one class, too many classes, or columns that do not exist.
    pub fn new(table: &Table, columns: &Columns) -> Result<(Dataset, Report), DataError> {
        let labelled = Labelled::new(table, columns, None)?;
        let rows = labelled.rows.len();
        let column = || table.columns[labelled.column].clone();
        let (labels, merged) = merge(labelled.labels());
        match labels.len() {
            _ if rows == 1 => return Err(DataError::OneRow),
            1 => {
                let (label, column) = (labels[0].clone(), column());
                return Err(DataError::OneClass { column, label });
            }
            n if n > MAX_CLASSES => {
                let column = column();
                return Err(DataError::TooManyClasses { column, rows });
            }
            _ => {}
        }
        let classes = classes(&labels);
        let labels_of_rows: Vec<usize> = labelled.labels().map(|l| classes[&key(l)]).collect();
        let examples = examples(labelled.texts, labels_of_rows);
        let dataset = Dataset { examples, labels };
        let report = dataset.report(Report {
            merged,
            ..labelled.report
        });
        Ok((dataset, report))
    }

    /// Reads examples to test a model on that has `labels` already; labels match as [`Dataset::new`]
    /// takes them for one. One row or one class is enough here.
    ///
    /// # Errors
    /// As [`Dataset::new`], and [`DataError::UnknownLabel`].
    pub fn with_labels(
        table: &Table,
        columns: &Columns,
        labels: &[String],
    ) -> Result<(Dataset, Report), DataError> {
        let labelled = Labelled::new(table, columns, Some(labels))?;
        let classes = classes(labels);
        let class = |(row, label): (&&Row, &str)| {
            let unknown = || DataError::UnknownLabel {
                line: row.line,
                label: label.to_owned(),
                known: labels.to_vec(),
            };
            classes.get(&key(label)).copied().ok_or_else(unknown)
        };
        let found = labelled.rows.iter().zip(labelled.labels()).map(class);
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let dataset = Dataset {
            examples: examples(labelled.texts, found),
            labels: labels.to_vec(),
        };
        let report = dataset.report(labelled.report);
        Ok((dataset, report))
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

    /// What is to be told of the labels and the texts, beside what is known.
    fn report(&self, known: Report) -> Report {
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
            single,
            repeated,
            contradicting,
            ..known
        }
    }
}

impl Example {
    /// What two examples share that say the same.
    pub(super) fn key(&self) -> (String, Option<String>) {
        (folded(&self.text), self.pair.as_deref().map(folded))
    }
}

fn examples(texts: Vec<Text>, labels: Vec<usize>) -> Vec<Example> {
    let example = |(Text { text, pair }, label)| Example { text, pair, label };
    texts.into_iter().zip(labels).map(example).collect()
}
