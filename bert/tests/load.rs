//! Checkpoints that must be refused, and what is left on the device after them: nothing.

mod common;

use std::path::Path;

use bert::checkpoint::{HeaderError, StreamError};
use bert::config::Config;
use bert::model::{LoadError, Model, ModelLoader};
use bert::probe::{self, Fill, ProbeError, Request, fill_mask};
use kernels::gpu::{Gpu, Options};
use kernels::{Control, Device, DeviceError, RunError};
use serde_json::{Map, Value, json};

/// One tensor of a file that a test changes.
struct Entry {
    name: String,
    dtype: String,
    shape: Vec<usize>,
    data: Vec<u8>,
}

/// Takes a file apart.
fn entries(file: &[u8]) -> Vec<Entry> {
    let length = u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
    let header: Map<String, Value> =
        serde_json::from_slice(&file[8..8 + length]).expect("a header");
    let data = &file[8 + length..];
    let tensors = header
        .into_iter()
        .filter(|(name, _)| name != "__metadata__");
    tensors
        .map(|(name, info)| {
            let number = |v: &Value| v.as_u64().expect("a number") as usize;
            let offsets = &info["data_offsets"];
            Entry {
                name,
                dtype: info["dtype"].as_str().expect("a dtype").to_owned(),
                shape: info["shape"]
                    .as_array()
                    .expect("a shape")
                    .iter()
                    .map(number)
                    .collect(),
                data: data[number(&offsets[0])..number(&offsets[1])].to_vec(),
            }
        })
        .collect()
}

/// Puts a file together again.
fn file(entries: &[Entry]) -> Vec<u8> {
    let (mut header, mut data) = (Map::new(), Vec::new());
    for entry in entries {
        let begin = data.len();
        data.extend(&entry.data);
        let info = json!({"dtype": entry.dtype, "shape": entry.shape,
                          "data_offsets": [begin, data.len()]});
        header.insert(entry.name.clone(), info);
    }
    let header = Value::from(header).to_string();
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        &data,
    ]
    .concat()
}

fn weights(fixture: &str) -> Vec<u8> {
    std::fs::read(common::fixture(fixture).join("model.safetensors")).expect("model.safetensors")
}

fn find<'a>(entries: &'a mut [Entry], end: &str) -> &'a mut Entry {
    let found = entries.iter_mut().find(|e| e.name.ends_with(end));
    found.unwrap_or_else(|| panic!("the fixture has a tensor {end}"))
}

fn load(
    device: &Device,
    config: Config,
    file: &[u8],
    length: Option<u64>,
) -> Result<Model, LoadError> {
    let mut loader = ModelLoader::new(device, config, length)?;
    for chunk in file.chunks(4099) {
        loader.push(chunk)?;
    }
    pollster::block_on(loader.finish())
}

fn memory(device: &Device) -> u64 {
    match device {
        Device::Gpu(gpu) => gpu.memory_in_use(),
        Device::Cpu(_) => 0,
    }
}

/// Loads `file` on every executor, and expects an error and the device's memory as it was.
fn refused(fixture: &str, file: &[u8], length: Option<u64>, check: impl Fn(LoadError, &str)) {
    for (name, device) in common::devices() {
        let before = memory(&device);
        let config = common::config(&common::fixture(fixture));
        match load(&device, config, file, length) {
            Ok(_) => panic!("{name}: the file was loaded"),
            Err(error) => check(error, name),
        }
        assert_eq!(memory(&device), before, "{name}: memory is given back");
        // The device is none the worse for it.
        common::model(&common::fixture(fixture), &device);
    }
}

fn fill(model: &mut Model, folder: &Path, text: &str) -> Result<Fill, ProbeError> {
    let request = Request {
        text: text.to_owned(),
        pair: None,
        hidden: vec![],
        top_k: 5,
        compare: Vec::new(),
    };
    let tokenizer = common::tokenizer(folder);
    pollster::block_on(fill_mask(model, &tokenizer, &request, &Control::default()))
}

