//! What scripts say, and that no text gets out of its quotes. `tests/tests/scripts.rs` runs them.

use super::*;
use bert::data::Text;
use bert::model::TaskHead;
use bert::probe::{MaskResult, Nsp, Prediction, Token};
use proptest::prelude::*;

/// A literal read back by Python's rules for the escapes that [`literal()`] writes; `None` where it ends too soon.
fn read(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut rest = inner.chars();
    let mut text = String::new();
    while let Some(c) = rest.next() {
        if matches!(c, '"' | '\n' | '\r' | '\0') {
            return None;
        }
        if c != '\\' {
            text.push(c);
            continue;
        }
        let digits = match rest.next()? {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            c => {
                let plain = [
                    ('n', '\n'),
                    ('r', '\r'),
                    ('t', '\t'),
                    ('"', '"'),
                    ('\\', '\\'),
                ];
                text.push(plain.iter().find(|(name, _)| *name == c)?.1);
                continue;
            }
        };
        let code: String = rest.by_ref().take(digits).collect();
        text.push(
            u32::from_str_radix(&code, 16)
                .ok()
                .and_then(char::from_u32)?,
        );
    }
    Some(text)
}

proptest! {
    #[test]
    fn any_text_stays_within_its_quotes_and_is_the_same_there(text: String) {
        prop_assert_eq!(read(&literal(&text)), Some(text));
    }

    #[test]
    fn what_turns_or_ends_a_line_is_written_out(text in "[\"\\\\\n\r\t\u{0}\u{85}\u{200f}\u{2028}\u{202e}\u{2066}\u{feff}\u{e0041}a']{0,12}") {
        let literal = literal(&text);
        prop_assert!(literal.chars().all(|c| (' '..='~').contains(&c)), "{}", literal);
        prop_assert_eq!(read(&literal), Some(text));
    }
}

fn token(text: &str, sequence: Option<u8>) -> Token {
    Token {
        id: 7,
        text: text.into(),
        special: sequence.is_none(),
        masked: false,
        sequence,
        start: 0,
        end: 1,
    }
}

fn fill(masks: &[usize], nsp: bool) -> Fill {
    let prediction = Prediction {
        id: 1,
        token: "a".into(),
        logit: 0.0,
        probability: 1.0,
    };
    let mask = |&position: &usize| MaskResult {
        position,
        original: None,
        predictions: vec![prediction.clone(), prediction.clone()],
        compared: Vec::new(),
    };
    Fill {
        tokens: Vec::new(),
        masks: masks.iter().map(mask).collect(),
        nsp: nsp.then_some(Nsp {
            logits: [0.0, 0.0],
            is_next: 0.5,
        }),
        truncated: None,
    }
}

fn script(origin: Origin, architecture: &str, shown: Shown<'_>) -> Option<String> {
    let script = Script {
        origin,
        architecture,
        max_tokens: 16,
        shown,
    };
    script.python()
}

fn of_fill(fill: &Fill, pair: Option<&str>, architecture: &str) -> Option<String> {
    let text = "a \"[MASK]\"\nimport os";
    script(
        Origin::Folder(Folder::Bundled),
        architecture,
        Shown::Fill { fill, text, pair },
    )
}

#[test]
fn hidden_words_are_guessed_by_the_class_that_has_the_heads_on_screen() {
    let alone = of_fill(&fill(&[3, 7], true), None, "BertForPreTraining").expect("a script");
    assert!(
        alone.contains("import AutoModelForMaskedLM, AutoTokenizer\n"),
        "{alone}"
    );
    assert!(
        alone.contains("TEXT = \"a \\\"[MASK]\\\"\\nimport os\"\n"),
        "{alone}"
    );
    assert!(
        alone.contains("HIDDEN = [3, 7]") && alone.contains("GUESSES = 2\n"),
        "{alone}"
    );
    assert!(
        !alone.contains("\nimport os") && !alone.contains("PAIR"),
        "{alone}"
    );
    let paired = |masks: &[usize], architecture| {
        of_fill(&fill(masks, true), Some("b"), architecture).expect("a script")
    };
    assert!(paired(&[3], "BertForPreTraining").contains("seq_relationship_logits"));
    assert!(paired(&[3], "AlbertForPreTraining").contains("sop_logits"));
    assert!(paired(&[], "BertForPreTraining").contains("AutoModelForNextSentencePrediction"));
    assert!(paired(&[3], "DistilBertForMaskedLM").contains("pop(\"token_type_ids\""));
    assert_eq!(
        of_fill(&fill(&[], true), None, "BertForPreTraining"),
        None,
        "nothing is on screen"
    );
    for text in [
        alone,
        paired(&[3], "BertForPreTraining"),
        paired(&[], "AlbertForPreTraining"),
    ] {
        assert!(
            !text.contains("{logits}")
                && !text.contains("{texts}")
                && !text.contains("{cut}")
                && !text.contains("{types}"),
            "{text}"
        );
    }
}

