//! The names of columns, and whether the first row has them.

use std::collections::{HashMap, HashSet};

use super::Row;
use crate::decimal::parse_decimal;

/// Names that labelled sets give their columns (GLUE, SuperGLUE, SNLI, FEVER, …), the most telling
/// first; `_`, `-`, spaces and case do not matter.
pub(super) const LABELS: [&str; 30] = [
    "labeltext",
    "labelname",
    "goldlabel",
    "gold",
    "label",
    "labels",
    "class",
    "category",
    "target",
    "sentiment",
    "intent",
    "emotion",
    "tag",
    "topic",
    "isduplicate",
    "quality",
    "verdict",
    "stance",
    "polarity",
    "entailmentlabel",
    "entailmentjudgment",
    "claimlabel",
    "type",
    "rating",
    "stars",
    "overall",
    "score",
    "acceptability",
    "y",
    // BoolQ's; where it holds texts it is no label.
    "answer",
];
/// Two texts that belong together, in the order in which the field reads them.
pub(super) const PAIRS: [[&str; 2]; 24] = [
    ["sentence1", "sentence2"],
    ["premise", "hypothesis"],
    ["premise", "hypo"],
    ["question1", "question2"],
    ["#1string", "#2string"],
    ["string1", "string2"],
    ["text1", "text2"],
    ["texta", "textb"],
    ["sentencea", "sentenceb"],
    ["sent1", "sent2"],
    ["q1", "q2"],
    ["question", "passage"],
    ["question", "sentence"],
    ["question", "context"],
    ["question", "paragraph"],
    ["query", "passage"],
    ["query", "document"],
    ["claim", "evidence"],
    ["claim", "context"],
    ["headline", "articlebody"],
    ["text", "pair"],
    ["text", "textpair"],
    ["text", "secondtext"],
    ["question", "answer"],
];
pub(super) const TEXTS: [&str; 36] = [
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
    "reviewbody",
    "comment",
    "commenttext",
    "tweet",
    "tweettext",
    "message",
    "content",
    "body",
    "document",
    "article",
    "articlebody",
    "claim",
    "statement",
    "post",
    "phrase",
    "input",
    "sms",
    "abstract",
    "description",
    "summary",
    "headline",
    "title",
    "prompt",
];
const OTHERS: [&str; 14] = [
    "id",
    "idx",
    "index",
    "guid",
    "split",
    "source",
    "genre",
    "date",
    "time",
    "timestamp",
    "user",
    "username",
    "url",
    "word",
];

/// A name as it is compared.
pub(super) fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    letters.flat_map(char::to_lowercase).collect()
}

/// Whether a column of this name is neither text nor label.
pub(super) fn is_other(name: &str) -> bool {
    let name = plain(name);
    OTHERS.contains(&name.as_str()) || name.ends_with("id") || name.ends_with("hash")
}

/// Whether a name is that of several labels a row.
pub(super) fn names_labels(name: &str) -> bool {
    let name = plain(name);
    let single = name.strip_suffix("ies").map(|start| format!("{start}y"));
    let single = single.or_else(|| name.strip_suffix('s').map(str::to_owned));
    is_label_name(&name)
        || single.is_some_and(|single| is_label_name(&single))
        || ["classes", "genres"].contains(&name.as_str())
}

/// Whether a text's column is called so.
pub(super) fn is_text_name(name: &str) -> bool {
    let name = plain(name);
    TEXTS.contains(&name.as_str()) || PAIRS.iter().flatten().any(|pair| *pair == name)
}

/// Whether one of these cells is a usual name of a text or a label.
pub(super) fn has_usual_names(cells: &[&str]) -> bool {
    cells
        .iter()
        .any(|name| is_text_name(name) || is_label_name(name))
}

/// Whether a column of this name holds labels.
pub(super) fn is_label_name(name: &str) -> bool {
    LABELS.contains(&plain(name).as_str())
}

