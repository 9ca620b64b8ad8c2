//! Vocabularies that are more than a device binds: models whose word embeddings lie in blocks are
//! the same models.

#[path = "../common/mod.rs"]
mod common;

mod large;
mod training;

use std::path::Path;

use bert::export::{self, About, Files, Kind};
use bert::model::{Builder, Model, ModelLoader, names};
use bert::probe::{Request, fill_mask};
use kernels::{Control, Device, Executable, Graph, Plan, Tensor, TensorType};
use pollster::block_on;

/// Fixtures, each with a limit that its word embeddings are more than twice over.
const FIXTURES: [(&str, u64); 5] = [
    ("tiny-bert", 4096),
    ("tiny-bert-f16", 4096),
    // A decoder of its own, and BF16.
    ("tiny-bert-legacy", 4096),
    ("tiny-roberta", 8192),
    // Embeddings narrower than the layers.
    ("tiny-albert", 800),
];

/// The model of a folder in blocks of at most `limit` bytes, its file pushed in chunks.
fn split(folder: &Path, device: &Device, limit: u64, chunk: usize) -> Model {
    let bytes = std::fs::read(folder.join("model.safetensors")).expect("model.safetensors");
    let config = common::config(folder);
    let mut loader = ModelLoader::with_limit(device, config, None, limit).expect("a loader");
    for chunk in bytes.chunks(chunk) {
        loader.push(chunk).expect("a valid file");
    }
    let model = block_on(loader.finish()).expect("a whole model");
    let vocabulary = model.layout().vocabulary;
    let blocks = vocabulary.params(names::WORD);
    assert!(blocks.len() >= 3, "{blocks:?}");
    for (name, shape) in blocks {
        let spec = model.params().specs().iter().find(|s| s.name == name);
        let spec = spec.unwrap_or_else(|| panic!("{name} is no parameter"));
        assert_eq!(spec.shape.dims(), shape);
        assert!(spec.gpu_bytes() <= limit, "{name}");
    }
    model
}

/// Hidden states of the last layer `[T, H]` and the logits `[R, V]` of these ids at `rows`.
fn logits(model: &mut Model, ids: &[u32], rows: &[u32]) -> [Vec<f32>; 2] {
    let (config, layout) = (&model.config().clone(), &model.layout().clone());
    let mut graph = Graph::new();
    let mut builder = Builder {
        graph: &mut graph,
        config,
        layout,
        noise: None,
        prefix: "",
    };
    let encoder = builder.encoder(1, ids.len()).expect("an encoder");
    let at = builder.graph.input("rows", TensorType::u32([rows.len()]));
    let masked = builder.graph.gather_rows(encoder.output(), at);
    let logits = builder.mlm(masked.expect("rows")).expect("the head");
    let (types, lengths) = (vec![0; ids.len()], vec![ids.len() as u32]);
    let mut inputs = encoder.values(config, ids.len(), ids.to_vec(), types, lengths);
    inputs.push((at, Tensor::U32(rows.to_vec())));
    let plan = Plan::new(&graph, &[encoder.output(), logits]);
    let found = block_on(async {
        let mut executable = Executable::new(model.device(), plan, model.params()).await?;
        let control = Control::default();
        executable.run(model.params_mut(), inputs, &control).await
    });
    let found = found.expect("a run");
    [found[0].to_f32(), found[1].to_f32()]
}

/// On a GPU the arithmetic of each element is the same, bit by bit; the CPU's product chooses its
/// blocks by the sizes.
fn assert_same(found: &[f32], expected: &[f32], device: &Device, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let allowed = match device {
        Device::Cpu(_) => 1e-5,
        Device::Gpu(_) => 0.0,
    };
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= allowed, "{what}, {i}: {f}, expected {e}");
    }
}

#[test]
fn masks_are_filled_as_without_blocks() {
    for (name, limit) in FIXTURES {
        let folder = common::fixture(name);
        for (on, device) in common::devices() {
            let what = format!("{name} on {on}");
            let mut whole = common::model(&folder, &device);
            let mut model = split(&folder, &device, limit, 997);
            assert_eq!(model.sha256(), whole.sha256());
            assert_eq!(model.parameter_count(), whole.parameter_count());
            // Every word of the vocabulary, and one beyond, some forty at a time.
            let vocabulary = whole.config().vocab_size as u32;
            let ids: Vec<u32> = (0..=vocabulary).collect();
            for ids in ids.chunks(40) {
                let rows: Vec<u32> = (0..ids.len() as u32).step_by(3).collect();
                let expected = logits(&mut whole, ids, &rows);
                let found = logits(&mut model, ids, &rows);
                // A look-up adds the same numbers in the same order everywhere.
                assert_eq!(found[0], expected[0], "{what}: hidden states");
                assert_same(&found[1], &expected[1], &device, &what);
            }
            let tokenizer = common::tokenizer(&folder);
            let mask = tokenizer.mask_token().expect("a mask");
            let request = Request {
                text: format!("a {mask} is {mask} here"),
                pair: None,
                hidden: vec![1],
                top_k: 10,
                compare: Vec::new(),
            };
            let control = Control::default();
            let ask = |model: &mut Model| {
                block_on(fill_mask(model, &tokenizer, &request, &control)).expect("guesses")
            };
            let (found, expected) = (ask(&mut model), ask(&mut whole));
            assert_eq!(found.masks.len(), 3, "{what}");
            for (found, expected) in found.masks.iter().zip(&expected.masks) {
                let numbers = |mask: &bert::probe::MaskResult| -> Vec<f32> {
                    let of = |p: &bert::probe::Prediction| [p.logit, p.probability];
                    mask.predictions.iter().flat_map(of).collect()
                };
                assert_same(&numbers(found), &numbers(expected), &device, &what);
                let rank = |m: &bert::probe::MaskResult| m.original.as_ref().map(|o| o.rank);
                assert_eq!(rank(found), rank(expected), "{what}");
            }
        }
    }
}

