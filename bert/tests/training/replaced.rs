//! Replaced words: what PyTorch learns of them (`tests/tools/replaced_fixture.py`), runs, and what is refused.

use bert::config::Config;
use bert::data::Masking;
use bert::export::{self, About, Files, Kind};
use bert::metrics::{Figures, ReplacedMetrics};
use bert::model::{DropoutRates, Model, ModelLoader, TokenBatch};
use bert::probe::{self, Request};
use bert::train::{
    Batch, EpochReport, Event, Extent, Inputs, Learner, Mask, Method, Recipe, Targets, Task,
    TrainError, Training, needs,
};
use kernels::{Control, Device, Precision};
use serde_json::Value;

use crate::common;
use crate::golden::{
    Run, check_gradients, check_losses, golden, gradients, numbers, optimiser, rows,
};
use crate::support::{drive, recipe, two_sentences};

const FOLDER: &str = "tiny-electra-discriminator";

/// The numbers that the fixture gives a generator's tensor.
fn formula(name: &str, count: usize) -> Vec<f32> {
    let start: u32 = name.bytes().map(u32::from).sum();
    let one = if name.ends_with("LayerNorm.weight") {
        1.0
    } else {
        0.0
    };
    let number = |i: usize| (one + 0.2 * (f64::from(start) + 0.7 * i as f64).sin()) as f32;
    (0..count).map(number).collect()
}

fn batch(golden: &Value) -> Batch {
    let lengths = numbers(&golden["lengths"]);
    let cut = |key: &str| -> Vec<Vec<u32>> {
        let rows = rows(&golden[key]).into_iter().zip(&lengths);
        let cut = |(row, length): (Vec<i64>, &f64)| row[..*length as usize].to_vec();
        rows.map(cut)
            .map(|row| row.into_iter().map(|x| x as u32).collect())
            .collect()
    };
    let masks = rows(&golden["masks"]).into_iter();
    let masks = masks.map(|m| -> Mask { (m[0] as usize, m[1] as usize, m[2] as u32) });
    Batch {
        texts: TokenBatch {
            tokens: rows(&golden["input_ids"])[0].len(),
            ids: cut("input_ids"),
            types: cut("token_type_ids"),
        },
        targets: Targets::Replaced(masks.collect()),
    }
}

#[test]
fn what_pytorch_learns_is_learned() {
    let golden = golden(&common::fixture("replaced.json"));
    let losses: Vec<Vec<f64>> = (golden["losses"].as_array().expect("losses").iter())
        .map(numbers)
        .collect();
    let sums: Vec<f64> = losses.iter().map(|all| all[2]).collect();
    for (name, device) in common::devices() {
        let mut model = common::model(&common::fixture(FOLDER), &device);
        let added = pollster::block_on(model.add_generator(1)).expect("memory");
        assert!(added);
        let generator = model.layout().generator.clone().expect("a generator");
        assert_eq!(generator.config.hidden_size, 8);
        for slot in &generator.layout.slots {
            // The tables are the discriminator's.
            if slot.param.contains("_embeddings.") {
                continue;
            }
            let place = format!("generator/{}", slot.param);
            let numbers = formula(&slot.name, slot.elements());
            let written = model.params_mut().write(&place, slot.offset, &numbers);
            written.expect("it fits");
        }
        let dropout = DropoutRates::default();
        let optimiser = optimiser(&golden, false);
        let (task, method) = (Task::Replaced, Method::All);
        let learner = Learner::new(&mut model, task, method, optimiser, dropout, 4, 1);
        let mut learner = pollster::block_on(learner).expect("a learner");
        learner.set_seed(golden["seed"].as_u64().expect("a seed") as u32);
        let mut taken = Run {
            model,
            learner,
            inputs: Inputs::Texts(batch(&golden)),
            rate: golden["lr"].as_f64().expect("lr"),
        };
        let first = taken.step();
        check_gradients(&mut taken, &gradients(&golden), name);
        check_losses(&mut taken, first, &sums, name);
    }
}

fn settings(method: Method) -> Recipe {
    Recipe {
        learning_rate: 1e-2,
        dropout: 0.0,
        epochs: 10,
        masking: Masking {
            share: 0.3,
            hidden: 1.0,
            swapped: 0.0,
            ..Masking::default()
        },
        ..recipe(method)
    }
}

