//! Files that are refused, with the row and what to do.

use bert::data::{
    Columns, DataError, Dataset, Format, HeaderRow, MAX_ROW_BYTES, MAX_ROWS, Table, texts,
};

use super::{dataset, refusal, rows, table};

fn says(error: &DataError, parts: &[&str]) {
    let told = error.to_string();
    for part in parts {
        assert!(told.contains(part), "{told:?} lacks {part:?}");
    }
}

#[test]
fn other_encodings() {
    let utf16: Vec<u8> = "label\ttext\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked = [&[0xff, 0xfe], &utf16[..]].concat();
    let big: Vec<u8> = "\u{feff}a\tb"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    for bytes in [&utf16, &marked, &big] {
        let error = refusal(bytes, Format::Tsv);
        assert_eq!(error, DataError::Utf16);
        says(&error, &["UTF-16", "save it as UTF-8"]);
    }
    for format in [Format::Tsv, Format::Csv, Format::Json] {
        let error = refusal(b"label\ttext\na\tok\nb\tcaf\xe9\n", format);
        assert_eq!(
            error,
            DataError::NotUtf8 {
                line: 3,
                byte: 0xe9
            }
        );
        says(&error, &["line 3", "0xe9", "save it as UTF-8"]);
    }
    // Cut in the middle of a character.
    let error = refusal(&"a\té".as_bytes()[..3], Format::Tsv);
    assert_eq!(
        error,
        DataError::NotUtf8 {
            line: 1,
            byte: 0xc3
        }
    );
}

#[test]
fn nothing_to_read() {
    for text in ["", "\n\n", " \t \r\n", "\u{feff}"] {
        for format in [Format::Tsv, Format::Csv, Format::Json] {
            let error = refusal(text.as_bytes(), format);
            // JSON has no header of its own.
            assert_eq!(
                error,
                DataError::NoRows { header: false },
                "{text:?} {format:?}"
            );
        }
    }
    let error = refusal(b"label\ttext\n", Format::Tsv);
    assert_eq!(error, DataError::NoRows { header: true });
    says(&error, &["no rows below the header"]);
}

#[test]
fn ragged_rows() {
    let error = refusal(b"label\ttext\na\tb\nc\td\te\n\nf\tg\th\n", Format::Tsv);
    says(
        &error,
        &["line 3", "3 cells", "has 2 (and one more row", "tab"],
    );
    let error = refusal(b"label,text\na,\"b\nb\"\nc,d, e\n", Format::Csv);
    says(&error, &["line 4", "3 cells", "double quotes"]);
}

#[test]
fn quotes_that_stay_open() {
    let error = refusal(b"label,text\na,b\nc,\"d\ne,f\n", Format::Csv);
    assert_eq!(error, DataError::OpenQuote { line: 3 });
    let error = refusal(b"label,text\n\nc,\"d\"\"", Format::Csv);
    assert_eq!(error, DataError::OpenQuote { line: 3 });
    let fine = Table::parse(b"label,text\nc,\"d\"\"\"", Format::Csv, HeaderRow::Detect);
    assert_eq!(rows(&fine.expect("closed")), ["2: c|d\""]);
}

#[test]
fn long_rows_and_many_rows() {
    let long = "x".repeat(MAX_ROW_BYTES);
    for (format, text) in [
        (Format::Tsv, format!("a\tb\nc\t{long}\n")),
        (Format::Csv, format!("a,b\nc,\"{long}\"\n")),
        (
            Format::Json,
            format!("{{\"a\": 1}}\n{{\"a\": \"{long}\"}}\n"),
        ),
    ] {
        let error = refusal(text.as_bytes(), format);
        assert_eq!(error, DataError::LongRow { line: 2 }, "{format:?}");
    }
    let just = format!("a\n{}\n", &long[1..]);
    assert_eq!(table(&just).rows.len(), 2);

    let line = ["good\tyes\n", "bad\tno\n"];
    let many: String = (0..MAX_ROWS).map(|i| line[i % 2]).collect();
    assert_eq!(table(&many).rows.len(), MAX_ROWS);
    assert_eq!(table(&format!("label\ttext\n{many}")).rows.len(), MAX_ROWS);
    let objects = "{\"text\": \"a\"}\n".repeat(MAX_ROWS + 1);
    for (format, text, line) in [
        (Format::Tsv, format!("{many}bad\tno\n"), MAX_ROWS + 1),
        (
            Format::Tsv,
            format!("label\ttext\n{many}bad\tno\n"),
            MAX_ROWS + 2,
        ),
        (Format::Json, objects, MAX_ROWS + 1),
    ] {
        let error = refusal(text.as_bytes(), format);
        assert_eq!(error, DataError::TooManyRows { line });
        says(&error, &["100000 rows"]);
    }
}