/// Whether the first of these rows names the columns. It does if two of its cells are usual names,
/// or one is and none of the others is a label that stands further down; if a name stands above a
/// column of numbers; or if single words stand above few recurring values that they are none of,
/// and above texts of several words.
pub(super) fn is_header(rows: &[Row]) -> bool {
    let Some((first, rest)) = rows.split_first() else {
        return false;
    };
    // An empty name is allowed: that is how an exported index column looks.
    if first.cells.iter().any(|cell| cell.len() > 64) {
        return false;
    }
    // A header that stands again further down, as in files that were joined, is no example.
    let rest: Vec<&Row> = rest.iter().filter(|row| row.cells != first.cells).collect();
    let names: Vec<&str> = first.cells.iter().map(|cell| cell.trim()).collect();
    let columns: Vec<Values> = (0..names.len())
        .map(|column| Values::of(&rest, column))
        .collect();
    let usual = |name: &&&str| is_text_name(name) || is_label_name(name) || is_other(name);
    let known = names.iter().filter(usual).count();
    let named = || names.iter().zip(&columns);
    if known >= 2 && named().any(|(name, values)| usual(&name) && !values.has(name)) {
        return true;
    }
    // One of the labels: the first row is an example.
    if named()
        .any(|(name, values)| !name.is_empty() && values.are_few(rest.len()) && values.has(name))
    {
        return false;
    }
    if named().any(|(name, values)| usual(&name) && !values.has(name)) {
        return true;
    }
    let above_numbers = |name: &str, values: &Values| {
        rest.len() >= 3 && values.numbers && is_name(name) && !values.has(name)
    };
    if named().any(|(name, values)| above_numbers(name, values)) {
        return true;
    }
    let recurring =
        |values: &Values| values.counts.len() > 1 && values.counts.values().all(|&n| n > 1);
    rest.len() >= 10
        && names.iter().all(|name| is_name(name) || name.is_empty())
        && columns.iter().any(|values| values.words >= 2.0)
        && named().any(|(name, values)| !name.is_empty() && recurring(values) && !values.has(name))
}

/// Whether a cell may be a name: a single word, and no number or mark for what is missing.
fn is_name(cell: &str) -> bool {
    let letters = cell.chars().any(char::is_alphabetic);
    let missing = ["nan", "na", "n/a", "none", "null"].contains(&cell.to_lowercase().as_str());
    letters && !missing && !cell.contains(char::is_whitespace)
}

/// What stands in a column.
struct Values<'a> {
    counts: HashMap<&'a str, usize>,
    numbers: bool,
    /// The mean number of words.
    words: f64,
}

impl<'a> Values<'a> {
    fn of(rows: &[&'a Row], column: usize) -> Self {
        let mut values = Self {
            counts: HashMap::new(),
            numbers: !rows.is_empty(),
            words: 0.0,
        };
        for row in rows {
            let cell = row.cells[column].trim();
            *values.counts.entry(cell).or_default() += 1;
            values.words += cell.split_whitespace().count() as f64;
            values.numbers = values.numbers && parse_decimal(cell).is_some();
        }
        values.words /= rows.len().max(1) as f64;
        values
    }

    fn has(&self, name: &str) -> bool {
        self.counts.contains_key(name)
    }

    /// Whether they recur as labels do.
    fn are_few(&self, rows: usize) -> bool {
        self.counts.len() * 2 <= rows.max(2) && self.words <= 4.0
    }
}

/// A header's names; a nameless column gets one. The first that stands there twice is the error.
pub(super) fn names(cells: Vec<String>) -> Result<Vec<String>, String> {
    let (mut names, mut seen) = (Vec::new(), HashSet::new());
    for (i, cell) in cells.into_iter().enumerate() {
        let name = match cell.trim() {
            "" => format!("column {}", i + 1),
            name => name.to_owned(),
        };
        if !seen.insert(name.clone()) {
            return Err(name);
        }
        names.push(name);
    }
    Ok(names)
}