fn reports(events: &[Event]) -> Vec<(EpochReport, f64, ReplacedMetrics)> {
    let report = |event: &Event| match event {
        Event::Epoch(report) => match report.figures {
            Figures::Words {
                accuracy,
                replaced: Some(replaced),
                ..
            } => Some((report.clone(), accuracy, replaced)),
            ref other => panic!("{other:?}"),
        },
        _ => None,
    };
    events.iter().filter_map(report).collect()
}

fn start(model: &mut Model, folder: &str, recipe: Recipe) -> Result<Training, TrainError> {
    let tokenizer = common::tokenizer(&common::fixture(folder));
    let (train, validation) = (two_sentences(64), two_sentences(16));
    let start = Training::start_replaced(model, &tokenizer, &train, &validation, recipe);
    pollster::block_on(start)
}

#[test]
fn a_discriminator_learns_what_a_generator_replaced_and_both_can_be_used() {
    for (name, device) in common::devices() {
        let mut model = common::model(&common::fixture(FOLDER), &device);
        let mut training = start(&mut model, FOLDER, settings(Method::All)).expect("a run");
        let events = drive(&mut training, &mut model);
        training.finish(&mut model).expect("the best weights");
        let reports = reports(&events);
        let (first, last) = (&reports[0], &reports[reports.len() - 1]);
        assert!(
            last.1 > first.1 && last.1 > 0.8,
            "{name}: words {} to {}",
            first.1,
            last.1
        );
        let told = |report: &ReplacedMetrics| report.accuracy + report.share - 1.0;
        assert!(
            reports.iter().any(|(_, _, found)| told(found) > 0.02),
            "{name}: {:?}",
            reports.iter().map(|r| r.2).collect::<Vec<_>>()
        );
        let sum = |(report, _, found): &(EpochReport, f64, ReplacedMetrics)| {
            (report.validation_loss, 50.0 * found.loss)
        };
        assert!(reports.iter().map(sum).all(|(all, told)| all > told));

        // The generator by itself fills what it has learned.
        let generator = pollster::block_on(model.generator()).expect("memory");
        let mut generator = generator.expect("a generator");
        let tokenizer = common::tokenizer(&common::fixture(FOLDER));
        let request = Request {
            text: "the cat [MASK] on the mat".into(),
            pair: None,
            hidden: Vec::new(),
            top_k: 3,
            compare: Vec::new(),
        };
        let control = Control::default();
        let probe = probe::fill_mask(&mut generator, &tokenizer, &request, &control);
        let found = pollster::block_on(probe).expect("guesses");
        assert_eq!(found.masks[0].predictions[0].token, "sat", "{name}");
    }
}

#[test]
fn a_step_in_parts_counts_words_and_tokens_apart() {
    for (name, device) in common::devices() {
        let losses = |accumulation: usize| {
            let recipe = Recipe {
                accumulation,
                learning_rate: 1e-3,
                epochs: 1,
                ..settings(Method::All)
            };
            let mut model = common::model(&common::fixture(FOLDER), &device);
            let mut training = start(&mut model, FOLDER, recipe).expect("a run");
            let events = drive(&mut training, &mut model);
            reports(&events)[0].0.train_loss
        };
        // Not the same: each part draws other words. But of one size.
        let (whole, parts) = (losses(1), losses(2));
        assert!(
            (whole - parts).abs() < 0.2 * whole,
            "{name}: {whole} {parts}"
        );
    }
}

#[test]
fn the_memory_of_a_run_is_told_before_there_is_a_generator() {
    let device = Device::Cpu(Precision::F32);
    let mut model = common::model(&common::fixture(FOLDER), &device);
    let recipe = settings(Method::All);
    let of = |model: &Model, task| needs(model, task, &recipe, Extent::of(8, 80));
    let before = of(&model, Task::Replaced).expect("known");
    pollster::block_on(model.add_generator(1)).expect("memory");
    let after = of(&model, Task::Replaced).expect("known");
    assert_eq!(before.activations, after.activations);
    assert!(before.training > 0 && before.weights < after.weights);
    // It does not stay for what needs none.
    let memory = model.memory_bytes();
    let task = Task::classify(2, bert::config::Pooling::Cls);
    let dropout = DropoutRates::default();
    let learner = Learner::new(
        &mut model,
        task,
        Method::All,
        recipe.optimiser,
        dropout,
        2,
        1,
    );
    let learner = pollster::block_on(learner).expect("a learner");
    assert!(model.layout().generator.is_none());
    learner.end(&mut model);
    assert!(model.memory_bytes() < memory);
}

