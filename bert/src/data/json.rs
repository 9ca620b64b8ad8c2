//! JSON objects as rows: one a line, one after another, or in an array.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::table::push;
use super::{DataError, LeftOut, MAX_COLUMNS, MAX_ROW_BYTES, Row, header};

/// What a file of objects holds.
pub(super) struct Objects {
    /// The keys in the order in which they first appear; `outer.inner` for those of an object
    /// within.
    pub columns: Vec<String>,
    /// An object each; a key that it lacks, or that is null, is an empty cell.
    pub rows: Vec<Row>,
    /// Keys that hold no text somewhere.
    pub left_out: Vec<LeftOut>,
}

/// A JSON object's members in their order.
pub(super) struct Members<'a>(pub Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object such as {\"label\": \"good\", \"text\": \"I liked it\"}")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Members<'de>, A::Error> {
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

/// Reads the objects of a file.
pub(super) fn read(elements: Vec<Element<'_>>) -> Result<Objects, DataError> {
    let mut reading = Reading::default();
    for Element { line, source } in elements {
        if source.len() > MAX_ROW_BYTES {
            return Err(DataError::LongRow { line });
        }
        reading.add(line, source)?;
    }
    Ok(reading.finish())
}

/// One JSON value of a file.
pub(super) struct Element<'a> {
    pub line: usize,
    pub source: &'a str,
}

/// The values that are rows: those of the lines, or of the array that the file is or that its only
/// object holds.
pub(super) fn elements(text: &str) -> Result<Vec<Element<'_>>, DataError> {
    if text.trim_start().starts_with('[') {
        return array(text, text);
    }
    let lines = || text.lines().enumerate();
    let first = lines().find(|(_, line)| !line.trim().is_empty());
    let Some((_, first)) = first else {
        return Ok(Vec::new());
    };
    if serde_json::from_str::<&RawValue>(first).is_ok() || !first.trim_start().starts_with('{') {
        let rows = lines().filter(|(_, line)| !line.trim().is_empty());
        let rows: Vec<_> = rows
            .map(|(i, source)| Element {
                line: i + 1,
                source,
            })
            .collect();
        return match &rows[..] {
            [one] => within(text, one.source).unwrap_or(Ok(rows)),
            _ => Ok(rows),
        };
    }
    let stream = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut sources = Vec::new();
    for value in stream {
        sources.push(value.map_err(broken)?.get());
    }
    match sources[..] {
        [one] => within(text, one).unwrap_or_else(|| Ok(placed(text, sources))),
        _ => Ok(placed(text, sources)),
    }
}

/// The rows of a file that is a single object around an array of them, such as `{"data": [..]}`.
fn within<'a>(text: &'a str, object: &'a str) -> Option<Result<Vec<Element<'a>>, DataError>> {
    let Members(members) = serde_json::from_str(object).ok()?;
    if members.iter().any(|(name, _)| header::is_text_name(name)) {
        return None;
    }
    let is_rows = |value: &&RawValue| {
        let inside = value.get().strip_prefix('[').map(str::trim_start);
        inside.is_some_and(|inside| inside.starts_with('{'))
    };
    let mut arrays = members.iter().map(|(_, value)| *value).filter(is_rows);
    match (arrays.next(), arrays.next()) {
        (Some(rows), None) => Some(array(text, rows.get())),
        _ => None,
    }
}

/// The elements of an array that is a part of the text, or all of it.
fn array<'a>(text: &'a str, array: &'a str) -> Result<Vec<Element<'a>>, DataError> {
    let values: Vec<&RawValue> = serde_json::from_str(array).map_err(broken)?;
    Ok(placed(
        text,
        values.into_iter().map(RawValue::get).collect(),
    ))
}

/// Parts of a text, in their order, with the lines where they begin.
pub(super) fn placed<'a>(text: &'a str, parts: Vec<&'a str>) -> Vec<Element<'a>> {
    let (mut line, mut at) = (1, 0);
    let place = |source: &'a str| {
        let start = source.as_ptr() as usize - text.as_ptr() as usize;
        line += text.as_bytes()[at..start]
            .iter()
            .filter(|&&b| b == b'\n')
            .count();
        at = start;
        Element { line, source }
    };
    parts.into_iter().map(place).collect()
}

/// A fault by its line of the whole file.
fn broken(error: serde_json::Error) -> DataError {
    DataError::Json {
        line: error.line(),
        reason: reason(&error),
    }
}

