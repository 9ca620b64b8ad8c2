//! Rows as examples.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::labels::{MergedLabel, Unlabelled, classes, folded, key, merge};
use super::marked::tag_names;
use super::values::several;
use super::{Columns, DataError, Format, MAX_CLASSES, Marks, Row, Table, Tagged, Truth};
use crate::config::HeadKind;
use crate::decimal::parse_decimal;

/// A text, or a pair of texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Text {
    /// The text, without spaces around.
    pub text: String,
    /// The second text.
    pub pair: Option<String>,
}

impl Text {
    /// Where answers are sought: the second text, or the first where there is no other.
    pub fn passage(&self) -> &str {
        self.pair.as_deref().unwrap_or(&self.text)
    }
}

/// A text or pair, and what is right for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The text, without spaces around; with marked words or answers as it stands in the file.
    pub text: String,
    /// The second text.
    pub pair: Option<String>,
    /// What is right for it.
    pub truth: Truth,
    /// The line of the file where it stands; 0 where it stands in none.
    pub line: usize,
}

/// Texts, and what is right for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// The head that learns it.
    pub kind: HeadKind,
    /// The examples in the order of the file.
    pub examples: Vec<Example>,
    /// The names of classes, labels or tags: by number if all are numbers, by spelling otherwise; tags as they stand in
    /// [`Truth::Tags`]. Of a score and of answers none.
    pub labels: Vec<String>,
}

