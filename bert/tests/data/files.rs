//! Real data sets, where they lie beside the checkout.

use bert::data::{Columns, Dataset, Format, HeaderRow, Table};

use super::common;

/// Folder, examples of train, dev and test, number of classes, and some of the labels.
const SETS: [(&str, [usize; 3], usize, &[&str]); 5] = [
    (
        "sentence_polarity",
        [8529, 1066, 1067],
        2,
        &["negative", "positive"],
    ),
    ("sms_spam", [4128, 516, 516], 2, &["ham", "spam"]),
    (
        "clinc150",
        [15100, 3100, 5500],
        151,
        &["accept_reservations", "oos", "yes"],
    ),
    (
        "goemotions_ekman",
        [16000, 2000, 2000],
        7,
        &[
            "anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise",
        ],
    ),
    (
        "uci_sentiment_sentences",
        [2335, 292, 292],
        2,
        &["negative", "positive"],
    ),
];

#[test]
fn public_data_sets_are_read_whole() {
    for (name, counts, classes, some) in SETS {
        let Some(folder) = common::shared(&format!("datasets/{name}")) else {
            continue;
        };
        let read = |part: &str| {
            let file = format!("{part}.tsv");
            let bytes = std::fs::read(folder.join(&file)).expect("a readable file");
            let format = Format::guess(Some(&file), &bytes);
            let table = Table::parse(&bytes, format, HeaderRow::Detect).expect("a table");
            assert!(table.header, "{name}/{part}");
            let columns = Columns::guess(&table);
            assert_eq!(
                (columns.text, columns.pair, columns.label),
                (1, None, Some(0))
            );
            (table, columns)
        };
        let (table, columns) = read("train");
        let (train, report) = Dataset::new(&table, &columns).expect("examples");
        assert_eq!(train.examples.len(), counts[0], "{name}");
        assert_eq!(train.labels.len(), classes, "{name}");
        assert!(
            some.iter()
                .all(|l| train.labels.iter().any(|found| found == l)),
            "{name}"
        );
        assert_eq!((report.merged.len(), report.single.len()), (0, 0), "{name}");
        assert_eq!(report.counts.iter().sum::<usize>(), counts[0], "{name}");
        for (part, count) in ["dev", "test"].into_iter().zip(&counts[1..]) {
            let (table, columns) = read(part);
            let (eval, _) =
                Dataset::with_labels(&table, &columns, &train.labels).expect("examples");
            assert_eq!(eval.examples.len(), *count, "{name}/{part}");
            let shared = train.also_in(&eval);
            println!("{name}/{part}: {shared} of {count} texts stand in train as well");
        }
    }
}
