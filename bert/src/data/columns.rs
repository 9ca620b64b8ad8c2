//! Which column holds what.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::header::{LABELS, PAIRS, TEXTS, is_other, plain};
use super::labels::Unlabelled;
use super::{DataError, Format, MAX_CLASSES, Marks, Table};

/// What the name of a label's column may end in.
const LABEL_ENDS: [&str; 8] = [
    "label",
    "sentiment",
    "class",
    "category",
    "intent",
    "emotion",
    "rating",
    "stance",
];

/// The columns to read, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// The text.
    pub text: usize,
    /// The second text, where examples are pairs.
    pub pair: Option<usize>,
    /// The label; `None` for texts to predict or to mask.
    pub label: Option<usize>,
}

/// Columns that someone named, by their names or their numbers from 1; the others are guessed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The text.
    pub text: Option<String>,
    /// The second text; `none` for no second text.
    pub pair: Option<String>,
    /// The label.
    pub label: Option<String>,
}

impl Columns {
    /// A guess from the columns' names and, where they do not tell, from what stands in them: the
    /// longest texts, and the fewest different values, two at least. A second text is found by its
    /// name only.
    pub fn guess(table: &Table) -> Columns {
        Guess::new(table).columns()
    }

    /// The columns that someone named, and a guess for the others.
    ///
    /// # Errors
    /// [`DataError::NoColumn`] and [`DataError::Column`].
    pub fn named(table: &Table, named: &Named) -> Result<Columns, DataError> {
        let find = |name: &Option<String>, role| {
            let find = |name: &String| table.column(name, role);
            name.as_ref().map(find).transpose()
        };
        let pair = match named.pair.as_deref() {
            Some("none") if table.column("none", "second text").is_err() => Some(None),
            _ => find(&named.pair, "second text")?.map(Some),
        };
        let settled = Guess::new(table);
        let guess = Guess {
            text: find(&named.text, "text")?.or(settled.text),
            label: find(&named.label, "label")?.or(settled.label),
            pair: pair.or(settled.pair),
            ..settled
        };
        let columns = guess.columns();
        columns.check(table)?;
        Ok(columns)
    }

    /// The same columns of another file: those of the same names where both files name theirs,
    /// else those in the same places. `None` for a label that the other file lacks.
    ///
    /// # Errors
    /// [`DataError::NoColumn`] and [`DataError::Column`].
    pub fn of_other(&self, table: &Table, other: &Table) -> Result<Columns, DataError> {
        let place = |column: usize, role| match table.header && other.header {
            true => other.column(&table.columns[column], role),
            false => Ok(column),
        };
        let columns = Columns {
            text: place(self.text, "text")?,
            pair: self.pair.map(|p| place(p, "second text")).transpose()?,
            label: self.label.map(|l| place(l, "label")).transpose()?,
        };
        columns.check(other)?;
        Ok(columns)
    }

    /// Whether these columns exist and differ.
    pub(super) fn check(&self, table: &Table) -> Result<(), DataError> {
        let chosen = [
            (Some(self.text), "text"),
            (self.pair, "second text"),
            (self.label, "label"),
        ];
        for (i, &(column, role)) in chosen.iter().enumerate() {
            let Some(column) = column else { continue };
            let before = chosen[..i].iter().find(|(c, _)| *c == Some(column));
            let reason = match before {
                _ if column >= table.columns.len() => {
                    format!("the file has {} columns", table.columns.len())
                }
                Some((_, other)) => format!("it is the {other} already"),
                None => continue,
            };
            return Err(DataError::Column {
                column: column + 1,
                role,
                reason,
            });
        }
        Ok(())
    }
}

/// A guess, and what of it is settled.
struct Guess<'a> {
    table: &'a Table,
    names: Vec<String>,
    text: Option<usize>,
    pair: Option<Option<usize>>,
    label: Option<usize>,
}

impl<'a> Guess<'a> {
    /// Where texts are marked, their reader has said which column holds what.
    fn new(table: &'a Table) -> Self {
        let marks = table.rows.first().and_then(|row| row.marks.as_ref());
        let (text, pair, label) = match marks {
            Some(Marks::Tags(_)) => (Some(0), Some(None), Some(1)),
            Some(Marks::Answers(_) | Marks::Choices(..)) => (Some(0), Some(Some(1)), Some(2)),
            None => (None, None, None),
        };
        Self {
            table,
            names: table.columns.iter().map(|name| plain(name)).collect(),
            text,
            pair,
            label,
        }
    }