#[test]
fn families_without_the_head_and_parts_of_a_model_are_refused() {
    let device = Device::Cpu(Precision::F32);
    let mut model = common::model(&common::fixture("tiny-bert"), &device);
    match start(&mut model, "tiny-bert", settings(Method::All)).err() {
        Some(TrainError::NoReplacedHead("Bert")) => {}
        other => panic!("{other:?}"),
    }
    let mut model = common::model(&common::fixture(FOLDER), &device);
    for method in [Method::Head, Method::LastLayers(1)] {
        let refused = start(&mut model, FOLDER, settings(method)).err();
        assert!(
            matches!(refused, Some(TrainError::Recipe(_))),
            "{refused:?}"
        );
        assert!(model.layout().generator.is_none());
    }
}

/// A folder's weights, loaded again.
fn exported(model: &mut Model, kind: Kind, config: &str) -> (Model, String) {
    let about = About {
        name: "told".to_owned(),
        base: "tiny".to_owned(),
        kind,
        run: None,
        machine: None,
        date: None,
        badge: None,
    };
    let files = Files {
        config,
        tokenizer: &[],
    };
    let (mut weights, mut text) = (Vec::new(), Vec::new());
    let mut sink = |name: &str, bytes: &[u8]| -> Result<(), ()> {
        match name {
            "model.safetensors" => weights.extend_from_slice(bytes),
            "config.json" => text.extend_from_slice(bytes),
            _ => {}
        }
        Ok(())
    };
    let control = Control::default();
    let written = export::folder(model, &about, &files, &control, &mut sink);
    pollster::block_on(written).expect("a folder");
    let text = String::from_utf8(text).expect("UTF-8");
    let config = Config::from_json(&text).expect("a config.json");
    let device = model.device().clone();
    let loader = ModelLoader::new(&device, config, Some(weights.len() as u64));
    let mut loader = loader.expect("a loader");
    loader.push(&weights).expect("a valid file");
    let model = pollster::block_on(loader.finish()).expect("a whole model");
    (model, text)
}

#[test]
fn both_models_leave_as_folders_of_their_own_classes() {
    let device = Device::Cpu(Precision::F32);
    let source = std::fs::read_to_string(common::fixture(FOLDER).join("config.json"));
    let source = source.expect("config.json");
    let mut model = common::model(&common::fixture(FOLDER), &device);
    assert!(pollster::block_on(model.add_generator(3)).expect("memory"));
    let (mut again, text) = exported(&mut model, Kind::Replaced, &source);
    assert!(text.contains("\"ElectraForPreTraining\""));
    assert!(again.has_replaced() && again.has_mlm().is_err());
    let read = |model: &mut Model, name: &str| {
        let found = pollster::block_on(model.read(name));
        found.expect("a parameter").to_f32()
    };
    let head = "discriminator_predictions.dense_prediction.weight";
    assert_eq!(read(&mut model, head), read(&mut again, head));

    let generator = pollster::block_on(model.generator()).expect("memory");
    let mut generator = generator.expect("a generator");
    let config = model.config().generator_json(&source).expect("a config");
    let (mut again, text) = exported(&mut generator, Kind::MaskedLm, &config);
    assert!(text.contains("\"ElectraForMaskedLM\""));
    assert!(again.has_mlm().is_ok());
    for name in [
        "cls.predictions.bias",
        "encoder.layer.1.output.dense.weight",
    ] {
        let lies = format!("generator/{name}");
        assert_eq!(read(&mut model, &lies), read(&mut again, name), "{name}");
    }

    // A model that has no such head has nothing to export so.
    let mut model = common::model(&common::fixture("tiny-bert"), &device);
    let refused = export::size(&model, Kind::Replaced);
    assert_eq!(refused, Err(export::Refusal::NoReplaced));
    assert!(
        pollster::block_on(model.generator())
            .expect("memory")
            .is_none()
    );
}
