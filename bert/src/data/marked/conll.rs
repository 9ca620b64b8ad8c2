//! CoNLL: a word and its tag a line, an empty line between texts.

use super::super::{DataError, MAX_ROWS, Table, format::Format};
use super::bio::{self, Placed};
use super::tagged_table;

/// Lines that are looked at to tell whether a file is one.
const LOOK: usize = 2000;

/// The fields of a line: by tabs where there are any, else by spaces.
fn fields(line: &str) -> Vec<&str> {
    match line.contains('\t') {
        true => line.split('\t').map(str::trim).collect(),
        false => line.split_whitespace().collect(),
    }
}

/// Whether a line says nothing of a word.
fn is_comment(line: &str) -> bool {
    line.starts_with("-DOCSTART-") || (line.starts_with("# ") && !line.contains('\t'))
}

/// Whether a text is CoNLL: each line a word with as many fields as the others and a tag at its end, some of them other than `O`.
pub fn is_conll(text: &str) -> bool {
    let lines = text
        .lines()
        .filter(|l| !l.trim().is_empty() && !is_comment(l));
    let (mut width, mut entities, mut looked) = (None, 0, 0);
    for line in lines.take(LOOK) {
        let fields = fields(line);
        let tag = fields.last().copied().unwrap_or_default();
        if fields.len() < 2
            || *width.get_or_insert(fields.len()) != fields.len()
            || !bio::is_tag(tag)
        {
            return false;
        }
        entities += usize::from(tag != "O");
        looked += 1;
    }
    looked > 1 && entities > 0
}

/// Reads it.
pub fn read(text: &str) -> Result<Table, DataError> {
    let mut texts: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut tags: Vec<Vec<Placed>> = Vec::new();
    let (mut open, mut width) = (false, None);
    for (i, line) in text.lines().enumerate() {
        let number = i + 1;
        if line.trim().is_empty() || is_comment(line) {
            open = false;
            continue;
        }
        let fields = fields(line);
        let expected = *width.get_or_insert(fields.len());
        let (Some(word), Some(tag)) = (fields.first(), fields.last()) else {
            continue;
        };
        if fields.len() < 2 || fields.len() != expected || word.is_empty() || tag.is_empty() {
            return Err(DataError::Conll {
                line: number,
                found: fields.len(),
                expected: expected.max(2),
            });
        }
        if !open {
            if texts.len() == MAX_ROWS {
                return Err(DataError::TooManyRows { line: number });
            }
            texts.push((number, Vec::new()));
            tags.push(Vec::new());
            open = true;
        }
        if let (Some((_, words)), Some(tags)) = (texts.last_mut(), tags.last_mut()) {
            words.push(word);
            tags.push((number, (*tag).to_owned()));
        }
    }
    tagged_table(Format::Conll, texts, tags, Vec::new())
}
