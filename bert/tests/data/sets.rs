//! Splits, batches and masks.

use std::collections::HashSet;

use bert::data::{Dataset, Example, Masker, Masking, Random, Split, Treatment, batches};

use super::{common, dataset};

/// `counts[c]` examples of class c, texts all different.
fn set(counts: &[usize]) -> Dataset {
    let mut examples = Vec::new();
    for (label, &count) in counts.iter().enumerate() {
        examples.extend(
            (0..count).map(|i| Example::of_class(format!("text {i} of class {label}"), label)),
        );
    }
    Random::new(9, 9).shuffle(&mut examples);
    Dataset {
        kind: bert::config::HeadKind::Classes,
        examples,
        labels: (0..counts.len()).map(|c| format!("class {c}")).collect(),
    }
}

#[test]
fn a_split_keeps_every_class_in_both_halves() {
    let counts = [100, 40, 7, 2, 1];
    let data = set(&counts);
    let split = Split::stratified(&data, 0.2, 42);
    let mut all = [&split.train[..], &split.validation[..]].concat();
    assert!(split.train.is_sorted() && split.validation.is_sorted());
    all.sort_unstable();
    assert_eq!(all, (0..150).collect::<Vec<_>>());
    let aside = |class| {
        let of = |&&i: &&usize| data.examples[i].truth.class() == Some(class);
        split.validation.iter().filter(of).count()
    };
    assert_eq!([0, 1, 2, 3, 4].map(aside), [20, 8, 1, 1, 0]);

    assert_eq!(Split::stratified(&data, 0.2, 42), split);
    assert_ne!(Split::stratified(&data, 0.2, 43), split);
    assert_eq!(Split::stratified(&data, 0.0, 42).validation, [0_usize; 0]);
    assert_eq!(
        Split::stratified(&data, f64::NAN, 42).validation,
        [0_usize; 0]
    );
    // Something is left to learn from, whatever is asked for.
    assert_eq!(Split::stratified(&data, 1.0, 42).train.len(), 5);
}

#[test]
fn equal_texts_stay_on_one_side() {
    let rows: String = (0..120)
        .map(|i| {
            format!(
                "{}\t{} text {}\n",
                ["a", "b"][i % 2],
                ["A", "a "][i / 60],
                i % 30
            )
        })
        .collect();
    let (data, report) = dataset(&format!("label\ttext\n{rows}")).expect("a data set");
    assert_eq!(report.repeated, 90);
    for seed in 0..20 {
        let split = Split::stratified(&data, 0.3, seed);
        let texts = |half: &[usize]| -> HashSet<String> {
            let text = |&i: &usize| data.examples[i].text.to_lowercase().replace("  ", " ");
            half.iter().map(text).collect()
        };
        let (train, validation) = (texts(&split.train), texts(&split.validation));
        assert!(train.is_disjoint(&validation), "seed {seed}");
        // Groups of four: 18 rows of 60 are wanted, so 20 come.
        assert_eq!(split.validation.len(), 40);
    }
}

#[test]
fn batches_hold_every_example_once_and_like_lengths() {
    let mut random = Random::new(1, 0);
    let lengths: Vec<usize> = (0..1003).map(|_| 3 + random.below(126)).collect();
    let batches_of = |epoch| batches(&lengths, 16, 128, &mut Random::new(7, epoch));
    let found = batches_of(0);
    assert_eq!(found.len(), 63);
    let mut seen: Vec<usize> = found.iter().flat_map(|b| b.examples.clone()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..1003).collect::<Vec<_>>());
    let sizes: HashSet<usize> = found.iter().map(|b| b.examples.len()).collect();
    assert_eq!(sizes, HashSet::from([16, 11]));
    let tokens: HashSet<usize> = found.iter().map(|b| b.tokens).collect();
    assert_eq!(tokens, HashSet::from([16, 32, 48, 64, 96, 128]));
    let (mut real, mut padded) = (0, 0);
    for batch in &found {
        let longest = batch
            .examples
            .iter()
            .map(|&i| lengths[i])
            .max()
            .expect("examples");
        assert!(longest <= batch.tokens, "{batch:?}");
        real += batch.examples.iter().map(|&i| lengths[i]).sum::<usize>();
        padded += batch.examples.len() * batch.tokens;
    }
    // Lengths spread evenly over steps of 16 or 32 leave at most a quarter empty.
    assert!(real * 4 > padded * 3, "{real} of {padded}");
    // Not sorted by length: that would teach short texts first.
    assert!(!found.is_sorted_by_key(|b| b.tokens));
    assert_eq!(batches_of(0), found);
    assert_ne!(batches_of(1), found);
}

