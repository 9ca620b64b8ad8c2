//! Formats, headers and what the cells hold.

use bert::data::{Format, HeaderRow, Table};

use super::{rows, table};

#[test]
fn tsv_takes_quotes_as_they_are() {
    let file = "label\ttext\r\ngood\tShe said \"yes, do\r\n\r\n\nbad\t\"no\"\n \t \nbad\t a b ";
    let table = table(file);
    assert_eq!((table.format, table.header), (Format::Tsv, true));
    assert_eq!(table.columns, ["label", "text"]);
    let expected = [
        "2: good|She said \"yes, do",
        "5: bad|\"no\"",
        "7: bad| a b ",
    ];
    assert_eq!(rows(&table), expected);
}

#[test]
fn csv_follows_rfc_4180() {
    let file =
        "text,label\r\n\"a, \"\"b\"\"\r\nsecond line\",good\r\n\r\n\n\"\",x\r\nit's 5\" wide,bad";
    let table = table(file);
    assert_eq!((table.format, table.header), (Format::Csv, true));
    let expected = [
        "2: a, \"b\"\r\nsecond line|good",
        "6: |x",
        "7: it's 5\" wide|bad",
    ];
    assert_eq!(rows(&table), expected);
}

#[test]
fn csv_with_semicolons() {
    let table = table("Text;Label\nwell, well;1\n\"a;b\";0\n");
    assert_eq!(table.format, Format::SemicolonCsv);
    assert_eq!(rows(&table), ["2: well, well|1", "3: a;b|0"]);
}

#[test]
fn json_lines_keep_the_order_of_keys_and_fill_what_is_missing() {
    let file = "{\"text\": \"a\\tb\", \"label\": 1}\r\n\n{\"label\": true, \"note\": 2.5, \"text\": \"é\"}\n\
                {\"text\": null, \"label\": -1}";
    let table = table(file);
    assert_eq!((table.format, table.header), (Format::Json, true));
    assert_eq!(table.columns, ["text", "label", "note"]);
    assert_eq!(rows(&table), ["1: a\tb|1|", "3: é|true|2.5", "4: |-1|"]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    for text in [
        "label\ttext\na\tb\n",
        "label,text\na,b\n",
        "{\"label\": \"a\", \"text\": \"b\"}",
    ] {
        let with_mark = format!("\u{feff}{text}");
        assert_eq!(table(&with_mark), table(text));
        assert_eq!(table(&with_mark).columns, ["label", "text"]);
    }
}

/// Found by damaged inputs: commas within quotes make every line wider than its row.
#[test]
fn a_table_whose_rows_are_no_lines_is_guessed_without_a_panic() {
    for rows in 2..6 {
        let text = "\"a, b\", c\n".repeat(rows);
        Format::guess(None, text.as_bytes());
    }
}

#[test]
fn formats_are_guessed_from_name_and_content() {
    let guess = |name: Option<&str>, text: &str| Format::guess(name, text.as_bytes());
    for (name, text, expected) in [
        (Some("a.TSV"), "a,b\tc", Format::Tsv),
        (Some("a.csv"), "a;b;c,d", Format::SemicolonCsv),
        (Some("a.csv"), "a", Format::Csv),
        (Some("a.csv"), "a\tb", Format::Tsv),
        (Some("a.jsonl"), "x", Format::Json),
        (Some("notes.txt"), "\n\n {\"text\": 1}", Format::Json),
        (None, "good\tyes, I liked it", Format::Tsv),
        (None, "good,yes", Format::Csv),
        (None, "one text a line", Format::Lines),
        (None, "", Format::Lines),
        (Some("a.tsv"), "a text, and more", Format::Lines),
        (Some("a.csv"), "a|b|c\nd|e|f", Format::BarCsv),
        (
            None,
            "a text;1\nanother, longer text;0",
            Format::SemicolonCsv,
        ),
        (None, "sep=;\na,b;c,d", Format::SemicolonCsv),
        (None, "sep=|\na,b,c", Format::BarCsv),
        (None, "[\n {\"text\": 1}]", Format::Json),
        (None, "[laughs] yes, I know", Format::Lines),
        (None, "{smiles} I do", Format::Lines),
    ] {
        assert_eq!(guess(name, text), expected, "{name:?} {text:?}");
    }
}

#[test]
fn a_header_is_found_by_names_or_by_what_stands_below() {
    let many = |first: &str| {
        let rows = (0..12).map(|i| format!("{}\tsome text {i}\n", ["x", "y", "z"][i % 3]));
        table(&(format!("{first}\n") + &rows.collect::<String>()))
    };
    // Usual names; a name above few recurring values; one of the values itself.
    assert!(many("Label\tSome Text").header);
    assert!(many("kind\tuttered").header);
    assert!(!many("y\tuttered").header);
    // A label that happens to be a usual name.
    assert!(!table("question\tWho?\nstatement\tI do.\nquestion\tWhy?\n").header);
    // A name above numbers, and the nameless column of an exported index.
    assert!(table("stars,words\n1,bad\n5,good\n4,fine\n").header);
    assert!(table(",said,kind\n0,bad,n\n1,good,y\n2,fine,y\n").header);
    assert!(!table("1,bad\n5,good\n4,fine\n").header);
    assert_eq!(table(",text\n0,bad\n").columns, ["column 1", "text"]);
}

#[test]
fn the_guess_of_a_header_can_be_overruled() {
    let bytes = b"label\ttext\na\tb\nc\td\n";
    let read = |header| Table::parse(bytes, Format::Tsv, header).expect("a table");
    let without = read(HeaderRow::Absent);
    assert_eq!(without.columns, ["column 1", "column 2"]);
    assert_eq!(rows(&without), ["1: label|text", "2: a|b", "3: c|d"]);
    assert_eq!(read(HeaderRow::Present), read(HeaderRow::Detect));
}
