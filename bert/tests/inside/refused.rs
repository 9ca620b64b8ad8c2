//! Bad input: every look says what is wrong, and the model can be used on.

use bert::inside::{
    AttentionRequest, AttributionRequest, Baseline, LensRequest, Occurrence, Subject, Target,
    attention, attribution, contextual, guesses, hidden_states, lens, neighbours, sides, surprisal,
    survey,
};
use bert::probe::ProbeError;

use super::*;
use kernels::CancelToken;

fn lens_at(places: Vec<usize>) -> LensRequest {
    LensRequest {
        places,
        top_k: 3,
        follow: None,
    }
}

fn look(
    loaded: &mut Loaded,
    subject: &Subject,
    request: &LensRequest,
) -> Result<bert::inside::Lens, InsideError> {
    let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
    wait(lens(model, tokenizer, subject, request, &control()))
}

fn explain(
    loaded: &mut Loaded,
    subject: &Subject,
    target: Target,
) -> Result<bert::inside::Attribution, InsideError> {
    let request = AttributionRequest {
        target,
        baseline: Baseline::Mask,
        points: 4,
    };
    let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
    let (control, mut progress) = (control(), |_, _| {});
    wait(attribution(
        model,
        tokenizer,
        subject,
        &request,
        &mut progress,
        &control,
    ))
}

#[test]
fn a_model_without_a_head_has_nothing_to_look_through() {
    let mut loaded = Loaded::new("tiny-encoder", "tiny-bert", &Device::Cpu(Precision::F32));
    let blank = subject("the [MASK] sat");
    let error = look(&mut loaded, &blank, &lens_at(Vec::new())).expect_err("no head");
    assert!(
        matches!(&error, InsideError::Probe(ProbeError::NoHead(_))),
        "{error}"
    );
    assert!(error.to_string().contains("cls.predictions."), "{error}");
    let target = Target::Guess { place: 2, id: 5 };
    let error = explain(&mut loaded, &blank, target).expect_err("no head");
    assert!(matches!(error, InsideError::Probe(ProbeError::NoHead(_))));
    let error = explain(&mut loaded, &blank, Target::Class { output: 0 }).expect_err("no head");
    assert!(matches!(error, InsideError::Probe(ProbeError::NoTaskHead)));
    let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
    assert!(wait(sides(model, tokenizer, &blank, 3, &control())).is_err());
    assert!(wait(guesses(model, tokenizer, &blank, 3, &control())).is_err());
    let (control, mut progress) = (control(), |_, _| {});
    assert!(
        wait(surprisal(
            model,
            tokenizer,
            &blank,
            false,
            &mut progress,
            &control
        ))
        .is_err()
    );
    // Attention and states are there without any head.
    let request = AttentionRequest {
        layer: 0,
        row: None,
    };
    let found = wait(attention(model, tokenizer, &blank, &request, &control)).expect("attention");
    assert_eq!(found.seen.tokens.len(), 5);
    assert!(wait(hidden_states(model, tokenizer, &blank, &control)).is_ok());
    let found = wait(survey(model, tokenizer, &subject("the cat"), 3, &control)).expect("a survey");
    assert!(found.guesses.masks.is_empty() && found.guesses.said.is_none());
}

#[test]
fn a_text_of_special_tokens_only_is_refused_by_name() {
    let mut loaded = Loaded::cpu("tiny-bert");
    for empty in ["", "  \n"] {
        let empty = subject(empty);
        let error = look(&mut loaded, &empty, &lens_at(Vec::new())).expect_err("no words");
        assert_eq!(error, InsideError::NoWords);
        let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
        let request = AttentionRequest {
            layer: 0,
            row: None,
        };
        let error = wait(attention(model, tokenizer, &empty, &request, &control()));
        assert_eq!(error.expect_err("no words"), InsideError::NoWords);
        let (control, mut progress) = (control(), |_, _| {});
        let error = wait(surprisal(
            model,
            tokenizer,
            &empty,
            true,
            &mut progress,
            &control,
        ));
        assert_eq!(error.expect_err("no words"), InsideError::NoWords);
    }
}

