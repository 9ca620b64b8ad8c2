//! What each picture of the panel has: a sentence, a drawing, a table with the same, a caveat.

use super::drawing::Drawing;

/// Rows of figures under one another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<String>,
    /// As many cells each as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(columns: &[&str]) -> Self {
        Self {
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// As spreadsheets read it: a line each row, tabs between the cells.
    pub fn to_tsv(&self) -> String {
        let line = |cells: &Vec<String>| {
            let cells: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
            cells.join("\t") + "\n"
        };
        std::iter::once(&self.columns)
            .chain(&self.rows)
            .map(line)
            .collect()
    }
}

/// A cell without what ends cells. A spreadsheet takes what begins with some marks for a formula.
fn plain(cell: &str) -> String {
    let cell = cell.replace(['\t', '\n', '\r'], " ");
    let formula = cell.starts_with(['=', '@'])
        || cell.starts_with(['+', '-']) && cell.parse::<f64>().is_err();
    match formula {
        true => format!("'{cell}"),
        false => cell,
    }
}

/// One picture, ready to be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// What one sees, in a sentence.
    pub sentence: String,
    pub drawing: Drawing,
    pub table: Table,
    /// How it misleads.
    pub caveat: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_copied_as_cells() {
        let mut table = Table::new(&["word", "bits"]);
        table.rows.push(vec!["a\tb".into(), "-1.5".into()]);
        table.rows.push(vec!["=1+1".into(), "+x".into()]);
        assert_eq!(table.to_tsv(), "word\tbits\na b\t-1.5\n'=1+1\t'+x\n");
    }
}
