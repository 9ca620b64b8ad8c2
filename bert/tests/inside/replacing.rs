//! Rounds of replaced words: which are hidden, what is drawn, what is refused.

use std::collections::BTreeMap;

use bert::inside::{MAX_REPLACED, ReplaceRequest, Round, replace};
use bert::probe::{Request, fill_mask};

use super::*;

fn request(text: &str, count: usize, temperature: f64, seed: u64) -> ReplaceRequest {
    ReplaceRequest {
        text: text.to_owned(),
        count,
        temperature,
        seed,
    }
}

fn play(loaded: &mut Loaded, request: &ReplaceRequest) -> Result<Round, InsideError> {
    let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
    wait(replace(model, tokenizer, request, &control()))
}

#[test]
fn only_whole_words_are_replaced_and_only_by_whole_words() {
    let texts = [
        (
            "tiny-bert",
            "The cat sat on the unblueable MAT, and the [MASK] dog ran!",
        ),
        ("tiny-roberta", "The cat saw the dog, and it is the dog!"),
        ("tiny-xlm-roberta", "The cat saw the dog and it is a dog"),
        ("tiny-albert", "i saw it, and a dog saw it"),
    ];
    for (name, text) in texts {
        let mut loaded = Loaded::cpu(name);
        let mut replaced = 0;
        for seed in 0..20 {
            let asked = request(text, 3, 3.0, seed);
            let round = play(&mut loaded, &asked).expect("a round");
            assert_eq!(round, play(&mut loaded, &asked).expect("the same again"));
            let hidden = || round.words.iter().filter(|word| word.chances.is_some());
            assert!((1..=3).contains(&hidden().count()), "{name}: {round:?}");
            let letters: Vec<char> = round.text.chars().collect();
            let mut original = letters.clone();
            for word in round.words.iter().rev() {
                let shown: String = letters[word.start..word.end].iter().collect();
                assert_eq!(shown, word.shown, "{name}");
                assert!(!word.is_replaced() || word.chances.is_some());
                original.splice(word.start..word.end, word.original.chars());
            }
            assert_eq!(original.iter().collect::<String>(), text, "{name}");
            for word in hidden() {
                assert!(
                    word.shown.chars().all(char::is_alphabetic),
                    "{name}: {word:?}"
                );
                assert!(
                    !matches!(&*word.original, "unblueable" | "MASK"),
                    "{word:?}"
                );
                let capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
                assert!(!capital(&word.original) || capital(&word.shown), "{word:?}");
                if word.original == "MAT" {
                    assert_eq!(word.shown, word.shown.to_uppercase());
                }
            }
            replaced += hidden().filter(|word| word.is_replaced()).count();
        }
        assert!(replaced > 5, "{name}: {replaced} of 60");
    }
}

#[test]
fn what_is_drawn_follows_the_models_own_probabilities() {
    let mut first: Vec<Round> = Vec::new();
    for (name, device) in devices() {
        let mut loaded = Loaded::new("tiny-bert", "tiny-bert", &device);
        let round = play(&mut loaded, &request("a cat.", 2, 0.0, 0)).expect("a round");
        // At 0 the likeliest words, of places that are both hidden.
        let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
        let asked = Request {
            text: "a cat.".into(),
            pair: None,
            hidden: vec![1, 2],
            top_k: 50,
            compare: Vec::new(),
        };
        let fill = pollster::block_on(fill_mask(model, tokenizer, &asked, &control()));
        let fill = fill.expect("guesses");
        for (word, mask) in round.words.iter().zip(&fill.masks) {
            let whole = |token: &str| token.chars().all(char::is_alphabetic);
            let best = mask.predictions.iter().find(|guess| whole(&guess.token));
            let best = best.expect("a word");
            assert_eq!(word.shown, best.token, "{name}");
            let original = mask.original.as_ref().expect("a hidden word");
            let [own, drawn] = word.chances.expect("hidden");
            assert!((own - original.probability).abs() < 1e-6, "{name}");
            assert!((drawn - best.probability).abs() < 1e-6, "{name}");
        }
        first.push(round);
        if name != "cpu" {
            continue;
        }
        // At 1, as often as the model says among its fifty likeliest words.
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let rounds = 600;
        for seed in 0..rounds {
            let round = play(&mut loaded, &request("cat", 1, 1.0, seed)).expect("a round");
            *counts.entry(round.words[0].shown.clone()).or_default() += 1;
        }
        let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
        let asked = Request {
            text: "cat".into(),
            hidden: vec![1],
            ..asked
        };
        let fill = pollster::block_on(fill_mask(model, tokenizer, &asked, &control()));
        let guesses = &fill.expect("guesses").masks[0].predictions;
        let words = guesses
            .iter()
            .filter(|guess| guess.token.chars().all(char::is_alphabetic));
        let sum: f64 = words.clone().map(|word| f64::from(word.probability)).sum();
        assert!(words.clone().count() > 10);
        for word in words {
            let share = f64::from(word.probability) / sum;
            let found = counts.get(&word.token).copied().unwrap_or(0) as f64;
            let expected = share * rounds as f64;
            // Five deviations of a binomial count.
            let bound = 5.0 * (expected * (1.0 - share)).sqrt().max(1.0);
            assert!(
                (found - expected).abs() < bound,
                "{}: {found} of {rounds}, not {expected:.1}",
                word.token
            );
        }
    }
    let shown = |round: &Round| round.text.clone();
    assert!(first.windows(2).all(|two| shown(&two[0]) == shown(&two[1])));
}

#[test]
fn what_cannot_be_played_is_told() {
    let mut loaded = Loaded::cpu("tiny-bert");
    for (count, temperature) in [(0, 1.0), (MAX_REPLACED + 1, 1.0), (3, f64::NAN), (3, -1.0)] {
        let refused = play(&mut loaded, &request("a cat", count, temperature, 0));
        assert!(
            matches!(refused, Err(InsideError::Range { .. })),
            "{refused:?}"
        );
    }
    for text in ["", "unblueable", "1990 !", "[MASK] [CLS]", "猫"] {
        let refused = play(&mut loaded, &request(text, 3, 1.0, 0));
        assert_eq!(refused, Err(InsideError::NoWholeWord), "{text}");
    }
    // Longer than the model reads: the rest stays.
    let long = "the cat sat. ".repeat(200);
    let round = play(&mut loaded, &request(&long, 3, 1.0, 0)).expect("a round");
    assert_eq!(round.words.len(), 600);
    let mut discriminator = Loaded::cpu("tiny-electra-discriminator");
    let refused = play(&mut discriminator, &request("the dog sat", 1, 1.0, 0));
    assert!(matches!(refused, Err(InsideError::Probe(_))), "{refused:?}");
    assert!(play(&mut loaded, &request("a cat", 1, 1.0, 0)).is_ok());
}