#[test]
fn one_token_is_enough_for_every_look() {
    let mut loaded = Loaded::cpu("tiny-bert");
    let word = Subject {
        hidden: vec![1],
        ..subject("cat")
    };
    let found = look(&mut loaded, &word, &lens_at(Vec::new())).expect("a lens");
    assert_eq!(found.places[0].position, 1);
    let id = found.seen.tokens[1].id;
    let followed = found.places[0].layers[0]
        .followed
        .clone()
        .expect("the hidden word");
    assert_eq!((followed.id, &followed.token[..]), (id, "cat"));
    let found = explain(&mut loaded, &word, Target::Guess { place: 1, id }).expect("attributions");
    // Nothing is left to hide, and the text is its own baseline.
    assert!(found.mask_one_out.iter().all(Option::is_none));
    assert_eq!(
        (found.logit, found.completeness),
        (found.baseline_logit, None)
    );
    let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
    let (control, mut progress) = (control(), |_, _| {});
    let found = wait(surprisal(
        model,
        tokenizer,
        &word,
        true,
        &mut progress,
        &control,
    ))
    .expect("bits");
    assert_eq!(found.scored, 1);
    assert!((found.pseudo_perplexity.log2() - found.total).abs() < 1e-9);
    assert!(wait(sides(model, tokenizer, &word, 3, &control)).is_ok());
    let found = wait(survey(model, tokenizer, &word, 3, &control)).expect("a survey");
    assert_eq!(found.side, 3);
    // A typed mask alone has no bits, and no mean of none.
    let blank = subject("[MASK]");
    let found = wait(surprisal(
        model,
        tokenizer,
        &blank,
        true,
        &mut progress,
        &control,
    ))
    .expect("none");
    assert_eq!(
        (found.scored, found.total, found.pseudo_perplexity),
        (0, 0.0, 1.0)
    );
}

#[test]
fn a_text_that_is_cut_says_so_and_is_looked_at_as_far_as_it_is_read() {
    let mut loaded = Loaded::cpu("tiny-bert");
    let long = subject(&format!("[MASK] {}", "the cat sat ".repeat(60)));
    let found = look(&mut loaded, &long, &lens_at(Vec::new())).expect("a lens");
    let truncated = found.seen.truncated.expect("it was cut");
    assert_eq!((truncated.kept, found.seen.tokens.len()), (64, 64));
    let error = look(&mut loaded, &long, &lens_at(vec![64])).expect_err("beyond the cut");
    assert_eq!(
        error,
        InsideError::NoSuchPlace {
            place: 64,
            last: 63
        }
    );
    let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
    let request = AttentionRequest {
        layer: 1,
        row: Some(63),
    };
    let found = wait(attention(model, tokenizer, &long, &request, &control())).expect("a row");
    assert_eq!(found.weights.len(), 4 * 64);
    // A word behind the cut is in no sentence that was read.
    let hidden = Occurrence {
        text: long.text.clone(),
        characters: (700, 703),
    };
    let error = wait(contextual(model, tokenizer, &[hidden], &[], &control())).expect_err("cut");
    assert_eq!(
        error,
        InsideError::NotInSentence {
            sentence: 1,
            from: 700,
            to: 703
        }
    );
}

#[test]
fn a_classifier_answers_without_blanks_and_one_that_fills_words_asks_for_one() {
    let mut loaded = Loaded::new("tiny-classifier", "tiny-bert", &Device::Cpu(Precision::F32));
    let text = subject("the cat sat");
    let found = look(&mut loaded, &text, &lens_at(Vec::new())).expect("classes");
    assert!(found.classes.is_some());
    let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
    let found = wait(guesses(model, tokenizer, &text, 3, &control())).expect("classes");
    assert!(found.masks.is_empty() && found.said.is_some());
    // It fills no words, so it has no sides and no surprisal.
    let error = wait(sides(model, tokenizer, &text, 3, &control())).expect_err("no head");
    assert!(matches!(error, InsideError::Probe(ProbeError::NoHead(_))));
    let mut words = Loaded::cpu("tiny-bert");
    let error = look(&mut words, &text, &lens_at(Vec::new())).expect_err("nothing is hidden");
    assert!(error.to_string().contains("[MASK]"), "{error}");
    let (model, tokenizer) = (&mut words.model, &words.tokenizer);
    let error = wait(sides(model, tokenizer, &text, 3, &control())).expect_err("nothing is hidden");
    assert!(matches!(error, InsideError::NothingHidden { .. }));
    // A word that is there can be looked through all the same.
    let found = look(&mut words, &text, &lens_at(vec![2])).expect("a lens");
    assert!(found.places[0].layers[0].followed.is_none());
}

