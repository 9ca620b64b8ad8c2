//! Learning to fill masks.

use bert::train::{EpochReport, Event, Method, Recipe, Training};
use kernels::Device;

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
