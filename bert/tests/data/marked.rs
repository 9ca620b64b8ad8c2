//! Texts with marked words, answers in passages, several labels, scores: from a file's bytes to what a head learns.

use bert::config::HeadKind;
use bert::data::{
    Columns, DataError, Dataset, Format, HeaderRow, Split, Stretch, Table, Truth, entities, kinds,
};

fn table(name: &str, text: &str) -> Result<Table, DataError> {
    let format = Format::guess(Some(name), text.as_bytes());
    Table::parse(text.as_bytes(), format, HeaderRow::Detect)
}

/// The set that the likeliest head learns.
fn set(name: &str, text: &str) -> Dataset {
    let table = table(name, text).expect("a table");
    let columns = Columns::guess(&table);
    let kind = kinds(&table, &columns)[0];
    Dataset::of(kind, &table, &columns, None).expect("a set").0
}

fn refused(name: &str, text: &str) -> String {
    let read = table(name, text).and_then(|table| {
        let columns = Columns::guess(&table);
        let kind = kinds(&table, &columns).first().copied();
        Dataset::of(kind.unwrap_or(HeadKind::Classes), &table, &columns, None)
    });
    read.expect_err("a refusal").to_string()
}

/// The entities of each text, by name and spelling.
fn named(set: &Dataset) -> Vec<Vec<(String, String)>> {
    let slice = |text: &str, at: Stretch| -> String {
        text.chars()
            .skip(at.start)
            .take(at.end - at.start)
            .collect()
    };
    let of = |example: &bert::data::Example| {
        let Truth::Tags(tags) = &example.truth else {
            panic!("{:?}", example.truth);
        };
        let found = entities(tags, &set.labels).into_iter();
        found
            .map(|(name, at)| (name.to_owned(), slice(&example.text, at)))
            .collect()
    };
    set.examples.iter().map(of).collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

const CONLL: &str =
    "Ada\tB-PER\nLovelace\tI-PER\nin\tO\nLondon\tB-LOC\n.\tO\n\nno\tO\nné\tB-LOC\nName\tI-LOC\n";

#[test]
fn conll_is_words_and_tags() {
    for name in ["a.conll", "a.txt", "a.tsv", "a"] {
        let set = set(name, CONLL);
        assert_eq!(
            (set.kind, set.examples.len()),
            (HeadKind::Tokens, 2),
            "{name}"
        );
        assert_eq!(
            set.labels,
            ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"],
            "{name}"
        );
        assert_eq!(set.examples[0].text, "Ada Lovelace in London .");
        assert_eq!((set.examples[0].line, set.examples[1].line), (1, 7));
        assert_eq!(
            named(&set)[0],
            pairs(&[("PER", "Ada Lovelace"), ("LOC", "London")])
        );
        assert_eq!(named(&set)[1], pairs(&[("LOC", "né Name")]));
    }
    // With spaces, more fields, and lines between documents, as CoNLL-2003 has it.
    let four =
        "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nPeter NNP B-NP B-PER\n";
    assert_eq!(set("a.txt", four).labels, ["O", "B-ORG", "B-PER"]);
}

#[test]
fn other_schemes_become_bio_and_are_told() {
    let ends = "Ada\tB-PER\nLovelace\tE-PER\nin\tO\nRome\tS-LOC\nBonn\tU-LOC\n\nso\tO\n";
    let table_of = table("a.conll", ends).expect("a table");
    assert!(
        table_of.notes()[0].contains("BIOES"),
        "{:?}",
        table_of.notes()
    );
    assert_eq!(named(&set("a.conll", ends))[0].len(), 3);
    // IOB1: B- only between two of one type.
    let sparse = "Ada\tI-PER\nBob\tB-PER\nin\tO\nRome\tI-LOC\n\nso\tO\n";
    assert!(table("a.conll", sparse).expect("a table").notes()[0].contains("IOB1"));
    assert_eq!(
        named(&set("a.conll", sparse))[0],
        pairs(&[("PER", "Ada"), ("PER", "Bob"), ("LOC", "Rome")])
    );
}

#[test]
fn tags_that_break_bio_are_named_by_line() {
    let error = refused("a.conll", "a\tB-X\nb\tO\nc\tI-X\n");
    assert!(
        error.contains("line 3") && error.contains("I-X") && error.contains("B-X"),
        "{error}"
    );
    let error = refused("a.conll", "a\tB-X\nb\tI-Y\n");
    assert!(error.contains("line 2"), "{error}");
    let error = refused("a.conll", "a\tB-X\nb\twrong\n");
    assert!(
        error.contains("line 2") && error.contains("wrong"),
        "{error}"
    );
    let error = refused("a.conll", "a\tO\nb\n");
    assert!(
        error.contains("line 2") && error.contains("fields"),
        "{error}"
    );
    let error = refused("a.conll", "a\tO\n\nb\tO\n");
    assert!(error.contains("`O`"), "{error}");
}

#[test]
fn json_lines_with_tokens_and_tags() {
    for (words, tags) in [
        ("tokens", "tags"),
        ("tokens", "ner_tags"),
        ("words", "labels"),
    ] {
        let text = format!(
            "{{\"{words}\": [\"Ada\", \"slept\"], \"{tags}\": [\"B-PER\", \"O\"]}}\n\
             {{\"{words}\": [\"Rome\"], \"{tags}\": [\"B-LOC\"]}}\n"
        );
        let set = set("a.jsonl", &text);
        assert_eq!(
            named(&set),
            [pairs(&[("PER", "Ada")]), pairs(&[("LOC", "Rome")])]
        );
    }
    let error = refused(
        "a.jsonl",
        "{\"tokens\": [\"a\"], \"tags\": [\"B-X\", \"O\"]}",
    );
    assert!(
        error.contains("line 1") && error.contains("1 words and 2 tags"),
        "{error}"
    );
    let error = refused("a.jsonl", "{\"tokens\": [\"a\"], \"ner_tags\": [3]}");
    assert!(error.contains("names"), "{error}");
}

#[test]
fn json_lines_with_texts_and_stretches() {
    let prodigy = r#"{"text": "Ada in Rome", "spans": []}
{"text": "Ada in Rome", "spans": [{"start": 7, "end": 11, "label": "LOC"}, {"start": 0, "end": 3, "label": "PER"}], "answer": "accept"}
{"text": "wrong", "spans": [{"start": 0, "end": 5, "label": "X"}], "answer": "reject"}
"#;
    let doccano = r#"{"text": "Ada in Rome", "label": [[0, 3, "PER"], [7, 11, "LOC"]]}
{"text": "no one", "label": []}
"#;
    let spacy = r#"[{"text": "Ada in Rome", "entities": [[0, 3, "PER"], [6, 12, "LOC"]]}, {"text": "no one", "entities": []}]"#;
    let both = pairs(&[("PER", "Ada"), ("LOC", "Rome")]);
    let read = set("a.jsonl", prodigy);
    assert_eq!(named(&read), [Vec::new(), both.clone()]);
    assert!(table("a.jsonl", prodigy).expect("a table").notes()[0].contains("reject"));
    assert_eq!(named(&set("a.jsonl", doccano))[0], both);
    let error = refused("a.json", spacy);
    assert!(error.contains("11 characters"), "{error}");
    // The same with the space before it only.
    assert_eq!(
        named(&set("a.json", &spacy.replace("6, 12", "6, 11")))[0],
        both
    );
}

#[test]
fn stretches_that_are_none_are_named_by_row() {
    for (span, words) in [
        ("[3, 3, \"X\"]", "ends before it begins"),
        ("[-1, 2, \"X\"]", "begins before the text"),
        ("[3, 4, \"X\"]", "nothing but space"),
        ("[0, 2, \"X\"], [1, 3, \"Y\"]", "overlap"),
        ("[0, 2, \"\"]", "no label"),
        ("[0, 2]", "has not the form"),
    ] {
        let text = format!(
            "{{\"text\": \"abc def\", \"label\": [[0, 1, \"X\"]]}}\n{{\"text\": \"abc def\", \"label\": [{span}]}}\n"
        );
        let error = refused("a.jsonl", &text);
        assert!(
            error.contains("line 2") && error.contains(words),
            "{span}: {error}"
        );
    }
}

const SQUAD: &str = r#"{"version": "2.0", "data": [{"title": "t", "paragraphs": [{"context": "Ada lived in London, in London.",
 "qas": [{"id": "1", "question": " Where? ", "answers": [{"text": "London", "answer_start": 13}, {"text": "in London", "answer_start": 21}]},
 {"id": "2", "question": "Why?", "answers": [], "is_impossible": true}]}]}]}"#;