#[test]
fn what_is_not_there_is_named() {
    let mut loaded = Loaded::cpu("tiny-bert");
    let blank = subject("the [MASK] sat");
    let without = |layer, head| Subject {
        without: vec![Head { layer, head }],
        ..blank.clone()
    };
    let error = look(&mut loaded, &without(2, 0), &lens_at(Vec::new())).expect_err("layer");
    assert_eq!(error, InsideError::NoSuchLayer { layer: 2, last: 1 });
    let error = look(&mut loaded, &without(0, 4), &lens_at(Vec::new())).expect_err("head");
    assert_eq!(error, InsideError::NoSuchHead { head: 4, last: 3 });
    let error = look(&mut loaded, &blank, &lens_at(vec![1; 5])).expect_err("places");
    assert_eq!(error, InsideError::TooManyPlaces { asked: 5, limit: 4 });
    let far = LensRequest {
        follow: Some(5000),
        ..lens_at(Vec::new())
    };
    let error = look(&mut loaded, &blank, &far).expect_err("token");
    let vocabulary = 108;
    assert_eq!(
        error,
        InsideError::NoSuchToken {
            id: 5000,
            vocabulary
        }
    );
    let error = explain(&mut loaded, &blank, Target::Guess { place: 1, id: 5 });
    let error = error.expect_err("it is not hidden");
    assert!(error.to_string().contains("`the`"), "{error}");
    let error = explain(&mut loaded, &blank, Target::Guess { place: 9, id: 5 });
    assert_eq!(
        error.expect_err("beyond"),
        InsideError::NoSuchPlace { place: 9, last: 4 }
    );
    let request = AttributionRequest {
        target: Target::Guess { place: 2, id: 5 },
        baseline: Baseline::Pad,
        points: 0,
    };
    let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
    let (control, mut progress) = (control(), |_, _| {});
    let none = wait(attribution(
        model,
        tokenizer,
        &blank,
        &request,
        &mut progress,
        &control,
    ));
    assert!(matches!(none, Err(InsideError::Range { found: 0, .. })));
    let request = AttentionRequest {
        layer: 7,
        row: None,
    };
    let error = wait(attention(model, tokenizer, &blank, &request, &control));
    assert_eq!(
        error.expect_err("layer"),
        InsideError::NoSuchLayer { layer: 7, last: 1 }
    );
    let error = wait(neighbours(model, tokenizer, 108, 5, &control)).expect_err("token");
    assert_eq!(
        error,
        InsideError::NoSuchToken {
            id: 108,
            vocabulary
        }
    );
    assert!(wait(neighbours(model, tokenizer, 5, 0, &control)).is_err());
    assert!(wait(contextual(model, tokenizer, &[], &[], &control)).is_err());

    let mut classes = Loaded::new("tiny-classifier", "tiny-bert", &Device::Cpu(Precision::F32));
    let error = explain(&mut classes, &blank, Target::Class { output: 9 }).expect_err("class");
    assert!(
        matches!(error, InsideError::NoSuchOutput { output: 9, .. }),
        "{error}"
    );
    let other = Target::Token {
        place: 1,
        output: 0,
    };
    let error = explain(&mut classes, &blank, other).expect_err("a head of whole texts");
    assert!(matches!(error, InsideError::OtherHead(_)), "{error}");
}

#[test]
fn a_look_that_is_cancelled_leaves_the_model_as_it_was() {
    for (name, device) in devices() {
        let mut loaded = Loaded::new("tiny-bert", "tiny-bert", &device);
        let blank = subject("the [MASK] sat");
        let before = look(&mut loaded, &blank, &lens_at(Vec::new())).expect("a lens");
        let token = CancelToken::default();
        token.cancel();
        let stop = Control::new(token, || Box::pin(async {}));
        let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
        let mut progress = |_, _| {};
        let error = wait(surprisal(
            model,
            tokenizer,
            &blank,
            false,
            &mut progress,
            &stop,
        ));
        let cancelled = InsideError::Probe(ProbeError::Cancelled);
        assert_eq!(error.expect_err("cancelled"), cancelled, "{name}");
        let after = look(&mut loaded, &blank, &lens_at(Vec::new())).expect("a lens");
        assert_eq!(before, after, "{name}");
    }
}
