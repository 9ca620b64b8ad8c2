//! Files whose texts are marked: words with tags, stretches with labels, answers in a passage, texts to choose from.

mod answers;
mod bio;
mod choices;
mod conll;
mod json;
mod words;

pub(super) use answers::squad as read_squad;
pub(super) use conll::{is_conll, read as read_conll};
pub(super) use json::read as read_json;
pub(super) use words::tag_names;
pub use words::tags_of;

use serde::{Deserialize, Serialize};

use super::format::Format;
use super::{DataError, Row, Stretch, Table};

/// What is marked in a row's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Marks {
    /// Words and their tags, such as `B-LOC`.
    Tags(Vec<(Stretch, String)>),
    /// Answers to the first text in the second.
    Answers(Vec<Stretch>),
    /// Texts to choose from, and the place of the right one.
    Choices(Vec<String>, usize),
}

/// Rows as a table, and what is to be told of how they were read.
fn table(format: Format, columns: &[&str], rows: Vec<Row>, remarks: Vec<String>) -> Table {
    Table {
        format,
        header: true,
        columns: columns.iter().map(|&name| name.to_owned()).collect(),
        rows,
        headers_again: Vec::new(),
        left_out: Vec::new(),
        remarks,
    }
}

/// Texts by their words, each with the line where it begins, and the tags of the words.
///
/// # Errors
/// Tags that break their scheme.
fn tagged_table<W: AsRef<str>>(
    format: Format,
    texts: Vec<(usize, Vec<W>)>,
    mut tags: Vec<Vec<bio::Placed>>,
    mut remarks: Vec<String>,
) -> Result<Table, DataError> {
    let scheme = bio::normalise(&mut tags)?;
    remarks.extend(scheme.remark().map(str::to_owned));
    let rows = texts.into_iter().zip(tags).map(|((line, words), tags)| {
        let (text, places) = words::joined(&words);
        let tags = tags.into_iter().map(|(_, tag)| tag);
        tagged_row(line, text, places.into_iter().zip(tags).collect())
    });
    let rows = rows.collect();
    Ok(table(format, &["text", "entities"], rows, remarks))
}

/// A row of a text with tagged words; its last cell shows the entities.
fn tagged_row(line: usize, text: String, tags: Vec<(Stretch, String)>) -> Row {
    let shown = words::shown(&text, &tags);
    Row {
        line,
        given: 2,
        cells: vec![text, shown],
        marks: Some(Marks::Tags(tags)),
    }
}
