//! Learning to fill masks.

use bert::data::{Masker, Masking, Random};
use bert::metrics::Figures;
use bert::probe::losses;
use bert::train::{EpochReport, Event, HeldOut, Method, OtherTexts, Recipe, Training};
use kernels::{Control, Device};

use crate::common;
use crate::support::{drive, recipe, texts};

const EPOCHS: usize = 15;

#[test]
fn a_model_learns_to_fill_the_masks_of_simple_texts() {
    let folder = common::fixture("tiny-bert");
    let tokenizer = common::tokenizer(&folder);
    let (train, validation) = (texts(80, 0), texts(20, 100));
    let recipe = Recipe {
        learning_rate: 1e-2,
        dropout: 0.0,
        epochs: EPOCHS,
        ..recipe(Method::All)
    };
    for (name, device) in common::devices() {
        let run = || {
            let mut model = common::model(&folder, &device);
            let start = Training::start_mlm(&mut model, &tokenizer, &train, &validation, recipe);
            let mut training = pollster::block_on(start).expect("a run");
            let events = drive(&mut training, &mut model);
            training.finish(&mut model).expect("the best weights");
            events
        };
        let events = run();
        let reports: Vec<&EpochReport> = events
            .iter()
            .filter_map(|e| match e {
                Event::Epoch(report) => Some(report),
                _ => None,
            })
            .collect();
        assert_eq!(reports.len(), EPOCHS);
        let (first, last) = (reports[0], reports[EPOCHS - 1]);
        assert!(
            last.validation_loss < 0.8 * first.validation_loss,
            "{name}: {} to {}",
            first.validation_loss,
            last.validation_loss
        );
        assert!(last.train_loss < first.train_loss, "{name}");
        assert!(
            last.figures.first().1 > first.figures.first().1,
            "{name}: {} to {}",
            first.figures.first().1,
            last.figures.first().1
        );
        let best = reports.iter().rfind(|r| r.best).expect("a best");
        let least = reports
            .iter()
            .map(|r| r.validation_loss)
            .fold(f64::MAX, f64::min);
        assert_eq!(best.validation_loss, least, "{name}");
        for report in &reports {
            assert!(report.mistakes.is_empty());
            assert!(matches!(
                report.figures,
                bert::metrics::Figures::Words { .. }
            ));
        }
        if matches!(device, Device::Cpu(_)) {
            assert_eq!(run(), events, "{name}: it repeats");
        }
    }
}

#[test]
fn what_is_guessed_before_and_after_a_run_is_what_its_epochs_report() {
    let folder = common::fixture("tiny-bert");
    let tokenizer = common::tokenizer(&folder);
    let (train, validation) = (texts(40, 0), texts(12, 100));
    let recipe = Recipe {
        learning_rate: 1e-2,
        dropout: 0.0,
        epochs: 6,
        ..recipe(Method::All)
    };
    let control = Control::default();
    for (name, device) in common::devices() {
        let mut model = common::model(&folder, &device);
        let start = Training::start_mlm(&mut model, &tokenizer, &train, &validation, recipe);
        let mut training = pollster::block_on(start).expect("a run");
        let mut heard = (0, 0);
        let mut hear = |done, total| heard = (done, total);
        let before = training.held_out(&mut model, &mut hear, &control);
        let before = pollster::block_on(before).expect("guesses");
        assert_eq!(heard, (12, 12), "{name}");
        // Of other texts, here the same: other words are hidden in them.
        let other = OtherTexts::new(&model, &tokenizer, &validation, &recipe).expect("texts");
        let mut quiet = |_, _| {};
        let of_other = training.held_out_of(&mut model, &other, &mut quiet, &control);
        let of_other = pollster::block_on(of_other).expect("guesses");
        assert_eq!(of_other.words, before.words, "{name}");
        assert!((of_other.loss / before.loss - 1.0).abs() < 0.5, "{name}");

        let events = drive(&mut training, &mut model);
        let after = training.held_out(&mut model, &mut quiet, &control);
        let after = pollster::block_on(after).expect("guesses");
        let best = events.iter().rev().find_map(|event| match event {
            Event::Epoch(report) if report.best => Some(report.clone()),
            _ => None,
        });
        let best = best.expect("a best epoch");
        let Figures::Words { accuracy, top5, .. } = best.figures else {
            panic!("words are hidden")
        };
        let wanted = HeldOut {
            loss: best.validation_loss,
            accuracy,
            top5,
            words: before.words,
        };
        assert!(
            (after.loss - wanted.loss).abs() < 1e-4,
            "{name}: {after:?}, {wanted:?}"
        );
        assert_eq!(
            (after.accuracy, after.top5, after.words),
            (wanted.accuracy, wanted.top5, wanted.words),
            "{name}"
        );
        assert!(
            after.loss < before.loss && after.top5 > before.top5,
            "{name}"
        );
        assert!(after.top5 >= after.accuracy && after.top5 <= 1.0, "{name}");
        training.finish(&mut model).expect("the best weights");
    }
}

#[test]
fn the_losses_of_single_words_are_what_a_run_takes_the_mean_of() {
    let folder = common::fixture("tiny-bert");
    let tokenizer = common::tokenizer(&folder);
    let validation = texts(6, 100);
    // Every token is asked for and stays, so that nothing is left to chance.
    let masking = Masking {
        share: 0.999,
        hidden: 0.0,
        swapped: 0.0,
        whole_words: false,
    };
    let recipe = Recipe {
        masking,
        ..recipe(Method::All)
    };
    let masker = Masker::with(&tokenizer, masking).expect("a mask");
    let control = Control::default();
    for (name, device) in common::devices() {
        let mut model = common::model(&folder, &device);
        let train = texts(8, 0);
        let start = Training::start_mlm(&mut model, &tokenizer, &train, &validation, recipe);
        let mut training = pollster::block_on(start).expect("a run");
        let mut quiet = |_, _| {};
        let held = training.held_out(&mut model, &mut quiet, &control);
        let held = pollster::block_on(held).expect("guesses");
        let mut all = Vec::new();
        for text in &validation {
            let encoding = tokenizer.encode(&text.text, None, recipe.max_tokens);
            let masked = masker.mask(&encoding, &mut Random::new(1, 0));
            let found = pollster::block_on(losses(&mut model, &masked, &control));
            let found = found.expect("losses");
            assert_eq!(found.len(), masked.positions.len(), "{name}");
            all.extend(found);
        }
        assert_eq!(all.len(), held.words, "{name}");
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!(
            (mean - held.loss).abs() < 1e-4,
            "{name}: {mean}, {}",
            held.loss
        );
        let spread = all
            .iter()
            .map(|loss| (loss - mean).abs())
            .fold(0.0, f64::max);
        assert!(spread > 0.1, "{name}: all words cost the same");
        training.finish(&mut model).expect("as it was");
    }
}
