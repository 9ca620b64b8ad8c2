//! A model of one's own: a vocabulary from the texts, random weights, and masked words.

use bert::config::BertShape;
use bert::data::{Text, blocks, unigram_entropy};
use bert::export::{self, About, Files, Kind};
use bert::model::{Model, ModelLoader};
use bert::tokenizer::{Vocabulary, WordCounts};
use bert::train::{EpochReport, Event, Method, Recipe, Training};
use kernels::{Control, Device, Precision};

use crate::support::{drive, texts};

const SHAPE: BertShape = BertShape {
    layers: 1,
    hidden: 32,
    heads: 2,
    vocabulary: 64,
    max_tokens: 32,
};

#[test]
fn a_new_model_learns_more_than_how_frequent_words_are_and_leaves_as_a_folder() {
    let prose: Vec<String> = texts(200, 0).into_iter().map(|text| text.text).collect();
    let mut counts = WordCounts::new(true);
    for line in &prose {
        counts.add(line).expect("words");
    }
    let vocabulary = Vocabulary::train(&counts, SHAPE.vocabulary).expect("a vocabulary");
    let tokenizer = vocabulary.tokenizer().expect("a tokenizer");
    let mut train: Vec<Text> = blocks(&prose.join("\n"), &tokenizer, SHAPE.max_tokens);
    let held = train.split_off(train.len() * 9 / 10);
    let entropy = unigram_entropy(&held, &tokenizer, SHAPE.max_tokens);

    let (text, config) = SHAPE.config().expect("a size");
    let device = Device::Cpu(Precision::F32);
    let fresh = Model::fresh(&device, config.clone(), true, 3);
    let mut model = pollster::block_on(fresh).expect("a model");
    assert_eq!(model.parameter_count(), SHAPE.parameters());
    let recipe = Recipe {
        learning_rate: 1e-2,
        dropout: 0.0,
        epochs: 60,
        batch: 8,
        max_tokens: SHAPE.max_tokens,
        ..Recipe::scheduled(Method::All)
    };
    let training = Training::start_mlm(&mut model, &tokenizer, &train, &held, recipe);
    let mut training = pollster::block_on(training).expect("a run");
    let events = drive(&mut training, &mut model);
    training.finish(&mut model).expect("the best weights");
    let best = events.iter().filter_map(|event| match event {
        Event::Epoch(EpochReport {
            validation_loss, ..
        }) => Some(*validation_loss),
        _ => None,
    });
    let best = best.fold(f64::INFINITY, f64::min);
    assert!(best < 0.8 * entropy, "{best}, the entropy is {entropy}");

    let about = About {
        name: "new".to_owned(),
        base: "none: random weights".to_owned(),
        kind: Kind::MaskedLm,
        run: None,
        machine: None,
        date: None,
        badge: None,
    };
    let tokenizer_files = vocabulary.files(SHAPE.max_tokens);
    let files = Files {
        config: &text,
        tokenizer: &tokenizer_files,
    };
    let mut weights = Vec::new();
    let mut sink = |name: &str, bytes: &[u8]| -> Result<(), ()> {
        if name == "model.safetensors" {
            weights.extend_from_slice(bytes);
        }
        Ok(())
    };
    let control = Control::default();
    let written = export::folder(&mut model, &about, &files, &control, &mut sink);
    pollster::block_on(written).expect("a folder");
    let mut loader =
        ModelLoader::new(&device, config, Some(weights.len() as u64)).expect("a loader");
    loader.push(&weights).expect("a valid file");
    let mut again = pollster::block_on(loader.finish()).expect("a whole model");
    for name in [
        "bert.embeddings.word_embeddings.weight",
        "cls.predictions.bias",
    ] {
        let slots = model.layout().slots.iter();
        let param = slots
            .clone()
            .find(|slot| slot.name == name)
            .map(|slot| slot.param.clone());
        let Some(param) = param else {
            let names: Vec<&str> = slots.map(|slot| slot.name.as_str()).collect();
            panic!("{name} is not among {names:?}")
        };
        let read = |model: &mut Model| {
            pollster::block_on(model.read(&param))
                .expect("there")
                .to_f32()
        };
        assert_eq!(read(&mut model), read(&mut again), "{name}");
    }
}

#[test]
fn sizes_that_cannot_be_are_named() {
    let problems = |shape: BertShape| shape.problems().join("; ");
    assert_eq!(problems(SHAPE), "");
    assert!(problems(BertShape { heads: 3, ..SHAPE }).contains("take a divisor"));
    assert!(problems(BertShape { layers: 0, ..SHAPE }).contains("layers 0: 1 to 24"));
    let wide = BertShape {
        hidden: 512,
        ..SHAPE
    };
    assert!(problems(wide).contains("heads of 256 numbers: 128 at most"));
}

#[test]
fn a_new_electra_has_the_head_that_tells_replaced_words_once_that_is_asked_for() {
    let (_, config) = SHAPE.electra().expect("a size");
    let device = Device::Cpu(Precision::F32);
    let fresh = Model::fresh(&device, config, false, 3);
    let mut model = pollster::block_on(fresh).expect("a model");
    assert!(!model.has_replaced());
    for _ in 0..2 {
        let added = pollster::block_on(model.add_replaced(3)).expect("room");
        assert!(added && model.has_replaced());
    }
    // A BERT has no such head.
    let (_, config) = SHAPE.config().expect("a size");
    let fresh = Model::fresh(&device, config, true, 3);
    let mut model = pollster::block_on(fresh).expect("a model");
    let added = pollster::block_on(model.add_replaced(3)).expect("no need of room");
    assert!(!added && !model.has_replaced());
}
