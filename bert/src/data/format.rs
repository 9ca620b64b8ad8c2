//! How a file separates its cells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::encoding::decode;
use super::marked::is_conll;
use super::{delimited, header};

/// How a file separates its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// One text a line, and no other cells.
    Lines,
    /// Tab-separated, one row a line. A quote is a character like any other (IANA's
    /// text/tab-separated-values), unless the whole file quotes its cells as CSV does.
    Tsv,
    /// Comma-separated, with quotes around what holds commas, quotes or line breaks (RFC 4180).
    Csv,
    /// The same with semicolons, as spreadsheets write it where the comma is the decimal sign.
    SemicolonCsv,
    /// The same with vertical bars.
    BarCsv,
    /// CoNLL: a word and its tag a line, an empty line between texts.
    Conll,
    /// JSON objects: one a line (JSON Lines), one after another, or in an array.
    Json,
}

/// What separates cells, the likeliest first.
const DELIMITED: [Format; 4] = [
    Format::Csv,
    Format::SemicolonCsv,
    Format::Tsv,
    Format::BarCsv,
];

impl Format {
    /// From the file's name, where that tells, and all of its rows. What is no text gives any
    /// format: [`Table::parse`](super::Table::parse) says what is wrong with it.
    pub fn guess(name: Option<&str>, bytes: &[u8]) -> Format {
        let Ok(text) = decode(bytes) else {
            return Format::Lines;
        };
        if let Some((format, _)) = separator_line(&text) {
            return format;
        }
        let extension = name.and_then(|n| n.rsplit_once('.'));
        match extension.map(|(_, e)| e.to_ascii_lowercase()).as_deref() {
            Some("jsonl" | "ndjson" | "json") => Format::Json,
            Some("conll" | "conllu" | "bio" | "iob" | "iob2") => Format::Conll,
            _ if is_conll(&text) => Format::Conll,
            Some("csv") => best(&text).unwrap_or(Format::Csv),
            Some("tsv" | "tab") if text.contains('\t') => Format::Tsv,
            _ if is_json(&text) => Format::Json,
            _ if mostly_tabs(&text) => Format::Tsv,
            _ => best(&text)
                .filter(|&format| is_table(&text, format))
                .unwrap_or(Format::Lines),
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Format::Lines => "one text a line",
            Format::Tsv => "TSV",
            Format::Csv => "CSV",
            Format::SemicolonCsv => "CSV with semicolons",
            Format::BarCsv => "CSV with bars",
            Format::Conll => "CoNLL",
            Format::Json => "JSON",
        }
    }

    pub(super) fn delimiter(self) -> Option<u8> {
        match self {
            Format::Lines | Format::Conll | Format::Json => None,
            Format::Tsv => Some(b'\t'),
            Format::Csv => Some(b','),
            Format::SemicolonCsv => Some(b';'),
            Format::BarCsv => Some(b'|'),
        }
    }

    pub(super) fn hint(self) -> &'static str {
        match self {
            Format::Tsv => {
                "A tab or a line break inside a text splits it in two: write a space instead"
            }
            Format::SemicolonCsv => "Put a text that holds a semicolon in double quotes",
            Format::BarCsv => "Put a text that holds a bar in double quotes",
            Format::Csv | Format::Lines | Format::Conll | Format::Json => {
                "Put a text that holds a comma in double quotes"
            }
        }
    }
}

/// Excel's first line, `sep=;`: the format that it names, and the bytes that it takes.
pub(super) fn separator_line(text: &str) -> Option<(Format, usize)> {
    let line = text.split('\n').next()?;
    let taken = (line.len() + 1).min(text.len());
    let line = line.trim_end_matches('\r').trim_matches('"');
    let head = line.get(..4)?;
    let mut rest = line[4..].bytes();
    let (delimiter, None) = (rest.next()?, rest.next()) else {
        return None;
    };
    let named = |format: &&Format| format.delimiter() == Some(delimiter);
    let format = DELIMITED.iter().find(named)?;
    head.eq_ignore_ascii_case("sep=")
        .then_some((*format, taken))
}

/// Whether a text begins as JSON does, and not as a text in brackets or braces.
fn is_json(text: &str) -> bool {
    let text = text.trim_start();
    let follows = |open: char, next: &[char]| {
        let rest = text.strip_prefix(open).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with(next))
    };
    follows('{', &['"', '}']) || follows('[', &['{', '"', ']'])
}

/// Whether at least half of the lines hold a tab.
fn mostly_tabs(text: &str) -> bool {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let with = lines().filter(|line| line.contains('\t')).count();
    with > 0 && with * 2 >= lines().count()
}

/// The delimiter by which the most rows have the same number of cells, two at least; of equals
/// the one that gives more cells.
fn best(text: &str) -> Option<Format> {
    let mut best: Option<(Format, (usize, usize))> = None;
    for format in DELIMITED {
        let Some((width, rows, all)) = widths(text, format) else {
            continue;
        };
        // In thousandths, so that one odd row in many thousands decides nothing.
        let score = (1000 * rows / all.max(1), width);
        if best.is_none_or(|(_, least)| score > least) {
            best = Some((format, score));
        }
    }
    best.map(|(format, _)| format)
}

/// The most frequent number of cells, how many rows have it, and all rows; `None` where most rows
/// have one cell.
fn widths(text: &str, format: Format) -> Option<(usize, usize, usize)> {
    let delimiter = format.delimiter()?;
    let mut counts = BTreeMap::new();
    let mut all = 0;
    delimited::scan(text, delimiter, |row| {
        *counts.entry(row.cells).or_insert(0) += 1;
        all += 1;
    });
    let (&width, &rows) = counts.iter().max_by_key(|&(_, rows)| rows)?;
    (width > 1).then_some((width, rows, all))
}

/// Whether texts without a name that says so are a table and no prose: nearly all rows have one
/// number of cells, and where a space follows every delimiter, as in prose, names or labels show
/// that they are cells.
fn is_table(text: &str, format: Format) -> bool {
    let (Some((width, rows, all)), Some(delimiter)) = (widths(text, format), format.delimiter())
    else {
        return false;
    };
    if rows * 5 < all * 4 {
        return false;
    }
    let delimiter = char::from(delimiter);
    let spaced = |line: &str| line.split(delimiter).skip(1).all(|c| c.starts_with(' '));
    if !text.lines().all(spaced) {
        return true;
    }
    let cells: Vec<Vec<&str>> = (text.lines().filter(|line| !line.trim().is_empty()))
        .map(|line| line.split(delimiter).map(str::trim).collect())
        .filter(|cells: &Vec<&str>| cells.len() == width)
        .collect();
    let Some(first) = cells.first() else {
        return false;
    };
    header::has_usual_names(first) || (0..width).any(|column| recurs(&cells, column))
}

/// Whether a column holds few short values that recur, as labels do.
fn recurs(cells: &[Vec<&str>], column: usize) -> bool {
    let values: std::collections::HashSet<&str> = cells.iter().map(|row| row[column]).collect();
    cells.len() >= 4
        && values.len() * 2 <= cells.len()
        && values
            .iter()
            .all(|value| value.split_whitespace().count() <= 3)
}
