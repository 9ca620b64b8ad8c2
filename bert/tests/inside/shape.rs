//! Rules that answers keep.

use bert::inside::{Occurrence, contextual, neighbours, survey};

use super::*;

#[test]
fn a_survey_is_made_of_shares() {
    for (name, device) in devices() {
        let mut loaded = Loaded::new("tiny-bert", "tiny-bert", &device);
        let text = subject("the cat sat on the mat and the dog ran to the man [MASK] fox");
        let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
        let found = wait(survey(model, tokenizer, &text, 3, &control())).expect("a survey");
        assert_eq!((found.side, found.layers.len()), (16, 2), "{name}");
        assert_eq!(found.guesses.masks.len(), 1);
        for head in found.layers.iter().flatten() {
            for row in head.thumbnail.chunks(found.side) {
                let sum: f32 = row.iter().sum();
                assert!((sum - 1.0).abs() < 1e-4, "{name}: a row sums to {sum}");
            }
            let traits = head.traits;
            let shares = [
                traits.previous,
                traits.next,
                traits.itself,
                traits.same,
                traits.special,
            ];
            assert!(
                shares.iter().all(|share| (0.0..=1.0).contains(share)),
                "{name}: {traits:?}"
            );
            let most = (found.seen.tokens.len() as f32).log2();
            assert!(
                (0.0..=most + 1e-3).contains(&traits.entropy),
                "{name}: {traits:?}"
            );
        }
    }
}

#[test]
fn neighbours_stand_in_the_order_of_their_cosines() {
    let mut loaded = Loaded::cpu("tiny-bert");
    let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
    let id = tokenizer.token_to_id("cat").expect("a word");
    let found = wait(neighbours(model, tokenizer, id, 10, &control())).expect("neighbours");
    assert_eq!(found.len(), 10);
    assert!(found.iter().all(|near| near.id != id && near.cosine <= 1.0));
    assert!(
        found
            .windows(2)
            .all(|pair| pair[0].cosine >= pair[1].cosine)
    );
    // The nearest by hand.
    let width = model.config().embedding_size;
    let table = pollster::block_on(model.read("embeddings.word_embeddings.weight"));
    let table = table.expect("the embedding").to_f64();
    let row = |id: usize| &table[id * width..][..width];
    let cosine = |other: usize| {
        let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (a, b) = (row(id as usize), row(other));
        sum(a, b) / (sum(a, a) * sum(b, b)).sqrt()
    };
    let others = (0..tokenizer.vocab_size()).filter(|other| *other != id as usize);
    let nearest = others.max_by(|a, b| cosine(*a).total_cmp(&cosine(*b)));
    assert_eq!(Some(found[0].id as usize), nearest);
    assert!((f64::from(found[0].cosine) - cosine(found[0].id as usize)).abs() < 1e-5);
}

#[test]
fn a_word_in_sentences_is_alike_in_the_embedding_and_differs_above() {
    let mut loaded = Loaded::cpu("tiny-bert");
    let occurrence = |text: &str| {
        let from = text.find("cat").expect("the word");
        Occurrence {
            text: text.to_owned(),
            characters: (from, from + 3),
        }
    };
    let all = ["the cat sat", "a cat ran to the dog", "the cat sat"].map(occurrence);
    let (model, tokenizer) = (&mut loaded.model, &loaded.tokenizer);
    let found = wait(contextual(model, tokenizer, &all, &[], &control())).expect("cosines");
    assert_eq!(found.pieces, vec![vec!["cat".to_owned()]; 3]);
    assert_eq!(found.cosines.len(), 3);
    for layer in &found.cosines {
        assert_eq!(layer.len(), 9);
        assert!((layer[0] - 1.0).abs() < 1e-5);
        // The same sentence twice, and the same pair from both ends.
        assert!((layer[2] - 1.0).abs() < 1e-5);
        assert!((layer[1] - layer[3]).abs() < 1e-6);
    }
    assert!(found.cosines[2][1] < 0.9999);
}
