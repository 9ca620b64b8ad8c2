//! Predictions as a table.

use bert::data::{self, Columns, Format, HeaderRow, Table};
use bert::export::predictions_tsv;
use bert::probe::Classification;

use super::*;

fn parsed(tsv: &str) -> Table {
    Table::parse(tsv.as_bytes(), Format::Tsv, HeaderRow::Detect).expect("a table")
}

#[test]
fn the_projects_own_reader_reads_it_back() {
    let texts = vec![
        text("one\ttwo\r\nthree", None),
        text("\"quoted\", it said", None),
        text("label", None),
        text("é 😀", None),
    ];
    let labels = vec!["good".to_owned(), "not\tgood".to_owned()];
    let logits = [[1.0, 0.0], [0.0, 1.0], [2.0, -2.0], [0.0, 0.5]];
    let found: Vec<_> = logits
        .iter()
        .map(|l| Classification::new(l.to_vec()))
        .collect();
    let table = parsed(&predictions_tsv(&texts, &labels, &found));
    let names = [
        "text",
        "label",
        "probability",
        "probability of good",
        "probability of not good",
    ];
    assert!(table.header);
    assert_eq!(table.columns, names);
    let columns = Columns::guess(&table);
    assert_eq!(
        (columns.text, columns.pair, columns.label),
        (0, None, Some(1))
    );
    let read = data::texts(&table, &columns).expect("texts");
    let expected = ["one two  three", "\"quoted\", it said", "label", "é 😀"];
    assert_eq!(
        read.iter().map(|t| t.text.as_str()).collect::<Vec<_>>(),
        expected
    );
    for (row, found) in table.rows.iter().zip(&found) {
        let spelled = ["good", "not good"][found.best];
        assert_eq!(row.cells[1], spelled);
        let number = |cell: usize| row.cells[cell].parse::<f32>().expect("a number");
        assert!((number(2) - found.probabilities[found.best]).abs() < 1e-6);
        assert!((number(3) + number(4) - 1.0).abs() < 2e-6);
    }
}

#[test]
fn pairs_have_a_column_and_many_classes_have_none_of_their_own() {
    let labels: Vec<String> = (0..300).map(|i| format!("class {i}")).collect();
    let texts = vec![text("a", Some("b\nc")), text("d", Some("e"))];
    let mut logits = vec![0.0; 300];
    logits[7] = 9.0;
    let found = vec![
        Classification::new(logits.clone()),
        Classification::new(logits),
    ];
    let table = parsed(&predictions_tsv(&texts, &labels, &found));
    assert_eq!(table.columns, ["text", "pair", "label", "probability"]);
    assert_eq!(table.rows[0].cells[..3], ["a", "b c", "class 7"]);
}

#[test]
fn classes_that_differ_in_spaces_keep_their_columns_apart() {
    let labels = vec!["a".to_owned(), "a\t".to_owned(), "b".to_owned()];
    let found = vec![Classification::new(vec![0.0, 1.0, 2.0])];
    let table = parsed(&predictions_tsv(&[text("x", None)], &labels, &found));
    let expected = [
        "probability of a",
        "probability of a (class 1)",
        "probability of b",
    ];
    assert_eq!(table.columns[3..], expected);
}
