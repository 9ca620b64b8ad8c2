//! How rows and cells lie in a file.

use bert::data::{
    Columns, DataError, Dataset, Format, HeaderRow, LeftOut, MAX_FILE_BYTES, Named, Table,
};

use super::{columns, examples, many, read};
use crate::rows;

#[test]
fn nested_keys_are_flattened_or_left_out() {
    let table = read(
        "a.jsonl",
        "{\"text\": \"a b\", \"tokens\": [\"a\", \"b\"], \"cats\": [\"x\"], \"meta\": {\"from\": \"web\", \"deep\": {\"x\": 1}}}\n\
         {\"text\": \"c\", \"tokens\": [\"c\"], \"cats\": [], \"meta\": null}\n",
    );
    assert_eq!(table.columns, ["text", "cats", "meta.from"]);
    assert_eq!(rows(&table), ["1: a b|x|web", "2: c||"]);
    let left_out = |name: &str, kind: &str| LeftOut {
        name: name.to_owned(),
        line: 1,
        kind: kind.to_owned(),
    };
    assert_eq!(
        table.left_out,
        [
            left_out("tokens", "a list"),
            left_out("meta.deep", "an object")
        ]
    );
    assert!(
        table.notes()[0].contains("tokens (a list at line 1)"),
        "{:?}",
        table.notes()
    );
    let error = Columns::named(
        &table,
        &Named {
            text: Some("tokens".to_owned()),
            ..Named::default()
        },
    );
    let error = error.expect_err("a list is no text").to_string();
    assert!(
        error.contains("`tokens`") && error.contains("it is a list"),
        "{error}"
    );
    // A name of a key within an object tells as well.
    let table = read(
        "a.jsonl",
        &many(8, |i| {
            format!(
                "{{\"data\": {{\"label\": {}, \"text\": \"some text {i}\"}}}}\n",
                i % 2
            )
        }),
    );
    assert_eq!(columns(&table), ("data.text", None, Some("data.label")));
}

#[test]
fn json_comes_in_arrays_and_in_many_lines() {
    let expected = ["a|0", "b|1"];
    let cells = |text: &str| -> Vec<String> {
        let table = read("a.json", text);
        assert_eq!(table.columns, ["text", "label"], "{text}");
        table.rows.iter().map(|row| row.cells.join("|")).collect()
    };
    let [a, b] = [
        "{\"text\": \"a\", \"label\": 0}",
        "{\"text\": \"b\", \"label\": 1}",
    ];
    let pretty =
        "{\n  \"text\": \"a\",\n  \"label\": 0\n}\n{\n  \"text\": \"b\",\n  \"label\": 1\n}\n";
    for text in [
        format!("{a}\n{b}\n"),
        format!("{a}\r{b}\r"),
        format!("[{a}, {b}]"),
        format!("[\n{a},\n{b}\n]\n"),
        format!("{{\"version\": \"1\", \"data\": [{a}, {b}]}}"),
        format!("{{\n\"data\": [\n{a},\n{b}\n]\n}}"),
        pretty.to_owned(),
    ] {
        assert_eq!(cells(&text), expected, "{text}");
    }
    assert_eq!(rows(&read("a.json", pretty)), ["1: a|0", "5: b|1"]);
    assert_eq!(
        rows(&read("a.json", "[\n\"one\",\n\"two\"]")),
        ["2: one", "3: two"]
    );
    let broken = "[\n{\"text\": \"a\"},\n{\"text\": b}\n]";
    let error = Table::parse(broken.as_bytes(), Format::Json, HeaderRow::Detect);
    assert!(
        matches!(error, Err(DataError::Json { line: 3, .. })),
        "{error:?}"
    );
}

#[test]
fn python_s_odd_json_is_read_as_pandas_reads_it() {
    let table = read(
        "a.jsonl",
        "{\"text\": \"half \\ud83d, NaN and \\\"Infinity\\\"\", \"label\": NaN}\n\
         {\"text\": \"whole \\ud83d\\ude00 \\udE00 \\\\ud83d\", \"label\": -Infinity}\n",
    );
    assert_eq!(
        rows(&table),
        [
            "1: half \u{fffd}, NaN and \"Infinity\"|",
            "2: whole \u{1f600} \u{fffd} \\ud83d|"
        ]
    );
}

