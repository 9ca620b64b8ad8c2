//! JSON objects whose texts are marked: lists of words and tags, texts with stretches, questions with answers or choices.

use serde_json::Value;
use serde_json::value::RawValue;

use super::super::json::{Element, Members, reason};
use super::super::{DataError, MAX_ROW_BYTES, MAX_ROWS, Row, Stretch, Table, format::Format};
use super::bio::Placed;
use super::{answers, choices, table, tagged_row, tagged_table, words};

/// Names of a list of words, and of a list of their tags.
const WORDS: [&str; 3] = ["tokens", "words", "sentence"];
const TAGS: [&str; 5] = ["tags", "ner_tags", "labels", "ner", "entities"];
/// Names of a text, and of the stretches in it.
const TEXTS: [&str; 4] = ["text", "sentence", "content", "data"];
const SPANS: [&str; 6] = [
    "spans",
    "entities",
    "label",
    "labels",
    "annotations",
    "ents",
];

/// A value of an object's own key.
pub(super) fn get<'a>(members: &Members<'a>, names: &[&str]) -> Option<&'a RawValue> {
    let of = |name: &&str| members.0.iter().find(|(n, _)| n == name).map(|(_, v)| *v);
    names.iter().find_map(of)
}

/// A value where it is of a type.
pub(super) fn as_<'a, T: serde::Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

/// What kind of marks an object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tags,
    Spans,
    Answers,
    Choices,
}

/// Words and tags, where these keys hold them.
fn tokens<'a>(members: &Members<'a>) -> Option<(&'a RawValue, &'a RawValue)> {
    let words = get(members, &WORDS).filter(|v| v.get().starts_with('['))?;
    let tags = get(members, &TAGS).filter(|v| v.get().starts_with('['))?;
    Some((words, tags))
}

/// A text and the list of its stretches.
fn spans<'a>(members: &Members<'a>) -> Option<(&'a RawValue, &'a RawValue)> {
    let text = get(members, &TEXTS).filter(|v| v.get().starts_with('"'))?;
    let spans = SPANS.iter().filter_map(|name| get(members, &[name]));
    let spans = spans.filter(|v| {
        let inside = v.get().strip_prefix('[').map(str::trim_start);
        inside.is_some_and(|inside| inside.starts_with(['{', '[', ']']))
    });
    Some((text, spans.into_iter().next()?))
}