#[test]
fn batches_at_the_edges() {
    let mut random = Random::new(1, 0);
    assert_eq!(batches(&[], 16, 64, &mut random), []);
    let one = batches(&[50, 20], 16, 60, &mut random);
    // Padded to the model's limit, not to the next step beyond it.
    assert_eq!((one.len(), one[0].tokens), (1, 60));
    assert_eq!(batches(&[3, 3, 3], 0, 60, &mut random).len(), 3);
    assert_eq!(batches(&[600], 1, 1024, &mut random)[0].tokens, 640);
}

#[test]
fn masks_hide_words_only_in_the_known_shares() {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let masker = Masker::new(&tokenizer).expect("[MASK]");
    let mask = tokenizer.mask_id().expect("[MASK]");
    let special = [
        tokenizer.cls_id(),
        tokenizer.sep_id(),
        tokenizer.pad_id(),
        tokenizer.unk_id(),
        mask,
    ];
    let text = "a cat is [MASK] here [SEP] a cat is here ".repeat(5);
    let encoding = tokenizer.encode(&text, None, 64);
    let words = (0..encoding.ids.len())
        .filter(|&i| !special.contains(&encoding.ids[i]))
        .count();
    let wanted = (0.15 * words as f64).round() as usize;
    assert!(wanted > 3, "{words} words");
    let mut random = Random::new(3, 0);
    let (mut masked, mut kept, mut drawn) = (0, 0, HashSet::new());
    let mut places = HashSet::new();
    const RUNS: usize = 4000;
    for _ in 0..RUNS {
        let result = masker.mask(&encoding, &mut random);
        assert_eq!(result.positions.len(), wanted);
        assert!(result.positions.is_sorted());
        for (&i, &target) in result.positions.iter().zip(&result.targets) {
            assert_eq!(target, encoding.ids[i]);
            assert!(!special.contains(&target), "{target}");
            match result.ids[i] {
                id if id == mask => masked += 1,
                id if id == target => kept += 1,
                id => assert!(!special.contains(&id) && drawn.insert(id) || drawn.contains(&id)),
            }
            places.insert(i);
        }
        for (i, (&now, &before)) in result.ids.iter().zip(&encoding.ids).enumerate() {
            assert!(now == before || result.positions.contains(&i), "{i}");
        }
    }
    assert_eq!(places.len(), words, "every word is chosen some time");
    let all = (RUNS * wanted) as f64;
    // Six standard deviations of a binomial; a drawn token may be the one that stood there.
    let near = |count: usize, share: f64| {
        (count as f64 - share * all).abs() < 6.0 * (all * share * (1.0 - share)).sqrt() + all * 2e-3
    };
    assert!(
        near(masked, 0.8) && near(kept, 0.1),
        "{masked} and {kept} of {all}"
    );
    let vocabulary: HashSet<u32> = (0..tokenizer.vocab_size() as u32).collect();
    let never: Vec<&u32> = vocabulary
        .difference(&drawn)
        .filter(|id| !special.contains(id))
        .collect();
    assert!(never.is_empty(), "never drawn: {never:?}");
    let twice = || masker.mask(&encoding, &mut Random::new(8, 1));
    assert_eq!(twice(), twice());
}

#[test]
fn short_texts_have_one_mask_and_empty_ones_none() {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let masker = Masker::new(&tokenizer).expect("[MASK]");
    let count = |text: &str| {
        let encoding = tokenizer.encode(text, None, 64);
        masker
            .mask(&encoding, &mut Random::new(1, 1))
            .positions
            .len()
    };
    assert_eq!(
        ["", "[MASK] [SEP]", "cat", "a cat is"].map(count),
        [0, 0, 1, 1]
    );
}