#[test]
fn squad_is_questions_with_answers_in_a_passage() {
    let squad = set("dev.json", SQUAD);
    assert_eq!((squad.kind, squad.examples.len()), (HeadKind::Span, 2));
    let [first, second] = &squad.examples[..] else {
        panic!()
    };
    assert_eq!((&first.text[..], first.line), ("Where?", 2));
    let at = |start, end| Stretch { start, end };
    assert_eq!(first.truth, Truth::Answers(vec![at(13, 19), at(21, 30)]));
    assert_eq!(second.truth, Truth::Answers(Vec::new()));
    // Questions on one passage stay together.
    let split = Split::stratified(&squad, 0.5, 1);
    assert!(split.train.is_empty() || split.validation.is_empty());
    let flat = r#"{"question": "Where?", "context": "in London", "answers": {"text": ["London"], "answer_start": [3]}}
{"question": "Why?", "context": "in Rome", "answers": {"text": [], "answer_start": []}}
{"question": "Who?", "context": "Ada", "answers": ["Ada"]}
"#;
    let flat = set("a.jsonl", flat);
    let truths: Vec<&Truth> = flat.examples.iter().map(|e| &e.truth).collect();
    assert_eq!(truths[0], &Truth::Answers(vec![at(3, 9)]));
    assert_eq!(truths[1], &Truth::Answers(Vec::new()));
    assert_eq!(truths[2], &Truth::Answers(vec![at(0, 3)]));
    let error = refused(
        "dev.json",
        &SQUAD.replace("\"text\": \"London\"", "\"text\": \"Paris\""),
    );
    assert!(
        error.contains("line 2") && error.contains("Paris"),
        "{error}"
    );
}

