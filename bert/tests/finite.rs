//! Numbers that overflow: an error names the part of the model where they do, and nothing is lost.

mod common;

use bert::config::Config;
use bert::config::Pooling;
use bert::data::{Example, Text};
use bert::model::{Model, ModelPart, NotFinite, TaskHead};
use bert::probe::{Fill, ProbeError, Request, classify, fill_mask, replaced};
use bert::train::{Event, Method, Recipe, TrainError, Training};
use kernels::{Control, Device, ParamSpec, Precision, Storage};
use pollster::block_on;

const LAYERS: usize = 4;
const THIRD: ModelPart = ModelPart::Layer {
    layer: 3,
    of: LAYERS,
};

fn devices() -> Vec<(&'static str, Device)> {
    let mut devices = common::devices();
    devices.push(("cpu f64", Device::Cpu(Precision::F64)));
    devices
}

/// The fixture's shape with four layers of random weights, and a classifier of two classes.
fn model(device: &Device) -> Model {
    let config = Config {
        num_hidden_layers: LAYERS,
        num_hidden_groups: LAYERS,
        ..common::config(&common::fixture("tiny-bert"))
    };
    let hidden = config.hidden_size;
    let mut model = block_on(Model::fresh(device, config, true, 7)).expect("a model");
    let spec = |name: &str, shape: &[usize]| ParamSpec {
        name: name.to_owned(),
        shape: kernels::Shape::new(shape),
        storage: Storage::F32,
    };
    let specs = [
        spec("classifier.weight", &[2, hidden]),
        spec("classifier.bias", &[2]),
    ];
    let ready = model.params_mut().add(&specs, false).expect("room");
    block_on(ready).expect("room");
    let weight: Vec<f32> = (0..2 * hidden).map(|i| (i as f32).sin()).collect();
    model
        .params_mut()
        .write("classifier.weight", 0, &weight)
        .expect("it fits");
    let labels = ["no", "yes"].map(str::to_owned).to_vec();
    model
        .set_head(TaskHead::new(labels, Pooling::Cls))
        .expect("it fits");
    model
}

/// Replaces numbers of a parameter; what was there before.
fn change(model: &mut Model, name: &str, change: impl Fn(usize, f32) -> f32) -> Vec<f32> {
    let before = block_on(model.read(name)).expect("a parameter").to_f32();
    let after = before.iter().enumerate().map(|(i, &x)| change(i, x));
    let after: Vec<f32> = after.collect();
    model.params_mut().write(name, 0, &after).expect("it fits");
    before
}

fn request(text: &str) -> Request {
    Request {
        text: text.to_owned(),
        pair: None,
        hidden: vec![2],
        top_k: 3,
        compare: Vec::new(),
    }
}

fn fill(model: &mut Model, text: &str) -> Result<Fill, ProbeError> {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let control = Control::default();
    block_on(fill_mask(model, &tokenizer, &request(text), &control))
}

fn sort(model: &mut Model, texts: &[&str]) -> Result<Vec<Vec<f32>>, ProbeError> {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let texts: Vec<Text> = texts
        .iter()
        .map(|text| Text {
            text: (*text).to_owned(),
            pair: None,
        })
        .collect();
    let control = Control::default();
    let found = block_on(classify(model, &tokenizer, &texts, &control))?;
    Ok(found.into_iter().map(|c| c.logits).collect())
}

fn not_finite<T>(part: ModelPart) -> Result<T, ProbeError> {
    Err(ProbeError::NotFinite(NotFinite { part }))
}

const TEXT: &str = "the cat was good .";

