//! The classifier alone.

use bert::config::Pooling;
use bert::export::{Head, HeadError, Kind, MAX_HEAD_BYTES, Machine, Refusal, Run};
use bert::train::{Method, Recipe};
use proptest::prelude::*;

use super::*;

fn run(method: Method) -> Run {
    Run {
        recipe: Recipe::scheduled(method),
        train: vec![4, 4, 4],
        validation: vec![4, 4, 4],
        pairs: false,
        figures: None,
        best_epoch: 2,
    }
}

fn head(model: &mut Model) -> Vec<u8> {
    let about = About {
        run: Some(run(Method::Head)),
        ..about(Kind::Head)
    };
    block_on(export::head(model, &about)).expect("a head")
}

#[test]
fn a_head_goes_to_another_copy_of_its_base() {
    for (name, device) in common::devices() {
        for pooling in [Pooling::Mean, Pooling::Cls, Pooling::Pooler] {
            let mut model = trained(&device, Method::Head, pooling);
            let file = head(&mut model);
            let parsed = Head::parse(&file).expect("a head");
            assert_eq!(parsed.classifier.labels, labels());
            assert_eq!(parsed.base, "tiny-bert");
            let mut fresh = common::model(&common::fixture("tiny-bert"), &device);
            block_on(parsed.attach(&mut fresh)).expect("its own base");
            let (ours, theirs) = (classified(&mut model), classified(&mut fresh));
            assert_eq!(bits(&ours), bits(&theirs), "{name}, {pooling:?}");
            assert_eq!(head(&mut fresh), file, "the same head again");
        }
    }
}

#[test]
fn a_head_says_what_it_was_trained_on() {
    let mut model = trained(&CPU, Method::Head, Pooling::Cls);
    let machine = Machine {
        adapter: Some("ACME 9000".to_owned()),
        shaders: Some("1a2b3c4d".to_owned()),
        doubt: None,
    };
    let about = About {
        machine: Some(machine.clone()),
        ..about(Kind::Head)
    };
    let file = block_on(export::head(&mut model, &about)).expect("a head");
    let parsed = Head::parse(&file).expect("a head");
    assert_eq!(parsed.machine, Some(machine));
    let text = parsed.to_link_text().expect("a text");
    let linked = Head::from_link_text(&text).expect("a head");
    assert_eq!(linked.machine, parsed.machine);
    // Files of earlier versions say nothing.
    assert_eq!(
        Head::parse(&head(&mut model)).expect("a head").machine,
        None
    );
    assert_eq!(Machine::of(&CPU).words(), "Trained on the CPU.");
}

#[test]
fn another_base_and_a_changed_encoder_are_refused() {
    let mut model = trained(&CPU, Method::Head, Pooling::Mean);
    let parsed = Head::parse(&head(&mut model)).expect("a head");
    let mut other = common::model(&common::fixture("tiny-bert-f16"), &CPU);
    let error = block_on(parsed.attach(&mut other)).expect_err("another base");
    assert!(matches!(error, HeadError::Base { .. }));
    for hash in [model.sha256(), other.sha256(), "tiny-bert"] {
        assert!(error.to_string().contains(hash), "{error}");
    }
    assert_eq!(other.classifier(), None);
    for method in [Method::All, Method::LastLayers(1), Method::Scratch] {
        let about = About {
            run: Some(run(method)),
            ..about(Kind::Head)
        };
        let error = block_on(export::head(&mut model, &about)).expect_err("not alone");
        assert_eq!(error, HeadError::Refused(Refusal::NotAlone));
    }
    let about = about(Kind::Head);
    let none = block_on(export::head(&mut other, &about)).expect_err("there is none");
    assert_eq!(none, HeadError::Refused(Refusal::NoClassifier));
}

