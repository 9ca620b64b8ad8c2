//! What is hidden, and what an edit does to it.

use super::*;

/// `[CLS]`, one token a word, `[SEP]`; ids are the words' lengths and first letters.
fn cut(text: &str) -> Vec<Token> {
    let token = |text: &str, special| Token {
        id: text
            .bytes()
            .fold(7, |id, byte| id * 31 % 65_521 + u32::from(byte)),
        text: text.to_owned(),
        special,
        masked: text == "[MASK]",
        sequence: (!special).then_some(0),
        start: 0,
        end: 0,
    };
    let mut tokens = vec![token("[CLS]", true)];
    tokens.extend(text.split_whitespace().map(|word| token(word, false)));
    tokens.push(token("[SEP]", true));
    tokens
}

fn edited(from: &str, to: &str, hidden: &[usize]) -> Vec<usize> {
    carry_over(&cut(from), &cut(to), &hidden.iter().copied().collect())
        .into_iter()
        .collect()
}

#[test]
fn hidden_words_move_with_the_text() {
    assert_eq!(edited("a b c", "a b c", &[2]), [2]);
    assert_eq!(edited("a b c", "x a b c", &[1, 3]), [2, 4]);
    assert_eq!(edited("a b c d", "a d", &[1, 2, 4]), [1, 2]);
    assert_eq!(edited("a b c", "a bb c", &[2, 3]), [3]);
    assert_eq!(edited("a a a", "a a", &[1, 3]), [1]);
    assert_eq!(edited("a b", "", &[1, 2]), [] as [usize; 0]);
    assert_eq!(edited("a b", "a [MASK]", &[2]), [] as [usize; 0]);
}

#[test]
fn only_words_can_be_hidden() {
    let mut probe = Probe {
        tokens: cut("a [MASK] c"),
        ..Probe::default()
    };
    assert!(!probe.toggle(0), "[CLS]");
    assert!(!probe.toggle(2), "a typed mask");
    assert!(!probe.toggle(99), "beyond the end");
    assert!(probe.toggle(1) && probe.is_hidden(1));
    assert!(probe.toggle(1) && !probe.is_hidden(1));
    assert!(probe.is_hidden(2));
}

#[test]
fn arrow_keys_stay_on_the_strip() {
    let mut probe = Probe::default();
    assert_eq!(probe.step("ArrowRight"), None, "no tokens yet");
    probe.tokens = cut("a b");
    assert_eq!(probe.step("End"), Some(3));
    assert_eq!(probe.step("ArrowRight"), Some(3));
    assert_eq!(probe.step("Home"), Some(0));
    assert_eq!(probe.step("ArrowLeft"), Some(0));
    assert_eq!(probe.step("x"), None);
}

const MASKS: Asks = Asks {
    masks: true,
    next_sentence: false,
    replaced: false,
    head: false,
};
const BOTH: Asks = Asks {
    next_sentence: true,
    ..MASKS
};

#[test]
fn a_discriminator_is_asked_of_every_text_and_its_answer_belongs_to_that_text_alone() {
    let discriminator = Asks {
        masks: false,
        next_sentence: false,
        replaced: true,
        head: false,
    };
    let mut probe = Probe {
        tokens: cut("a b"),
        ..Probe::default()
    };
    assert!(matches!(
        probe.ask(1, discriminator),
        Some(Command::Probe { id: 1, .. })
    ));
    let marks = Replaced {
        tokens: cut("a b"),
        logits: vec![9.0, -3.0, 2.0, 9.0],
        probabilities: vec![0.99, 0.047, 0.88, 0.99],
        truncated: None,
    };
    probe.on_marked(7, marks.clone(), 1.0);
    assert_eq!(probe.note(2), None, "an answer to another request");
    probe.on_marked(1, marks, 1.0);
    assert_eq!(probe.note(1).as_deref(), Some("4.70%"));
    assert!(probe.is_suspect(2) && !probe.is_suspect(1));
    assert_eq!(probe.note(0), None, "a special token has no author");
    assert_eq!(probe.spoken(), "Looks replaced: b 88.0%.");
    probe.tokens = cut("a b c");
    assert_eq!(probe.note(2), None);
}

#[test]
fn nothing_hidden_asks_nothing() {
    let mut probe = Probe {
        tokens: cut("a b"),
        ..Probe::default()
    };
    assert_eq!(probe.ask(1, BOTH), None);
    probe.paired = true;
    assert!(matches!(
        probe.ask(2, BOTH),
        Some(Command::Probe { id: 2, .. })
    ));
    assert_eq!(probe.ask(3, MASKS), Some(Command::CancelProbe { id: 2 }));
    assert!(!probe.busy());
}

#[test]
fn an_example_replaces_what_was_typed_and_is_known_again_until_it_changes() {
    for mask in ["[MASK]", "<mask>"] {
        let mut probe = Probe::default();
        for example in &EXAMPLES {
            probe.edit_compare("mine");
            probe.put_example(example, mask);
            assert!(probe.text.contains(mask) || probe.pair.contains(mask));
            assert_eq!(
                (probe.paired, &*probe.compare),
                (example.pair.is_some(), example.compare)
            );
            assert_eq!(probe.example(mask), Some(example));
            probe.edit_text(format!("{} ", probe.text));
            assert_eq!(probe.example(mask), None);
        }
    }
    assert_eq!(Probe::default().example("[MASK]"), Some(&EXAMPLES[0]));
}

#[test]
fn a_blank_takes_the_place_of_what_is_selected() {
    let put = |text: &str, from, to| {
        let mut probe = Probe::default();
        probe.edit_text(text.to_owned());
        let caret = probe.insert_blank("[MASK]", from, to);
        (probe.text, caret)
    };
    assert_eq!(put("a dog barks", 2, 5), ("a [MASK] barks".into(), 8));
    assert_eq!(put("a dog", 5, 5), ("a dog [MASK]".into(), 12));
    assert_eq!(put("a dog.", 5, 5), ("a dog [MASK].".into(), 12));
    assert_eq!(put("", 0, 0), ("[MASK]".into(), 6));
    // The browser counts this face as two.
    assert_eq!(put("\u{1f600} a", 3, 4), ("\u{1f600} [MASK]".into(), 9));
    assert_eq!(put("ab", 9, 1), ("a [MASK]".into(), 8), "beyond the end");
}

#[test]
fn words_to_compare_stand_between_slashes_or_commas() {
    let mut probe = Probe::default();
    probe.edit_compare(" she / he,  it // she ");
    assert_eq!(probe.compared_words(), ["she", "he", "it"]);
    probe.edit_compare(&"ab/".repeat(300));
    assert_eq!(probe.compared_words().len(), 1);
    probe.edit_compare(&('a'..='z').map(String::from).collect::<Vec<_>>().join("/"));
    assert_eq!(probe.compared_words().len(), bert::probe::MAX_COMPARED);
}

#[test]
fn the_number_of_predictions_is_bounded() {
    let mut probe = Probe::default();
    probe.set_top_k(0);
    assert_eq!(probe.top_k, 1);
    probe.set_top_k(usize::MAX);
    assert_eq!(probe.top_k, 20);
}

#[test]
fn the_token_one_looks_at_is_described() {
    let mut probe = Probe {
        tokens: cut("a [MASK]"),
        ..Probe::default()
    };
    assert_eq!(probe.inspected(), None);
    probe.focus(2);
    let line = probe.inspected().unwrap();
    assert!(
        line.starts_with("[MASK]: token 2, id ") && line.ends_with("typed in the text"),
        "{line}"
    );
    probe.inspect(Some(99));
    assert_eq!(probe.inspected(), None, "beyond the end");
}
