//! Texts with others to choose from, one of which is right: multiple choice.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::json::Members;
use super::super::{DataError, Row, Table, format::Format};
use super::json::{as_, get, marks};
use super::{Marks, table};

const TEXT: [&str; 8] = [
    "question", "prompt", "context", "ctx", "premise", "sent1", "text", "query",
];
/// Of SWAG: how each choice begins.
const BEGINNING: [&str; 1] = ["sent2"];
const CHOICES: [&str; 4] = ["choices", "options", "endings", "candidates"];
/// Names of single choices, before their number or letter.
const NUMBERED: [&str; 5] = ["ending", "choice", "option", "answer", "sol"];
const RIGHT: [&str; 7] = [
    "label",
    "answer",
    "answerKey",
    "answer_key",
    "correct",
    "gold",
    "right",
];

/// The most texts of one example: more cost as much as a batch, and are no choice of a person's.
const MAX_CHOICES: usize = 16;

/// Choices as they stand in a file, with their letters or numbers where it names them.
struct Listed {
    texts: Vec<String>,
    keys: Vec<String>,
}

/// As `datasets` writes lists of objects.
#[derive(Deserialize)]
struct Columns {
    text: Vec<String>,
    #[serde(default)]
    label: Vec<String>,
}

#[derive(Deserialize)]
struct One {
    text: String,
    #[serde(default)]
    label: String,
}

/// A question that holds its choices, as CommonsenseQA's and ARC's own files have it.
#[derive(Deserialize)]
struct Nested<'a> {
    stem: String,
    #[serde(borrow)]
    choices: &'a RawValue,
}

fn listed(value: &RawValue) -> Option<Listed> {
    if let Some(texts) = as_::<Vec<String>>(value) {
        let keys = Vec::new();
        return Some(Listed { texts, keys });
    }
    if let Some(Columns { text, label }) = as_(value) {
        return Some(Listed {
            texts: text,
            keys: label,
        });
    }
    let all: Vec<One> = as_(value)?;
    let (texts, keys) = all.into_iter().map(|one| (one.text, one.label)).unzip();
    Some(Listed { texts, keys })
}

/// The choices `ending0`, `ending1` and so on, or `choice1`, `option_a`.
fn numbered(members: &Members<'_>) -> Option<Listed> {
    let (mut texts, mut keys) = (Vec::new(), Vec::new());
    for name in NUMBERED {
        for (key, value) in &members.0 {
            let rest = key
                .strip_prefix(name)
                .map(|rest| rest.trim_start_matches('_'));
            let short =
                |rest: &&str| rest.len() == 1 && rest.chars().all(|c| c.is_ascii_alphanumeric());
            if let (Some(rest), Some(text)) = (rest.filter(short), as_::<String>(value)) {
                texts.push(text);
                // COPA's `choice1` is number 0 of its labels: numbers are places.
                let is_letter = rest.starts_with(|c: char| c.is_ascii_alphabetic());
                keys.push(if is_letter { rest } else { "" }.to_owned());
            }
        }
        if texts.len() > 1 {
            return Some(Listed { texts, keys });
        }
        texts.clear();
        keys.clear();
    }
    None
}

/// The text of an object, and its choices.
fn found(members: &Members<'_>) -> Option<(String, Listed)> {
    let text = get(members, &TEXT);
    if let Some(Nested { stem, choices }) = text.and_then(as_) {
        return Some((stem, listed(choices)?));
    }
    let choices = match get(members, &CHOICES) {
        Some(value) => listed(value)?,
        None => numbered(members)?,
    };
    Some((text.and_then(as_::<String>)?, choices))
}

/// Whether an object has choices and says which is right.
pub(super) fn are_there(members: &Members<'_>) -> bool {
    get(members, &RIGHT).is_some() && found(members).is_some()
}

/// What a file says is right: a number, or a word.
enum Right {
    Number(u64),
    Word(String),
}

fn right(value: &RawValue) -> Option<Right> {
    if let Some(number) = as_::<u64>(value) {
        return Some(Right::Number(number));
    }
    let word = as_::<String>(value)?.trim().to_owned();
    Some(match word.parse() {
        Ok(number) => Right::Number(number),
        Err(_) => Right::Word(word),
    })
}