#[test]
fn bare_answers_are_answers_where_all_of_them_stand_in_their_passages() {
    let row = |answer: &str, passage: &str| {
        format!(r#"{{"question": "How was it?", "context": "{passage}", "answer": "{answer}"}}"#)
    };
    let file = [
        row("good", "it was good"),
        row("", "it was"),
        row("bad", "a bad day"),
    ]
    .join("\n");
    let questions = set("q.jsonl", &file);
    let truths: Vec<&Truth> = questions.examples.iter().map(|e| &e.truth).collect();
    let at = |start, end| Truth::Answers(vec![Stretch { start, end }]);
    assert_eq!(truths, [&at(7, 11), &Truth::Answers(Vec::new()), &at(2, 5)]);
    // A yes or no about a passage is a label, even where one of them happens to stand there.
    let labels = [
        row("no", "there was no rain"),
        row("yes", "it was good"),
        row("no", "it was bad"),
        row("yes", "it was fine"),
    ]
    .join("\n");
    assert_eq!(set("q.jsonl", &labels).kind, HeadKind::Classes);
}

#[test]
fn several_labels_a_row_are_told_from_one() {
    let rows = "labels\ttext\njoy|love\ta\nanger\tb\nlove\tc\njoy|anger\td\n";
    let read = set("a.tsv", rows);
    assert_eq!(
        (read.kind, &read.labels[..]),
        (
            HeadKind::Labels,
            &["anger", "joy", "love"].map(str::to_owned)[..]
        )
    );
    assert_eq!(read.examples[0].truth, Truth::Labels(vec![1, 2]));
    assert_eq!(read.counts(), [2, 2, 2]);
    let lists = r#"{"text": "a", "labels": ["joy", "love"]}
{"text": "b", "labels": ["joy"]}
"#;
    let read = set("a.jsonl", lists);
    assert_eq!(read.kind, HeadKind::Labels);
    assert_eq!(read.examples[1].truth, Truth::Labels(vec![0]));
    // Names with a comma are classes that may be taken for several.
    let one = "label\ttext\nart, fine\ta\nart, fine\tb\nsport\tc\nsport\td\n";
    let table = table("a.tsv", one).expect("a table");
    let found = kinds(&table, &Columns::guess(&table));
    assert_eq!(found, [HeadKind::Classes, HeadKind::Labels]);
}

#[test]
fn numbers_are_classes_or_a_score() {
    let stars = "5\tgood\n1\tbad\n5\tfine\n1\tpoor\n";
    let read = |text: &str| {
        let table = table("a.tsv", text).expect("a table");
        kinds(&table, &Columns::guess(&table))
    };
    assert_eq!(read(stars), [HeadKind::Classes, HeadKind::Score]);
    let shares = "score\ttext\tother\n0.5\ta\tx\n1.25\tb\ty\n0.5\tc\tz\n";
    assert_eq!(read(shares), [HeadKind::Score, HeadKind::Classes]);
    let scores = set("a.tsv", shares);
    assert_eq!(scores.examples[1].truth, Truth::Score(1.25));
    let error = |text: &str| {
        let table = table("a.tsv", text).expect("a table");
        let columns = Columns::guess(&table);
        Dataset::of(HeadKind::Score, &table, &columns, None)
            .expect_err("no scores")
            .to_string()
    };
    let words = error("score\ttext\n1\ta\nhigh\tb\n2\tc\n");
    assert!(
        words.contains("line 3") && words.contains("high"),
        "{words}"
    );
}
