//! Forward passes: the bundled checkpoint as a probe runs it, and an encoder shaped like
//! all-MiniLM-L6-v2 with random weights.

use std::cell::{LazyCell, RefCell};
use std::path::Path;

use bert::bench::ForwardBench;
use bert::config::Config;
use bert::model::{Model, ModelLoader};
use criterion::{Criterion, Throughput};
use kernels::{Control, Device, RunError};
use pollster::block_on;

use crate::{Named, clock, group, is_hardware, milliseconds, tune};

/// Tokens of a text with one hidden word.
pub const FILLED: [usize; 2] = [16, 128];
/// Texts, and tokens of each.
pub const ENCODED: [[usize; 2]; 3] = [[1, 16], [1, 128], [8, 128]];
/// The same for an encoder of BERT-base's shape, on hardware only.
pub const ENCODED_BASE: [[usize; 2]; 3] = [[1, 128], [1, 512], [8, 128]];

pub fn bench(criterion: &mut Criterion, (device_name, device): &Named) {
    let model = LazyCell::new(|| RefCell::new(seedling(device)));
    for tokens in FILLED {
        let name = ["seedling", &format!("fill 1x{tokens}/{device_name}")];
        time(criterion, name, tokens, &model, |model| {
            block_on(ForwardBench::fill(model, tokens))
        });
    }
    let model = LazyCell::new(|| {
        let fresh = block_on(Model::fresh(device, minilm(), false, 1));
        RefCell::new(fresh.expect("a model that fits this device"))
    });
    encode(criterion, "MiniLM-L6", device_name, &ENCODED, &model);
    if is_hardware(device) {
        let model = LazyCell::new(|| {
            let fresh = block_on(Model::fresh(device, base(), false, 1));
            RefCell::new(fresh.expect("a model that fits this device"))
        });
        encode(criterion, "BERT-base", device_name, &ENCODED_BASE, &model);
    }
}

fn encode<F: FnOnce() -> RefCell<Model>>(
    criterion: &mut Criterion,
    group_name: &str,
    device_name: &str,
    sizes: &[[usize; 2]],
    model: &LazyCell<RefCell<Model>, F>,
) {
    for &[texts, tokens] in sizes {
        let name = [
            group_name,
            &format!("encode {texts}x{tokens}/{device_name}"),
        ];
        time(criterion, name, texts * tokens, model, |model| {
            block_on(ForwardBench::encoder(model, texts, tokens))
        });
    }
}

/// Times a pass over so many tokens. The model and the pass are made only where no filter leaves them
/// out.
fn time<F: FnOnce() -> RefCell<Model>>(
    criterion: &mut Criterion,
    [group_name, name]: [&str; 2],
    tokens: usize,
    model: &LazyCell<RefCell<Model>, F>,
    prepare: impl Fn(&mut Model) -> Result<ForwardBench, RunError>,
) {
    let control = Control::default();
    let mut group = group(criterion, group_name);
    group.throughput(Throughput::Elements(tokens as u64));
    let mut bench = None;
    group.bench_function(name, |bencher| {
        let model = &mut *model.borrow_mut();
        let bench = bench.get_or_insert_with(|| {
            let bench = prepare(model).expect("a pass that fits this device");
            tune(model.device());
            bench
        });
        bencher.iter_custom(|count| {
            let pass = |_| block_on(bench.sample(model, clock, &control)).expect("a pass");
            milliseconds((0..count).map(pass).sum())
        });
    });
}

/// The bundled checkpoint.
pub fn seedling(device: &Device) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/models/seedling");
    let read = |name| std::fs::read(folder.join(name)).expect("the bundled checkpoint");
    let config = String::from_utf8(read("config.json")).expect("text");
    let config = Config::from_json(&config).expect("a valid config.json");
    let weights = read("model.safetensors");
    let mut loader = ModelLoader::new(device, config, Some(weights.len() as u64))
        .expect("a model that fits this device");
    loader.push(&weights).expect("a valid file");
    block_on(loader.finish()).expect("a whole model")
}

/// The shape of sentence-transformers/all-MiniLM-L6-v2.
pub fn minilm() -> Config {
    config(6, 384, 12, 30_522)
}

/// The shape of google-bert/bert-base-uncased.
pub fn base() -> Config {
    config(12, 768, 12, 30_522)
}

/// A BERT whose feed-forward layers are four times as wide as its vectors.
pub fn config(layers: usize, hidden: usize, heads: usize, words: usize) -> Config {
    let intermediate = 4 * hidden;
    let config = format!(
        r#"{{
            "model_type": "bert",
            "vocab_size": {words},
            "hidden_size": {hidden},
            "num_hidden_layers": {layers},
            "num_attention_heads": {heads},
            "intermediate_size": {intermediate},
            "max_position_embeddings": 512
        }}"#
    );
    Config::from_json(&config).expect("a valid configuration")
}
