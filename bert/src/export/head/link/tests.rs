//! Heads to links and back, and what is no head.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn head(hidden_size: usize, labels: &[&str], mut number: impl FnMut(usize) -> f32) -> Head {
    let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    let count = labels.len();
    Head {
        base_sha256: "0f".repeat(31) + "a9",
        base: "tiny-bert".to_owned(),
        hidden_size,
        machine: None,
        weight: (0..count * hidden_size).map(&mut number).collect(),
        bias: (0..count).map(&mut number).collect(),
        classifier: TaskHead {
            kind: HeadKind::Classes,
            labels,
            pooling: Pooling::Mean,
            max_tokens: None,
        },
    }
}

/// Numbers as a trained head has them: small, of either sign, of many exponents.
fn noise(at: usize) -> f32 {
    let mut bits = (at as u32).wrapping_add(1).wrapping_mul(0x9e37_79b9);
    bits ^= bits >> 15;
    bits = bits.wrapping_mul(0x85eb_ca6b);
    bits ^= bits >> 13;
    (bits as f32 / u32::MAX as f32 - 0.5) * 0.2
}

fn halved(mut head: Head) -> Head {
    for number in head.weight.iter_mut().chain(&mut head.bias) {
        *number = f16::from_f32(*number).to_f32();
    }
    head
}

/// A text around these inflated bytes, with the length and the checksum that belong to them.
fn packed(version: u8, length: u32, deflated: &[u8]) -> String {
    let mut bytes = vec![version];
    bytes.extend(length.to_le_bytes());
    bytes.extend(deflated);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    BASE64.encode(bytes)
}

fn refusal(text: &str) -> String {
    let error = Head::from_link_text(text).expect_err("no head");
    error.to_string()
}

#[test]
fn two_classes_of_bert_base_take_about_four_thousand_characters() {
    let head = head(768, &["negative", "positive"], noise);
    let text = head.to_link_text().expect("small numbers");
    assert!((2_500..=4_400).contains(&text.len()), "{}", text.len());
    assert_eq!(Head::from_link_text(&text), Ok(halved(head)));
}

#[test]
fn every_kind_of_head_travels() {
    for (kind, labels) in [
        (HeadKind::Labels, &["calm", "glad"][..]),
        (HeadKind::Score, &["LABEL_0"]),
        (HeadKind::Tokens, &["O", "B-PER", "I-PER"]),
        (HeadKind::Span, &["start", "end"]),
    ] {
        let mut head = head(16, labels, noise);
        head.classifier.kind = kind;
        head.classifier.pooling = Pooling::Cls;
        let text = head.to_link_text().expect("small numbers");
        assert_eq!(Head::from_link_text(&text), Ok(halved(head)), "{kind:?}");
    }
    let mut one = head(16, &["a", "b"], noise);
    one.classifier.kind = HeadKind::Score;
    let text = one.to_link_text().expect("small numbers");
    assert!(refusal(&text).contains("2 classes"), "{}", refusal(&text));
}

