//! Which columns are taken, and what becomes of labels.

use bert::data::{Columns, Dataset, Report, Text, texts};

use super::{dataset, table};

fn guess(text: &str) -> (usize, Option<usize>, Option<usize>) {
    let columns = Columns::guess(&table(text));
    (columns.text, columns.pair, columns.label)
}

#[test]
fn columns_are_guessed_by_name() {
    assert_eq!(guess("label\ttext\na\tb\n"), (1, None, Some(0)));
    assert_eq!(
        guess("idx,Sentence_1,Sentence-2,LABEL\n0,a,b,c\n"),
        (1, Some(2), Some(3))
    );
    assert_eq!(
        guess("premise,hypothesis,gold label\na,b,c\n"),
        (0, Some(1), Some(2))
    );
    assert_eq!(
        guess("text,label,label_text\nx,0,good\n"),
        (0, None, Some(2))
    );
    assert_eq!(
        guess("id\treview\tsentiment\n1\tx\ty\n"),
        (1, None, Some(2))
    );
}

#[test]
fn columns_are_guessed_by_what_they_hold() {
    let rows = "1\tgood\tI liked it a lot\tweb\n2\tbad\tNot for me\tweb\n3\tgood\tFine\tapp\n";
    // The longest is the text; of the others the one with the fewest values that recur.
    assert_eq!(guess(rows), (2, None, Some(1)));
    assert_eq!(guess("some text\nanother text\n"), (0, None, None));
    // Without labels: every value is different.
    let numbered: String = (0..9).map(|i| format!("{i}\tthis is text {i}\n")).collect();
    assert_eq!(guess(&numbered), (1, None, None));
    // `label` alone is the text of a file with one column.
    assert_eq!(guess("label\nsome text\n"), (0, None, None));
}

#[test]
fn texts_need_no_labels() {
    let table = table(" a text \nanother");
    let found = texts(&table, &Columns::guess(&table)).expect("texts");
    let text = |text: &str| Text {
        text: text.to_owned(),
        pair: None,
    };
    assert_eq!(found, [text("a text"), text("another")]);
}

#[test]
fn labels_that_differ_in_spaces_or_case_are_merged_and_told() {
    let (data, report) =
        dataset("label\ttext\nNot  Spam\ta\n spam\tb\nnot spam\tc\nSpam \td\nSpam\te\nham\tf\n")
            .expect("a data set");
    assert_eq!(data.labels, ["Not  Spam", "Spam", "ham"]);
    let labels: Vec<usize> = data
        .examples
        .iter()
        .filter_map(|e| e.truth.class())
        .collect();
    assert_eq!(labels, [0, 1, 0, 1, 1, 2]);
    assert_eq!(
        (report.counts, report.single),
        (vec![2, 3, 1], vec!["ham".to_owned()])
    );
    let merged: Vec<_> = report
        .merged
        .iter()
        .map(|m| (m.kept.as_str(), &m.spellings))
        .collect();
    let spelled = |s: &str, n: usize| (s.to_owned(), n);
    assert_eq!(
        merged,
        [
            (
                "Not  Spam",
                &vec![spelled("Not  Spam", 1), spelled("not spam", 1)]
            ),
            ("Spam", &vec![spelled("Spam", 2), spelled("spam", 1)]),
        ]
    );
}

#[test]
fn labels_come_in_order() {
    let labels = |list: &[&str]| {
        let rows: String = list.iter().map(|l| format!("{l}\ttext\n")).collect();
        dataset(&format!("label\ttext\n{rows}"))
            .expect("a data set")
            .0
            .labels
    };
    assert_eq!(labels(&["10", "9", "-1", "9"]), ["-1", "9", "10"]);
    assert_eq!(labels(&["10", "9", "x"]), ["10", "9", "x"]);
}

#[test]
fn repeated_texts_are_counted() {
    let (data, report) =
        dataset("label,sentence1,sentence2\ny,A  b,c\nn,x,c\ny,a b,C\nn,a b,c\ny,a b,d\n")
            .expect("a data set");
    let Report {
        repeated,
        contradicting,
        ..
    } = report;
    assert_eq!((repeated, contradicting), (2, 1));
    let eval = table("sentence1,sentence2,label\nA B, c,Y\nnew,c,N\n");
    let (eval, _) =
        Dataset::with_labels(&eval, &Columns::guess(&eval), &data.labels).expect("labels");
    assert_eq!(
        eval.examples
            .iter()
            .filter_map(|e| e.truth.class())
            .collect::<Vec<_>>(),
        [1, 0]
    );
    assert_eq!((data.also_in(&eval), eval.also_in(&data)), (1, 3));
}