    fn columns(mut self) -> Columns {
        let single = self.table.columns.len() == 1;
        self.find_pair();
        if self.label.is_none() && !single {
            self.label = self.named_label();
        }
        if self.text.is_none() {
            self.text = self.named(&TEXTS);
        }
        let text = self.text.unwrap_or_else(|| self.longest());
        self.text = Some(text);
        if self.label.is_none() && !single {
            self.label = self
                .fewest()
                .or_else(|| self.named(&LABELS[..LABELS.len() - 1]));
        }
        Columns {
            text,
            pair: self.pair.flatten(),
            label: self.label,
        }
    }

    fn is_free(&self, column: usize) -> bool {
        let column = Some(column);
        ![self.text, self.pair.flatten(), self.label].contains(&column)
    }

    fn free(&self) -> impl Iterator<Item = usize> {
        (0..self.names.len()).filter(|&column| self.is_free(column))
    }

    /// A free column that has one of these names, or a key of an object within that has.
    fn named(&self, names: &[&str]) -> Option<usize> {
        let whole = |name: &&str| self.free().find(|&c| self.names[c] == **name);
        let last = |c: usize| self.names[c].rsplit('.').next().unwrap_or_default();
        let inner = |name: &&str| self.free().find(|&c| last(c) == *name);
        let found = names.iter().find_map(whole);
        found.or_else(|| names.iter().find_map(inner))
    }

    /// Two texts that go together, as far as nobody has chosen otherwise.
    fn find_pair(&mut self) {
        if self.pair.is_some() {
            return;
        }
        for [first, second] in PAIRS {
            let text = match self.text {
                Some(text) if self.names[text] == first => Some(text),
                Some(_) => None,
                None => self.named(&[first]),
            };
            let pair = self.named(&[second]).filter(|&pair| Some(pair) != text);
            let (Some(text), Some(pair)) = (text, pair) else {
                continue;
            };
            // A question's yes or no is a label.
            if second == "answer" && self.values(pair).are_labels() {
                continue;
            }
            (self.text, self.pair) = (Some(text), Some(Some(pair)));
            return;
        }
    }

    /// A column with a label's name that tells rows apart.
    fn named_label(&self) -> Option<usize> {
        let fits = |&column: &usize| {
            let values = self.values(column);
            let answer = self.names[column] == "answer";
            values.different > 1
                && values.different <= MAX_CLASSES
                && (!answer || values.are_labels())
        };
        let of_name = |name: &&str| {
            let mut columns = self.free().filter(|&c| self.names[c] == **name);
            columns.find(fits)
        };
        let of_end = |end: &&str| {
            let mut columns = self.free().filter(|&c| self.names[c].ends_with(*end));
            columns.find(|column| fits(column) && self.values(*column).are_labels())
        };
        let found = LABELS.iter().find_map(of_name);
        found.or_else(|| LABEL_ENDS.iter().find_map(of_end))
    }

    /// The free column with the longest texts, the first of equals.
    fn longest(&self) -> usize {
        let length = |&column: &usize| -> (bool, usize) {
            let cells = self.table.rows.iter().map(|row| row.cells[column].len());
            (!is_other(&self.names[column]), cells.sum())
        };
        let free: Vec<usize> = self.free().collect();
        free.into_iter().rev().max_by_key(length).unwrap_or(0)
    }

    /// The free column with the fewest different values; of one value nothing can be learned, and
    /// values that never recur are numbers of rows, or texts.
    fn fewest(&self) -> Option<usize> {
        let rows = self.table.rows.len();
        let free = self.free().filter(|&c| !is_other(&self.names[c]));
        let values = free.map(|column| (self.values(column), column));
        values
            .filter(|(values, _)| values.different > 1 && values.different < rows.max(3))
            .min_by_key(|&(values, column)| (values.empty * 2 > rows, values.different, column))
            .map(|(_, column)| column)
    }

    fn values(&self, column: usize) -> Values {
        let rows = &self.table.rows;
        let cells = || rows.iter().map(|row| row.cells[column].trim());
        let unlabelled = Unlabelled::in_column(cells(), self.table.format == Format::Json);
        let filled = || cells().filter(|cell| !unlabelled.has(cell));
        Values {
            different: filled().collect::<HashSet<_>>().len(),
            empty: rows.len() - filled().count(),
            words: cells().map(|cell| cell.split_whitespace().count()).sum(),
            rows: rows.len(),
        }
    }
}

/// What stands in a column.
#[derive(Clone, Copy)]
struct Values {
    different: usize,
    empty: usize,
    words: usize,
    rows: usize,
}

impl Values {
    /// Whether they are short and recur.
    fn are_labels(&self) -> bool {
        self.different * 2 <= self.rows.max(4) && self.words <= 4 * self.rows
    }
}
