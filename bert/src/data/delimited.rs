//! Rows whose cells a character separates.

use super::table::push;
use super::{DataError, Format, MAX_ROW_BYTES, Row};

/// A row as [`scan`] finds it.
pub(super) struct Scanned {
    /// Its cells.
    pub cells: usize,
    /// Whether every quote that opens a cell is closed at that cell's end, and doubled inside it.
    pub closed: bool,
}

/// Finds the rows of a text and their cells, quotes around cells being read as RFC 4180 has it;
/// blank rows are left out.
pub(super) fn scan(text: &str, delimiter: u8, mut each: impl FnMut(Scanned)) {
    let bytes = text.as_bytes();
    let ends = |byte: u8| byte == delimiter || byte == b'\n';
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let (mut cells, mut closed) = (1, true);
        loop {
            if bytes.get(at) == Some(&b'"') {
                let end = closing(bytes, at + 1);
                at = end.map_or(bytes.len(), |end| end + 1);
                let after = bytes.get(at);
                closed &= end.is_some() && after.is_none_or(|&b| ends(b) || b == b'\r');
            }
            at += bytes[at..].iter().take_while(|&&b| !ends(b)).count();
            if bytes.get(at) != Some(&delimiter) {
                break;
            }
            (at, cells) = (at + 1, cells + 1);
        }
        if !bytes[start..at].trim_ascii().is_empty() {
            each(Scanned { cells, closed });
        }
        at += 1;
    }
}

/// Where the quote lies that closes a cell; doubled ones are part of its text.
fn closing(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes[at..].iter().position(|&b| b == b'"')?;
        match bytes.get(at + 1) {
            Some(b'"') => at += 2,
            _ => return Some(at),
        }
    }
}

/// The rows of a text; the first of its lines is line `first` of the file.
pub(super) fn rows(text: &str, format: Format, first: usize) -> Result<Vec<Row>, DataError> {
    match format.delimiter() {
        Some(b'\t') if !is_quoted(text) => plain(text, Some('\t'), first),
        Some(delimiter) => quoted(text, delimiter, first),
        None => plain(text, None, first),
    }
}

/// Whether a TSV file quotes its cells, as pandas and spreadsheets write it, or takes a quote for a
/// character like any other, as GLUE's files do. It quotes if every cell that begins with a quote
/// also ends with one and doubles those inside, and some cell needs it: it has a quote inside,
/// or it holds a tab or a line break, without which the rows would have different numbers of
/// cells. A column that is quoted from the second row to the last is quoted too.
fn is_quoted(text: &str) -> bool {
    if !text.contains('"') {
        return false;
    }
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let width = |line: &str| line.split('\t').count();
    let first = lines().next().map_or(0, width);
    if lines().any(|line| width(line) != first) {
        let (mut closed, mut widths) = (true, std::collections::BTreeSet::new());
        scan(text, b'\t', |row| {
            closed &= row.closed;
            widths.insert(row.cells);
        });
        return closed && widths.len() == 1;
    }
    let (mut doubled, mut always) = (false, vec![lines().count() > 2; first]);
    for (i, line) in lines().enumerate() {
        for (cell, always) in line.split('\t').zip(&mut always) {
            if !cell.starts_with('"') {
                *always &= i == 0;
                continue;
            }
            let inside = cell[1..].strip_suffix('"');
            let Some(inside) = inside.filter(|inside| !inside.replace("\"\"", "").contains('"'))
            else {
                return false;
            };
            doubled |= inside.contains('"');
        }
    }
    doubled || always.contains(&true)
}

fn plain(text: &str, delimiter: Option<char>, first: usize) -> Result<Vec<Row>, DataError> {
    let mut rows = Vec::new();
    for (i, row) in text.lines().enumerate() {
        let line = first + i;
        if row.len() > MAX_ROW_BYTES {
            return Err(DataError::LongRow { line });
        }
        let cells = match delimiter {
            Some(delimiter) => row.split(delimiter).map(str::to_owned).collect(),
            None => vec![row.to_owned()],
        };
        push(&mut rows, line, cells)?;
    }
    Ok(rows)
}

fn quoted(text: &str, delimiter: u8, first: usize) -> Result<Vec<Row>, DataError> {
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
        let blank = blank.filter(|&&b| b == b'\n').count();
        let line = before.line() as usize + blank + first - 1;
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
