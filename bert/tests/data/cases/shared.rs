//! The files of the shared material, where it lies beside the checkout.

use std::path::Path;

use bert::data::{Columns, Dataset, Format, HeaderRow, Table};

use crate::common;

/// Folder and file; rows, labels, and the first row as it is read.
type Shared = (
    &'static str,
    usize,
    usize,
    (&'static str, Option<&'static str>, &'static str),
);

const SHARED: [Shared; 18] = [
    (
        "02-unused-nested-key/snli_1.0_train.jsonl",
        24,
        3,
        ("A man number 0.", Some("A dog 0 runs."), "neutral"),
    ),
    (
        "02-unused-nested-key/amazon_reviews.json",
        24,
        2,
        ("a dull and empty film no 0", None, "1.0"),
    ),
    (
        "02-unused-nested-key/nested_meta.jsonl",
        24,
        2,
        ("a dull and empty film no 0", None, "0"),
    ),
    (
        "02-unused-nested-key/hf_tokens.jsonl",
        24,
        2,
        ("a dull and empty film no 0", None, "0"),
    ),
    (
        "04-second-text-lost/qnli_train.tsv",
        24,
        2,
        (
            "What is number 0?",
            Some("The number 0 is written here by people who count."),
            "not_entailment",
        ),
    ),
    (
        "04-second-text-lost/mrpc_msr_paraphrase_train.txt",
        24,
        2,
        (
            "The company said on Monday it sold 0 units .",
            Some("It sold 0 \"units\" , the company said on Monday ."),
            "0",
        ),
    ),
    (
        "04-second-text-lost/boolq_train.jsonl",
        24,
        2,
        (
            "is number 0 even",
            Some("Number 0 -- The number 0 follows -1. It can be counted."),
            "true",
        ),
    ),
    (
        "04-second-text-lost/fever.jsonl",
        24,
        2,
        (
            "Number 0 is even.",
            Some("Number 0 can be halved without a rest or not, says the book of numbers."),
            "SUPPORTS",
        ),
    ),
    (
        "04-second-text-lost/qa_passage.csv",
        24,
        2,
        (
            "how old is 0",
            Some("the passage number 0 says that it is old"),
            "0",
        ),
    ),
    (
        "04-second-text-lost/xnli.train.en.tsv",
        24,
        3,
        (
            "Number 0 was read twice by two people .",
            Some("Number 0 was read ."),
            "entailment",
        ),
    ),
    (
        "05-prodigy-answer-is-no-text/prodigy_textcat.jsonl",
        24,
        2,
        ("a warm and funny film 0", None, "POS"),
    ),
    (
        "06-tsv-with-quotes/pandas_quoted.tsv",
        24,
        2,
        ("he said \"a dull and empty film no 0\" twice", None, "0"),
    ),
    (
        "06-tsv-with-quotes/pandas_newline.tsv",
        24,
        2,
        ("a dull and empty film no 0", None, "0"),
    ),
    (
        "10-carriage-returns/cr_only.txt",
        24,
        2,
        ("a dull and empty film no 0", None, "neg"),
    ),
    (
        "13-labels-1-and-1.0/label_float_mixed.csv",
        24,
        2,
        ("a dull and empty film no 0", None, "0"),
    ),
    (
        "17-first-row-eaten/headerless_titleword.tsv",
        25,
        2,
        ("Review", None, "good"),
    ),
    (
        "17-first-row-eaten/headerless_tail.tsv",
        21,
        3,
        ("will it rain", None, "weather"),
    ),
    (
        "17-first-row-eaten/repeated_header.csv",
        24,
        2,
        ("a dull and empty film no 0", None, "0"),
    ),
];

fn shared_table(folder: &Path, file: &str) -> Table {
    let bytes = std::fs::read(folder.join(file)).expect("a readable file");
    let name = file.rsplit('/').next();
    let format = Format::guess(name, &bytes);
    let table = Table::parse(&bytes, format, HeaderRow::Detect);
    table.unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn the_shared_cases_are_read_as_expected() {
    let Some(folder) = common::shared("cases/data") else {
        return;
    };
    for (file, rows, labels, (text, pair, label)) in SHARED {
        let table = shared_table(&folder, file);
        let (data, _) = Dataset::new(&table, &Columns::guess(&table))
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(
            (data.examples.len(), data.labels.len()),
            (rows, labels),
            "{file}"
        );
        let first = &data.examples[0];
        assert_eq!(
            (&first.text[..], first.pair.as_deref()),
            (text, pair),
            "{file}"
        );
        assert_eq!(
            data.labels[first.truth.class().expect("a class")].trim_end_matches(".0"),
            label.trim_end_matches(".0"),
            "{file}"
        );
    }
    for (file, lines) in [
        ("08-plain-text-with-commas/corpus_commas.txt", 5),
        ("08-plain-text-with-commas/predict_list.txt", 3),
    ] {
        let table = shared_table(&folder, file);
        assert_eq!(
            (table.columns.len(), table.rows.len()),
            (1, lines),
            "{file}"
        );
    }
    for (file, what) in [
        ("train.xlsx", "an Excel workbook"),
        ("train.parquet", "a Parquet file"),
        ("train.csv.gz", "a gzip file"),
        ("train.zip", "a zip archive"),
    ] {
        let bytes = std::fs::read(folder.join("11-binary-files").join(file)).expect(file);
        let format = Format::guess(Some(file), &bytes);
        let error = Table::parse(&bytes, format, HeaderRow::Detect).expect_err(file);
        assert!(
            error.to_string().starts_with(&format!("this is {what}. ")),
            "{error}"
        );
    }
    let stars = shared_table(&folder, "13-labels-1-and-1.0/stars_float.csv");
    let (stars, _) = Dataset::new(&stars, &Columns::guess(&stars)).expect("examples");
    assert_eq!(stars.labels, ["1.0", "2.0", "9.5", "10.0"]);
    for (train, eval) in [
        (
            "13-labels-1-and-1.0/label_float.csv",
            "13-labels-1-and-1.0/label_int.csv",
        ),
        (
            "13-labels-1-and-1.0/label_int.csv",
            "13-labels-1-and-1.0/label_float.csv",
        ),
        (
            "20-columns-guessed-twice/noheader_train.tsv",
            "20-columns-guessed-twice/noheader_eval.tsv",
        ),
    ] {
        let (table, other) = (shared_table(&folder, train), shared_table(&folder, eval));
        let columns = Columns::guess(&table);
        let (data, _) = Dataset::new(&table, &columns).expect("examples");
        let columns = columns.of_other(&table, &other).expect("the same columns");
        let (found, _) = Dataset::with_labels(&other, &columns, &data.labels).expect(eval);
        assert_eq!(
            (data.labels.len(), found.examples.len()),
            (2, other.rows.len()),
            "{eval}"
        );
    }
}
