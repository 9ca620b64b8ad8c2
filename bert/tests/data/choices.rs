//! Texts to choose from, as the field's files have them, and labels of a column each.

use bert::config::HeadKind;
use bert::data::{Columns, Dataset, Format, HeaderRow, Table, Truth, kinds};

fn read(name: &str, text: &str) -> Result<(Table, Dataset), String> {
    let format = Format::guess(Some(name), text.as_bytes());
    let table = Table::parse(text.as_bytes(), format, HeaderRow::Detect);
    let table = table.map_err(|e| e.to_string())?;
    let columns = Columns::guess(&table);
    let kind = kinds(&table, &columns).first().copied();
    let kind = kind.unwrap_or(HeadKind::Classes);
    let set = Dataset::of(kind, &table, &columns, None).map_err(|e| e.to_string())?;
    Ok((table, set.0))
}

/// Each text, what there is to choose from, and the right place.
fn choices(set: &Dataset) -> Vec<(String, String, usize)> {
    let of = |example: &bert::data::Example| match &example.truth {
        Truth::Choice { options, right } => (example.text.clone(), options.join("/"), *right),
        other => panic!("{other:?}"),
    };
    set.examples.iter().map(of).collect()
}

#[test]
fn choices_are_read_as_the_field_writes_them() {
    let wanted = |text: &str| [(text.to_owned(), "red/blue".to_owned(), 1)];
    for row in [
        r#"{"question": "Which?", "choices": ["red", "blue"], "answer": 1}"#,
        r#"{"question": "Which?", "choices": ["red", "blue"], "answer": "B"}"#,
        r#"{"question": "Which?", "options": ["red", "blue"], "label": "1"}"#,
        r#"{"question": "Which?", "options": ["red", "blue"], "answer": "blue"}"#,
        // CommonsenseQA and ARC, as `datasets` writes them and in their own files.
        r#"{"question": "Which?", "choices": {"label": ["A", "B"], "text": ["red", "blue"]}, "answerKey": "B"}"#,
        r#"{"question": "Which?", "choices": {"label": ["1", "2"], "text": ["red", "blue"]}, "answerKey": "2"}"#,
        r#"{"question": {"stem": "Which?", "choices": [{"label": "A", "text": "red"}, {"label": "B", "text": "blue"}]}, "answerKey": "B"}"#,
        // COPA and HellaSwag.
        r#"{"premise": "Which?", "choice1": "red", "choice2": "blue", "label": 1}"#,
        r#"{"ctx": "Which?", "endings": ["red", "blue"], "label": "1"}"#,
    ] {
        let first = r#"{"question": "And?", "choices": ["a", "b", "c"], "answer": 0}"#;
        let (_, set) = read("a.jsonl", &format!("{row}\n{first}\n")).expect(row);
        assert_eq!(set.kind, HeadKind::Choice);
        assert_eq!(choices(&set)[..1], wanted("Which?"), "{row}");
        assert_eq!(choices(&set)[1].2, 0);
    }
    // SWAG, whose endings go on with a beginning.
    let swag = r#"{"sent1": "A man sits.", "sent2": "He", "ending0": "eats.", "ending1": "flies.", "label": 0}"#;
    let (_, set) = read("swag.jsonl", &format!("{swag}\n{swag}\n")).expect("a set");
    let wanted = ("A man sits.".to_owned(), "He eats./He flies.".to_owned(), 0);
    assert_eq!(choices(&set)[0], wanted);
}

#[test]
fn numbers_that_count_from_one_are_told() {
    let row = |right: usize| {
        format!("{{\"question\": \"Which?\", \"choices\": [\"a\", \"b\"], \"answer\": {right}}}\n")
    };
    let (table, set) = read("a.jsonl", &(row(1) + &row(2))).expect("a set");
    let right: Vec<usize> = choices(&set).iter().map(|c| c.2).collect();
    assert_eq!(right, [0, 1]);
    let notes = table.notes().concat();
    assert!(notes.contains("count from 1"), "{notes}");
}

#[test]
fn what_cannot_be_chosen_is_named_by_row() {
    let fine = r#"{"question": "Which?", "choices": ["a", "b"], "answer": 0}"#;
    for (row, said) in [
        (
            r#"{"question": "Which?", "choices": ["a", "b"], "answer": 5}"#,
            "the right choice is number 5, and there are 2",
        ),
        (
            r#"{"question": "Which?", "choices": ["a", "b"], "answer": "red"}"#,
            "`red`, is none of its 2 choices",
        ),
        (
            r#"{"question": "Which?", "choices": ["a"], "answer": 0}"#,
            "it has 1 choices",
        ),
        (
            r#"{"question": "Which?", "choices": ["a", " "], "answer": 0}"#,
            "its choice 2 is empty",
        ),
        (
            r#"{"question": "Which?", "choices": ["a", "b"]}"#,
            "does not say which choice is right",
        ),
        (
            r#"{"question": " ", "choices": ["a", "b"], "answer": 0}"#,
            "its question is empty",
        ),
        (r#"{"question": "Which?", "answer": 0}"#, "has not the form"),
    ] {
        let error = read("a.jsonl", &format!("{fine}\n{row}\n")).expect_err(row);
        assert!(
            error.contains("line 2") && error.contains(said),
            "{row}: {error}"
        );
    }
}

#[test]
fn a_column_for_each_label_is_labels() {
    let text = "id,comment_text,toxic,insult,threat\n1,You are bad,1,1,0\n2,Fine day,0,0,0\n3,I will come,0,0,1\n";
    let (table, set) = read("train.csv", text).expect("a set");
    assert_eq!(set.kind, HeadKind::Labels);
    assert_eq!(set.labels, ["insult", "threat", "toxic"]);
    let found: Vec<Vec<usize>> = (set.examples.iter())
        .map(|example| match &example.truth {
            Truth::Labels(found) => found.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, [vec![0, 2], vec![], vec![1]]);
    assert_eq!(set.examples[1].text, "Fine day");
    let notes = table.notes().concat();
    assert!(notes.contains("toxic, insult, threat"), "{notes}");
    // One such column, or one that is named as labels are, stays what it was.
    let (_, one) = read("a.csv", "text,spam\nhello there,1\ngood day,0\n").expect("a set");
    assert_eq!(one.kind, HeadKind::Classes);
    let (_, named) = read(
        "a.csv",
        "text,label,a,b,c\nhello there,x,1,0,1\ngood day,y,0,1,1\n",
    )
    .expect("a set");
    assert_eq!(named.labels, ["x", "y"]);
}

#[test]
fn examples_that_ask_the_same_are_told_apart_by_their_choices() {
    let row = |a: &str, b: &str, right: usize| {
        format!(
            "{{\"question\": \"Which?\", \"choices\": [\"{a}\", \"{b}\"], \"answer\": {right}}}\n"
        )
    };
    let text = row("a", "b", 0) + &row("b", "a", 1) + &row("c", "d", 0) + &row("e", "f", 1);
    let (_, set) = read("a.jsonl", &text).expect("a set");
    let split = bert::data::Split::stratified(&set, 0.3, 1);
    assert!(!split.train.is_empty() && !split.validation.is_empty());
    // The first two are one question.
    let apart = split.train.contains(&0) != split.train.contains(&1);
    assert!(!apart, "{split:?}");
}