#[test]
fn quotes_in_tsv_are_quotes_where_the_file_needs_them() {
    let texts = |text: &str| -> Vec<String> {
        let table = read("a.tsv", text);
        table
            .rows
            .into_iter()
            .map(|row| row.cells[0].clone())
            .collect()
    };
    // pandas, QUOTE_MINIMAL: quotes inside, a line break, a tab.
    assert_eq!(
        texts("text\tlabel\n\"he said \"\"no\"\" twice\"\t0\nplain\t1\n"),
        ["he said \"no\" twice", "plain"]
    );
    assert_eq!(
        texts("text\tlabel\n\"one\ntwo\"\t0\nplain\t1\n"),
        ["one\ntwo", "plain"]
    );
    assert_eq!(
        texts("text\tlabel\n\"one\ttwo\"\t0\nplain\t1\n"),
        ["one\ttwo", "plain"]
    );
    // QUOTE_ALL and QUOTE_NONNUMERIC.
    assert_eq!(
        texts("\"text\"\t\"label\"\n\"a\"\t\"0\"\n\"b\"\t\"1\"\n"),
        ["a", "b"]
    );
    assert_eq!(
        texts("text\tlabel\n\"a\"\t0\n\"b\"\t1\n\"c\"\t1\n"),
        ["a", "b", "c"]
    );
    // GLUE: characters like any other, also where they stand at both ends, or open over lines.
    for plain in [
        "text\tlabel\n\"no\"\t0\nyes\t1\n\"or\" what\t1\n",
        "text\tlabel\n\"It is late,\" he said\t0\nyes \"\"\t1\n\"a\"\t0\n",
        "text\tlabel\n\"he said\t0\nand left\"\t1\n\"a\"\t0\n",
        "text\tlabel\n\"he said\t0\nand \"left\t1\n",
    ] {
        let lines = plain
            .lines()
            .skip(1)
            .map(|line| line.split('\t').next().expect("a cell"));
        assert_eq!(texts(plain), lines.collect::<Vec<_>>(), "{plain}");
    }
}

#[test]
fn prose_is_no_table() {
    for text in [
        "After the rain, the valley smelled of earth.\nNobody spoke.\nThe old man, who had seen it, smiled, and went in.\n",
        "I liked it, truly\nNot for me\nFine, but long, too long\n",
        // The same number of commas in each.
        "I liked it, truly\nNot for me, no\nFine, I say\nWell, yes\n",
        "She closed the window; it was cold.\nHe laughed; nobody knew why.\n",
    ] {
        let table = read("texts.txt", text);
        assert_eq!(
            (table.format, table.columns.len()),
            (Format::Lines, 1),
            "{text}"
        );
        assert_eq!(table.rows.len(), text.lines().count());
    }
    let error = Dataset::new(
        &read("a.txt", "one, two\nthree\n"),
        &Columns {
            text: 0,
            pair: None,
            label: None,
        },
    );
    assert!(
        error
            .expect_err("no labels")
            .to_string()
            .contains("every row is one text")
    );
    // Labels before texts, spaces or not.
    let labelled = many(8, |i| {
        format!("{}, some text {i}\n", ["good", "bad"][i % 2])
    });
    assert_eq!(
        columns(&read("a.txt", &labelled)),
        ("column 2", None, Some("column 1"))
    );
    assert_eq!(
        read("a.txt", "label, text\ngood, yes\n").columns,
        ["label", "text"]
    );
}