#[test]
fn doubles_load_as_the_floats_that_they_are() {
    let mut all = entries(&weights("tiny-bert"));
    for entry in all.iter_mut().filter(|entry| entry.dtype == "F32") {
        let (floats, _) = entry.data.as_chunks();
        let double = |bytes: &[u8; 4]| f64::from(f32::from_le_bytes(*bytes)).to_le_bytes();
        entry.data = floats.iter().flat_map(double).collect();
        entry.dtype = "F64".to_owned();
    }
    let bytes = file(&all);
    let folder = common::fixture("tiny-bert");
    for (name, device) in common::devices() {
        let config = common::config(&folder);
        let doubles = load(&device, config, &bytes, Some(bytes.len() as u64));
        let (mut doubles, mut floats) = (doubles.expect(name), common::model(&folder, &device));
        let text = "the [MASK] sat on the mat.";
        let of = |model: &mut Model| fill(model, &folder, text).expect(name);
        assert_eq!(of(&mut doubles), of(&mut floats), "{name}");
    }
}

#[test]
fn missing_misshapen_and_integer_tensors_are_listed_together() {
    let mut entries = entries(&weights("tiny-bert"));
    entries.retain(|e| !e.name.ends_with("layer.0.attention.self.key.weight"));
    entries.retain(|e| !e.name.ends_with("layer.1.output.LayerNorm.bias"));
    find(&mut entries, "layer.1.intermediate.dense.weight")
        .shape
        .reverse();
    let integers = find(&mut entries, "pooler.dense.bias");
    integers.dtype = "I64".to_owned();
    integers.data = vec![0; 8 * integers.shape[0]];
    let file = file(&entries);
    refused("tiny-bert", &file, Some(file.len() as u64), |error, on| {
        let LoadError::Tensors(problems) = &error else {
            panic!("{on}: {error:?}")
        };
        assert_eq!(problems.len(), 4, "{on}: {problems:?}");
        let told = error.to_string();
        for part in [
            "layer.0.attention.self.key.weight` [32, 32] is missing",
            "layer.1.output.LayerNorm.bias` [32] is missing",
            "layer.1.intermediate.dense.weight` is [32, 64], config.json asks for [64, 32]",
            "pooler.dense.bias` holds I64",
        ] {
            assert!(told.contains(part), "{on}: {told}");
        }
    });
}

#[test]
fn a_weight_that_is_not_finite_is_named_with_its_element() {
    let f32_bytes = |x: f32| x.to_le_bytes().to_vec();
    let nan_half = vec![0x00, 0x7e];
    let infinite_brain_float = vec![0x80, 0xff];
    let cases = [
        ("tiny-bert", "F32", f32_bytes(f32::NAN)),
        ("tiny-bert", "F32", f32_bytes(f32::NEG_INFINITY)),
        ("tiny-bert-f16", "F16", nan_half),
        ("tiny-bert-legacy", "BF16", infinite_brain_float),
    ];
    for (fixture, dtype, bytes) in cases {
        let mut entries = entries(&weights(fixture));
        let entry = find(&mut entries, "layer.1.attention.self.value.weight");
        assert_eq!(entry.dtype, dtype, "{fixture}");
        let at = 777;
        entry.data[at * bytes.len()..][..bytes.len()].copy_from_slice(&bytes);
        let name = entry.name.clone();
        let file = file(&entries);
        refused(fixture, &file, Some(file.len() as u64), |error, on| {
            assert!(
                matches!(&error, LoadError::NonFinite { name: n, index } if *n == name && *index == at),
                "{on}, {fixture}: {error:?}"
            );
            assert!(error.to_string().contains("element 777"), "{on}: {error}");
        });
    }
}

