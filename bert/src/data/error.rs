//! What can be wrong with a file of examples.

use super::{LeftOut, MAX_CLASSES, MAX_COLUMNS, MAX_FILE_BYTES, MAX_ROW_BYTES, MAX_ROWS};

/// Why a file gives no examples. `line` is the line of the file, from 1, where the row begins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// More bytes than are read at all.
    #[error("the file has {bytes} bytes; at most {MAX_FILE_BYTES} are read. Use a part of it")]
    TooLarge {
        /// The file's size.
        bytes: usize,
    },
    /// No text, by what the file begins with.
    #[error("this is {what}. {advice}")]
    Foreign {
        /// What it is.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// UTF-16, by its byte order mark or by its zero bytes.
    #[error("the file is in UTF-16, from its first row on; save it as UTF-8 and try again")]
    Utf16,
    /// Bytes that are no UTF-8.
    #[error(
        "row at line {line}: byte {byte:#04x} is not UTF-8. The file is probably in Windows-1252 or \
         another older encoding; save it as UTF-8 and try again"
    )]
    NotUtf8 {
        /// The row.
        line: usize,
        /// The first byte that does not fit.
        byte: u8,
    },
    /// Nothing but blank lines, or a header alone.
    #[error("there are no rows{}", if *.header { " below the header" } else { "" })]
    NoRows {
        /// Whether there is a header.
        header: bool,
    },
    /// Too many rows.
    #[error(
        "there are more than {MAX_ROWS} rows (the next begins at line {line}). Use a part of the \
         file, chosen so that every class is in it"
    )]
    TooManyRows {
        /// The first row too many.
        line: usize,
    },
    /// One row is longer than any text.
    #[error(
        "row at line {line} is longer than {MAX_ROW_BYTES} bytes. If a quote is opened there and \
         never closed, close it; otherwise shorten the text: a model reads a few hundred words"
    )]
    LongRow {
        /// The row.
        line: usize,
    },
    /// A quote that is still open at the end of the file.
    #[error(
        "row at line {line}: a quote is opened and never closed; write a quote inside a text as \"\""
    )]
    OpenQuote {
        /// The row.
        line: usize,
    },
    /// The CSV reader gave up.
    #[error("row at line {line} cannot be read: {reason}")]
    Csv {
        /// The row.
        line: usize,
        /// Its words.
        reason: String,
    },
    /// A row with more or fewer cells than the first.
    #[error(
        "row at line {line} has {found} cells, but the first row has {expected}{}. {hint}", and_more(*.more)
    )]
    Ragged {
        /// The first such row.
        line: usize,
        /// Its cells.
        found: usize,
        /// Cells of the first row.
        expected: usize,
        /// How many more rows are like this.
        more: usize,
        /// What to do in this format.
        hint: &'static str,
    },
    /// A line of CoNLL with more or fewer fields than the first.
    #[error(
        "line {line} has {found} fields, but {expected} are expected: a word, and its tag at the end; an empty line stands \
         between texts"
    )]
    Conll {
        /// The line.
        line: usize,
        /// Its fields.
        found: usize,
        /// Those of the first.
        expected: usize,
    },
    /// A tag that does not follow the others.
    #[error("line {line}: the tag `{tag}` {reason}")]
    Tag {
        /// The line.
        line: usize,
        /// The tag.
        tag: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Stretches or answers that do not fit their text.
    #[error("row at line {line}: {reason}")]
    Marks {
        /// The row.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A score that is no number.
    #[error("row at line {line} has `{cell}` in column `{column}`: a score is a number{}", and_more(*.more))]
    Score {
        /// The first such row.
        line: usize,
        /// What stands there.
        cell: String,
        /// The column.
        column: String,
        /// How many more rows are like this.
        more: usize,
    },
    /// All scores are one number.
    #[error("every row has the score {score} in column `{column}`: there is nothing to learn")]
    OneScore {
        /// The column.
        column: String,
        /// The number.
        score: String,
    },
    /// What is to be learned does not stand in the file.
    #[error("this file has no {what}")]
    NoMarks {
        /// "tags of words" or "answers in a passage".
        what: &'static str,
    },
    /// Too many columns.
    #[error("row at line {line} has more than {MAX_COLUMNS} columns; keep the text and the label")]
    TooManyColumns {
        /// The row.
        line: usize,
    },
    /// Two columns share a name.
    #[error("the name `{name}` stands twice at line {line}; rename one of the two")]
    DuplicateName {
        /// The header or the JSON object.
        line: usize,
        /// The name.
        name: String,
    },
    /// What is no JSON object.
    #[error(
        "row at line {line} is not a JSON object: {reason}. A file has one object a line, or an array \
         of objects"
    )]
    Json {
        /// The row, or where in it the fault lies.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// No key of JSON objects holds texts.
    #[error(
        "row at line {line}: `{name}` is {kind}, and no key holds a text, a number or true/false"
    )]
    JsonValue {
        /// The row.
        line: usize,
        /// The key.
        name: String,
        /// "a list" or "an object".
        kind: String,
    },
    /// A row that ends before a column that is to be read.
    #[error(
        "row at line {line} ends early: it has {found} of {expected} cells, and nothing for \
         `{column}`. {hint}"
    )]
    EndsEarly {
        /// The row.
        line: usize,
        /// Its cells.
        found: usize,
        /// Cells of the first row.
        expected: usize,
        /// The first column that is missed.
        column: String,
        /// What to do in this format.
        hint: &'static str,
    },
    /// No column has the name that was asked for.
    #[error("there is no column `{name}` for the {role}{}", instead(.left_out.as_ref(), .columns))]
    NoColumn {
        /// The name or number.
        name: String,
        /// "text", "second text" or "label".
        role: &'static str,
        /// All columns.
        columns: Vec<String>,
        /// Where a key of JSON objects has that name and holds no text.
        left_out: Option<LeftOut>,
    },
    /// A chosen column does not exist, or is chosen twice.
    #[error("column {column} cannot be the {role}: {reason}")]
    Column {
        /// The column, from 1.
        column: usize,
        /// "text", "second text" or "label".
        role: &'static str,
        /// Why not.
        reason: String,
    },
    /// No column was chosen for the labels.
    #[error("no column with labels was found; {}", choose(.columns))]
    NoLabels {
        /// All columns.
        columns: Vec<String>,
    },
    /// Rows without a text.
    #[error("row at line {line} has nothing in `{column}`{}. Fill it in, or delete the row", and_more(*.more))]
    Empty {
        /// The first such row.
        line: usize,
        /// The column.
        column: String,
        /// How many more rows are like this.
        more: usize,
    },
    /// Rows, and none with a label.
    #[error(
        "none of the {rows} rows has a label in `{column}`: empty, null, `-` and the like are none. \
         Choose another column, or take the part of the set that has labels"
    )]
    Unlabelled {
        /// The column.
        column: String,
        /// All rows.
        rows: usize,
    },
    /// Too little to learn from.
    #[error("there is only one row; a model learns from several of each class")]
    OneRow,
    /// All rows have one label.
    #[error(
        "every row has the label `{label}` in column `{column}`; there must be at least two classes"
    )]
    OneClass {
        /// The column.
        column: String,
        /// The label.
        label: String,
    },
    /// The column holds no labels.
    #[error(
        "column `{column}` has more than {MAX_CLASSES} different values in {rows} rows: it does not \
         look like labels. Choose another"
    )]
    TooManyClasses {
        /// The column.
        column: String,
        /// All rows.
        rows: usize,
    },
    /// A label that training knows nothing of.
    #[error(
        "row at line {line} has the label `{label}`, which the training rows lack; they have {}",
        .known.join(", ")
    )]
    UnknownLabel {
        /// The row.
        line: usize,
        /// The label.
        label: String,
        /// The labels of the training rows.
        known: Vec<String>,
    },
}

fn and_more(rows: usize) -> String {
    match rows {
        0 => String::new(),
        1 => " (and one more row is like this)".to_owned(),
        n => format!(" (and {n} more rows are like this)"),
    }
}

fn choose(columns: &[String]) -> String {
    match columns {
        [_] => "every row is one text. Put a label and a tab before each".to_owned(),
        _ => format!("the columns are {}. Choose one", columns.join(", ")),
    }
}

fn instead(left_out: Option<&LeftOut>, columns: &[String]) -> String {
    match left_out {
        Some(LeftOut { line, kind, .. }) => {
            format!(": at line {line} it is {kind}, and a text or a number is needed")
        }
        None => format!("; the columns are {}", columns.join(", ")),
    }
}
