//! A file as rows of cells.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::encoding::decode;
use super::{DataError, MAX_COLUMNS, MAX_ROW_BYTES, MAX_ROWS, columns};

/// How a file separates its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Tab-separated, one row a line. A quote is a character like any other, and a text holds
    /// neither tabs nor line breaks (IANA's text/tab-separated-values).
    Tsv,
    /// Comma-separated, with quotes around what holds commas, quotes or line breaks (RFC 4180).
    Csv,
    /// The same with semicolons, as spreadsheets write it where the comma is the decimal sign.
    SemicolonCsv,
    /// One JSON object a line.
    JsonLines,
}

impl Format {
    /// From the file's name, where that tells, and its first row.
    pub fn guess(name: Option<&str>, bytes: &[u8]) -> Format {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut lines = bytes.split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
        let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
        let count = |wanted: u8| first.iter().filter(|&&b| b == wanted).count();
        let (commas, semicolons) = (count(b','), count(b';'));
        let csv = if semicolons > commas {
            Format::SemicolonCsv
        } else {
            Format::Csv
        };
        let extension = name.and_then(|n| n.rsplit_once('.'));
        match extension.map(|(_, e)| e.to_ascii_lowercase()).as_deref() {
            Some("tsv" | "tab") => Format::Tsv,
            Some("jsonl" | "ndjson" | "json") => Format::JsonLines,
            Some("csv") if commas + semicolons > 0 || count(b'\t') == 0 => csv,
            _ if first.starts_with(b"{") => Format::JsonLines,
            _ if count(b'\t') > 0 || commas + semicolons == 0 => Format::Tsv,
            _ => csv,
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Format::Tsv => "A tab inside a text splits it in two: write a space instead",
            Format::Csv => "Put a text that holds a comma in double quotes",
            Format::SemicolonCsv => "Put a text that holds a semicolon in double quotes",
            Format::JsonLines => "Give every object the same keys",
        }
    }
}

/// Whether the first row names the columns. The keys of JSON objects always do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeaderRow {
    /// Find out from the names and from what the other rows hold.
    #[default]
    Detect,
    /// It does.
    Present,
    /// It is an example like the others.
    Absent,
}

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The line of the file where it begins, from 1.
    pub line: usize,
    /// Its cells, as many as there are columns; as in the file, spaces included.
    pub cells: Vec<String>,
}

/// A file as rows of cells, all of one length. Blank lines are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// How it was read.
    pub format: Format,
    /// Whether the names of the columns come from the file.
    pub header: bool,
    /// Names: of the header, the objects' keys, or "column 1" and so on.
    pub columns: Vec<String>,
    /// The rows below the header; at least one.
    pub rows: Vec<Row>,
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// The first fault that makes the file unreadable, by its line.
    pub fn parse(bytes: &[u8], format: Format, header: HeaderRow) -> Result<Table, DataError> {
        let text = decode(bytes)?;
        let (mut columns, mut rows) = match format {
            Format::Tsv => (Vec::new(), tsv(text)?),
            Format::Csv => (Vec::new(), csv(text, b',')?),
            Format::SemicolonCsv => (Vec::new(), csv(text, b';')?),
            Format::JsonLines => json_lines(text)?,
        };
        let mut has_header = !columns.is_empty();
        if format != Format::JsonLines {
            rectangular(&rows, format)?;
            has_header = match header {
                HeaderRow::Detect => columns::is_header(&rows),
                HeaderRow::Present => !rows.is_empty(),
                HeaderRow::Absent => false,
            };
            let width = rows.first().map_or(0, |row| row.cells.len());
            columns = if has_header {
                names(rows.remove(0))?
            } else {
                (1..=width).map(|i| format!("column {i}")).collect()
            };
        }
        if rows.is_empty() {
            return Err(DataError::NoRows { header: has_header });
        }
        if let Some(row) = rows.get(MAX_ROWS) {
            return Err(DataError::TooManyRows { line: row.line });
        }
        Ok(Table {
            format,
            header: has_header,
            columns,
            rows,
        })
    }
}

/// A header's names; a nameless column gets one.
fn names(header: Row) -> Result<Vec<String>, DataError> {
    let mut names: Vec<String> = Vec::new();
    for (i, cell) in header.cells.into_iter().enumerate() {
        let name = match cell.trim() {
            "" => format!("column {}", i + 1),
            name => name.to_owned(),
        };
        if names.contains(&name) {
            let line = header.line;
            return Err(DataError::DuplicateName { line, name });
        }
        names.push(name);
    }
    Ok(names)
}

fn rectangular(rows: &[Row], format: Format) -> Result<(), DataError> {
    let Some(expected) = rows.first().map(|row| row.cells.len()) else {
        return Ok(());
    };
    let mut ragged = rows.iter().filter(|row| row.cells.len() != expected);
    match ragged.next() {
        None => Ok(()),
        Some(row) => Err(DataError::Ragged {
            line: row.line,
            found: row.cells.len(),
            expected,
            more: ragged.count(),
            hint: format.hint(),
        }),
    }
}