/// The place that a word names: a choice's key, its letter, or the choice itself.
fn named(word: &str, choices: &Listed) -> Option<usize> {
    let same = |key: &String| key.eq_ignore_ascii_case(word);
    let letter = || {
        let mut letters = word.chars();
        let (letter, more) = (letters.next()?, letters.next());
        let place = (letter.to_ascii_uppercase() as usize).checked_sub('A' as usize)?;
        (more.is_none() && place < choices.texts.len()).then_some(place)
    };
    let text = || choices.texts.iter().position(|text| text.trim() == word);
    (choices.keys.iter().position(same))
        .or_else(text)
        .or_else(letter)
}

/// One example, before it is known whether the file counts from 0.
struct Loose {
    line: usize,
    text: String,
    choices: Vec<String>,
    right: Result<usize, u64>,
}

fn loose(line: usize, members: &Members<'_>) -> Result<Loose, DataError> {
    let (text, choices) = found(members).ok_or_else(|| {
        marks(
            line,
            "it has not the form {\"question\": …, \"choices\": [\"…\", \"…\"], \"answer\": 0}",
        )
    })?;
    let count = choices.texts.len();
    if !(2..=MAX_CHOICES).contains(&count) {
        let reason = format!("it has {count} choices: 2 to {MAX_CHOICES} can be learned from");
        return Err(marks(line, reason));
    }
    if let Some(i) = choices.texts.iter().position(|text| text.trim().is_empty()) {
        return Err(marks(line, format!("its choice {} is empty", i + 1)));
    }
    if text.trim().is_empty() {
        return Err(marks(line, "its question is empty"));
    }
    let said = get(members, &RIGHT).and_then(right);
    let right = match said.ok_or_else(|| marks(line, "it does not say which choice is right"))? {
        Right::Word(word) => match named(&word, &choices) {
            Some(place) => Ok(place),
            None => {
                let reason = format!("what is right, `{word}`, is none of its {count} choices");
                return Err(marks(line, reason));
            }
        },
        Right::Number(number) => {
            let key = choices
                .keys
                .iter()
                .position(|key| *key == number.to_string());
            key.ok_or(number)
        }
    };
    let beginning = get(members, &BEGINNING).and_then(as_::<String>);
    let whole = |choice: &String| match &beginning {
        Some(beginning) => format!("{} {}", beginning.trim(), choice.trim()),
        None => choice.trim().to_owned(),
    };
    Ok(Loose {
        line,
        text: text.trim().to_owned(),
        choices: choices.texts.iter().map(whole).collect(),
        right,
    })
}

/// A table of examples.
///
/// # Errors
/// One without choices, or whose right one is not among them, by its row.
pub(super) fn table_of(
    objects: &[(usize, Members<'_>)],
    mut remarks: Vec<String>,
) -> Result<Table, DataError> {
    let all = objects.iter().map(|(line, members)| loose(*line, members));
    let all = all.collect::<Result<Vec<Loose>, DataError>>()?;
    let numbers = || all.iter().filter_map(|one| Some((one, one.right.err()?)));
    // Numbers are places from 0, unless one says otherwise.
    let last = |(one, number): (&Loose, u64)| number == one.choices.len() as u64;
    let from = u64::from(numbers().any(last) && numbers().all(|(_, number)| number > 0));
    if from == 1 {
        remarks.push("The numbers of the right choices count from 1.".to_owned());
    }
    let row = |one: Loose| {
        let count = one.choices.len();
        let place = one.right.or_else(|number| {
            // On the page a number of 64 bits is longer than a place.
            let place = number.checked_sub(from).map(usize::try_from);
            place
                .and_then(Result::ok)
                .filter(|place| *place < count)
                .ok_or_else(|| {
                    let reason =
                        format!("the right choice is number {number}, and there are {count}");
                    marks(one.line, reason)
                })
        })?;
        Ok(Row {
            line: one.line,
            given: 3,
            cells: vec![
                one.text,
                one.choices.join(" | "),
                one.choices[place].clone(),
            ],
            marks: Some(Marks::Choices(one.choices, place)),
        })
    };
    let rows = all.into_iter().map(row).collect::<Result<_, DataError>>()?;
    let columns = ["question", "choices", "answer"];
    Ok(table(Format::Json, &columns, rows, remarks))
}