/// What the first object that tells has.
fn kind(elements: &[Element<'_>]) -> Option<Kind> {
    if answers::stand_in_passages(elements) {
        return Some(Kind::Answers);
    }
    for element in elements {
        let members: Members<'_> = serde_json::from_str(element.source).ok()?;
        if answers::is_question(&members) {
            return Some(Kind::Answers);
        }
        if choices::are_there(&members) {
            return Some(Kind::Choices);
        }
        if tokens(&members).is_some() {
            return Some(Kind::Tags);
        }
        match spans(&members) {
            // An empty list may be of anything.
            Some((_, list))
                if list
                    .get()
                    .trim_start_matches('[')
                    .trim_start()
                    .starts_with(']') => {}
            Some((_, list)) => return stretches(list).ok().map(|_| Kind::Spans),
            None => return None,
        }
    }
    None
}

/// Reads the objects of a file where their texts are marked; `None` where they are not.
pub fn read(elements: &[Element<'_>]) -> Option<Result<Table, DataError>> {
    Some(rows(elements, kind(elements)?))
}

fn rows(elements: &[Element<'_>], kind: Kind) -> Result<Table, DataError> {
    if let Some(more) = elements.get(MAX_ROWS) {
        return Err(DataError::TooManyRows { line: more.line });
    }
    let mut objects = Vec::new();
    let mut rejected = 0;
    for element in elements {
        if element.source.len() > MAX_ROW_BYTES {
            return Err(DataError::LongRow { line: element.line });
        }
        let members: Members<'_> =
            serde_json::from_str(element.source).map_err(|e| DataError::Json {
                line: element.line,
                reason: reason(&e),
            })?;
        // Prodigy's: what the annotator did not accept is nobody's answer.
        let verdict: Option<String> = get(&members, &["answer"]).and_then(as_);
        match kind != Kind::Answers && verdict.is_some_and(|v| v == "reject" || v == "ignore") {
            true => rejected += 1,
            false => objects.push((element.line, members)),
        }
    }
    let mut remarks = Vec::new();
    match rejected {
        0 => {}
        1 => remarks.push("One row whose `answer` is reject or ignore was left out.".to_owned()),
        n => remarks.push(format!(
            "{n} rows whose `answer` is reject or ignore were left out."
        )),
    }
    match kind {
        Kind::Answers => {
            let rows: Result<Vec<Row>, DataError> = objects
                .iter()
                .map(|(line, members)| answers::flat(*line, members))
                .collect();
            Ok(answers::table_of(rows?))
        }
        Kind::Choices => choices::table_of(&objects, remarks),
        Kind::Tags => of_tokens(&objects, remarks),
        Kind::Spans => {
            let rows: Result<Vec<Row>, DataError> = objects
                .iter()
                .map(|(line, members)| of_spans(*line, members))
                .collect();
            Ok(table(Format::Json, &["text", "entities"], rows?, remarks))
        }
    }
}

pub(super) fn marks(line: usize, reason: impl Into<String>) -> DataError {
    DataError::Marks {
        line,
        reason: reason.into(),
    }
}

fn of_tokens(objects: &[(usize, Members<'_>)], remarks: Vec<String>) -> Result<Table, DataError> {
    let mut texts: Vec<(usize, Vec<String>)> = Vec::new();
    let mut tags: Vec<Vec<Placed>> = Vec::new();
    for (line, members) in objects {
        let line = *line;
        let Some((words, names)) = tokens(members) else {
            return Err(marks(
                line,
                "it has no list of words and no list of tags, as the first row has",
            ));
        };
        let words: Vec<String> =
            as_(words).ok_or_else(|| marks(line, "its words are no list of texts"))?;
        let names: Vec<String> = as_(names).ok_or_else(|| {
            marks(
                line,
                "its tags are no list of names such as B-PER: write the names, not their numbers",
            )
        })?;
        if words.len() != names.len() {
            let (w, n) = (words.len(), names.len());
            return Err(marks(
                line,
                format!("it has {w} words and {n} tags: each word has one"),
            ));
        }
        if words.is_empty() {
            continue;
        }
        if let Some(i) = words.iter().position(|w| w.trim().is_empty()) {
            return Err(marks(line, format!("its word {} is empty", i + 1)));
        }
        let words: Vec<String> = words.iter().map(|w| w.trim().to_owned()).collect();
        texts.push((line, words));
        tags.push(names.into_iter().map(|tag| (line, tag)).collect());
    }
    tagged_table(Format::Json, texts, tags, remarks)
}

/// Stretches with labels, as they stand in a file: unchecked.
type Loose = Vec<(i64, i64, String)>;

/// A list of `{"start", "end", "label"}` or `[start, end, label]`.
fn stretches(list: &RawValue) -> Result<Loose, String> {
    let values: Vec<Value> =
        serde_json::from_str(list.get()).map_err(|_| "its stretches are no list".to_owned())?;
    let one = |value: &Value| -> Option<(i64, i64, String)> {
        let (start, end, label) = match value {
            Value::Array(parts) => match &parts[..] {
                [start, end, label, ..] => (start, end, label),
                _ => return None,
            },
            Value::Object(map) => {
                let of = |names: &[&str]| names.iter().find_map(|name| map.get(*name));
                (
                    of(&["start", "start_offset"])?,
                    of(&["end", "end_offset"])?,
                    of(&["label", "entity", "tag", "entity_group", "type"])?,
                )
            }
            _ => return None,
        };
        Some((start.as_i64()?, end.as_i64()?, label.as_str()?.to_owned()))
    };
    let read = |(i, value)| {
        one(value).ok_or_else(|| {
            format!(
                "its stretch {} has not the form {{\"start\": 0, \"end\": 4, \"label\": \"PER\"}}",
                i + 1
            )
        })
    };
    values.iter().enumerate().map(read).collect()
}

fn of_spans(line: usize, members: &Members<'_>) -> Result<Row, DataError> {
    let text: Option<String> = get(members, &TEXTS).and_then(as_);
    let text = text.ok_or_else(|| marks(line, "it has no text"))?;
    let loose = match spans(members) {
        Some((_, list)) => stretches(list).map_err(|reason| marks(line, reason))?,
        None => Vec::new(),
    };
    if text.trim().is_empty() {
        return Err(DataError::Empty {
            line,
            column: "text".to_owned(),
            more: 0,
        });
    }
    let found = checked(&text, loose).map_err(|reason| marks(line, reason))?;
    let tags = words::tags_of(&text, &found);
    Ok(tagged_row(line, text, tags))
}

/// Stretches that lie in a text, in their order, without the spaces around.
fn checked(text: &str, loose: Loose) -> Result<Vec<(Stretch, String)>, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    for (start, end, label) in loose {
        let place = format!("the stretch {start} to {end} ({label})");
        let label = label.trim().to_owned();
        if end <= start {
            return Err(format!("{place} ends before it begins"));
        }
        let (Ok(mut first), Ok(mut last)) = (usize::try_from(start), usize::try_from(end)) else {
            return Err(format!("{place} begins before the text"));
        };
        if last > chars.len() {
            return Err(format!(
                "{place} ends beyond the text, which has {} characters",
                chars.len()
            ));
        }
        if label.is_empty() || label == "O" {
            return Err(format!("{place} has no label"));
        }
        while first < last && chars[first].is_whitespace() {
            first += 1;
        }
        while first < last && chars[last - 1].is_whitespace() {
            last -= 1;
        }
        if first == last {
            return Err(format!("{place} holds nothing but space"));
        }
        found.push((
            Stretch {
                start: first,
                end: last,
            },
            label,
        ));
    }
    found.sort_by_key(|(stretch, _)| *stretch);
    found.dedup();
    for pair in found.windows(2) {
        let ((a, one), (b, other)) = (&pair[0], &pair[1]);
        if b.start < a.end {
            return Err(format!(
                "the stretches {} to {} ({one}) and {} to {} ({other}) overlap: a word has one tag",
                a.start, a.end, b.start, b.end
            ));
        }
    }
    Ok(found)
}
