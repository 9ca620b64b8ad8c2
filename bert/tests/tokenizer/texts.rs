//! Places in the text, truncation, and texts that nobody would write.

use crate::{shared, small, tokenizer_json};
use bert::tokenizer::Truncated;
use proptest::prelude::*;

#[test]
fn what_is_typed_is_told_from_what_is_added() {
    let got = small().encode("the [MASK] [SEP]", Some("cat"), 99);
    assert_eq!(got.ids, [2, 5, 4, 3, 3, 6, 3]);
    assert_eq!(got.special, [true, false, false, false, true, false, true]);
    let sequence = [None, Some(0), Some(0), Some(0), None, Some(1), None];
    assert_eq!(got.sequence, sequence);
    assert_eq!(got.offsets[2], (4, 10));
    assert_eq!(got.offsets[5], (0, 3));
}

#[test]
fn truncation_down_to_nothing() {
    let tokenizer = small();
    let got = tokenizer.encode("the cat sat", Some("the the the"), 6);
    assert_eq!(got.ids, [2, 5, 3, 5, 5, 3]);
    assert_eq!(
        got.truncated,
        Some(Truncated {
            kept: 6,
            total: 9,
            or_more: false
        })
    );
    for max_len in [0, 1, 2] {
        let got = tokenizer.encode("the cat", None, max_len);
        assert_eq!(got.ids, [2, 3]);
        assert_eq!(
            got.truncated,
            Some(Truncated {
                kept: 2,
                total: 4,
                or_more: false
            })
        );
    }
    assert_eq!(tokenizer.encode("", None, 0).truncated, None);
}

#[test]
fn awkward_texts() {
    let tokenizer = match shared("tokenizers/bert-base-uncased") {
        Some(folder) => tokenizer_json(&folder),
        None => small(),
    };
    for text in [
        "",
        "\0",
        "\0\0a\0",
        "\u{301}",
        "\u{301}\u{301}e",
        "\u{202e}abc\u{202c}",
        "\u{feff}",
        "👩‍👩‍👧‍👦",
        "\u{fffd}",
        "\u{10ffff}",
        "עברית العربية",
        "[MASK",
        "##",
        "[PAD]",
        "\u{2028}\u{85}",
        "ﷺ",
    ] {
        let got = tokenizer.encode(text, Some(text), 512);
        let chars = text.chars().count();
        for &(start, end) in &got.offsets {
            assert!(start <= end && end <= chars, "{text:?}: {start}..{end}");
        }
        assert_eq!(got.ids.first(), Some(&tokenizer.cls_id()));
        assert_eq!(got.ids.last(), Some(&tokenizer.sep_id()));
    }
}

/// A megabyte in several shapes, cut visibly, with the tokens that the whole would have.
#[test]
fn a_megabyte() {
    let tokenizer = match shared("tokenizers/bert-base-uncased") {
        Some(folder) => tokenizer_json(&folder),
        None => small(),
    };
    let spaced = format!("a{}", " ".repeat(63));
    for (name, unit) in [
        ("words", "The quick brown fox jumps over the lazy dog. "),
        ("one word", "a"),
        ("masks", "[MASK]"),
        ("marks", "\u{301}"),
        ("emoji", "👩‍👩‍👧‍👦"),
        ("brackets", "["),
        ("spaces", " "),
        ("NUL", "\0"),
        ("CJK", "中文"),
        ("spaced", &spaced),
    ] {
        let text = unit.repeat((1 << 20) / unit.len());
        let clock = std::time::Instant::now();
        let got = tokenizer.encode(&text, Some("the end"), 512);
        println!("{name}: {:?}", clock.elapsed());
        let Some(truncated) = got.truncated else {
            continue;
        };
        let whole = tokenizer.encode(&text, Some("the end"), usize::MAX);
        assert_eq!(whole.truncated, None);
        let own = got.ids.len() - 4;
        assert_eq!(got.offsets[..own], whole.offsets[..own], "{name}");
        assert_eq!(got.ids[..own], whole.ids[..own], "{name}");
        assert!(truncated.kept == 512 && truncated.total > 512, "{name}");
        assert!(
            truncated.total < whole.ids.len() && truncated.or_more,
            "{name}"
        );
    }
    let long = "the cat sat ".repeat(50_000);
    let both = tokenizer.encode(&long, Some(&long[..500_000]), 512);
    assert_eq!(both.ids.len(), 512);
    let seconds = both.sequence.iter().filter(|s| **s == Some(1)).count();
    assert_eq!(seconds, 254, "the longer text keeps the odd one of 509");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gives_lists_of_one_length_within_bounds(text in any::<String>(), pair in prop::option::of(any::<String>()), max_len in 0usize..40) {
        let tokenizer = small();
        let got = tokenizer.encode(&text, pair.as_deref(), max_len);
        let n = got.ids.len();
        let specials = 2 + usize::from(pair.is_some());
        prop_assert!(n <= max_len.max(specials));
        for len in [got.tokens.len(), got.type_ids.len(), got.offsets.len(), got.special.len(), got.sequence.len()] {
            prop_assert_eq!(len, n);
        }
        for i in 0..n {
            prop_assert!((got.ids[i] as usize) < tokenizer.vocab_size());
            let source = match got.sequence[i] {
                None => continue,
                Some(0) => &text,
                Some(_) => pair.as_ref().unwrap(),
            };
            let (start, end) = got.offsets[i];
            prop_assert!(start <= end && end <= source.chars().count());
        }
    }
}