#[test]
fn json_that_is_no_json_lines() {
    let json = |text: &str| refusal(text.as_bytes(), Format::Json);
    says(
        &json("{\"a\": 1}\n{\"a\": 1,}\n"),
        &["line 2", "trailing comma"],
    );
    says(
        &json("{\"a\": 1}\n\"b\"\n"),
        &["line 2", "an object such as"],
    );
    says(
        &json("{\"a\": 1, \"a\": 2}"),
        &["line 1", "`a` stands twice"],
    );
    says(
        &json("{\"a\": [1]}\n{\"a\": [1, 2]}"),
        &["line 2", "`a` is a list", "no key holds"],
    );
    says(&json(&"[".repeat(100_000)), &["line 1", "EOF"]);
    says(&json(&("{\"a\":".repeat(100_000))), &["line 1", "EOF"]);
    says(
        &json("[{\"a\": 1},\n {\"a\" 2}]"),
        &["line 2", "expected `:`"],
    );
    says(&json("[1, 2]"), &["line 1", "an object such as"]);
}

#[test]
fn columns_that_cannot_be() {
    let wide = vec!["x"; 257].join("\t");
    let error = refusal(wide.as_bytes(), Format::Tsv);
    assert_eq!(error, DataError::TooManyColumns { line: 1 });
    says(
        &refusal(b"text,label,text\na,b,c", Format::Csv),
        &["`text` stands twice at line 1"],
    );
    let table = table("label\ttext\na\tb\nc\td\n");
    let choose = |text, pair, label| Dataset::new(&table, &Columns { text, pair, label });
    let error = choose(1, None, Some(2)).expect_err("no third column");
    says(&error, &["column 3", "label", "has 2 columns"]);
    let error = choose(1, Some(1), Some(0)).expect_err("one for two");
    says(
        &error,
        &["column 2", "second text", "it is the text already"],
    );
    let error = choose(1, None, None).expect_err("no labels");
    says(&error, &["the columns are label, text"]);
}

#[test]
fn texts_and_labels_that_are_missing() {
    let error = dataset("label\ttext\na\tb\nb\t \nc\t\nd\tx\n").expect_err("no text");
    says(
        &error,
        &["line 3", "`text`", "one more row", "delete the row"],
    );
    let error = dataset("label\ttext\n-\tb\n\tc\nnull\td\n").expect_err("no label");
    says(&error, &["none of the 3 rows has a label in `label`"]);
    let pairs = table("sentence1\tsentence2\na\tb\nc\t\n");
    let error = texts(&pairs, &Columns::guess(&pairs)).expect_err("no second text");
    says(&error, &["line 3", "`sentence2`"]);
}

#[test]
fn too_little_or_too_much_to_learn() {
    assert_eq!(dataset("label\ttext\na\tb\n"), Err(DataError::OneRow));
    let error = dataset("label\ttext\n Good\tb\ngood \tc\n").expect_err("one class");
    says(
        &error,
        &["every row has the label", "column `label`", "two classes"],
    );
    let rows: String = (0..2000).map(|i| format!("{i}\ttext {i}\n")).collect();
    let error = dataset(&format!("label\ttext\n{rows}")).expect_err("no labels");
    says(&error, &["more than 1000 different values in 2000 rows"]);
}

#[test]
fn a_label_that_training_lacks() {
    let (train, _) = dataset("label\ttext\nham\ta\nSpam\tb\n").expect("two classes");
    let eval = table("text\tlabel\nc\tspam \nd\teggs\n");
    let columns = Columns::guess(&eval);
    let error = Dataset::with_labels(&eval, &columns, &train.labels).expect_err("eggs");
    says(&error, &["line 3", "`eggs`", "they have Spam, ham"]);
}
