//! Which columns are taken, and whether the first row names them.

use bert::data::{Columns, Named};

use super::{columns, many, read};

#[test]
fn pairs_are_named_as_the_field_names_them() {
    let header = |name: &str, header: &str| {
        let width = header.split('\t').count();
        let row = |i: usize| {
            let cell = |c: usize| match c + 1 == width {
                true => ["yes", "no"][i % 2].to_owned(),
                false => format!("some text {c} {i}"),
            };
            (0..width).map(cell).collect::<Vec<_>>().join("\t") + "\n"
        };
        read(name, &format!("{header}\n{}", many(12, row)))
    };
    for (names, text, pair, label) in [
        (
            "index\tquestion\tsentence\tlabel",
            "question",
            "sentence",
            "label",
        ),
        (
            "#1 ID\t#2 ID\t#1 String\t#2 String\tQuality",
            "#1 String",
            "#2 String",
            "Quality",
        ),
        ("id\tclaim\tevidence\tlabel", "claim", "evidence", "label"),
        ("query\tpassage\tlabel", "query", "passage", "label"),
        ("premise\thypo\tlabel", "premise", "hypo", "label"),
        (
            "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate",
            "question1",
            "question2",
            "is_duplicate",
        ),
        (
            "sentence1\tsentence2\tlabel1\tgold_label",
            "sentence1",
            "sentence2",
            "gold_label",
        ),
        (
            "pair_ID\tsentence_A\tsentence_B\tentailment_label",
            "sentence_A",
            "sentence_B",
            "entailment_label",
        ),
        // WikiQA: an answer that is a text.
        ("question\tanswer\tlabel", "question", "answer", "label"),
        // BoolQ: an answer that is a label.
        (
            "question\ttitle\tpassage\tanswer",
            "question",
            "passage",
            "answer",
        ),
    ] {
        let table = header("a.tsv", names);
        assert_eq!(columns(&table), (text, Some(pair), Some(label)), "{names}");
    }
    for (names, text, label) in [
        (
            "reviewerID\treviewText\tsummary\toverall",
            "reviewText",
            "overall",
        ),
        (
            "tweet_id\ttext\tairline_sentiment",
            "text",
            "airline_sentiment",
        ),
        ("title\ttext\tcategory", "text", "category"),
    ] {
        let table = header("a.tsv", names);
        assert_eq!(columns(&table), (text, None, Some(label)), "{names}");
    }
}

#[test]
fn a_constant_column_is_no_label() {
    // Sentiment140, without names.
    let text = many(12, |i| {
        format!(
            "\"{}\",\"{i}\",\"Mon Apr 06\",\"NO_QUERY\",\"user{}\",\"tweet number {i}, yes\"\n",
            4 * (i % 2),
            i / 2
        )
    });
    let table = read("training.1600000.csv", &text);
    assert_eq!(columns(&table), ("column 6", None, Some("column 1")));
    let table = read(
        "a.tsv",
        &many(8, |i| format!("same\tx{}\ta text {i}\n", i % 2)),
    );
    assert_eq!(columns(&table).2, Some("column 2"));
    let text = format!(
        "type\ttarget\ttext\n{}",
        many(8, |i| format!("sms\t{}\ta text {i}\n", i % 2))
    );
    assert_eq!(columns(&read("a.tsv", &text)).2, Some("target"));
}

#[test]
fn a_first_example_is_no_header() {
    for text in [
        format!(
            "Review\tgood\n{}",
            many(12, |i| format!("a film {i}\t{}\n", ["bad", "good"][i % 2]))
        ),
        format!(
            "weather\twill it rain\n{}",
            many(20, |i| format!(
                "{}\tplay or wake {i}\n",
                ["music", "alarm"][i % 2]
            ))
        ),
        format!(
            "NaN\tno stars\n{}",
            many(5, |i| format!("{i}\tsome stars {i}\n"))
        ),
    ] {
        let table = read("a.tsv", &text);
        assert!(!table.header, "{text}");
        assert_eq!(table.rows.len(), text.lines().count());
    }
}

#[test]
fn a_header_that_stands_again_is_read_over_and_told() {
    let half = many(6, |i| format!("a film {i},{}\n", i % 2));
    let table = read("a.csv", &format!("text,label\n{half}text,label\n{half}"));
    assert_eq!(
        (table.columns.as_slice(), table.rows.len()),
        (&["text".to_owned(), "label".to_owned()][..], 12)
    );
    assert_eq!(table.headers_again, [8]);
    assert!(
        table.notes()[0].contains("again at line 8"),
        "{:?}",
        table.notes()
    );
}

#[test]
fn another_file_is_read_with_the_same_columns() {
    let train = read(
        "a.tsv",
        &many(12, |i| {
            format!(
                "{}\t{}\tthis is text {i}\n",
                ["web", "app", "tv", "ad"][i % 4],
                ["good", "bad"][i / 2 % 2]
            )
        }),
    );
    let eval = read(
        "b.tsv",
        &many(6, |i| {
            format!("web\t{}\tanother text {i}\n", ["good", "bad"][i % 2])
        }),
    );
    let columns = Columns::guess(&train);
    let same = columns.of_other(&train, &eval).expect("the same places");
    assert_eq!((same.text, same.label), (2, Some(1)));
    // By their names, where both have them.
    let train = read("a.csv", "text,label\na,1\nb,0\nc,1\n");
    let eval = read("b.csv", "label,text\n1,d\n0,e\n");
    let same = Columns::guess(&train)
        .of_other(&train, &eval)
        .expect("the same names");
    assert_eq!((same.text, same.label), (1, Some(0)));
    let other = read("c.csv", "label,words\n1,d\n0,e\n1,f\n");
    let error = Columns::guess(&train)
        .of_other(&train, &other)
        .expect_err("no such name");
    assert!(
        error
            .to_string()
            .contains("no column `text` for the text; the columns are label, words"),
        "{error}"
    );
}

#[test]
fn columns_can_be_named() {
    let table = read(
        "a.tsv",
        "id\tfirst\tsecond\tkind\n1\ta b\tc d\tx\n2\te f\tg h\ty\n3\ti\tj\tx\n",
    );
    let named = |text: &str, pair: &str, label: &str| Named {
        text: Some(text.to_owned()),
        pair: Some(pair.to_owned()),
        label: Some(label.to_owned()),
    };
    let columns = Columns::named(&table, &named("First", "3", "kind")).expect("they exist");
    assert_eq!(
        (columns.text, columns.pair, columns.label),
        (1, Some(2), Some(3))
    );
    let columns = Columns::named(&table, &named("second", "none", "kind")).expect("they exist");
    assert_eq!((columns.text, columns.pair), (2, None));
    let error =
        Columns::named(&table, &named("third", "none", "kind")).expect_err("no such column");
    assert!(error.to_string().contains("no column `third`"), "{error}");
    let error = Columns::named(&table, &named("first", "first", "kind")).expect_err("one for two");
    assert!(
        error.to_string().contains("it is the text already"),
        "{error}"
    );
}