/// A head with some metadata changed, and its numbers.
fn forged(key: &str, value: Option<&str>, first: f32) -> Vec<u8> {
    let file = head(&mut trained(&CPU, Method::Head, Pooling::Mean));
    let parsed = safetensors::SafeTensors::deserialize(&file).expect("safetensors");
    let (_, header) = safetensors::SafeTensors::read_metadata(&file).expect("a header");
    let mut metadata = header.metadata().clone().expect("metadata");
    match value {
        Some(value) => metadata.insert(key.to_owned(), value.to_owned()),
        None => metadata.remove(key),
    };
    let mut data: Vec<(String, Vec<usize>, Vec<u8>)> = parsed
        .iter()
        .map(|(name, view)| (name.to_owned(), view.shape().to_vec(), view.data().to_vec()))
        .collect();
    for (_, _, bytes) in &mut data {
        bytes[..4].copy_from_slice(&first.to_le_bytes());
    }
    let views = data.iter().map(|(name, shape, bytes)| {
        let view =
            safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes);
        (name.as_str(), view.expect("a view"))
    });
    safetensors::serialize(views, Some(metadata)).expect("a file")
}

#[test]
fn every_broken_rule_is_named() {
    assert!(Head::parse(&forged("note", Some("more is allowed"), 0.0)).is_ok());
    let cases = [
        ("unmask_head", None, 0.0, "lacks `unmask_head`"),
        ("unmask_head", Some("2"), 0.0, "version is 2"),
        ("base_sha256", Some("1234"), 0.0, "64 hexadecimal"),
        ("hidden_size", Some("33"), 0.0, "[3, 33]"),
        ("hidden_size", Some("-1"), 0.0, "`hidden_size`"),
        (
            "hidden_size",
            Some("99999999999999999999"),
            0.0,
            "`hidden_size`",
        ),
        ("pooling", Some("max"), 0.0, "`pooling`"),
        ("labels", Some("a, b"), 0.0, "`labels`"),
        ("labels", Some("[\"a\",\"b\"]"), 0.0, "[2, 32]"),
        ("labels", Some("[\"a\",\"b\",\"b\"]"), 0.0, "two classes"),
        ("labels", Some("[]"), 0.0, "0 classes"),
        ("note", None, f32::NAN, "NaN or infinity at element 0"),
    ];
    for (key, value, first, words) in cases {
        let error = Head::parse(&forged(key, value, first)).expect_err(words);
        assert!(error.to_string().contains(words), "{error}: no {words}");
    }
    let whole = weights_of(&common::fixture("tiny-bert"));
    assert!(matches!(Head::parse(&whole), Err(HeadError::Rule(_))));
    let long = vec![0; MAX_HEAD_BYTES + 1];
    assert_eq!(Head::parse(&long), Err(HeadError::TooLong(long.len())));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Head::parse(&bytes).is_err());
    }

    /// A head with bytes changed or cut off is refused, or is still one that keeps every rule.
    #[test]
    fn damaged_heads_are_refused_or_whole(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        shorten in any::<bool>(),
    ) {
        thread_local!(static FILE: Vec<u8> = head(&mut trained(&CPU, Method::Head, Pooling::Mean)));
        let mut file = FILE.with(Clone::clone);
        let length = file.len();
        for (at, byte) in changes {
            file[at.index(length)] = byte;
        }
        if shorten {
            file.truncate(cut.index(length));
        }
        if let Ok(head) = Head::parse(&file) {
            prop_assert!(!shorten);
            prop_assert_eq!(head.base_sha256.len(), 64);
            prop_assert_eq!(head.classifier.labels.len(), 3);
            prop_assert_eq!(head.hidden_size, 32);
        }
    }
}

#[test]
fn a_head_from_a_link_says_the_same_within_half_precision() {
    let mut model = trained(&CPU, Method::Head, Pooling::Mean);
    let whole = Head::parse(&head(&mut model)).expect("a head");
    let text = whole.to_link_text().expect("small numbers");
    let mut fresh = common::model(&common::fixture("tiny-bert"), &CPU);
    let read = Head::from_link_text(&text).expect("a head");
    block_on(read.attach(&mut fresh)).expect("its own base");
    assert_eq!(fresh.classifier(), model.classifier());
    for (ours, theirs) in classified(&mut model).iter().zip(classified(&mut fresh)) {
        for (a, b) in ours.probabilities.iter().zip(&theirs.probabilities) {
            assert!((a - b).abs() <= 1e-3, "{a} and {b}");
        }
    }
    let mut other = common::model(&common::fixture("tiny-bert-f16"), &CPU);
    let read = Head::from_link_text(&text).expect("a head");
    let error = block_on(read.attach(&mut other)).expect_err("another base");
    assert!(
        error.to_string().contains("belongs to `tiny-bert`"),
        "{error}"
    );
}
