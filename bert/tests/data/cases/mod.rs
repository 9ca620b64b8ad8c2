//! Files as people have them, from public bug reports: what each is read as.

mod columns;
mod labels;
mod shapes;
mod shared;

use bert::data::{Columns, Dataset, Format, HeaderRow, Report, Table};

/// A file by its name and text, with every guess taken.
fn read(name: &str, text: &str) -> Table {
    let format = Format::guess(Some(name), text.as_bytes());
    let table = Table::parse(text.as_bytes(), format, HeaderRow::Detect);
    table.unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn examples(name: &str, text: &str) -> (Dataset, Report) {
    let table = read(name, text);
    let found = Dataset::new(&table, &Columns::guess(&table));
    found.unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of text, second text and label.
fn columns(table: &Table) -> (&str, Option<&str>, Option<&str>) {
    let columns = Columns::guess(table);
    let name = |column: usize| table.columns[column].as_str();
    (
        name(columns.text),
        columns.pair.map(name),
        columns.label.map(name),
    )
}

/// `count` rows made by a function.
fn many(count: usize, row: impl Fn(usize) -> String) -> String {
    (0..count).map(row).collect()
}