/// What a user should know of a data set before training on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Examples of each class or label; of tags, none.
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
    // Marks count the characters of a text as it stands.
    let cell = |row: &Row, column: usize| match row.marks {
        Some(_) => row.cells[column].clone(),
        None => row.cells[column].trim().to_owned(),
    };
    let pair = |row: &Row| match &row.marks {
        // The model reads one of them at a time.
        Some(Marks::Choices(choices, _)) => choices.iter().max_by_key(|c| c.len()).cloned(),
        _ => columns.pair.map(|pair| cell(row, pair)),
    };
    let text = |row: &&Row| Text {
        text: cell(row, columns.text),
        pair: pair(row),
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
        kind: HeadKind,
    ) -> Result<Self, DataError> {
        columns.check(table)?;
        let column = columns.label.ok_or_else(|| DataError::NoLabels {
            columns: table.columns.clone(),
        })?;
        let typed = table.format == Format::Json;
        let unlabelled = match (kind, known) {
            (HeadKind::Score, _) => Unlabelled::of_scores(typed),
            (_, Some(labels)) => Unlabelled::beside(labels, typed),
            (_, None) => {
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
    /// Reads examples to learn one class each from. Labels that differ only in spaces, case or invisible
    /// characters are one, and so are spellings of one number; rows without a label are left out.
    ///
    /// # Errors
    /// Empty cells, one row, one class, too many classes, or columns that do not exist.
    pub fn new(table: &Table, columns: &Columns) -> Result<(Dataset, Report), DataError> {
        Self::of(HeadKind::Classes, table, columns, None)
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
        Self::of(HeadKind::Classes, table, columns, Some(labels))
    }

    /// Reads what a head of this kind learns; with `known` labels, to test a model on that has them already.
    ///
    /// # Errors
    /// As [`Dataset::new`] and [`Dataset::with_labels`]; scores that are no numbers, or all one; a file whose texts are not
    /// marked as this head needs it.
    pub fn of(
        kind: HeadKind,
        table: &Table,
        columns: &Columns,
        known: Option<&[String]>,
    ) -> Result<(Dataset, Report), DataError> {
        let (truths, labels, texts, lines, known_report) = match kind {
            HeadKind::Tokens | HeadKind::Span | HeadKind::Choice => {
                columns.check(table)?;
                let rows: Vec<&Row> = table.rows.iter().collect();
                let (truths, labels) = match kind {
                    HeadKind::Tokens => tags(&rows, known)?,
                    HeadKind::Span => (answers(&rows)?, Vec::new()),
                    _ => (choices(&rows)?, Vec::new()),
                };
                let marked = Columns {
                    text: 0,
                    pair: (kind == HeadKind::Span).then_some(1),
                    label: None,
                };
                let texts = texts_of(table, &marked, &rows)?;
                (truths, labels, texts, lines(&rows), Report::default())
            }
            _ => {
                let labelled = Labelled::new(table, columns, known, kind)?;
                let (truths, labels, merged) = match kind {
                    HeadKind::Labels => labelled.several(table, known)?,
                    HeadKind::Score => (
                        labelled.scores(table, known.is_none())?,
                        Vec::new(),
                        Vec::new(),
                    ),
                    _ => labelled.classes(table, known)?,
                };
                let report = Report {
                    merged,
                    ..labelled.report
                };
                (
                    truths,
                    labels,
                    labelled.texts,
                    lines(&labelled.rows),
                    report,
                )
            }
        };
        if known.is_none() && truths.len() == 1 {
            return Err(DataError::OneRow);
        }
        let rows = texts.into_iter().zip(truths).zip(lines);
        let example = |((Text { text, pair }, truth), line)| Example {
            text,
            pair: pair.filter(|_| kind != HeadKind::Choice),
            truth,
            line,
        };
        let dataset = Dataset {
            kind,
            examples: rows.map(example).collect(),
            labels,
        };
        let report = dataset.report(known_report);
        Ok((dataset, report))
    }

    /// Examples of each class.
    pub fn counts(&self) -> Vec<usize> {
        match self.kind {
            HeadKind::Tokens => Vec::new(),
            _ => label_counts(&self.examples, self.labels.len()),
        }
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
                    entry.insert(&example.truth);
                }
                std::collections::hash_map::Entry::Occupied(entry) => {
                    repeated += 1;
                    contradicting += usize::from(*entry.get() != &example.truth);
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
    /// A text of a class.
    pub fn of_class(text: impl Into<String>, class: usize) -> Self {
        Self {
            text: text.into(),
            pair: None,
            truth: Truth::Class(class),
            line: 0,
        }
    }

    /// What examples share that a split keeps together: what they say, or the passage that they ask about.
    pub(super) fn group(&self) -> (String, Option<String>) {
        match (&self.truth, &self.pair) {
            (Truth::Answers(_), Some(passage)) => (folded(passage), None),
            _ => self.key(),
        }
    }

    /// What two examples share that say the same.
    pub(super) fn key(&self) -> (String, Option<String>) {
        let second = match &self.truth {
            // In whatever order.
            Truth::Choice { options, .. } => {
                let mut options: Vec<String> = options.iter().map(|o| folded(o)).collect();
                options.sort_unstable();
                Some(options.join("\n"))
            }
            _ => self.pair.as_deref().map(folded),
        };
        (folded(&self.text), second)
    }
}

/// How many examples have each of so many classes or labels.
pub fn label_counts(examples: &[Example], labels: usize) -> Vec<usize> {
    let mut counts = vec![0; labels];
    for example in examples {
        match &example.truth {
            Truth::Class(class) => counts[*class] += 1,
            Truth::Labels(found) => found.iter().for_each(|label| counts[*label] += 1),
            Truth::Score(_) | Truth::Tags(_) | Truth::Answers(_) | Truth::Choice { .. } => {}
        }
    }
    counts
}

fn lines(rows: &[&Row]) -> Vec<usize> {
    rows.iter().map(|row| row.line).collect()
}

/// The tags of words, and their names: those that a model has, or all there are.
fn tags(rows: &[&Row], known: Option<&[String]>) -> Result<(Vec<Truth>, Vec<String>), DataError> {
    let mut marked = Vec::new();
    for row in rows {
        match &row.marks {
            Some(Marks::Tags(tags)) => marked.push((row.line, tags)),
            _ => {
                return Err(DataError::NoMarks {
                    what: "tags of words",
                });
            }
        }
    }
    let all = || {
        marked
            .iter()
            .flat_map(|(_, tags)| tags.iter().map(|(_, tag)| tag.as_str()))
    };
    let names = match known {
        Some(known) => known.to_vec(),
        None => tag_names(all()),
    };
    if known.is_none() && names.len() < 2 {
        let (column, label) = (
            "tags".to_owned(),
            names.first().cloned().unwrap_or_default(),
        );
        return Err(DataError::OneClass { column, label });
    }
    if names.len() > MAX_CLASSES {
        let (column, rows) = ("tags".to_owned(), rows.len());
        return Err(DataError::TooManyClasses { column, rows });
    }
    let places: HashMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(i, n)| (n.as_str(), i))
        .collect();
    let mut truths = Vec::with_capacity(marked.len());
    for (line, tags) in &marked {
        let tagged = |(word, tag): &(super::Stretch, String)| {
            let unknown = || DataError::UnknownLabel {
                line: *line,
                label: tag.clone(),
                known: names.clone(),
            };
            let tag = places.get(tag.as_str()).copied().ok_or_else(unknown)?;
            Ok(Tagged { word: *word, tag })
        };
        truths.push(Truth::Tags(
            tags.iter().map(tagged).collect::<Result<_, DataError>>()?,
        ));
    }
    Ok((truths, names))
}

fn answers(rows: &[&Row]) -> Result<Vec<Truth>, DataError> {
    let of = |row: &&Row| match &row.marks {
        Some(Marks::Answers(answers)) => Ok(Truth::Answers(answers.clone())),
        _ => Err(DataError::NoMarks {
            what: "answers in a passage",
        }),
    };
    rows.iter().map(of).collect()
}

fn choices(rows: &[&Row]) -> Result<Vec<Truth>, DataError> {
    let of = |row: &&Row| match &row.marks {
        Some(Marks::Choices(options, right)) => Ok(Truth::Choice {
            options: options.clone(),
            right: *right,
        }),
        _ => Err(DataError::NoMarks {
            what: "texts to choose from",
        }),
    };
    rows.iter().map(of).collect()
}

/// What rows teach, the names of the labels, and those that were merged.
type Learned = (Vec<Truth>, Vec<String>, Vec<MergedLabel>);

impl Labelled<'_> {
    fn name(&self, table: &Table) -> String {
        table.columns[self.column].clone()
    }

    /// Labels of the rows' own, as many as can be learned.
    fn merged<'b>(
        &self,
        table: &Table,
        spellings: impl Iterator<Item = &'b str>,
    ) -> Result<(Vec<String>, Vec<MergedLabel>), DataError> {
        let (labels, merged) = merge(spellings);
        let (rows, column) = (self.rows.len(), self.name(table));
        match labels.len() {
            _ if rows == 1 => Err(DataError::OneRow),
            0 => Err(DataError::Unlabelled { column, rows }),
            1 => Err(DataError::OneClass {
                column,
                label: labels[0].clone(),
            }),
            n if n > MAX_CLASSES => Err(DataError::TooManyClasses { column, rows }),
            _ => Ok((labels, merged)),
        }
    }

    fn classes(&self, table: &Table, known: Option<&[String]>) -> Result<Learned, DataError> {
        let (labels, merged) = match known {
            Some(known) => (known.to_vec(), Vec::new()),
            None => self.merged(table, self.labels())?,
        };
        let places = classes(&labels);
        let class = |(row, label): (&&Row, &str)| place(&places, row.line, label, &labels);
        let found = self.rows.iter().zip(self.labels()).map(class);
        let found = found.map(|class| class.map(Truth::Class));
        Ok((found.collect::<Result<_, _>>()?, labels, merged))
    }

    fn several(&self, table: &Table, known: Option<&[String]>) -> Result<Learned, DataError> {
        let cells: Vec<Vec<String>> = self.labels().map(several).collect();
        let (labels, merged) = match known {
            Some(known) => (known.to_vec(), Vec::new()),
            None => self.merged(table, cells.iter().flatten().map(String::as_str))?,
        };
        let places = classes(&labels);
        let mut truths = Vec::with_capacity(cells.len());
        for (row, cell) in self.rows.iter().zip(&cells) {
            let found = cell
                .iter()
                .map(|label| place(&places, row.line, label, &labels));
            let mut found = found.collect::<Result<Vec<usize>, DataError>>()?;
            found.sort_unstable();
            found.dedup();
            truths.push(Truth::Labels(found));
        }
        Ok((truths, labels, merged))
    }

    fn scores(&self, table: &Table, to_learn: bool) -> Result<Vec<Truth>, DataError> {
        let numbers: Vec<Option<f64>> = self.labels().map(parse_decimal).collect();
        let mut words = (0..numbers.len()).filter(|&i| numbers[i].is_none_or(|n| !n.is_finite()));
        if let Some(i) = words.next() {
            return Err(DataError::Score {
                line: self.rows[i].line,
                cell: self.rows[i].cells[self.column].trim().to_owned(),
                column: self.name(table),
                more: words.count(),
            });
        }
        let numbers: Vec<f64> = numbers.into_iter().flatten().collect();
        if to_learn && numbers.iter().all(|n| *n == numbers[0]) {
            return Err(DataError::OneScore {
                column: self.name(table),
                score: numbers[0].to_string(),
            });
        }
        Ok(numbers.into_iter().map(Truth::Score).collect())
    }
}

/// The place of a label among those that are known.
fn place(
    places: &HashMap<String, usize>,
    line: usize,
    label: &str,
    known: &[String],
) -> Result<usize, DataError> {
    places
        .get(&key(label))
        .copied()
        .ok_or_else(|| DataError::UnknownLabel {
            line,
            label: label.to_owned(),
            known: known.to_vec(),
        })
}