#[test]
fn a_file_that_ends_early_or_late_is_refused() {
    let whole = weights("tiny-bert");
    let length = whole.len() as u64;
    let early = &whole[..whole.len() - 5];
    let late = [&whole[..], b"xyz"].concat();
    // The length that was announced tells already, before any data.
    for file in [early, &late] {
        refused("tiny-bert", file, Some(file.len() as u64), |error, on| {
            let LoadError::Stream(error) = error else {
                panic!("{on}: {error}")
            };
            let header = matches!(*error, StreamError::Header(HeaderError::FileLength { .. }));
            assert!(header, "{on}: {error:?}");
        });
    }
    for (file, announced) in [(early, Some(length)), (early, None)] {
        refused("tiny-bert", file, announced, |error, on| {
            let LoadError::Stream(error) = error else {
                panic!("{on}: {error}")
            };
            let cut = matches!(*error, StreamError::Truncated { got, expected }
                if (got, expected) == (length - 5, length));
            assert!(cut, "{on}: {error:?}");
        });
    }
    refused("tiny-bert", &late, None, |error, on| {
        let LoadError::Stream(error) = error else {
            panic!("{on}: {error}")
        };
        let stray = matches!(*error, StreamError::Trailing { expected } if expected == length);
        assert!(stray, "{on}: {error:?}");
    });
    // An empty file, one that ends within its header, and one that is something else.
    for file in [&whole[..0], &whole[..100], b"<!DOCTYPE html><html></html>"] {
        refused("tiny-bert", file, None, |error, on| {
            assert!(matches!(error, LoadError::Stream(_)), "{on}: {error:?}");
        });
    }
}

