//! The numbers of the reference.

use bert::config::HeadKind;
use bert::inside::{
    AttentionRequest, Attribution, AttributionRequest, Baseline, LensRequest, Subject, Target,
    attention, attribution, guesses, hidden_states, lens, sides, surprisal,
};
use bert::probe::{MaskResult, Original, Prediction};
use serde_json::Value;

use super::*;

const LOGIT: f64 = 1e-4;
const WEIGHT: f64 = 1e-5;
const ATTRIBUTION: f64 = 1e-3;
const BITS: f64 = 1e-3;

/// Runs `check` on every case of the checkpoints that fill words, or of those with a task's head.
fn every(fills: bool, check: impl Fn(&mut Loaded, &Subject, &Value, &str)) {
    let golden = golden();
    let mut cases = 0;
    for checkpoint in golden["models"].as_array().expect("checkpoints") {
        let folder = text(&checkpoint["folder"]);
        for (device_name, device) in devices() {
            let mut loaded = None;
            for (i, case) in checkpoint["cases"]
                .as_array()
                .expect("cases")
                .iter()
                .enumerate()
            {
                if case["place"].is_null() == fills {
                    continue;
                }
                let tokenizer = text(&checkpoint["tokenizer"]);
                let loaded =
                    loaded.get_or_insert_with(|| Loaded::new(&folder, &tokenizer, &device));
                let subject = Subject {
                    pair: case["pair"].as_str().map(str::to_owned),
                    ..subject(&text(&case["text"]))
                };
                check(
                    loaded,
                    &subject,
                    case,
                    &format!("{folder} on {device_name}, case {i}"),
                );
                cases += 1;
            }
        }
    }
    assert!(cases >= 4 * 7, "{cases} cases");
}

/// The best guesses and the standing of the word that is followed.
fn standing(top: &[Prediction], followed: Option<&Original>, expected: &Value, what: &str) {
    let (ids, logits) = (indices(&expected["ids"]), numbers(&expected["logits"]));
    for (i, (&id, &logit)) in ids.iter().zip(&logits).enumerate() {
        let near = |j: usize| {
            logits
                .get(j)
                .is_some_and(|other| (other - logit).abs() < 2e-4)
        };
        let tied = near(i + 1) || (i > 0 && near(i - 1)) || i + 1 == ids.len();
        assert!(top[i].id as usize == id || tied, "{what}: guess {i}");
        let error = (f64::from(top[i].logit) - logit).abs();
        assert!(
            error <= LOGIT,
            "{what}, guess {i}: {} not {logit}",
            top[i].logit
        );
        let share = (logit - number(&expected["sum"])).exp();
        let error = (f64::from(top[i].probability) - share).abs();
        assert!(error <= LOGIT, "{what}, guess {i}'s share");
    }
    if let Some(followed) = followed {
        let error = (f64::from(followed.logit) - number(&expected["target"])).abs();
        assert!(error <= LOGIT, "{what}: the followed word's logit");
        let rank = number(&expected["rank"]);
        assert!(
            (f64::from(followed.rank) - rank).abs() <= 1.0,
            "{what}: its rank"
        );
    }
}

fn only(masks: &[MaskResult], place: usize) -> &MaskResult {
    assert_eq!(masks.len(), 1);
    assert_eq!(masks[0].position, place);
    &masks[0]
}

#[test]
fn hidden_states_are_those_of_transformers() {
    every(true, |loaded, subject, case, what| {
        let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
        let found = wait(hidden_states(model, tokenizer, subject, &control())).expect("states");
        let ids: Vec<u32> = found.seen.tokens.iter().map(|token| token.id).collect();
        assert_eq!(serde_json::json!(ids), case["ids"], "{what}");
        let layers = case["hidden"].as_array().expect("layers");
        assert_eq!(found.layers.len(), layers.len());
        for (i, (layer, expected)) in found.layers.iter().zip(layers).enumerate() {
            near(
                layer,
                &numbers(expected),
                LOGIT,
                &format!("{what}, layer {i}"),
            );
        }
        let same = bert::inside::cosines(&found, &found);
        assert!(same.iter().all(|cosine| (cosine - 1.0).abs() < 1e-5));
    });
}

#[test]
fn the_lens_is_the_whole_head_on_every_layer() {
    every(true, |loaded, subject, case, what| {
        let request = LensRequest {
            places: Vec::new(),
            top_k: 5,
            follow: Some(index(&case["target"]) as u32),
        };
        let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
        let found = wait(lens(model, tokenizer, subject, &request, &control())).expect("a lens");
        assert_eq!(found.places.len(), 1);
        assert_eq!(found.places[0].position, index(&case["place"]));
        let layers = case["lens"].as_array().expect("layers");
        assert_eq!(found.places[0].layers.len(), layers.len());
        for (i, (row, expected)) in found.places[0].layers.iter().zip(layers).enumerate() {
            let what = format!("{what}, layer {i}");
            assert!(row.followed.is_some());
            standing(&row.top, row.followed.as_ref(), expected, &what);
        }
    });
}