#[test]
fn over_a_hundred_thousand_tokens_the_shares_are_those_that_were_asked_for() {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let text = "a cat is here and you saw the good film , i like to say so ! ".repeat(20);
    let encoding = tokenizer.encode(&text, None, 103);
    for masking in [
        Masking::default(),
        Masking {
            share: 0.4,
            hidden: 0.5,
            swapped: 0.3,
            whole_words: false,
        },
    ] {
        let masker = Masker::with(&tokenizer, masking).expect("[MASK]");
        let known = |&i: &usize| !encoding.special[i] && encoding.ids[i] != tokenizer.unk_id();
        let words = (0..encoding.ids.len()).filter(known).count();
        let (mut tokens, mut counts) = (0, [0usize; 3]);
        let mut random = Random::new(11, 0);
        while tokens < 100_000 {
            let masked = masker.mask(&encoding, &mut random);
            tokens += words;
            for (i, treatment) in masked.treatments.iter().enumerate() {
                let at = masked.positions[i];
                assert!(!encoding.special[at]);
                counts[*treatment as usize] += 1;
                match treatment {
                    Treatment::Hidden => assert_eq!(Some(masked.ids[at]), tokenizer.mask_id()),
                    Treatment::Swapped => assert_ne!(Some(masked.ids[at]), tokenizer.mask_id()),
                    Treatment::Kept => assert_eq!(masked.ids[at], masked.targets[i]),
                }
            }
        }
        let all = counts.iter().sum::<usize>() as f64;
        // A text's number of chosen tokens is rounded.
        assert!((all / tokens as f64 - masking.share).abs() < 0.006);
        let kept = 1.0 - masking.hidden - masking.swapped;
        for (count, share) in counts
            .into_iter()
            .zip([masking.hidden, masking.swapped, kept])
        {
            // The 99.99% bounds of a binomial share.
            let bound = 3.9 * (share * (1.0 - share) / all).sqrt();
            assert!(
                (count as f64 / all - share).abs() < bound,
                "{counts:?}: {share}"
            );
        }
    }
}

#[test]
fn whole_words_stay_whole() {
    let vocabulary =
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nplay\n##ing\n##s\ncat\nun\n##like\n##ly";
    let tokenizer = bert::tokenizer::Tokenizer::from_vocab_txt(vocabulary, true);
    let tokenizer = tokenizer.expect("a vocabulary");
    let masking = Masking {
        whole_words: true,
        ..Masking::default()
    };
    let masker = Masker::with(&tokenizer, masking).expect("[MASK]");
    let encoding = tokenizer.encode(&"the cats playing unlikely ".repeat(6), None, 64);
    let pieces = |i: usize| encoding.tokens[i].starts_with("##");
    let words = encoding.special.iter().filter(|special| !**special).count();
    let wanted = (0.15 * words as f64).round() as usize;
    let (mut random, mut seen, mut total) = (Random::new(5, 0), HashSet::new(), 0);
    for _ in 0..2000 {
        let masked = masker.mask(&encoding, &mut random);
        assert!(!masked.positions.is_empty() && masked.positions.len() <= wanted);
        for &at in &masked.positions {
            assert!(!encoding.special[at]);
            assert!(
                !pieces(at) || masked.positions.contains(&(at - 1)),
                "{masked:?}"
            );
            assert!(
                !pieces(at + 1) || masked.positions.contains(&(at + 1)),
                "{masked:?}"
            );
        }
        seen.extend(masked.positions.iter().copied());
        total += masked.positions.len();
    }
    assert_eq!(seen.len(), words, "every word is chosen some time");
    assert!(total > 2000 * wanted * 9 / 10, "{total}");
    // A word that is more than the share is chosen all the same, where there is no other.
    let one = tokenizer.encode("unlikely", None, 64);
    assert_eq!(masker.mask(&one, &mut random).positions, [1, 2, 3]);
}

#[test]
fn maskings_that_make_no_sense_are_named() {
    let masking = Masking::default();
    assert!(masking.problems().is_empty());
    let none = Masking {
        share: 0.0,
        ..masking
    };
    assert!(none.problems()[0].contains("asked for 0"));
    let much = Masking {
        swapped: 0.3,
        ..masking
    };
    assert!(much.problems()[0].contains("no more than 1"));
}