/// The parser's words, without its place.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let words = error.to_string();
    match words.rfind(" at line ") {
        Some(place) => words[..place].to_owned(),
        None => words,
    }
}

/// What a value is to a row.
enum Cell<'a> {
    Text(String),
    /// An object, whose own members become columns.
    Object(Vec<(String, &'a RawValue)>),
    /// "a list" or "an object".
    Other(&'static str),
}

impl<'a> Cell<'a> {
    fn read(name: &str, value: &'a RawValue) -> Result<Self, serde_json::Error> {
        let source = value.get();
        Ok(match source.as_bytes().first() {
            Some(b'"') => Cell::Text(serde_json::from_str(source)?),
            Some(b'n') => Cell::Text(String::new()),
            Some(b'{') => {
                let Members(members) = serde_json::from_str(source)?;
                Cell::Object(members)
            }
            Some(b'[') => {
                // A list of one, as annotation tools write a single label, is what it holds; one of several texts is
                // several labels.
                let values: Vec<&RawValue> = serde_json::from_str(source)?;
                match values[..] {
                    [] => Cell::Text(String::new()),
                    [one] if !one.get().starts_with(['[', '{']) => Cell::read(name, one)?,
                    _ if header::names_labels(name)
                        && values.len() <= MAX_SEVERAL
                        && values.iter().all(|v| v.get().starts_with('"')) =>
                    {
                        let texts: Vec<String> = serde_json::from_str(source)?;
                        Cell::Text(serde_json::to_string(&texts)?)
                    }
                    _ => Cell::Other("a list"),
                }
            }
            // A number as it is written, or true or false.
            _ => Cell::Text(source.to_owned()),
        })
    }
}

#[derive(Default)]
struct Reading {
    columns: Vec<String>,
    /// By column: the first place where it is no text.
    left_out: Vec<Option<(usize, &'static str)>>,
    /// Keys that hold an object somewhere.
    outer: HashSet<String>,
    rows: Vec<Row>,
}

impl Reading {
    fn add(&mut self, line: usize, source: &str) -> Result<(), DataError> {
        let unreadable = |e: serde_json::Error| DataError::Json {
            line,
            reason: reason(&e),
        };
        let mut cells = vec![None; self.columns.len()];
        // A list of texts alone is one column.
        if source.trim_start().starts_with('"') && (self.columns.is_empty() || self.is_texts()) {
            let text: String = serde_json::from_str(source).map_err(unreadable)?;
            self.put(&mut cells, line, TEXTS.to_owned(), text)?;
            return self.push(line, cells);
        }
        let Members(members) = serde_json::from_str(source).map_err(unreadable)?;
        for (name, value) in members {
            match Cell::read(&name, value).map_err(unreadable)? {
                Cell::Text(text) => self.put(&mut cells, line, name, text)?,
                Cell::Other(kind) => self.leave_out(&mut cells, line, name, kind)?,
                Cell::Object(members) => {
                    for (inner, value) in members {
                        let inner = format!("{name}.{inner}");
                        match Cell::read(&inner, value).map_err(unreadable)? {
                            _ if self.is_full(&inner) => {}
                            Cell::Text(text) => self.put(&mut cells, line, inner, text)?,
                            Cell::Other(kind) => self.leave_out(&mut cells, line, inner, kind)?,
                            Cell::Object(_) => {
                                self.leave_out(&mut cells, line, inner, "an object")?;
                            }
                        }
                    }
                    self.outer.insert(name);
                }
            }
        }
        self.push(line, cells)
    }

    fn is_texts(&self) -> bool {
        self.columns == [TEXTS]
    }

    /// Whether there is no room for a key of an object within.
    fn is_full(&self, name: &str) -> bool {
        self.columns.len() == MAX_COLUMNS && !self.columns.iter().any(|c| c == name)
    }

    fn push(&mut self, line: usize, cells: Vec<Option<String>>) -> Result<(), DataError> {
        let cells = cells.into_iter().map(Option::unwrap_or_default).collect();
        push(&mut self.rows, line, cells)
    }

    fn column(
        &mut self,
        cells: &mut Vec<Option<String>>,
        line: usize,
        name: String,
    ) -> Result<usize, DataError> {
        let known = self.columns.iter().position(|c| *c == name);
        let column = match known {
            Some(column) => column,
            None if self.columns.len() == MAX_COLUMNS => {
                return Err(DataError::TooManyColumns { line });
            }
            None => {
                self.columns.push(name.clone());
                self.left_out.push(None);
                cells.push(None);
                self.columns.len() - 1
            }
        };
        match cells[column].is_some() {
            true => Err(DataError::DuplicateName { line, name }),
            false => Ok(column),
        }
    }

    fn put(
        &mut self,
        cells: &mut Vec<Option<String>>,
        line: usize,
        name: String,
        text: String,
    ) -> Result<(), DataError> {
        let column = self.column(cells, line, name)?;
        cells[column] = Some(text);
        Ok(())
    }

    fn leave_out(
        &mut self,
        cells: &mut Vec<Option<String>>,
        line: usize,
        name: String,
        kind: &'static str,
    ) -> Result<(), DataError> {
        let column = self.column(cells, line, name)?;
        // A blank row is no row, and this one is none.
        cells[column] = Some(kind.to_owned());
        self.left_out[column].get_or_insert((line, kind));
        Ok(())
    }

    fn finish(mut self) -> Objects {
        let width = self.columns.len();
        for row in &mut self.rows {
            row.cells.resize(width, String::new());
        }
        let (rows, outer, left_out) = (&self.rows, &self.outer, &self.left_out);
        // A key that is an object in some rows and null in the others has nothing of its own.
        let empty = |column: usize, name: &String| {
            outer.contains(name) && rows.iter().all(|row| row.cells[column].is_empty())
        };
        let named = || self.columns.iter().enumerate();
        let keep: Vec<bool> = named()
            .map(|(i, name)| left_out[i].is_none() && !empty(i, name))
            .collect();
        let told = named().filter_map(|(i, name)| {
            left_out[i].map(|(line, kind)| LeftOut {
                name: name.clone(),
                line,
                kind: kind.to_owned(),
            })
        });
        let left_out = told.collect();
        retain(&mut self.columns, &keep);
        for row in &mut self.rows {
            retain(&mut row.cells, &keep);
            row.given = row.cells.len();
        }
        Objects {
            columns: self.columns,
            rows: self.rows,
            left_out,
        }
    }
}

/// A longer list of texts is no list of labels.
const MAX_SEVERAL: usize = 32;

/// The name of the only column of an array of texts.
const TEXTS: &str = "text";

fn retain(values: &mut Vec<String>, keep: &[bool]) {
    let mut keep = keep.iter();
    values.retain(|_| keep.next().copied().unwrap_or(false));
}

/// What Python writes and JSON does not know, as pandas reads it: `NaN` and `Infinity` as null,
/// half of a surrogate pair as U+FFFD. Lines stay where they are.
pub(super) fn mend(text: &str) -> Cow<'_, str> {
    if !["NaN", "Infinity", "\\ud", "\\uD"]
        .iter()
        .any(|odd| text.contains(odd))
    {
        return Cow::Borrowed(text);
    }
    let mut mended = String::with_capacity(text.len());
    let (mut rest, mut in_text) = (text, false);
    while let Some(at) = rest.find(['"', '\\', 'N', 'I', '-']) {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let (taken, instead) = match (in_text, rest.as_bytes()[0]) {
            (true, b'\\') => escape(rest),
            (_, b'"') => {
                in_text = !in_text;
                (1, None)
            }
            (false, _) => {
                let odd = ["NaN", "-Infinity", "Infinity"];
                let odd = odd.iter().find(|odd| rest.starts_with(*odd));
                odd.map_or((1, None), |odd| (odd.len(), Some("null")))
            }
            _ => (1, None),
        };
        let (now, later) = rest.split_at(taken);
        mended.push_str(instead.unwrap_or(now));
        rest = later;
    }
    mended.push_str(rest);
    Cow::Owned(mended)
}

/// The bytes of the escape at the start of `rest`, and what stands for it where it is half a pair.
fn escape(rest: &str) -> (usize, Option<&'static str>) {
    let unit = |at: usize| {
        let digits = rest.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let is = |unit: Option<u16>, from: u16| unit.is_some_and(|u| (from..from + 0x400).contains(&u));
    let next = rest[1..].chars().next().map_or(0, char::len_utf8);
    match unit(0) {
        first if is(first, 0xd800) && is(unit(6), 0xdc00) => (12, None),
        first if is(first, 0xd800) || is(first, 0xdc00) => (6, Some("\\ufffd")),
        _ => (1 + next, None),
    }
}