#[test]
fn attention_is_that_of_transformers_in_all_layers_and_heads() {
    every(true, |loaded, subject, case, what| {
        let tokens = case["ids"].as_array().expect("ids").len();
        let norms = numbers(&case["norms"]);
        for (layer, expected) in case["attention"]
            .as_array()
            .expect("layers")
            .iter()
            .enumerate()
        {
            let expected = numbers(expected);
            let what = format!("{what}, layer {layer}");
            let mut ask = |row| {
                let request = AttentionRequest { layer, row };
                let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
                wait(attention(model, tokenizer, subject, &request, &control())).expect("an answer")
            };
            let found = ask(None);
            near(&found.weights, &expected, WEIGHT, &what);
            let norms = &norms[layer * found.heads * tokens..][..found.heads * tokens];
            let arrives: Vec<f64> = (0..expected.len())
                .map(|i| expected[i] * norms[i / (tokens * tokens) * tokens + i % tokens])
                .collect();
            near(
                &found.arrives,
                &arrives,
                LOGIT,
                &format!("{what}, what arrives"),
            );
            // One row of each head is that row.
            let row = ask(Some(3));
            assert_eq!(row.rows, [3]);
            for head in 0..found.heads {
                let at = (head * tokens + 3) * tokens;
                let own = &row.weights[head * tokens..][..tokens];
                near(own, &expected[at..][..tokens], WEIGHT, &what);
                let own = &row.arrives[head * tokens..][..tokens];
                near(own, &arrives[at..][..tokens], LOGIT, &what);
            }
        }
    });
}

#[test]
fn heads_that_are_off_change_the_guess_as_in_the_reference() {
    every(true, |loaded, subject, case, what| {
        let subject = Subject {
            without: heads(&case["off"]),
            ..subject.clone()
        };
        let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
        let found = wait(guesses(model, tokenizer, &subject, 5, &control())).expect("an answer");
        let mask = only(&found.masks, index(&case["place"]));
        standing(&mask.predictions, None, &case["without"], what);
        // The lens ends in the same guess, and nothing arrives of a head that is off.
        let request = LensRequest {
            places: vec![mask.position],
            top_k: 5,
            follow: None,
        };
        let found = wait(lens(model, tokenizer, &subject, &request, &control())).expect("a lens");
        let last = found.places[0].layers.last().expect("layers");
        standing(&last.top, None, &case["without"], what);
        let request = AttentionRequest {
            layer: 0,
            row: None,
        };
        let found =
            wait(attention(model, tokenizer, &subject, &request, &control())).expect("attention");
        let each = found.arrives.len() / found.heads;
        assert!(
            found.arrives[each..2 * each].iter().all(|x| *x == 0.0),
            "{what}"
        );
        assert!(found.arrives[..each].iter().any(|x| *x > 0.0), "{what}");
    });
    every(false, |loaded, subject, case, what| {
        let subject = Subject {
            without: heads(&case["off"]),
            ..subject.clone()
        };
        let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
        let found = wait(guesses(model, tokenizer, &subject, 5, &control())).expect("an answer");
        let said = found.said.expect("a head");
        near(&said.logits, &numbers(&case["without"]), LOGIT, what);
    });
}

#[test]
fn a_classifier_has_a_lens_too() {
    every(false, |loaded, subject, case, what| {
        let Some(layers) = case["classes"].as_array() else {
            return;
        };
        let request = LensRequest {
            places: Vec::new(),
            top_k: 5,
            follow: None,
        };
        let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
        let found = wait(lens(model, tokenizer, subject, &request, &control())).expect("a lens");
        assert!(found.places.is_empty());
        let classes = found.classes.expect("classes");
        assert_eq!(classes.kind, HeadKind::Classes);
        assert_eq!(classes.logits.len(), layers.len());
        for (i, (layer, expected)) in classes.logits.iter().zip(layers).enumerate() {
            near(
                layer,
                &numbers(expected),
                LOGIT,
                &format!("{what}, layer {i}"),
            );
            let sum: f32 = classes.probabilities[i].iter().sum();
            assert!((sum - 1.0).abs() < 1e-5);
        }
    });
}