/// One dispatch more for each further block, at the look-up and at the decoder.
#[test]
fn what_fits_takes_not_one_dispatch_more() {
    for (name, limit) in FIXTURES {
        let folder = common::fixture(name);
        for (on, device) in common::devices().into_iter().skip(1) {
            let dispatches = |model: &mut Model| block_on(model.dispatches(8, 1)).expect("a plan");
            let expected = dispatches(&mut common::model(&folder, &device));
            let mut model = split(&folder, &device, limit, usize::MAX);
            let blocks = model.layout().vocabulary.params(names::WORD).len();
            let found = dispatches(&mut model);
            assert_eq!(found, expected + 2 * (blocks - 1), "{name} on {on}");
            // To the byte.
            let c = model.config();
            let exact = 4 * (c.vocab_size * c.embedding_size) as u64;
            let bytes = std::fs::read(folder.join("model.safetensors")).expect("a file");
            let config = common::config(&folder);
            let loader = ModelLoader::with_limit(&device, config, None, exact);
            let mut loader = loader.expect("a loader");
            loader.push(&bytes).expect("a valid file");
            let mut model = block_on(loader.finish()).expect("a model");
            assert_eq!(dispatches(&mut model), expected, "{name} on {on}");
            assert!(model.params().specs().iter().all(|s| !s.name.contains('/')));
        }
    }
}

/// Whatever the chunks, also where a piece of a tensor reaches into three blocks.
#[test]
fn the_numbers_are_those_of_the_file() {
    for (name, limit) in FIXTURES {
        let folder = common::fixture(name);
        for (on, device) in common::devices() {
            let mut whole = common::model(&folder, &device);
            let slots = whole.layout().slots.clone();
            for chunk in [61, 1009, usize::MAX] {
                let mut model = split(&folder, &device, limit, chunk);
                for slot in &slots {
                    let expected = block_on(whole.read(&slot.param)).expect("a parameter");
                    let found = block_on(model.read(&slot.param)).expect("a parameter");
                    assert_eq!(found, expected, "{name} on {on}: {}", slot.param);
                }
            }
        }
    }
}

#[test]
fn an_export_is_the_same_byte_by_byte() {
    for (name, limit) in &FIXTURES[..3] {
        let folder = common::fixture(name);
        let config = std::fs::read_to_string(folder.join("config.json")).expect("config.json");
        for (on, device) in common::devices() {
            let expected = exported(&mut common::model(&folder, &device), &config);
            let found = exported(&mut split(&folder, &device, *limit, 997), &config);
            assert!(found.len() > 10_000);
            assert!(found == expected, "{name} on {on}");
        }
    }
}

/// The `model.safetensors` of an export.
fn exported(model: &mut Model, config: &str) -> Vec<u8> {
    let about = About {
        name: "a test".to_owned(),
        base: "a fixture".to_owned(),
        kind: Kind::MaskedLm,
        run: None,
        machine: None,
        date: None,
        badge: None,
    };
    let tokenizer = [("vocab.txt".to_owned(), b"[PAD]\n".to_vec())];
    let files = Files {
        config,
        tokenizer: &tokenizer,
    };
    let mut weights = Vec::new();
    let mut sink = |name: &str, bytes: &[u8]| {
        if name == "model.safetensors" {
            weights.extend_from_slice(bytes);
        }
        Ok::<_, String>(())
    };
    let control = Control::default();
    block_on(export::folder(model, &about, &files, &control, &mut sink)).expect("an export");
    weights
}

#[test]
fn the_largest_matrix_that_is_never_cut_is_known_before_loading() {
    for (name, limit) in FIXTURES {
        let folder = common::fixture(name);
        let device = Device::Cpu(kernels::Precision::F32);
        let model = split(&folder, &device, limit, 1 << 16);
        let params = model.layout().params.iter();
        let whole = params.filter(|param| !param.name.contains('/'));
        let largest = whole.map(|param| param.shape.len()).max();
        let known = bert::model::Layout::largest_whole(model.config());
        assert_eq!(Some(known), largest, "{name}");
    }
}
