//! Questions with answers in a passage: SQuAD's JSON, 1.1 and 2.0, and flat rows.

use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::json::{Element, Members, placed};
use super::super::{
    DataError, MAX_FILE_BYTES, MAX_ROW_BYTES, MAX_ROWS, Row, Stretch, Table, format::Format,
};
use super::json::{as_, get};
use super::{Marks, table};

const QUESTION: [&str; 2] = ["question", "query"];
const PASSAGE: [&str; 3] = ["context", "passage", "paragraph"];
const ANSWERS: [&str; 3] = ["answers", "answer", "answer_text"];

/// Whether an object is a question with its passage and answers.
pub(super) fn is_question(members: &Members<'_>) -> bool {
    let text = |names: &[&str]| get(members, names).is_some_and(|v| v.get().starts_with('"'));
    let answers = get(members, &ANSWERS);
    // A text beside a question and a passage may be a label, such as yes or no.
    let marked =
        |v: &RawValue| v.get().starts_with(['{', '[']) || get(members, &["answer_start"]).is_some();
    text(&QUESTION) && text(&PASSAGE) && answers.is_some_and(marked)
}

/// Whether all objects are a question with its passage and the bare text of an answer that stands there. A yes or no that
/// stands in none is a label.
pub(super) fn stand_in_passages(elements: &[Element<'_>]) -> bool {
    let answer = |element: &Element<'_>| -> Option<String> {
        let members: Members<'_> = serde_json::from_str(element.source).ok()?;
        let text = |names: &[&str]| get(&members, names).and_then(as_::<String>);
        let (_, passage, answer) = (text(&QUESTION)?, text(&PASSAGE)?, text(&ANSWERS)?);
        passage.contains(answer.trim()).then_some(answer)
    };
    let answers: Option<Vec<String>> = elements.iter().map(answer).collect();
    answers.is_some_and(|all| all.iter().any(|answer| !answer.trim().is_empty()))
}

/// A table of questions.
pub(super) fn table_of(rows: Vec<Row>) -> Table {
    table(
        Format::Json,
        &["question", "passage", "answers"],
        rows,
        Vec::new(),
    )
}

/// An answer as it stands in a file.
#[derive(Deserialize)]
struct Loose {
    text: String,
    #[serde(default)]
    answer_start: Option<i64>,
}

/// Reads a flat row.
pub(super) fn flat(line: usize, members: &Members<'_>) -> Result<Row, DataError> {
    /// As `datasets` writes them.
    #[derive(Deserialize)]
    struct Columns {
        text: Vec<String>,
        #[serde(default)]
        answer_start: Vec<i64>,
    }
    let text = |names: &[&str]| get(members, names).and_then(as_::<String>);
    let wrong = |reason: &str| DataError::Marks {
        line,
        reason: reason.to_owned(),
    };
    let question = text(&QUESTION).ok_or_else(|| wrong("it has no question"))?;
    let passage = text(&PASSAGE).ok_or_else(|| wrong("it has no passage (context)"))?;
    let value = get(members, &ANSWERS)
        .ok_or_else(|| wrong("it has no answers; write [] where there is none"))?;
    let answers = if let Some(Columns { text, answer_start }) = as_(value) {
        if !answer_start.is_empty() && answer_start.len() != text.len() {
            return Err(wrong(
                "it has more or fewer texts of answers than places where they begin",
            ));
        }
        let starts = answer_start
            .into_iter()
            .map(Some)
            .chain(std::iter::repeat(None));
        text.into_iter()
            .zip(starts)
            .map(|(text, answer_start)| Loose { text, answer_start })
            .collect()
    } else if let Some(text) = as_::<String>(value) {
        let answer_start = get(members, &["answer_start"]).and_then(as_::<i64>);
        match text.is_empty() {
            true => Vec::new(),
            false => vec![Loose { text, answer_start }],
        }
    } else if let Some(texts) = as_::<Vec<String>>(value) {
        texts
            .into_iter()
            .map(|text| Loose {
                text,
                answer_start: None,
            })
            .collect()
    } else if let Some(list) = as_::<Vec<Loose>>(value) {
        list
    } else if let Some(one) = as_::<Loose>(value) {
        vec![one]
    } else {
        return Err(wrong(
            "its answers have not the form [{\"text\": …, \"answer_start\": …}]",
        ));
    };
    row(line, question, passage, answers)
}

