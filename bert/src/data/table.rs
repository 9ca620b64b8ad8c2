//! A file as rows of cells.

use serde::{Deserialize, Serialize};

use super::encoding::decode;
use super::format::separator_line;
use super::{DataError, Format, MAX_COLUMNS, MAX_ROWS, Marks, delimited, header, json, marked};

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
    /// How many of them stand in the file; the others are empty, since the row ends early.
    pub given: usize,
    /// What is marked in its text, in a file of marked texts.
    pub marks: Option<Marks>,
}

/// A key of JSON objects that is no column, since it does not always hold a text or a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The key.
    pub name: String,
    /// The line of the first object where it holds something else.
    pub line: usize,
    /// "a list" or "an object".
    pub kind: String,
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
    /// Lines where the header stands again, as in files that were joined; they are no rows.
    pub headers_again: Vec<usize>,
    /// Keys of JSON objects that are no columns.
    pub left_out: Vec<LeftOut>,
    /// What else was done in reading it, in sentences.
    pub remarks: Vec<String>,
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// The first fault that makes the file unreadable, by its line.
    pub fn parse(bytes: &[u8], format: Format, header: HeaderRow) -> Result<Table, DataError> {
        let text = decode(bytes)?;
        let mut table = match format {
            Format::Conll => marked::read_conll(&text)?,
            Format::Json => from_json(&json::mend(&text))?,
            _ => from_rows(&text, format, header)?,
        };
        if table.rows.is_empty() {
            return Err(DataError::NoRows {
                header: table.header,
            });
        }
        if let Some(row) = table.rows.get(MAX_ROWS) {
            return Err(DataError::TooManyRows { line: row.line });
        }
        super::values::list_labels(&mut table);
        Ok(table)
    }

    /// The place of a column by its name, or by its number from 1 where none has that name; `role`
    /// is what it is to be.
    ///
    /// # Errors
    /// [`DataError::NoColumn`].
    pub(super) fn column(&self, name: &str, role: &'static str) -> Result<usize, DataError> {
        let same = |column: &&String| header::plain(column) == header::plain(name);
        let place = |wanted: &String| self.columns.iter().position(|c| c == wanted);
        let exact = self.columns.iter().position(|column| column == name);
        let found = exact.or_else(|| self.columns.iter().find(same).and_then(place));
        let number = || {
            name.parse()
                .ok()
                .filter(|n| (1..=self.columns.len()).contains(n))
        };
        let found = found.or_else(|| number().map(|number: usize| number - 1));
        found.ok_or_else(|| DataError::NoColumn {
            name: name.to_owned(),
            role,
            columns: self.columns.clone(),
            left_out: self.left_out.iter().find(|key| key.name == name).cloned(),
        })
    }
}

fn from_json(text: &str) -> Result<Table, DataError> {
    if let Some(table) = marked::read_squad(text) {
        return table;
    }
    let elements = json::elements(text)?;
    match marked::read_json(&elements) {
        Some(table) => table,
        None => from_objects(json::read(elements)?),
    }
}

fn from_objects(objects: json::Objects) -> Result<Table, DataError> {
    if let (true, Some(key)) = (objects.columns.is_empty(), objects.left_out.first()) {
        return Err(DataError::JsonValue {
            line: key.line,
            name: key.name.clone(),
            kind: key.kind.clone(),
        });
    }
    Ok(Table {
        format: Format::Json,
        header: !objects.columns.is_empty(),
        columns: objects.columns,
        rows: objects.rows,
        headers_again: Vec::new(),
        left_out: objects.left_out,
        remarks: Vec::new(),
    })
}

fn from_rows(text: &str, format: Format, header: HeaderRow) -> Result<Table, DataError> {
    let (skipped, line) = match separator_line(text) {
        Some((named, bytes)) if named == format => (bytes, 2),
        _ => (0, 1),
    };
    let mut rows = delimited::rows(&text[skipped..], format, line)?;
    let named = fit(&mut rows, format)?;
    let header = match header {
        _ if rows.is_empty() => false,
        HeaderRow::Detect => named || header::is_header(&rows),
        HeaderRow::Present => true,
        HeaderRow::Absent => false,
    };
    drop_empty_ends(&mut rows, header);
    let width = rows.first().map_or(0, |row| row.cells.len());
    let (mut columns, mut again) = (Vec::new(), Vec::new());
    if header {
        let first = rows.remove(0);
        rows.retain(|row| {
            let same = row.cells == first.cells;
            again.extend(same.then_some(row.line));
            !same
        });
        let line = first.line;
        let names = header::names(first.cells);
        columns = names.map_err(|name| DataError::DuplicateName { line, name })?;
    } else {
        columns.extend((1..=width).map(|i| format!("column {i}")));
    }
    Ok(Table {
        format,
        header,
        columns,
        rows,
        headers_again: again,
        left_out: Vec::new(),
        remarks: Vec::new(),
    })
}

/// Makes all rows as long as the first: delimiters at a row's end add nothing, and a row that ends
/// early gets empty cells. Returns whether the rows show that the first one is a header: it is the
/// only one without a name for the rows, as R writes it.
fn fit(rows: &mut [Row], format: Format) -> Result<bool, DataError> {
    let Some((first, rest)) = rows.split_first_mut() else {
        return Ok(false);
    };
    let mut width = first.cells.len();
    let by_one = |row: &Row| row.cells.len() == width + 1 && !row.cells[width].trim().is_empty();
    let names_rows = rest.len() > 1 && rest.iter().all(by_one) && {
        let names: std::collections::HashSet<_> = rest.iter().map(|row| &row.cells[0]).collect();
        names.len() == rest.len()
    };
    if names_rows {
        first.cells.insert(0, String::new());
        width += 1;
    }
    let (mut ragged, mut more) = (None, 0);
    for row in rows {
        while row.cells.len() > width && row.cells.last().is_some_and(|c| c.trim().is_empty()) {
            row.cells.pop();
        }
        if row.cells.len() > width {
            more += usize::from(ragged.is_some());
            ragged.get_or_insert((row.line, row.cells.len()));
        }
        row.given = row.cells.len();
        row.cells.resize(width.max(row.given), String::new());
    }
    match ragged {
        None => Ok(names_rows),
        Some((line, found)) => Err(DataError::Ragged {
            line,
            found,
            expected: width,
            more,
            hint: format.hint(),
        }),
    }
}

/// Drops columns at the end that have neither a name nor a cell, as spreadsheets write them.
fn drop_empty_ends(rows: &mut [Row], header: bool) {
    let is_empty = |row: &Row| row.cells.last().is_some_and(|cell| cell.trim().is_empty());
    let width = |rows: &[Row]| rows.first().map_or(0, |row| row.cells.len());
    while (header || rows.len() > 1) && width(rows) > 1 && rows.iter().all(is_empty) {
        for row in rows.iter_mut() {
            row.cells.pop();
            row.given = row.given.min(row.cells.len());
        }
    }
}

/// Adds a row unless it is blank, within the limits.
pub(super) fn push(rows: &mut Vec<Row>, line: usize, cells: Vec<String>) -> Result<(), DataError> {
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
    let given = cells.len();
    rows.push(Row {
        line,
        cells,
        given,
        marks: None,
    });
    Ok(())
}
