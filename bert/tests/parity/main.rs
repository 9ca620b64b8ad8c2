//! What `transformers` computes, on every executor: the golden files' cases one by one.

#[path = "../common/mod.rs"]
mod common;

mod support;

use bert::probe::{self, ProbeError, Request, fill_mask};
use kernels::Control;
use support::{Golden, LOGIT, assert_near, check, fill};

fn check_fixture(name: &str) {
    let folder = common::fixture(name);
    check(&folder, &folder.join("golden.json"));
}

#[test]
fn tiny_bert() {
    check_fixture("tiny-bert");
}

#[test]
fn tiny_bert_in_f16() {
    check_fixture("tiny-bert-f16");
}

#[test]
fn tiny_bert_with_old_names_an_own_decoder_and_bf16() {
    check_fixture("tiny-bert-legacy");
}

#[test]
fn tiny_roberta() {
    check_fixture("tiny-roberta");
}

/// Its weights are a PyTorch file in the zip layout, with transposed kernels and a shared decoder.
#[test]
fn tiny_xlm_roberta_from_a_zip_of_torch() {
    check_fixture("tiny-xlm-roberta");
}

/// The same in the layout before zip, with old names inside a wrapper.
#[test]
fn tiny_camembert_from_a_legacy_file_of_torch() {
    check_fixture("tiny-camembert");
}

#[test]
fn tiny_albert_with_two_groups_of_layers() {
    check_fixture("tiny-albert");
}

#[test]
fn tiny_distilbert() {
    check_fixture("tiny-distilbert");
}

#[test]
fn tiny_electra_the_generator() {
    check_fixture("tiny-electra-generator");
}

/// Through the graph, then through the probe.
#[test]
fn tiny_electra_the_discriminator() {
    check_fixture("tiny-electra-discriminator");
    let folder = common::fixture("tiny-electra-discriminator");
    let golden: Golden = serde_json::from_str(
        &std::fs::read_to_string(folder.join("golden.json")).expect("the golden file"),
    )
    .expect("a golden file");
    let tokenizer = common::tokenizer(&folder);
    let mut checked = 0;
    for (name, device) in common::devices() {
        let mut model = common::model(&folder, &device);
        for case in golden.cases.iter().filter(|case| !case.is_padded()) {
            let request = Request {
                text: case.text.clone(),
                pair: case.text_pair.clone(),
                hidden: Vec::new(),
                top_k: 1,
                compare: Vec::new(),
            };
            let control = Control::default();
            let asked = probe::replaced(&mut model, &tokenizer, &request, &control);
            let found = pollster::block_on(asked).expect("a verdict");
            let expected = case.replaced_logits.as_ref().expect("the head's logits");
            assert_eq!(found.tokens.len(), expected.len(), "{name}");
            assert_eq!(found.logits.len(), expected.len(), "{name}");
            for (i, &logit) in expected.iter().enumerate() {
                let what = format!("{name}, {:.40}: token {i}", case.text);
                assert_near(f64::from(found.logits[i]), logit, LOGIT, &what);
                let probability = 1.0 / (1.0 + (-logit).exp());
                let found = f64::from(found.probabilities[i]);
                assert_near(found, probability, LOGIT, &what);
                checked += 1;
            }
        }
    }
    assert!(checked > 300, "{checked}");
}

#[test]
fn heads_that_are_not_there_are_named() {
    let (_, device) = common::devices().remove(0);
    let ask = |name: &str, text: &str| {
        let folder = common::fixture(name);
        let (mut model, tokenizer) = (common::model(&folder, &device), common::tokenizer(&folder));
        let request = Request {
            text: text.to_owned(),
            pair: None,
            hidden: vec![],
            top_k: 3,
            compare: Vec::new(),
        };
        let control = Control::default();
        let masks = pollster::block_on(fill_mask(&mut model, &tokenizer, &request, &control));
        let verdict =
            pollster::block_on(probe::replaced(&mut model, &tokenizer, &request, &control));
        (masks.map(|_| ()), verdict.map(|_| ()))
    };
    let (masks, verdict) = ask("tiny-electra-discriminator", "a [MASK]");
    let error = masks
        .expect_err("a discriminator fills no masks")
        .to_string();
    assert!(
        error.contains("generator_") && error.contains("ElectraForMaskedLM"),
        "{error}"
    );
    assert_eq!(verdict, Ok(()));
    for (name, text) in [("tiny-roberta", "a <mask>"), ("tiny-bert", "a [MASK]")] {
        let (masks, verdict) = ask(name, text);
        assert_eq!(masks, Ok(()), "{name}");
        assert_eq!(verdict, Err(ProbeError::NoDiscriminator), "{name}");
    }
}

#[test]
fn tiny_encoder_without_a_head() {
    check_fixture("tiny-encoder");
    let folder = common::fixture("tiny-encoder");
    let (_, device) = common::devices().remove(0);
    let mut model = common::model(&folder, &device);
    let request = Request {
        text: "a [MASK]".to_owned(),
        pair: None,
        hidden: vec![],
        top_k: 3,
        compare: Vec::new(),
    };
    let error = fill(&mut model, &folder, &request).expect_err("there is no head");
    assert!(error.to_string().contains("cls.predictions"), "{error}");
}

#[test]
fn the_bundled_checkpoint() {
    check(&common::bundled(), &common::fixture("seedling/golden.json"));
}

