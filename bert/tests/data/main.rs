//! From files of examples, good and bad, to splits, batches and masks.

#[path = "../common/mod.rs"]
mod common;

mod cases;
mod choices;
mod chosen;
mod examples;
mod files;
mod marked;
mod parse;
mod refused;
mod sets;

use bert::data::{Columns, DataError, Dataset, Format, HeaderRow, Report, Table};

/// Reads with every guess taken.
fn table(text: &str) -> Table {
    let format = Format::guess(None, text.as_bytes());
    Table::parse(text.as_bytes(), format, HeaderRow::Detect).expect("a table")
}

fn refusal(bytes: &[u8], format: Format) -> DataError {
    match Table::parse(bytes, format, HeaderRow::Detect) {
        Ok(table) => panic!("{} rows were read", table.rows.len()),
        Err(error) => error,
    }
}

fn dataset(text: &str) -> Result<(Dataset, Report), DataError> {
    let table = table(text);
    Dataset::new(&table, &Columns::guess(&table))
}

/// The cells of every row, between bars.
fn rows(table: &Table) -> Vec<String> {
    let row = |row: &bert::data::Row| format!("{}: {}", row.line, row.cells.join("|"));
    table.rows.iter().map(row).collect()
}