/// Adds a row unless it is blank, within the limits.
fn push(rows: &mut Vec<Row>, line: usize, cells: Vec<String>) -> Result<(), DataError> {
    if cells.iter().all(|cell| cell.trim().is_empty()) {
        return Ok(());
    }
    if cells.len() > MAX_COLUMNS {
        return Err(DataError::TooManyColumns { line });
    }
    // One more than the limit, for a header that is not yet known to be one.
    if rows.len() > MAX_ROWS {
        return Err(DataError::TooManyRows { line });
    }
    rows.push(Row { line, cells });
    Ok(())
}

fn tsv(text: &str) -> Result<Vec<Row>, DataError> {
    let mut rows = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if line.len() > MAX_ROW_BYTES {
            return Err(DataError::LongRow { line: i + 1 });
        }
        push(
            &mut rows,
            i + 1,
            line.split('\t').map(str::to_owned).collect(),
        )?;
    }
    Ok(rows)
}

fn csv(text: &str, delimiter: u8) -> Result<Vec<Row>, DataError> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let (mut rows, mut record) = (Vec::new(), csv::StringRecord::new());
    loop {
        let before = reader.position().clone();
        let more = reader.read_record(&mut record);
        let after = reader.position().byte() as usize;
        let source = &text.as_bytes()[before.byte() as usize..after];
        // The reader begins a row at the blank lines before it.
        let blank = source.iter().take_while(|b| b"\r\n".contains(b));
        let line = before.line() as usize + blank.filter(|&&b| b == b'\n').count();
        let unreadable = |e: csv::Error| DataError::Csv {
            line,
            reason: e.to_string(),
        };
        if !more.map_err(unreadable)? {
            return Ok(rows);
        }
        if source.trim_ascii().len() > MAX_ROW_BYTES {
            return Err(DataError::LongRow { line });
        }
        if after == text.len() && opened(source, delimiter) {
            return Err(DataError::OpenQuote { line });
        }
        push(&mut rows, line, record.iter().map(str::to_owned).collect())?;
    }
}

/// Whether a row's source ends inside quotes. A quote opens only at the beginning of a cell.
fn opened(source: &[u8], delimiter: u8) -> bool {
    let (mut open, mut start) = (false, true);
    for &byte in source {
        if open {
            // A doubled quote closes and opens again.
            open = byte != b'"';
            start = byte == b'"';
        } else {
            open = start && byte == b'"';
            start = byte == delimiter || byte == b'\n' || byte == b'\r';
        }
    }
    open
}

/// A JSON object's members in their order.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object such as {\"label\": \"good\", \"text\": \"I liked it\"}")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Columns are the keys in the order in which they first appear; a key that an object lacks, or
/// that is null, is an empty cell.
fn json_lines(text: &str) -> Result<(Vec<String>, Vec<Row>), DataError> {
    if text.trim_start().starts_with('[') {
        return Err(DataError::JsonArray);
    }
    let (mut columns, mut rows) = (Vec::<String>::new(), Vec::new());
    for (i, source) in text.lines().enumerate() {
        let line = i + 1;
        if source.len() > MAX_ROW_BYTES {
            return Err(DataError::LongRow { line });
        }
        if source.trim().is_empty() {
            continue;
        }
        let Members(members) = serde_json::from_str(source).map_err(|e| DataError::Json {
            line,
            reason: reason(&e),
        })?;
        let mut cells: Vec<Option<String>> = vec![None; columns.len()];
        for (name, value) in members {
            let column = match columns.iter().position(|c| *c == name) {
                Some(column) => column,
                None if columns.len() == MAX_COLUMNS => {
                    return Err(DataError::TooManyColumns { line });
                }
                None => {
                    columns.push(name.clone());
                    cells.push(None);
                    columns.len() - 1
                }
            };
            if cells[column].is_some() {
                return Err(DataError::DuplicateName { line, name });
            }
            let value = cell(value).map_err(|kind| DataError::JsonValue { line, name, kind })?;
            cells[column] = Some(value);
        }
        let cells = cells.into_iter().map(Option::unwrap_or_default).collect();
        push(&mut rows, line, cells)?;
    }
    for row in &mut rows {
        row.cells.resize(columns.len(), String::new());
    }
    Ok((columns, rows))
}

fn cell(value: Value) -> Result<String, &'static str> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(b) => Ok(b.to_string()),
        Value::Number(n) => Ok(n.to_string()),
        Value::String(s) => Ok(s),
        Value::Array(_) => Err("a list"),
        Value::Object(_) => Err("an object"),
    }
}

/// The parser's words, without its place: it counts within one line.
fn reason(error: &serde_json::Error) -> String {
    let words = error.to_string();
    match words.rfind(" at line ") {
        Some(place) => words[..place].to_owned(),
        None => words,
    }
}
