//! Which column holds what.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{DataError, Row, Table};
use crate::decimal::parse_decimal;

/// Names that labelled sets give their columns, the most telling first; `_`, `-`, spaces and case
/// do not matter.
const LABELS: [&str; 18] = [
    "labeltext",
    "labelname",
    "label",
    "labels",
    "class",
    "category",
    "target",
    "sentiment",
    "intent",
    "emotion",
    "tag",
    "gold",
    "goldlabel",
    "topic",
    "type",
    "rating",
    "stars",
    "y",
];
const TEXTS: [&str; 24] = [
    "text",
    "sentence",
    "sentence1",
    "text1",
    "texta",
    "sentencea",
    "premise",
    "question1",
    "question",
    "query",
    "utterance",
    "review",
    "reviewtext",
    "comment",
    "tweet",
    "message",
    "content",
    "body",
    "document",
    "phrase",
    "input",
    "sms",
    "headline",
    "title",
];
const PAIRS: [&str; 10] = [
    "pair",
    "sentence2",
    "text2",
    "textb",
    "sentenceb",
    "hypothesis",
    "question2",
    "textpair",
    "secondtext",
    "answer",
];
const OTHERS: [&str; 6] = ["id", "idx", "index", "guid", "split", "source"];

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

impl Columns {
    /// A guess from the columns' names and, where they do not tell, from what stands in them: the
    /// longest texts, and the fewest different values. A second text is found by its name only.
    pub fn guess(table: &Table) -> Columns {
        let named = |names: &[&str], taken: &[Option<usize>]| {
            let free = |&i: &usize| !taken.contains(&Some(i));
            let column = |name: &&str| {
                let is = |&i: &usize| plain(&table.columns[i]) == **name;
                (0..table.columns.len()).filter(free).find(is)
            };
            names.iter().find_map(column)
        };
        let single = table.columns.len() == 1;
        let label = if single { None } else { named(&LABELS, &[]) };
        let text = named(&TEXTS, &[label]);
        let pair = named(&PAIRS, &[label, text]);
        let other = |i: usize| OTHERS.contains(&plain(&table.columns[i]).as_str());
        let free: Vec<usize> = (0..table.columns.len())
            .filter(|i| ![label, text, pair].contains(&Some(*i)))
            .collect();
        let text = text.unwrap_or_else(|| {
            let length = |&i: &usize| -> (bool, usize) {
                let cells = table.rows.iter().map(|row| row.cells[i].len());
                (!other(i), cells.sum())
            };
            // The first of equals.
            free.iter().copied().rev().max_by_key(length).unwrap_or(0)
        });
        let label = label.or_else(|| {
            let rest = free.iter().copied().filter(|&i| i != text && !other(i));
            rest.map(|i| (distinct(&table.rows, i), i))
                // Values that never recur are numbers of rows, or texts.
                .filter(|&(values, _)| values < table.rows.len().max(3))
                .min()
                .map(|(_, i)| i)
        });
        Columns { text, pair, label }
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

/// A name as it is compared.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    letters.flat_map(char::to_lowercase).collect()
}

fn distinct(rows: &[Row], column: usize) -> usize {
    let cells = rows.iter().map(|row| row.cells[column].trim());
    cells.collect::<std::collections::HashSet<_>>().len()
}

/// Whether the first of these rows names the columns: one of its cells is a usual name, or stands
/// above a column of few values or of numbers without being one of them.
pub(super) fn is_header(rows: &[Row]) -> bool {
    let Some((first, rest)) = rows.split_first() else {
        return false;
    };
    // An empty name is allowed: that is how an exported index column looks.
    if first.cells.iter().any(|cell| cell.len() > 64) {
        return false;
    }
    first.cells.iter().enumerate().any(|(column, name)| {
        let name = name.trim();
        let cells = || rest.iter().map(|row| row.cells[column].trim());
        if cells().any(|cell| cell == name) {
            return false;
        }
        let known = plain(name);
        let usual = [&LABELS[..], &TEXTS[..], &PAIRS[..], &OTHERS[..]];
        if usual.concat().contains(&known.as_str()) {
            return true;
        }
        let number = |cell: &str| parse_decimal(cell).is_some();
        if rest.len() >= 3 && !number(name) && cells().all(number) {
            return true;
        }
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for cell in cells() {
            *counts.entry(cell).or_default() += 1;
        }
        // Every value recurs; the first row's alone does not.
        rest.len() >= 10 && counts.len() > 1 && counts.values().all(|&n| n > 1)
    })
}