#[test]
fn a_model_is_named_as_python_finds_it() {
    let named = |origin| {
        script(
            origin,
            "BertForMaskedLM",
            Shown::Fill {
                fill: &fill(&[1], false),
                text: "",
                pair: None,
            },
        )
        .expect("a script")
    };
    let hub = |endpoint: Option<&str>| Origin::Hub {
        id: "owner/name".into(),
        revision: "refs/pr/1".into(),
        endpoint: endpoint.map(str::to_owned),
    };
    let text = named(hub(None));
    assert!(
        text.contains("MODEL = \"owner/name\"\nREVISION = \"refs/pr/1\"\n"),
        "{text}"
    );
    assert!(
        text.contains("from_pretrained(MODEL, revision=REVISION)") && !text.contains("HF_ENDPOINT"),
        "{text}"
    );
    let own = named(hub(Some("https://hub.example")));
    let (before, after) = own.split_once("import torch").expect("an import");
    assert!(
        before.contains("os.environ[\"HF_ENDPOINT\"] = \"https://hub.example\"")
            && after.contains("transformers"),
        "{own}"
    );
    // A name on a comment's line cannot end that line.
    let opened = named(Origin::Folder(Folder::Opened("x\nimport os #".into())));
    assert!(
        opened.contains("\"x\\nimport os #\"") && opened.contains("MODEL = \"path/to/folder\""),
        "{opened}"
    );
    assert!(
        named(Origin::Folder(Folder::Web("https://a.example/b/".into())))
            .contains("https://a.example/b/")
    );
}

fn said(kind: HeadKind, pooling: Pooling, pair: Option<&str>, question: usize) -> Said {
    let labels = vec!["a".to_owned(), "b".to_owned()];
    let mut tokens = vec![token("[CLS]", None)];
    tokens.extend((0..question).map(|_| token("q", Some(0))));
    tokens.push(token("[SEP]", None));
    if pair.is_some() {
        tokens.extend([token("p", Some(1)), token("[SEP]", None)]);
    }
    let head = TaskHead::of(kind, labels, pooling);
    let rows = if kind.reads_tokens() { tokens.len() } else { 1 };
    Said {
        text: Text {
            text: "q".into(),
            pair: pair.map(str::to_owned),
        },
        logits: vec![0.5; rows * head.outputs()],
        head,
        tokens,
        truncated: None,
        windows: 1,
    }
}

#[test]
fn code_of_strangers_is_trusted_by_whoever_read_it_only() {
    let of = |origin, pooling| {
        let said = said(HeadKind::Classes, pooling, None, 1);
        script(origin, "BertForSequenceClassification", Shown::Said(&said)).expect("a script")
    };
    let hub = || Origin::Hub {
        id: "a/b".into(),
        revision: "main".into(),
        endpoint: None,
    };
    assert!(!of(hub(), Pooling::Pooler).contains("TRUST"));
    assert!(of(hub(), Pooling::Mean).contains("TRUST = False\n"));
    assert!(of(Origin::Folder(Folder::Taught), Pooling::Mean).contains("TRUST = True\n"));
}

#[test]
fn what_python_would_read_otherwise_has_no_script() {
    let of = |said: &Said| {
        script(
            Origin::Folder(Folder::Bundled),
            "BertForQuestionAnswering",
            Shown::Said(said),
        )
    };
    let span = |pair, question| of(&said(HeadKind::Span, Pooling::Cls, pair, question));
    let text = span(Some("p"), 3).expect("a script");
    assert!(
        text.contains("{PAIR[offsets") || text.contains("PAIR[offsets"),
        "{text}"
    );
    assert_eq!(
        span(Some("p"), 6),
        None,
        "the page cuts a question of half of 16 - 3 tokens"
    );
    let mut long = said(HeadKind::Span, Pooling::Cls, Some("p"), 3);
    long.windows = 3;
    let text = of(&long).expect("a script");
    assert!(
        text.contains("truncation=\"only_second\", max_length=16, stride=5"),
        "{text}"
    );
    let choice = |pair| of(&said(HeadKind::Choice, Pooling::Pooler, Some(pair), 3));
    assert_eq!(choice("only one"), None);
    assert!(
        choice("this\nthat")
            .expect("a script")
            .contains("CHOICES = [\n    \"this\",\n    \"that\",\n]\n")
    );
}
