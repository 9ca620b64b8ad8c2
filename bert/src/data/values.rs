//! What cells of a label column can teach beside one class each: several labels, or a score.

use std::collections::{HashMap, HashSet};

use super::header::is_label_name;
use super::labels::key;
use super::{Columns, Format, MAX_COLUMNS, Marks, Table};
use crate::config::HeadKind;
use crate::decimal::parse_decimal;

/// What separates the labels of a cell.
const SEPARATORS: [char; 3] = ['|', ';', ','];
/// So many different whole numbers are a score rather than classes.
const MANY: usize = 20;
/// A longer one is a text.
const LABEL_WORDS: usize = 4;

/// The labels of a cell: a JSON list, or texts with a separator between them.
pub(super) fn several(cell: &str) -> Vec<String> {
    let cell = cell.trim();
    let list: Option<Vec<String>> = match cell.starts_with('[') {
        true => serde_json::from_str(cell).ok(),
        false => None,
    };
    let parts = list.unwrap_or_else(|| {
        let separator = SEPARATORS.into_iter().find(|&c| cell.contains(c));
        match separator {
            Some(c) => cell.split(c).map(str::to_owned).collect(),
            None => vec![cell.to_owned()],
        }
    });
    let trimmed = parts.iter().map(|part| part.trim().to_owned());
    trimmed.filter(|part| !part.is_empty()).collect()
}

/// So many columns of 0 and 1 are labels.
const COLUMNS: usize = 3;
/// The column that they become.
const LISTS: &str = "labels";

/// Where a table has a column of 0 and 1 for each label, and none that is named as labels are, adds one that lists the
/// labels of each row.
pub(super) fn list_labels(table: &mut Table) {
    let named = table.columns.iter().any(|name| is_label_name(name));
    if !table.header || named || table.columns.len() >= MAX_COLUMNS {
        return;
    }
    let is_binary = |column: &usize| {
        let mut cells = table.rows.iter().map(|row| row.cells[*column].trim());
        cells.all(|cell| cell == "0" || cell == "1")
    };
    let binary: Vec<usize> = (0..table.columns.len()).filter(is_binary).collect();
    if binary.len() < COLUMNS || binary.len() == table.columns.len() {
        return;
    }
    for row in &mut table.rows {
        let on = |column: &&usize| row.cells[**column].trim() == "1";
        let names: Vec<&str> = (binary.iter().filter(on))
            .map(|&column| table.columns[column].trim())
            .collect();
        let list = serde_json::to_string(&names).unwrap_or_default();
        // What was given counts cells of the file.
        row.given += usize::from(row.given == row.cells.len());
        row.cells.push(list);
    }
    let names: Vec<&str> = binary.iter().map(|&c| table.columns[c].trim()).collect();
    table.remarks.push(format!(
        "{} columns hold 0 and 1 ({}): they were read as labels, any number of them a row, in the column `{LISTS}`.",
        names.len(),
        names.join(", ")
    ));
    table.columns.push(LISTS.to_owned());
}

/// The heads that can learn from these columns, the likeliest first. Empty where no column holds labels.
pub fn kinds(table: &Table, columns: &Columns) -> Vec<HeadKind> {
    match table.rows.first().and_then(|row| row.marks.as_ref()) {
        Some(_) if columns.label.is_none() => return Vec::new(),
        Some(Marks::Tags(_)) => return vec![HeadKind::Tokens],
        Some(Marks::Answers(_)) => return vec![HeadKind::Span],
        Some(Marks::Choices(..)) => return vec![HeadKind::Choice],
        None => {}
    }
    let Some(column) = columns.label.filter(|&c| c < table.columns.len()) else {
        return Vec::new();
    };
    let cells: Vec<&str> = (table.rows.iter().map(|row| row.cells[column].trim()))
        .filter(|cell| !cell.is_empty() && *cell != "-")
        .collect();
    let numbers: Option<Vec<f64>> = cells.iter().map(|cell| parse_decimal(cell)).collect();
    let mut kinds = vec![HeadKind::Classes];
    if let Some(numbers) = numbers {
        let different: HashSet<u64> = numbers.iter().map(|n| n.to_bits()).collect();
        let whole = numbers.iter().all(|n| n.fract() == 0.0);
        if different.len() > 1 {
            let first = !whole || different.len() > MANY;
            kinds.insert(if first { 0 } else { 1 }, HeadKind::Score);
        }
        return kinds;
    }
    match are_several(&cells, table.format) {
        Some(true) => kinds.insert(0, HeadKind::Labels),
        Some(false) => kinds.push(HeadKind::Labels),
        None => {}
    }
    kinds
}

/// Whether cells can hold several labels each; and if so, whether they surely do: lists do, and so do parts that recur.
fn are_several(cells: &[&str], format: Format) -> Option<bool> {
    let parts: Vec<Vec<String>> = cells.iter().map(|cell| several(cell)).collect();
    if parts.iter().all(|parts| parts.len() < 2) {
        return None;
    }
    if parts
        .iter()
        .flatten()
        .any(|part| part.split_whitespace().count() > LABEL_WORDS)
    {
        return None;
    }
    let lists = || cells.iter().filter(|cell| cell.starts_with('[')).count();
    if lists() == cells.len() || (format == Format::Json && lists() > 0) {
        return Some(true);
    }
    let mut rows: HashMap<String, usize> = HashMap::new();
    for part in parts.iter().flatten() {
        *rows.entry(key(part)).or_default() += 1;
    }
    let whole: HashSet<&str> = cells.iter().copied().collect();
    Some(rows.len() < whole.len() && rows.values().all(|&count| count > 1))
}