#[test]
fn heads_that_the_shaders_cannot_hold_are_refused_at_once() {
    let text = std::fs::read_to_string(common::fixture("tiny-bert").join("config.json"))
        .expect("config.json");
    let wide = text.replace(r#""hidden_size": 32"#, r#""hidden_size": 516"#);
    let config = Config::from_json(&wide).expect("a valid config.json");
    assert_eq!(config.head_size(), 129);
    for (name, device) in common::devices() {
        let Err(error) = ModelLoader::new(&device, config.clone(), None) else {
            panic!("{name}: heads of 129 were taken")
        };
        assert!(matches!(error, LoadError::HeadSize(129)), "{name}");
        assert!(error.to_string().contains("largest is 128"), "{error}");
    }
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let folder = common::fixture("tiny-bert");
    let (config, tokenizer) = (common::config(&folder), common::tokenizer(&folder));
    assert_eq!(probe::check_vocabulary(&tokenizer, &config), Ok(()));
    let smaller = Config {
        vocab_size: tokenizer.vocab_size() - 1,
        ..config
    };
    let error = probe::check_vocabulary(&tokenizer, &smaller).expect_err("an id too many");
    let told = error.to_string();
    let (highest, end) = (tokenizer.vocab_size() - 1, smaller.vocab_size);
    assert!(
        told.contains(&format!("up to {highest}")) && told.contains(&format!("ends at {end}")),
        "{told}"
    );
    let shorter = Config {
        vocab_size: tokenizer.vocab_size(),
        max_position_embeddings: 2,
        ..smaller
    };
    let error = probe::check_vocabulary(&tokenizer, &shorter).expect_err("no room");
    let told = error.to_string();
    assert!(
        told.contains("3 tokens around a pair") && told.contains("reads 2"),
        "{told}"
    );
}

#[test]
fn a_model_gives_its_memory_back() {
    let folder = common::fixture("tiny-bert");
    for (name, device) in common::devices() {
        let before = memory(&device);
        let mut model = common::model(&folder, &device);
        let loaded = memory(&device);
        if matches!(device, Device::Gpu(_)) {
            assert_eq!(loaded - before, model.memory_bytes(), "{name}");
        }
        // Plans for several lengths are kept beside the weights, a bounded number of them.
        for words in 1..40 {
            fill(
                &mut model,
                &folder,
                &format!("[MASK]{}", " a".repeat(words)),
            )
            .expect("a run");
        }
        model.destroy();
        assert_eq!(memory(&device), before, "{name}");

        let bytes = weights("tiny-bert");
        let mut loader =
            ModelLoader::new(&device, common::config(&folder), None).expect("a loader");
        loader.push(&bytes[..bytes.len() / 2]).expect("half a file");
        drop(loader);
        assert_eq!(memory(&device), before, "{name}: a load that was given up");
    }
}

fn gpu() -> (std::rc::Rc<Gpu>, Device) {
    let gpu = pollster::block_on(Gpu::new(Options::default())).expect("a Vulkan adapter");
    (gpu.clone(), Device::Gpu(gpu))
}

/// Lost between two runs, while the file streams in, and before the first byte.
#[test]
fn a_lost_device_is_told_in_words() {
    let folder = common::fixture("tiny-bert");
    let bytes = weights("tiny-bert");
    let lost = |error: DeviceError| {
        assert!(matches!(error, DeviceError::Lost(_)), "{error:?}");
        assert!(
            error.to_string().contains("load the model again"),
            "{error}"
        );
    };

    let (handle, device) = gpu();
    let mut model = common::model(&folder, &device);
    fill(&mut model, &folder, "a [MASK]").expect("a run");
    handle.destroy();
    for text in [
        "a [MASK]",
        "a text of another length, so that a plan is made: [MASK] and more",
    ] {
        match fill(&mut model, &folder, text) {
            Err(ProbeError::Run(RunError::Device(error))) => lost(error),
            other => panic!("{other:?}"),
        }
    }
    drop(model);
    assert_eq!(handle.memory_in_use(), 0);

    for cut in [0, bytes.len() / 2, bytes.len()] {
        let (handle, device) = gpu();
        let mut loader =
            ModelLoader::new(&device, common::config(&folder), None).expect("a loader");
        loader.push(&bytes[..cut]).expect("the first part");
        handle.destroy();
        let end = loader.push(&bytes[cut..]);
        match end.and_then(|()| pollster::block_on(loader.finish()).map(drop)) {
            Err(LoadError::Device(error)) => lost(error),
            other => panic!("lost after {cut} bytes: {other:?}"),
        }
        assert_eq!(handle.memory_in_use(), 0);
    }
}

#[test]
fn any_text_can_be_asked_about() {
    let folder = common::fixture("tiny-bert");
    let long = "a cat is here. ".repeat(70_000);
    assert!(long.len() > 1 << 20);
    let unbroken = "x".repeat(1 << 20);
    let texts = [
        "",
        " \n\t ",
        "[MASK]",
        &long,
        &unbroken,
        "👩‍👩‍👧 🏳️‍🌈 [MASK] 🤷🏽",
        "שלום [MASK] مرحبا",
        "a\0b [MASK]\0",
        "e\u{301}\u{301} \u{301} [MASK]",
        "\u{fffd}\u{202e}[MASK]\u{feff}",
    ];
    for (name, device) in common::devices() {
        let mut model = common::model(&folder, &device);
        let limit = model.config().max_position_embeddings;
        for text in texts {
            let what = format!("{name}, {:.20?}", text);
            let fill = fill(&mut model, &folder, text).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(fill.masks.len(), text.matches("[MASK]").count(), "{what}");
            assert!(
                fill.tokens.len() >= 2 && fill.tokens.len() <= limit,
                "{what}"
            );
            let too_long = text.len() > 1 << 19 && text.contains(' ');
            assert_eq!(fill.truncated.is_some(), too_long, "{what}");
            let characters = text.chars().count();
            for token in &fill.tokens {
                assert!(
                    token.start <= token.end && token.end <= characters,
                    "{what}: {token:?}"
                );
            }
            for mask in &fill.masks {
                let total: f32 = mask.predictions.iter().map(|p| p.probability).sum();
                assert!(total > 0.0 && total < 1.0001, "{what}: {total}");
            }
            assert_eq!(fill.nsp, None, "{what}: no text follows another");
        }
    }
}