#[test]
fn rxnfp_a_real_checkpoint_with_both_heads() {
    if let Some(folder) = common::shared("checkpoints/rxnfp-bert-mlm-nsp-f16") {
        check(&folder, &folder.join("golden.json"));
    }
}

#[test]
fn rxnmapper_a_real_albert() {
    if let Some(folder) = common::shared("checkpoints/rxnmapper-albert-mlm") {
        check(&folder, &folder.join("golden.json"));
    }
}

#[test]
fn sapiens_a_real_roberta() {
    if let Some(folder) = common::shared("checkpoints/sapiens-vh-roberta-mlm") {
        check(&folder, &folder.join("golden.json"));
    }
}

#[test]
fn a_hidden_word_is_compared_with_what_stood_there() {
    let folder = common::fixture("tiny-bert");
    let (_, device) = common::devices().remove(0);
    let mut model = common::model(&folder, &device);
    let tokenizer = common::tokenizer(&folder);
    let vocabulary = model.config().vocab_size;
    // 0 and 4 hold [CLS] and [SEP]: hiding them is ignored, as is a place beyond the end.
    let request = Request {
        text: "a cat is".to_owned(),
        pair: None,
        hidden: vec![0, 2, 4, 99],
        top_k: 100,
        compare: Vec::new(),
    };
    let (tokens, _) = probe::tokenize(&tokenizer, model.config(), &request);
    let fill = fill(&mut model, &folder, &request).expect("predictions");
    assert_eq!(fill.tokens, tokens);
    let [mask] = &fill.masks[..] else {
        panic!("{:?}", fill.masks)
    };
    let original = mask.original.as_ref().expect("a word stood there");
    assert_eq!((mask.position, original.token.as_str()), (2, "cat"));
    assert_eq!(mask.predictions.len(), vocabulary.min(100));
    let found = &mask.predictions[original.rank as usize - 1];
    assert_eq!((found.id, found.logit), (original.id, original.logit));
    let total: f32 = mask.predictions.iter().map(|p| p.probability).sum();
    assert!((total - 1.0).abs() < 1e-4 || vocabulary > 100, "{total}");
}

#[test]
fn words_are_compared_at_every_hidden_place() {
    for (folder, word, pieces) in [
        ("tiny-bert", "dog", "redable"),
        ("tiny-roberta", "the", "qqzz"),
    ] {
        let folder = common::fixture(folder);
        for (name, device) in common::devices() {
            let mut model = common::model(&folder, &device);
            let tokenizer = common::tokenizer(&folder);
            let mask = tokenizer.id_to_token(tokenizer.mask_id().unwrap()).unwrap();
            let request = Request {
                text: format!("a {mask} and the {mask} is"),
                pair: None,
                hidden: vec![3],
                top_k: 100,
                compare: [word, pieces, "ǂ", word].map(str::to_owned).to_vec(),
            };
            let fill = fill(&mut model, &folder, &request).expect("predictions");
            assert_eq!(fill.masks.len(), 3, "{name}");
            for mask in &fill.masks {
                let [one, several, none, again] = &mask.compared[..] else {
                    panic!("{:?}", mask.compared)
                };
                let standing = one.standing.as_ref().expect("it is one token");
                let id = tokenizer.word(word).expect("a token");
                assert_eq!((one.word.as_str(), standing.id), (word, id));
                let guess = mask.predictions.get(standing.rank as usize - 1);
                if let Some(guess) = guess.filter(|guess| guess.id == id) {
                    assert_eq!(
                        (guess.logit, guess.probability),
                        (standing.logit, standing.probability)
                    );
                } else {
                    assert!(
                        standing.rank > 100 || guess.is_some_and(|g| g.logit == standing.logit)
                    );
                }
                assert_eq!(again.standing, one.standing);
                let why = several.standing.as_ref().expect_err("it is several");
                assert!(why.contains("pieces"), "{why}");
                assert!(none.standing.is_err());
            }
            // The same guesses as without them.
            let alone = Request {
                compare: Vec::new(),
                ..request
            };
            let alone = self::fill(&mut model, &folder, &alone).expect("predictions");
            for (with, without) in fill.masks.iter().zip(&alone.masks) {
                let original =
                    |mask: &probe::MaskResult| mask.original.as_ref().map(|o| (o.id, o.rank));
                assert_eq!(original(with), original(without));
                let ids = |mask: &probe::MaskResult| {
                    mask.predictions.iter().map(|p| p.id).collect::<Vec<_>>()
                };
                assert_eq!(ids(with)[..5], ids(without)[..5], "{name}");
            }
        }
    }
}

#[test]
fn a_cancelled_run_says_so_and_the_model_goes_on() {
    let folder = common::fixture("tiny-bert");
    for (_, device) in common::devices() {
        let mut model = common::model(&folder, &device);
        let tokenizer = common::tokenizer(&folder);
        let request = Request {
            text: "a [MASK]".to_owned(),
            pair: None,
            hidden: vec![],
            top_k: 3,
            compare: Vec::new(),
        };
        let cancel = kernels::CancelToken::default();
        cancel.cancel();
        let control = Control::new(cancel, || Box::pin(async {}));
        let cancelled = pollster::block_on(fill_mask(&mut model, &tokenizer, &request, &control));
        assert_eq!(cancelled, Err(probe::ProbeError::Cancelled));
        let again = fill(&mut model, &folder, &request);
        assert_eq!(again.expect("a run").masks.len(), 1);
    }
}
