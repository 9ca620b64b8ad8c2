//! A vocabulary of real size: RoBERTa-base's 50,265 words of 768 numbers, 154 MB in F32, over a
//! layer that is small. The weights are made as they are loaded.

use bert::config::Config;
use bert::model::{Model, ModelLoader, names};
use kernels::gpu::{Gpu, Options};
use kernels::{Device, Precision};
use pollster::block_on;
use serde_json::{Map, json};

use crate::{logits, training};

const VOCABULARY: usize = 50_265;
const HIDDEN: usize = 768;
const INNER: usize = 64;
/// What adapters grant at least, as WebGPU has it.
const FLOOR: u64 = 128 << 20;

fn tensors() -> Vec<(String, Vec<usize>)> {
    let (v, h, inner) = (VOCABULARY, HIDDEN, INNER);
    let mut tensors = Vec::new();
    let mut add = |name: &str, shape: &[usize]| tensors.push((name.to_owned(), shape.to_vec()));
    let tables = [("word", v), ("position", 32), ("token_type", 2)];
    for (name, rows) in tables {
        add(
            &format!("bert.embeddings.{name}_embeddings.weight"),
            &[rows, h],
        );
    }
    let layer = "bert.encoder.layer.0";
    let dense = [
        (format!("{layer}.attention.self.query"), [h, h]),
        (format!("{layer}.attention.self.key"), [h, h]),
        (format!("{layer}.attention.self.value"), [h, h]),
        (format!("{layer}.attention.output.dense"), [h, h]),
        (format!("{layer}.intermediate.dense"), [inner, h]),
        (format!("{layer}.output.dense"), [h, inner]),
        ("cls.predictions.transform.dense".to_owned(), [h, h]),
    ];
    for (name, shape) in dense {
        add(&format!("{name}.weight"), &shape);
        add(&format!("{name}.bias"), &shape[..1]);
    }
    let norms = [
        "bert.embeddings".to_owned(),
        format!("{layer}.attention.output"),
        format!("{layer}.output"),
        "cls.predictions.transform".to_owned(),
    ];
    for name in norms {
        add(&format!("{name}.LayerNorm.weight"), &[h]);
        add(&format!("{name}.LayerNorm.bias"), &[h]);
    }
    add("cls.predictions.bias", &[v]);
    tensors
}

/// Pushes a checkpoint of random weights, the same each time, row by row.
fn load(device: &Device) -> Model {
    let config = json!({
        "model_type": "bert", "architectures": ["BertForMaskedLM"], "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN, "num_hidden_layers": 1, "num_attention_heads": 12,
        "intermediate_size": INNER, "max_position_embeddings": 32, "type_vocab_size": 2,
        "hidden_act": "gelu", "layer_norm_eps": 1e-12, "pad_token_id": 0,
    });
    let config = Config::from_json(&config.to_string()).expect("a valid config.json");
    let mut loader = ModelLoader::new(device, config, None).expect("a loader");
    let (mut header, mut begin) = (Map::new(), 0);
    for (name, shape) in tensors() {
        let end = begin + 4 * shape.iter().product::<usize>();
        let offsets = [begin, end];
        let info = json!({"dtype": "F32", "shape": shape, "data_offsets": offsets});
        header.insert(name, info);
        begin = end;
    }
    let header = json!(header).to_string();
    let mut push = |bytes: &[u8]| loader.push(bytes).expect("a valid file");
    push(&(header.len() as u64).to_le_bytes());
    push(header.as_bytes());
    let mut state = 1u32;
    for (_, shape) in tensors() {
        // A length that divides no block, so that pieces reach over their borders.
        let mut left: usize = shape.iter().product();
        while left > 0 {
            let count = left.min(99_991);
            let bytes: Vec<u8> = (0..count)
                .flat_map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let uniform = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
                    (0.05 * uniform).to_le_bytes()
                })
                .collect();
            push(&bytes);
            left -= count;
        }
    }
    block_on(loader.finish()).expect("a model")
}

#[test]
fn a_vocabulary_of_real_size_over_the_floor() {
    let options = Options {
        max_binding: Some(FLOOR),
        ..Options::default()
    };
    let gpu = Device::Gpu(block_on(Gpu::new(options)).expect("a Vulkan adapter"));
    let mut model = load(&gpu);
    let blocks = model.layout().vocabulary.params(names::WORD);
    // 128 MiB are 43,690 rows and a bit.
    let rows: Vec<usize> = blocks.iter().map(|(_, shape)| shape[0]).collect();
    assert_eq!(rows, [43_690, VOCABULARY - 43_690]);
    let ids = [
        0,
        1,
        43_689,
        43_690,
        20_000,
        VOCABULARY as u32 - 1,
        7,
        50_000,
    ];
    let found = logits(&mut model, &ids, &[1, 6]);
    let learned = training::step(&mut model);
    drop(model);
    let mut whole = load(&Device::Cpu(Precision::F32));
    assert_eq!(whole.layout().vocabulary.block(), None);
    let expected = logits(&mut whole, &ids, &[1, 6]);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.len(), expected.len());
        let largest = expected.iter().fold(0f32, |a, b| a.max(b.abs()));
        for (i, (f, e)) in found.iter().zip(expected).enumerate() {
            assert!(
                (f - e).abs() <= 1e-4 * largest,
                "{i}: {f}, not {e} of {largest}"
            );
        }
    }
    // The loss, and the gradients' norm: sums of many million terms.
    let expected = training::step(&mut whole);
    for (f, e) in learned.iter().zip(expected) {
        assert!(*f > 0.1 && (f - e).abs() < 1e-3 * e, "{f}, not {e}");
    }
}