#[test]
fn what_half_precision_does_not_hold_is_not_written() {
    let large = head(3, &["a", "b"], |at| if at == 4 { 70_000.0 } else { 0.0 });
    assert_eq!(large.to_link_text(), Err(HeadError::Half(70_000.0)));
    let nan = head(3, &["a", "b"], |_| f32::NAN);
    assert!(matches!(nan.to_link_text(), Err(HeadError::Half(_))));
    let names: Vec<String> = (0..100).map(|i| format!("class {i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let wide = head(768, &names, noise);
    assert!(matches!(wide.to_link_text(), Err(HeadError::LongLink(n)) if n > MAX_LINK_HEAD));
}

#[test]
fn a_bomb_is_not_inflated() {
    let bomb = compress_to_vec(&vec![0; 8 << 20], 9);
    assert!(bomb.len() < 10_000);
    for length in [0, 100, MAX_INFLATED as u32] {
        let words = refusal(&packed(1, length, &bomb));
        assert!(words.contains("length it claims"), "{words}");
    }
    for length in [8 << 20, u32::MAX] {
        let words = refusal(&packed(1, length, &bomb));
        assert!(words.contains("at most 1048576"), "{words}");
    }
}

#[test]
fn every_broken_rule_is_named() {
    let whole = head(4, &["a", "b"], noise).to_link_text().expect("a text");
    let mut changed = whole.clone().into_bytes();
    changed[20] = if changed[20] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("ASCII");
    assert!(refusal(&changed).contains("checksum is wrong"));
    assert!(refusal(&whole[..whole.len() - 4]).contains("checksum is wrong"));
    assert!(refusal("").contains("too short"));
    assert!(refusal("<img src=x>").contains("no base64url"));
    assert!(refusal(&"A".repeat(MAX_LINK_HEAD + 1)).contains("characters"));
    assert!(refusal(&packed(4, 0, &[])).contains("version is 4"));
    let inside = |bytes: &[u8]| packed(1, bytes.len() as u32, &compress_to_vec(bytes, 6));
    // Hash, H, pooling, L, base, labels, numbers.
    let body = |hidden: u16, pooling: u8, labels: &[&str], numbers: &[u8]| {
        let mut bytes = vec![7; 32];
        bytes.extend(hidden.to_le_bytes());
        bytes.push(pooling);
        bytes.extend(short(labels.len()));
        for text in std::iter::once(&"base").chain(labels) {
            bytes.extend(short(text.len()));
            bytes.extend(text.as_bytes());
        }
        bytes.extend(numbers);
        inside(&bytes)
    };
    assert!(Head::from_link_text(&body(1, 0, &["a", "b"], &[0; 8])).is_ok());
    assert!(refusal(&body(0, 0, &["a", "b"], &[])).contains("vectors of 0"));
    assert!(refusal(&body(1, 18, &["a", "b"], &[0; 8])).contains("kind of head"));
    assert!(refusal(&body(1, 0, &["a"], &[0; 4])).contains("1 classes"));
    assert!(refusal(&body(1, 0, &["a", "a"], &[0; 8])).contains("two classes"));
    assert!(refusal(&body(1, 0, &["a", "b"], &[0; 7])).contains("take 8 bytes, and it has 7"));
    assert!(refusal(&body(16_000, 0, &["a", "b"], &[])).contains("take 64004 bytes"));
    let nan = [0x7c, 0, 0, 0, 0, 0, 0, 0];
    assert!(refusal(&body(1, 0, &["a", "b"], &nan)).contains("NaN or infinity at element 0"));
    assert!(refusal(&inside(&[7; 33])).contains("ends in the middle"));
}

#[test]
fn what_a_head_was_trained_on_travels_with_it() {
    let mut trained = head(4, &["a", "b"], noise);
    let bare = trained.to_link_text().expect("a text");
    assert_eq!(
        BASE64.decode(&bare).expect("base64")[0],
        1,
        "older pages read it"
    );
    trained.machine = Some(Machine {
        adapter: Some("ACME 9000".to_owned()),
        shaders: Some("1a2b3c4d".to_owned()),
        doubt: None,
    });
    let text = trained.to_link_text().expect("a text");
    let read = Head::from_link_text(&text).expect("a head");
    assert_eq!(read.machine, trained.machine);
    for machine in [None, trained.machine.clone()] {
        trained.machine = machine;
        trained.classifier.max_tokens = Some(64);
        let text = trained.to_link_text().expect("a text");
        let read = Head::from_link_text(&text).expect("a head");
        assert_eq!(read, halved(trained.clone()));
    }
    // Behind a right checksum the texts may be as long as they like.
    let mut bytes = vec![7; 32];
    bytes.extend([1, 0, 0, 2, 0]);
    let long = "x \n".repeat(9_000);
    for text in ["base", "a", "b", &long, "", ""] {
        bytes.extend(short(text.len()));
        bytes.extend(text.as_bytes());
    }
    bytes.extend([0; 8]);
    let packed = packed(2, bytes.len() as u32, &compress_to_vec(&bytes, 6));
    let machine = Head::from_link_text(&packed).expect("a head").machine;
    let adapter = machine.expect("a machine").adapter.expect("a name");
    assert!(adapter.len() <= 300 && !adapter.contains('\n'), "{adapter}");
}

fn machine() -> impl Strategy<Value = Machine> {
    let text = || proptest::option::of("\\PC{0,40}");
    let parts = (text(), proptest::option::of("[0-9a-f]{8}"), text());
    parts.prop_map(|(adapter, shaders, doubt)| {
        let machine = Machine {
            adapter,
            shaders,
            doubt,
        };
        machine.bounded()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn heads_come_back_as_they_were(
        hidden in 1usize..40,
        labels in proptest::collection::hash_set("\\PC{0,12}", 2..6),
        base in "\\PC{0,30}",
        pooling in prop_oneof![Just(Pooling::Mean), Just(Pooling::Cls), Just(Pooling::Pooler)],
        numbers in vec(-60_000f32..60_000.0, 300),
        machine in proptest::option::of(machine()),
    ) {
        let labels: Vec<String> = labels.into_iter().collect();
        let names: Vec<&str> = labels.iter().map(String::as_str).collect();
        let mut head = head(hidden, &names, |at| numbers[at % numbers.len()]);
        head.base = base;
        head.machine = machine;
        head.classifier.pooling = pooling;
        let text = head.to_link_text().expect("within half precision");
        let read = Head::from_link_text(&text).expect("a head");
        prop_assert_eq!(&read, &halved(head));
        prop_assert_eq!(read.to_link_text(), Ok(text));
    }

    #[test]
    fn arbitrary_texts_are_refused(text in "[A-Za-z0-9_-]{0,200}|\\PC{0,60}") {
        prop_assert!(Head::from_link_text(&text).is_err());
    }

    /// Behind a right checksum anything may stand.
    #[test]
    fn arbitrary_bytes_behind_a_right_checksum_never_panic(
        bytes in vec(any::<u8>(), 0..200),
        length in any::<u32>(),
        version in 1u8..=2,
        deflate in any::<bool>(),
    ) {
        let text = match deflate {
            true => packed(version, bytes.len() as u32, &compress_to_vec(&bytes, 1)),
            false => packed(version, length % 4096, &bytes),
        };
        prop_assert!(Head::from_link_text(&text).is_err());
    }

    #[test]
    fn changed_texts_are_refused(
        changes in vec((any::<proptest::sample::Index>(), "[A-Za-z0-9_-]"), 1..4),
        cut in any::<proptest::sample::Index>(),
    ) {
        let whole = head(5, &["a", "b"], noise).to_link_text().expect("a text");
        let mut changed: Vec<char> = whole.chars().collect();
        for (at, by) in changes {
            let at = at.index(changed.len());
            changed[at] = by.chars().next().unwrap_or('A');
        }
        let changed: String = changed.into_iter().collect();
        prop_assert!(changed == whole || Head::from_link_text(&changed).is_err());
        prop_assert!(Head::from_link_text(&whole[..cut.index(whole.len())]).is_err());
    }
}