#[test]
fn the_first_layer_that_overflows_is_named() {
    const WEIGHT: &str = "encoder.layer.2.output.dense.weight";
    for (name, device) in devices() {
        let mut model = model(&device);
        let filled = fill(&mut model, TEXT).expect("an answer");
        let sorted = sort(&mut model, &[TEXT, "a dog"]).expect("an answer");
        // Weights that are too large, which double precision has room for; and one that is damaged.
        let double = name == "cpu f64";
        let damage: [fn(usize, f32) -> f32; 3] = [
            |_, x| x * 1e30,
            |i, x| if i == 5 { f32::INFINITY } else { x },
            |i, x| if i == 5 { f32::NAN } else { x },
        ];
        for (kind, damage) in damage.into_iter().enumerate() {
            let whole = change(&mut model, WEIGHT, damage);
            let what = format!("{name}, {kind}");
            if kind == 0 && double {
                assert!(fill(&mut model, TEXT).is_ok(), "{what}");
            } else {
                assert_eq!(fill(&mut model, TEXT), not_finite(THIRD), "{what}");
                assert_eq!(sort(&mut model, &[TEXT]), not_finite(THIRD), "{what}");
            }
            // Nothing is lost: with whole weights the same plans give the same answers.
            model
                .params_mut()
                .write(WEIGHT, 0, &whole)
                .expect("it fits");
            assert_eq!(fill(&mut model, TEXT), Ok(filled.clone()), "{what}");
            let again = sort(&mut model, &[TEXT, "a dog"]);
            assert_eq!(again, Ok(sorted.clone()), "{what}");
        }
    }
    let words = NotFinite { part: THIRD }.to_string();
    assert!(
        words.contains("the output of layer 3 of 4 is not finite"),
        "{words}"
    );
}

#[test]
fn one_word_that_overflows_leaves_the_other_texts_their_answers() {
    for (name, device) in devices() {
        let mut model = model(&device);
        let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
        let river = tokenizer.token_to_id("river").expect("a word") as usize;
        let width = model.config().hidden_size;
        let before = sort(&mut model, &["a dog"]).expect("an answer");
        change(&mut model, "embeddings.word_embeddings.weight", |i, x| {
            if i / width == river { f32::INFINITY } else { x }
        });
        let error = not_finite(ModelPart::Embeddings);
        assert_eq!(sort(&mut model, &["a dog", "the river"]), error, "{name}");
        assert_eq!(sort(&mut model, &["a dog"]), Ok(before), "{name}");
    }
}

#[test]
fn a_head_that_overflows_is_named() {
    for (name, device) in devices() {
        let mut model = model(&device);
        let damage = |i: usize, x: f32| if i == 3 { f32::NAN } else { x };
        for (param, head) in [
            ("cls.predictions.bias", "masked-language-model head"),
            ("classifier.weight", "classifier"),
        ] {
            let whole = change(&mut model, param, damage);
            let error = ModelPart::Head(head);
            match head {
                "classifier" => assert_eq!(sort(&mut model, &[TEXT]), not_finite(error), "{name}"),
                _ => assert_eq!(fill(&mut model, TEXT), not_finite(error), "{name}"),
            }
            model.params_mut().write(param, 0, &whole).expect("it fits");
        }
        assert!(fill(&mut model, TEXT).is_ok() && sort(&mut model, &[TEXT]).is_ok());
    }
}

#[test]
fn the_next_sentence_and_replaced_token_heads_check_too() {
    for (name, device) in devices() {
        let mut bert = common::model(&common::fixture("tiny-bert"), &device);
        let damage = |i: usize, x: f32| if i == 0 { f32::NAN } else { x };
        let whole = change(&mut bert, "cls.seq_relationship.bias", damage);
        let head = ModelPart::Head("next-sentence head");
        let vocabulary = common::tokenizer(&common::fixture("tiny-bert"));
        let follows = |model: &mut Model| {
            let pair = Request {
                pair: Some(TEXT.to_owned()),
                ..request(TEXT)
            };
            block_on(fill_mask(model, &vocabulary, &pair, &Control::default()))
        };
        assert!(fill(&mut bert, TEXT).is_ok(), "{name}: nothing to follow");
        assert_eq!(follows(&mut bert), not_finite(head), "{name}");
        let bias = "cls.seq_relationship.bias";
        bert.params_mut().write(bias, 0, &whole).expect("it fits");
        assert!(follows(&mut bert).is_ok(), "{name}");

        let folder = common::fixture("tiny-electra-discriminator");
        let mut electra = common::model(&folder, &device);
        let tokenizer = common::tokenizer(&folder);
        let ask = |model: &mut Model| {
            let control = Control::default();
            let request = Request {
                hidden: vec![],
                ..request(TEXT)
            };
            block_on(replaced(model, &tokenizer, &request, &control)).map(drop)
        };
        let bias = "encoder.layer.0.output.dense.bias";
        let whole = change(&mut electra, bias, damage);
        let of = electra.config().num_hidden_layers;
        let first = ModelPart::Layer { layer: 1, of };
        assert_eq!(ask(&mut electra), not_finite(first), "{name}");
        electra
            .params_mut()
            .write(bias, 0, &whole)
            .expect("it fits");
        assert_eq!(ask(&mut electra), Ok(()), "{name}");
    }
}

