//! The labelled sets that come with the project keep their README's promises.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use bert::config::HeadKind;
use bert::data::{
    Columns, Dataset, Example, Format, HeaderRow, Report, Split, Table, Truth, entities, kinds,
};
use bert::metrics::pearson;

/// The largest share of words that two texts may have in common.
const OVERLAP: f64 = 0.6;

/// File, examples of each class, labels.
const SETS: [(&str, usize, &[&str]); 2] = [
    ("review-sentiment.tsv", 160, &["negative", "positive"]),
    (
        "question-type.tsv",
        52,
        &["number", "person", "place", "reason", "thing", "time"],
    ),
];

fn read(file: &str) -> (Dataset, Report) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/examples");
    let bytes = std::fs::read(folder.join(file)).expect("a readable file");
    let format = Format::guess(Some(file), &bytes);
    let table = Table::parse(&bytes, format, HeaderRow::Detect).expect("a table");
    assert_eq!(table.columns, ["label", "text"], "{file}");
    let columns = Columns::guess(&table);
    assert_eq!(
        (columns.text, columns.pair, columns.label),
        (1, None, Some(0))
    );
    Dataset::new(&table, &columns).expect("examples")
}

/// Lower case, no punctuation.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    words.filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

#[test]
fn classes_are_as_large_as_promised() {
    for (file, each, labels) in SETS {
        let (data, report) = read(file);
        assert_eq!(data.labels, labels, "{file}");
        assert_eq!(report.counts, vec![each; labels.len()], "{file}");
        assert_eq!((report.repeated, report.merged.len()), (0, 0), "{file}");
    }
}

#[test]
fn no_two_texts_are_nearly_the_same() {
    for (file, ..) in SETS {
        let (data, _) = read(file);
        let texts: Vec<Vec<String>> = data.examples.iter().map(|e| words(&e.text)).collect();
        let different: HashSet<&Vec<String>> = texts.iter().collect();
        assert_eq!(different.len(), texts.len(), "{file}");
        let sets: Vec<BTreeSet<&String>> = texts.iter().map(|t| t.iter().collect()).collect();
        for (i, a) in sets.iter().enumerate() {
            for (j, b) in sets[..i].iter().enumerate() {
                let (both, either) = (a.intersection(b).count(), a.union(b).count());
                let overlap = both as f64 / either as f64;
                let (a, b) = (&data.examples[i].text, &data.examples[j].text);
                assert!(overlap < OVERLAP, "{file}: {overlap:.2}\n{a}\n{b}");
            }
        }
    }
}

/// A learner must not be able to tell the classes by where they stand or how long their texts are.
#[test]
fn neither_order_nor_length_gives_the_label_away() {
    for (file, each, labels) in SETS {
        let (data, _) = read(file);
        let first_half = &data.examples[..data.examples.len() / 2];
        let mean = |class: usize| {
            let of = data
                .examples
                .iter()
                .filter(|e| e.truth.class() == Some(class));
            of.map(|e| words(&e.text).len()).sum::<usize>() as f64 / each as f64
        };
        let means: Vec<f64> = (0..labels.len()).map(mean).collect();
        let all = means.iter().sum::<f64>() / means.len() as f64;
        for (class, label) in labels.iter().enumerate() {
            let early = first_half
                .iter()
                .filter(|e| e.truth.class() == Some(class))
                .count();
            assert!(
                (each / 4..=3 * each / 4).contains(&early),
                "{file}: {early} early {label}"
            );
            assert!(
                (means[class] / all - 1.0).abs() < 0.25,
                "{file}: {label}: {means:?}"
            );
        }
    }
}

/// A set for another head, by the likeliest reading.
fn other(file: &str) -> Dataset {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/examples");
    let bytes = std::fs::read(folder.join(file)).expect("a readable file");
    let format = Format::guess(Some(file), &bytes);
    let table = Table::parse(&bytes, format, HeaderRow::Detect).expect("a table");
    assert_eq!(table.notes(), Vec::<String>::new(), "{file}");
    let columns = Columns::guess(&table);
    let kind = kinds(&table, &columns)[0];
    let (set, report) = Dataset::of(kind, &table, &columns, None).expect("examples");
    assert_eq!(report.repeated, 0, "{file}");
    set
}

#[test]
fn named_things_are_as_many_as_promised() {
    let set = other("named-things.jsonl");
    assert_eq!((set.kind, set.examples.len()), (HeadKind::Tokens, 280));
    let mut counts = BTreeMap::new();
    let mut without = 0;
    for example in &set.examples {
        let Truth::Tags(tags) = &example.truth else {
            panic!("{:?}", example.truth);
        };
        let found = entities(tags, &set.labels);
        without += usize::from(found.is_empty());
        for (name, _) in found {
            *counts.entry(name.to_owned()).or_insert(0) += 1;
        }
    }
    let counts: Vec<(&str, usize)> = counts.iter().map(|(name, n)| (name.as_str(), *n)).collect();
    let promised = [
        ("organisation", 77),
        ("person", 116),
        ("place", 115),
        ("product", 77),
    ];
    assert_eq!(counts, promised);
    assert_eq!(without, 60);
}

#[test]
fn short_answers_are_as_many_as_promised_and_no_passage_is_in_both_halves() {
    let set = other("short-answers.json");
    assert_eq!((set.kind, set.examples.len()), (HeadKind::Span, 320));
    let none = |example: &&Example| example.truth == Truth::Answers(Vec::new());
    assert_eq!(set.examples.iter().filter(none).count(), 64);
    let split = Split::stratified(&set, 0.2, 42);
    let passages = |places: &[usize]| -> BTreeSet<Option<String>> {
        places
            .iter()
            .map(|&i| set.examples[i].pair.clone())
            .collect()
    };
    let (train, validation) = (passages(&split.train), passages(&split.validation));
    assert_eq!(train.intersection(&validation).count(), 0);
    assert_eq!(train.len() + validation.len(), 64);
}

#[test]
fn shared_words_do_not_give_the_similarity_away() {
    let set = other("similarity.tsv");
    assert_eq!((set.kind, set.examples.len()), (HeadKind::Score, 300));
    let (mut scores, mut overlaps) = (Vec::new(), Vec::new());
    for example in &set.examples {
        let Truth::Score(score) = example.truth else {
            panic!("{:?}", example.truth);
        };
        let one: BTreeSet<String> = words(&example.text).into_iter().collect();
        let other: BTreeSet<String> = words(example.pair.as_deref().expect("a pair"))
            .into_iter()
            .collect();
        let (both, either) = (one.intersection(&other).count(), one.union(&other).count());
        scores.push(score);
        overlaps.push(both as f64 / either as f64);
    }
    for step in 0..=10 {
        let count = scores
            .iter()
            .filter(|score| **score == f64::from(step) / 2.0)
            .count();
        assert!((27..=28).contains(&count), "{count} of score {step}/2");
    }
    assert!(pearson(&scores, &overlaps).expect("both vary").abs() < 0.05);
}