#[test]
fn delimiters_are_found_in_all_rows_and_outside_quotes() {
    let format = |name: &str, text: &str| read(name, text).format;
    let quoted = "text,label\n\"a; b; c\",1\n\"d; e\",0\n\"f|g|h|i\",1\n";
    assert_eq!(format("a.csv", quoted), Format::Csv);
    // The first row has more commas than semicolons.
    let german = "a, b, c, d;1\ne;0\nf;1\ng;0\nh;1\n";
    assert_eq!(format("a.csv", german), Format::SemicolonCsv);
    let decimals = "0,5;gut, ja;x\n0,7;schlecht;y\n";
    assert_eq!(format("a.txt", decimals), Format::SemicolonCsv);
    assert_eq!(
        format("a.csv", "text\tlabel\na, b\t1\nc, d\t0\n"),
        Format::Tsv
    );
    assert_eq!(
        format("a.txt", "text|label\na, b|1\nc, d|0\n"),
        Format::BarCsv
    );
    // Excel says which.
    let told = read("a.csv", "sep=;\r\ntext;label\r\na,b;1\r\nc;0\r\n");
    assert_eq!((told.format, told.columns.len()), (Format::SemicolonCsv, 2));
    assert_eq!(rows(&told), ["3: a,b|1", "4: c|0"]);
}

#[test]
fn lines_may_end_in_carriage_returns() {
    for (name, text) in [
        ("a.txt", "label\ttext\rneg\ta b\rpos\tc d\r"),
        ("a.csv", "label,text\rneg,a b\rpos,c d\r"),
        ("a.tsv", "label\ttext\r\nneg\ta b\r\npos\tc d\r\n"),
    ] {
        assert_eq!(
            rows(&read(name, text)),
            ["2: neg|a b", "3: pos|c d"],
            "{name}"
        );
    }
}

#[test]
fn rows_may_end_early_or_late() {
    // A column that nobody reads, and delimiters that spreadsheets write behind the last cell.
    let table = read("a.csv", "text,label,note\na,1,x\nb,0\nc,1,,,\n");
    assert_eq!(rows(&table), ["2: a|1|x", "3: b|0|", "4: c|1|"]);
    let spam = many(12, |i| {
        format!("{},some text {i},,,\n", ["ham", "spam"][i % 2])
    });
    let table = read("spam.csv", &format!("v1,v2,,,\n{spam}"));
    assert_eq!(
        (table.columns.as_slice(), table.rows.len()),
        (&["v1".to_owned(), "v2".to_owned()][..], 12)
    );
    // R names the rows, and not their column.
    let table = read("r.tsv", "text\tlabel\n1\ta\tx\n2\tb\ty\n3\tc\tx\n");
    assert_eq!(
        (columns(&table), table.rows.len()),
        (("text", None, Some("label")), 3)
    );
    // A row without a label is none to learn from; half a text is no text.
    let (data, report) = examples("a.csv", "text,label\na,1\nb\nc,0\n");
    assert_eq!(
        (
            data.examples.len(),
            report.unlabelled,
            report.first_unlabelled
        ),
        (2, 1, Some(3))
    );
    let half = read("a.tsv", "text\tlabel\na\t1\nfirst half\nsecond half\t0\n");
    let error = Dataset::new(&half, &Columns::guess(&half))
        .expect_err("half a text")
        .to_string();
    for part in ["line 3", "1 of 2 cells", "`label`", "line break"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn what_is_no_text_is_named() {
    let zip = |inside: &str| [b"PK\x03\x04\x14\0", inside.as_bytes()].concat();
    for (bytes, what) in [
        (zip("xl/workbook.xml"), "an Excel workbook"),
        (zip("word/document.xml"), "a Word document"),
        (zip("train.csv"), "a zip archive"),
        (b"PAR1\x15\x04".to_vec(), "a Parquet file"),
        (b"\x1f\x8b\x08\0".to_vec(), "a gzip file"),
        (
            b"\xd0\xcf\x11\xe0\xa1".to_vec(),
            "an older Microsoft Office",
        ),
        (b"SQLite format 3\0".to_vec(), "an SQLite database"),
        (b"\n<!DOCTYPE html><html>".to_vec(), "a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            "Git LFS",
        ),
    ] {
        for format in [Format::guess(Some("train.csv"), &bytes), Format::Json] {
            let error = Table::parse(&bytes, format, HeaderRow::Detect);
            let error = error.expect_err("no text").to_string();
            assert!(
                error.starts_with("this is ") && error.contains(what),
                "{error}"
            );
        }
    }
    let large = vec![b'a'; MAX_FILE_BYTES + 1];
    let error = Table::parse(&large, Format::Lines, HeaderRow::Detect);
    assert!(matches!(error, Err(DataError::TooLarge { .. })));
}