fn examples(texts: [&str; 4]) -> Vec<Example> {
    let example = |(i, text): (usize, &str)| Example::of_class(text, i % 2);
    texts.into_iter().enumerate().map(example).collect()
}

/// A run to its end, and whether an epoch was reported.
fn teach(
    model: &mut Model,
    method: Method,
    validation: [&str; 4],
) -> (Result<Event, TrainError>, bool) {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let train = examples([
        "a good film",
        "a bad film",
        "the great movie",
        "the dull movie .",
    ]);
    let recipe = Recipe {
        pooling: Pooling::Mean,
        epochs: 2,
        batch: 2,
        max_tokens: 32,
        ..Recipe::scheduled(method)
    };
    let (validation, control) = (examples(validation), Control::default());
    block_on(async {
        let labels = common::classes(2);
        let lesson = common::lesson(&labels, &train, &validation);
        let begun = Training::start(model, &tokenizer, &lesson, recipe).await;
        let mut run = begun.expect("a run");
        let mut epoch = false;
        let end = loop {
            match run.advance(model, &control).await {
                Ok(end @ (Event::Done { .. } | Event::Diverged { .. })) => break Ok(end),
                Ok(event) => epoch |= matches!(event, Event::Epoch(_)),
                Err(error) => break Err(error),
            }
        };
        run.finish(model).expect("the best weights");
        (end, epoch)
    })
}

#[test]
fn a_run_does_not_begin_with_numbers_that_overflow() {
    const WEIGHT: &str = "encoder.layer.2.output.dense.weight";
    let harmless = ["a cat", "the cat", "a dog", "the dog"];
    for (name, device) in devices() {
        for method in [Method::Head, Method::LastLayers(1), Method::All] {
            let mut model = model(&device);
            let whole = change(
                &mut model,
                WEIGHT,
                |i, x| if i == 5 { f32::INFINITY } else { x },
            );
            let (end, epoch) = teach(&mut model, method, harmless);
            let what = format!("{name}, {method:?}: {end:?}");
            let error = TrainError::NotFinite(NotFinite { part: THIRD });
            assert_eq!(end, Err(error), "{what}");
            assert!(!epoch, "{what}");
            model
                .params_mut()
                .write(WEIGHT, 0, &whole)
                .expect("it fits");
            let (end, epoch) = teach(&mut model, method, harmless);
            assert!(
                matches!(end, Ok(Event::Done { .. })) && epoch,
                "{name}: {end:?}"
            );
        }
    }
}

/// Texts to learn from are fine, one to check with is not: no epoch is the best by a loss of NaN.
#[test]
fn an_evaluation_that_overflows_is_no_epoch() {
    for (name, device) in devices() {
        let mut model = model(&device);
        let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
        let river = tokenizer.token_to_id("river").expect("a word") as usize;
        let width = model.config().hidden_size;
        change(&mut model, "embeddings.word_embeddings.weight", |i, x| {
            if i / width == river { f32::INFINITY } else { x }
        });
        let validation = ["a cat", "the cat", "a dog", "the river"];
        let (end, epoch) = teach(&mut model, Method::LastLayers(1), validation);
        let part = ModelPart::Embeddings;
        assert_eq!(
            end,
            Err(TrainError::NotFinite(NotFinite { part })),
            "{name}"
        );
        assert!(!epoch, "{name}");
    }
}