#[test]
fn one_side_is_the_causal_form() {
    every(true, |loaded, subject, case, what| {
        let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
        let found = wait(sides(model, tokenizer, subject, 5, &control())).expect("an answer");
        let place = index(&case["place"]);
        standing(
            &only(&found.left, place).predictions,
            None,
            &case["left"],
            what,
        );
        standing(
            &only(&found.right, place).predictions,
            None,
            &case["right"],
            what,
        );
        let layers = case["lens"].as_array().expect("layers");
        let both = layers.last().expect("layers");
        standing(&only(&found.both, place).predictions, None, both, what);
    });
}

#[test]
fn surprisal_is_that_of_hiding_each_token_in_turn() {
    every(true, |loaded, subject, case, what| {
        for (name, within_word) in [("surprisal", false), ("within_word", true)] {
            let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
            let mut heard = Vec::new();
            let mut progress = |done, of| heard.push((done, of));
            let control = control();
            let look = surprisal(
                model,
                tokenizer,
                subject,
                within_word,
                &mut progress,
                &control,
            );
            let found = wait(look).expect("an answer");
            let expected = &case[name];
            let places = indices(&expected["places"]);
            let scored: Vec<usize> = (0..found.bits.len())
                .filter(|&i| found.bits[i].is_some())
                .collect();
            assert_eq!(scored, places, "{what}");
            assert_eq!(heard.last(), Some(&(places.len(), places.len())));
            let bits: Vec<f32> = found.bits.iter().flatten().copied().collect();
            near(
                &bits,
                &numbers(&expected["bits"]),
                BITS,
                &format!("{what}, {name}"),
            );
            let perplexity = number(&expected["perplexity"]);
            let error = (found.pseudo_perplexity - perplexity).abs() / perplexity;
            assert!(
                error < 1e-3,
                "{what}: {}, not {perplexity}",
                found.pseudo_perplexity
            );
        }
    });
}

/// The token whose logit the golden file explains.
fn target(case: &Value) -> Target {
    let asked = &case["asked"];
    match (case["place"].is_null(), asked["place"].is_null()) {
        (false, _) => Target::Guess {
            place: index(&case["place"]),
            id: index(&case["target"]) as u32,
        },
        (true, true) => Target::Class {
            output: index(&asked["output"]),
        },
        (true, false) => Target::Token {
            place: index(&asked["place"]),
            output: index(&asked["output"]),
        },
    }
}

fn check_attribution(found: &Attribution, case: &Value, baseline: &str, what: &str) {
    let expected = &case["attribution"];
    let base = &expected["baselines"][baseline];
    let what = &format!("{what}, {baseline}");
    near(&[found.logit], &[number(&expected["logit"])], LOGIT, what);
    near(
        &[found.baseline_logit],
        &[number(&base["logit"])],
        LOGIT,
        what,
    );
    let slope = numbers(&expected["gradient_x_input"]);
    relative(
        &found.gradient_x_input,
        &slope,
        ATTRIBUTION,
        &format!("{what}, gradient"),
    );
    let integrated = numbers(&base["integrated_gradients"]);
    relative(&found.integrated_gradients, &integrated, ATTRIBUTION, what);
    let gap = number(&expected["logit"]) - number(&base["logit"]);
    let share = 100.0 * integrated.iter().sum::<f64>() / gap;
    let found_share = f64::from(found.completeness.expect("a gap"));
    assert!(
        (found_share - share).abs() < 0.5 + 0.01 * share.abs(),
        "{what}: {found_share} per cent, not {share}"
    );
    let hidden = indices(&expected["hidden"]);
    let places: Vec<usize> = (0..found.mask_one_out.len())
        .filter(|&i| found.mask_one_out[i].is_some())
        .collect();
    assert_eq!(places, hidden, "{what}");
    let without: Vec<f32> = found.mask_one_out.iter().flatten().copied().collect();
    let what = &format!("{what}, one out");
    near(
        &without,
        &numbers(&expected["mask_one_out"]),
        2.0 * LOGIT,
        what,
    );
}

#[test]
fn attributions_are_those_of_captum() {
    let points = index(&golden()["points"]);
    for fills in [true, false] {
        every(fills, |loaded, subject, case, what| {
            let baselines = [
                ("mask", Baseline::Mask),
                ("pad", Baseline::Pad),
                ("zero", Baseline::Zero),
            ];
            for (name, baseline) in baselines {
                let request = AttributionRequest {
                    target: target(case),
                    baseline,
                    points,
                };
                let mut last = (0, 0);
                let mut progress = |done, of| last = (done, of);
                let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
                let control = control();
                let look =
                    attribution(model, tokenizer, subject, &request, &mut progress, &control);
                let found = wait(look).expect("an answer");
                assert_eq!(last.0, last.1, "all passes were told of");
                check_attribution(&found, case, name, what);
            }
        });
    }
}