fn row(
    line: usize,
    question: String,
    passage: String,
    answers: Vec<Loose>,
) -> Result<Row, DataError> {
    for (name, text) in [("question", &question), ("passage", &passage)] {
        if text.trim().is_empty() {
            return Err(DataError::Empty {
                line,
                column: name.to_owned(),
                more: 0,
            });
        }
    }
    let question = question.trim().to_owned();
    let mut found = Vec::new();
    for Loose { text, answer_start } in answers {
        let place = place(&passage, &text, answer_start);
        let place = place.ok_or_else(|| DataError::Marks {
            line,
            reason: format!("the answer “{}” does not stand in its passage", text.trim()),
        })?;
        found.push(place);
    }
    found.dedup();
    let shown: Vec<String> = found.iter().map(|s| s.of(&passage)).collect();
    let mut different = shown.clone();
    different.dedup();
    let shown = match different.is_empty() {
        true => "no answer".to_owned(),
        false => different.join(" · "),
    };
    Ok(Row {
        line,
        given: 3,
        cells: vec![question, passage, shown],
        marks: Some(Marks::Answers(found)),
    })
}

/// Where an answer stands: at its place, or else where it occurs next to that, since some count bytes.
fn place(passage: &str, answer: &str, start: Option<i64>) -> Option<Stretch> {
    let answer = answer.trim();
    if answer.is_empty() {
        return None;
    }
    let length = answer.chars().count();
    let starts = passage.match_indices(answer).map(|(byte, _)| byte);
    let (mut at, mut seen) = (0, 0);
    let starts = starts.map(|byte| {
        at += passage[seen..byte].chars().count();
        seen = byte;
        at
    });
    let wanted = start.unwrap_or(0);
    let nearest = starts.min_by_key(|&at| (at as i64).abs_diff(wanted))?;
    Some(Stretch {
        start: nearest,
        end: nearest + length,
    })
}

/// SQuAD's own file: `{"data": [{"paragraphs": [{"context", "qas": [{"question", "answers"}]}]}]}`; `None` for any other.
pub fn squad(text: &str) -> Option<Result<Table, DataError>> {
    #[derive(Deserialize)]
    struct File<'a> {
        #[serde(borrow)]
        data: Vec<Article<'a>>,
    }
    #[derive(Deserialize)]
    struct Article<'a> {
        #[serde(borrow)]
        paragraphs: Vec<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Paragraph<'a> {
        context: String,
        #[serde(borrow)]
        qas: Vec<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Question {
        question: String,
        #[serde(default)]
        answers: Vec<Loose>,
        #[serde(default)]
        is_impossible: bool,
    }
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let file: File<'_> = serde_json::from_str(text).ok()?;
    let paragraphs = file
        .data
        .iter()
        .flat_map(|article| article.paragraphs.iter().copied());
    let line_of = |part: &str| placed(text, vec![part])[0].line;
    let refused = |line, reason| Some(Err(DataError::Marks { line, reason }));
    let mut questions: Vec<(Rc<str>, &str)> = Vec::new();
    // Each question has a passage of its own: a long one with many of them is more than the file.
    let mut bytes = 0_usize;
    for paragraph in paragraphs {
        let source = paragraph.get();
        let paragraph = match serde_json::from_str::<Paragraph<'_>>(source) {
            Ok(paragraph) => paragraph,
            Err(error) => {
                let reason = format!("the paragraph has no context and questions: {error}");
                return refused(line_of(source), reason);
            }
        };
        if paragraph.context.len() > MAX_ROW_BYTES {
            return Some(Err(DataError::LongRow {
                line: line_of(source),
            }));
        }
        bytes = bytes.saturating_add(paragraph.context.len().saturating_mul(paragraph.qas.len()));
        if bytes > MAX_FILE_BYTES {
            let reason = format!(
                "its passages, one for each question, are over {MAX_FILE_BYTES} bytes from here on: use a part of the file"
            );
            return refused(line_of(source), reason);
        }
        let context: Rc<str> = paragraph.context.into();
        let qas = paragraph.qas.iter();
        questions.extend(qas.map(|q| (context.clone(), q.get())));
        if let Some((_, more)) = questions.get(MAX_ROWS) {
            return Some(Err(DataError::TooManyRows {
                line: line_of(more),
            }));
        }
    }
    let lines = placed(text, questions.iter().map(|(_, q)| *q).collect());
    let one = |(passage, source): (Rc<str>, &str), line: usize| {
        let question: Question =
            serde_json::from_str(source).map_err(|error| DataError::Marks {
                line,
                reason: format!("this is no question with answers: {error}"),
            })?;
        let answers = match question.is_impossible {
            true => Vec::new(),
            false => question.answers,
        };
        row(line, question.question, passage.to_string(), answers)
    };
    let rows = questions.into_iter().zip(lines);
    let rows = rows.map(|(q, at)| one(q, at.line));
    Some(rows.collect::<Result<_, _>>().map(table_of))
}
