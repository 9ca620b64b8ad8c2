//! The labelled files, and what is to be known of them.

use std::fs;
use std::path::Path;

use bert::config::HeadKind;
use bert::data::{
    Columns, DataError, Dataset, Format, HeaderRow, Prose, Table, Text, kinds, texts,
};

use crate::arguments::{Arguments, Goal};
use crate::common::AnyError;

/// Rows and characters that are shown of a file.
const SHOWN: (usize, usize) = (3, 60);

fn named(path: &Path, error: &dyn std::fmt::Display) -> AnyError {
    format!("{}: {error}", path.display()).into()
}

fn table(path: &Path) -> Result<Table, AnyError> {
    let bytes = fs::read(path).map_err(|e| named(path, &e))?;
    let name = path.file_name().and_then(|n| n.to_str());
    let format = Format::guess(name, &bytes);
    Table::parse(&bytes, format, HeaderRow::Detect).map_err(|e| named(path, &e))
}

/// The texts to learn from, and those to judge by, read with the same columns. What was guessed is
/// told on stderr.
pub fn load(arguments: &Arguments) -> Result<(Dataset, Dataset), AnyError> {
    let (path, eval_path) = (&arguments.train, &arguments.eval);
    let wrong = |e: DataError| named(path, &e);
    let mut rows = table(path)?;
    let columns = Columns::named(&rows, &arguments.columns).map_err(wrong)?;
    tell(path, &rows, &columns);
    if let Some(limit) = arguments.limit {
        rows.rows.truncate(limit.max(1));
    }
    let offered = kinds(&rows, &columns);
    let kind = match arguments.goal {
        Some(Goal::Head(kind)) => Some(kind),
        _ => offered.first().copied(),
    };
    let kind = kind.unwrap_or(HeadKind::Classes);
    let (train, report) = Dataset::of(kind, &rows, &columns, None).map_err(wrong)?;
    warn(path, &[rows.notes(), report.notes()].concat());
    let wrong = |e: DataError| named(eval_path, &e);
    let eval_rows = table(eval_path)?;
    let columns = columns.of_other(&rows, &eval_rows).map_err(wrong)?;
    let eval = Dataset::of(kind, &eval_rows, &columns, Some(&train.labels));
    let (eval, report) = eval.map_err(wrong)?;
    // How many examples each label has here, and which texts repeat, is of no matter.
    let report = bert::data::Report {
        single: Vec::new(),
        repeated: 0,
        ..report
    };
    warn(eval_path, &[eval_rows.notes(), report.notes()].concat());
    let both = train.also_in(&eval);
    if both > 0 {
        eprintln!(
            "warning: {both} of the {} evaluation rows also stand in the training file: the \
             figures flatter the model",
            eval.examples.len()
        );
    }
    Ok((train, eval))
}

/// The texts of both files without what they are labelled with, to hide words in.
pub fn plain(arguments: &Arguments) -> Result<[Vec<Text>; 2], AnyError> {
    let read = |path: &Path| {
        let rows = table(path)?;
        let columns = Columns::named(&rows, &arguments.columns).map_err(|e| named(path, &e))?;
        warn(path, &rows.notes());
        texts(&rows, &columns).map_err(|e| named(path, &e))
    };
    let mut train = read(&arguments.train)?;
    train.truncate(arguments.limit.unwrap_or(usize::MAX).max(1));
    Ok([train, read(&arguments.eval)?])
}

/// The documents of both files: of plain text as an empty line ends them, of a table a text each.
pub fn prose(arguments: &Arguments) -> Result<[Prose; 2], AnyError> {
    let is_plain = |path: &Path| path.extension().is_some_and(|end| end == "txt");
    let both = [&arguments.train, &arguments.eval];
    if both.iter().all(|path| is_plain(path)) {
        let read = |path: &Path| -> Result<Prose, AnyError> {
            let text = fs::read_to_string(path).map_err(|e| named(path, &e))?;
            Ok(Prose::read(&text))
        };
        return Ok([read(both[0])?, read(both[1])?]);
    }
    let of = |texts: &Vec<Text>| Prose::of(texts.iter().map(|text| text.text.as_str()));
    let [train, eval] = plain(arguments)?;
    Ok([of(&train), of(&eval)])
}

fn warn(path: &Path, notes: &[String]) {
    for note in notes {
        eprintln!("{}: {note}", path.display());
    }
}

/// How a file was read, with its first rows.
fn tell(path: &Path, table: &Table, columns: &Columns) {
    let name = |column: usize| format!("`{}`", table.columns[column]);
    let mut roles = vec![format!("text {}", name(columns.text))];
    roles.extend(columns.pair.map(|c| format!("second text {}", name(c))));
    roles.extend(columns.label.map(|c| format!("label {}", name(c))));
    let header = match table.header {
        true => "with names of columns",
        false => "without names of columns",
    };
    eprintln!(
        "{}: {}, {header}, {} rows; {}. Others by --text, --pair and --label",
        path.display(),
        table.format.name(),
        table.rows.len(),
        roles.join(", ")
    );
    let shown = [Some(columns.text), columns.pair, columns.label];
    for row in table.rows.iter().take(SHOWN.0) {
        let cells = shown.iter().flatten().map(|&c| cut(&row.cells[c]));
        eprintln!("  {}", cells.collect::<Vec<_>>().join(" | "));
    }
}

/// A cell on one line, at most so many characters of it.
fn cut(cell: &str) -> String {
    let line = cell.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN.1) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
