//! Which spellings are one label, and which rows have none.

use bert::data::{Columns, DataError, Dataset};

use super::{columns, examples, many, read};

#[test]
fn an_annotator_s_answer_is_no_text_and_is_told() {
    let row = |i: usize| {
        let (label, answer) = (["POS", "NEG"][i % 2], ["accept", "accept", "reject"][i % 3]);
        format!(
            "{{\"text\": \"a film {i}\", \"_input_hash\": {i}, \"label\": \"{label}\", \"answer\": \"{answer}\"}}\n"
        )
    };
    let table = read("prodigy.jsonl", &many(12, row));
    assert_eq!(columns(&table), ("text", None, Some("label")));
    let (data, report) = Dataset::new(&table, &Columns::guess(&table)).expect("examples");
    assert_eq!((data.examples.len(), report.not_accepted), (12, 4));
    assert!(
        report
            .notes()
            .iter()
            .any(|n| n.starts_with("In 4 rows `answer` is reject"))
    );
}

#[test]
fn one_label_may_be_spelled_in_many_ways() {
    let labels = |list: &[&str]| {
        let rows: String = list
            .iter()
            .enumerate()
            .map(|(i, l)| format!("{l}\ttext {i}\n"))
            .collect();
        examples("a.tsv", &format!("label\ttext\n{rows}"))
    };
    let (data, report) = labels(&["1", "0.0", "1.0", "0", "1"]);
    assert_eq!(data.labels, ["0.0", "1"]);
    assert_eq!(report.counts, [2, 3]);
    assert_eq!(
        labels(&["1.0", "10.0", "2.0", "9.5"]).0.labels,
        ["1.0", "2.0", "9.5", "10.0"]
    );
    // Composed and decomposed; a zero-width space; a no-break space; a soft hyphen.
    let (data, report) = labels(&[
        "caf\u{e9}",
        "cafe\u{301}",
        "tea",
        "tea\u{200b}",
        "hot\u{a0}tea",
        "hot tea",
        "te\u{ad}a",
    ]);
    assert_eq!(data.labels, ["caf\u{e9}", "hot\u{a0}tea", "tea"]);
    assert_eq!(report.counts, [2, 2, 3]);
    assert!(
        report
            .notes()
            .iter()
            .any(|note| note.contains("tea\\u{200b}")),
        "{:?}",
        report.notes()
    );
    // A label that training lacks by its spelling alone.
    let eval = read("b.csv", "label,text\n1.0,a\n0,b\n");
    let known = ["0.0".to_owned(), "1".to_owned()];
    let (eval, _) =
        Dataset::with_labels(&eval, &Columns::guess(&eval), &known).expect("known labels");
    assert_eq!(
        eval.examples
            .iter()
            .filter_map(|e| e.truth.class())
            .collect::<Vec<_>>(),
        [1, 0]
    );
}

#[test]
fn rows_without_a_gold_label_are_left_out_and_counted() {
    let of = |name: &str, list: &[&str]| {
        let rows: String = list
            .iter()
            .enumerate()
            .map(|(i, l)| format!("{l}\ttext {i}\n"))
            .collect();
        let (data, report) = examples(name, &format!("label\ttext\n{rows}"));
        (data.labels, report.unlabelled)
    };
    let named = |labels: &[&str]| labels.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        of("snli.tsv", &["neutral", "-", "entailment", ""]),
        (named(&["entailment", "neutral"]), 2)
    );
    assert_eq!(
        of("a.tsv", &["+", "-", "+", "NaN", "null"]),
        (named(&["+", "-"]), 2)
    );
    // -1 beside 0, 1, 2 is none; beside 0 and 1 it is a label.
    assert_eq!(
        of("a.tsv", &["0", "1", "2", "-1", "0", "1", "2"]),
        (named(&["0", "1", "2"]), 1)
    );
    assert_eq!(
        of("a.tsv", &["0", "1", "-1", "1"]),
        (named(&["-1", "0", "1"]), 0)
    );
    let (data, report) = examples(
        "a.jsonl",
        "{\"text\": \"a\", \"label\": \"null\"}\n{\"text\": \"b\", \"label\": null}\n{\"text\": \"c\", \"label\": \"x\"}\n",
    );
    assert_eq!(
        (data.labels, report.unlabelled, report.first_unlabelled),
        (named(&["null", "x"]), 1, Some(2))
    );
    assert!(
        report
            .notes()
            .iter()
            .any(|n| n == "One row has no label, at line 2, and was left out.")
    );
    // GLUE's test files have no labels at all.
    let test = read("test.tsv", "label\ttext\n-1\ta\n-1\tb\n");
    let error = Dataset::with_labels(
        &test,
        &Columns::guess(&read("t.tsv", "label\ttext\n0\ta\n")),
        &named(&["0", "1"]),
    );
    assert!(
        matches!(error, Err(DataError::Unlabelled { rows: 2, .. })),
        "{error:?}"
    );
}
