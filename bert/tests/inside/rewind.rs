//! A model is taken back to its file and forth again, and what has moved is measured on the way.

use super::*;
use bert::inside::{Displaced, Moved, MovedPart, Rewind, RewindError, hidden_states};

const TEXT: &str = "the cat [MASK] on a mat.";

/// What of a model a test compares: every layer's output.
fn states(loaded: &mut Loaded) -> Vec<Vec<f32>> {
    let (subject, control) = (subject(TEXT), control());
    let found = hidden_states(&mut loaded.model, &loaded.tokenizer, &subject, &control);
    wait(found).expect("states").layers
}

/// Every parameter of the model, read off the device.
fn all(model: &Model) -> Vec<(String, Vec<f32>)> {
    let read = |spec: &kernels::ParamSpec| {
        let numbers = model.params().read(&spec.name, 0, spec.shape.len());
        (
            spec.name.clone(),
            pollster::block_on(numbers).expect("it is there"),
        )
    };
    model.params().specs().iter().map(read).collect()
}

/// Multiplies a parameter.
fn scale(model: &mut Model, name: &str, factor: f32) {
    let specs = model.params().specs();
    let spec = specs.iter().find(|spec| spec.name == name).expect(name);
    let read = model.params().read(name, 0, spec.shape.len());
    let mut numbers = pollster::block_on(read).expect("it is there");
    numbers.iter_mut().for_each(|x| *x *= factor);
    model
        .params_mut()
        .write(name, 0, &numbers)
        .expect("it fits");
}

/// Pushes a file in chunks; what is displaced comes back whatever happens.
fn rewind(model: &mut Model, bytes: &[u8]) -> (Vec<Displaced>, Result<Vec<Moved>, RewindError>) {
    let config = model.config().clone();
    let mut displaced = Vec::new();
    let mut rewind = Rewind::new(model, config, None);
    for chunk in bytes.chunks(1000) {
        let pushed = rewind.push(model, chunk, &mut displaced);
        if let Err(error) = pollster::block_on(pushed) {
            return (displaced, Err(error));
        }
    }
    let moved = rewind.finish(model);
    (displaced, moved)
}

fn file(folder: &str) -> Vec<u8> {
    std::fs::read(common::fixture(folder).join("model.safetensors")).expect("the weights")
}

/// The moved part's share.
fn share(moved: &[Moved], part: MovedPart) -> f64 {
    let found = moved.iter().find(|moved| moved.part == part);
    found
        .unwrap_or_else(|| panic!("{part:?} in {moved:?}"))
        .relative
}

#[test]
fn what_a_run_has_moved_is_measured_taken_back_and_put_back_again() {
    for (name, device) in devices() {
        for folder in ["tiny-bert", "tiny-albert", "tiny-electra-generator"] {
            let bytes = file(folder);
            let mut loaded = Loaded::new(folder, folder, &device);
            let first = states(&mut loaded);

            // Nothing has moved.
            let (displaced, moved) = rewind(&mut loaded.model, &bytes);
            let moved = moved.expect("the same file");
            assert!(displaced.is_empty(), "{name}, {folder}");
            assert!(moved.iter().all(|moved| moved.relative == 0.0), "{moved:?}");
            assert!(moved.iter().any(|moved| moved.part == MovedPart::WordHead));

            // A whole part by one per cent, another one in part.
            for param in all(&loaded.model).iter().map(|(name, _)| name) {
                if param.starts_with("embeddings") {
                    scale(&mut loaded.model, param, 1.01);
                }
            }
            scale(
                &mut loaded.model,
                "encoder.layer.0.output.dense.weight",
                1.5,
            );
            let taught = all(&loaded.model);
            let after = states(&mut loaded);
            assert_ne!(after, first);

            let (displaced, moved) = rewind(&mut loaded.model, &bytes);
            let moved = moved.expect("the same file");
            assert_eq!(
                states(&mut loaded),
                first,
                "{name}, {folder}: as the file has it"
            );
            let embeddings = share(&moved, MovedPart::Embeddings);
            // What widens the embeddings belongs to them and has not moved.
            let whole = loaded.model.config().embedding_size == loaded.model.config().hidden_size;
            match whole {
                true => assert!(
                    (embeddings - 0.01).abs() < 1e-5,
                    "{name}, {folder}: {embeddings}"
                ),
                false => assert!(
                    (0.001..0.01).contains(&embeddings),
                    "{folder}: {embeddings}"
                ),
            }
            let layer = share(&moved, MovedPart::Layer(0));
            assert!((0.01..0.5).contains(&layer), "{name}, {folder}: {layer}");
            assert_eq!(share(&moved, MovedPart::WordHead), 0.0);

            for displaced in displaced {
                displaced.put_back(&mut loaded.model).expect("it is there");
            }
            assert_eq!(all(&loaded.model), taught, "{name}, {folder}: bit for bit");
            assert_eq!(states(&mut loaded), after, "{name}, {folder}");
        }
    }
}

#[test]
fn half_a_file_and_another_file_are_refused_and_nothing_is_lost() {
    let mut loaded = Loaded::cpu("tiny-bert");
    let bytes = file("tiny-bert");
    scale(
        &mut loaded.model,
        "encoder.layer.0.output.dense.weight",
        1.5,
    );
    scale(
        &mut loaded.model,
        "encoder.layer.1.output.dense.weight",
        0.5,
    );
    let taught = all(&loaded.model);

    let (displaced, outcome) = rewind(&mut loaded.model, &bytes[..bytes.len() - 9]);
    let error = outcome.expect_err("the file is cut").to_string();
    assert!(error.contains("ends after"), "{error}");
    for displaced in displaced {
        displaced.put_back(&mut loaded.model).expect("it is there");
    }
    assert_eq!(all(&loaded.model), taught);

    let mut other = bytes.clone();
    // The lowest digit of the last number.
    let last = other.len() - 4;
    other[last] ^= 1;
    let (displaced, outcome) = rewind(&mut loaded.model, &other);
    assert!(
        matches!(outcome, Err(RewindError::OtherFile { .. })),
        "{outcome:?}"
    );
    for displaced in displaced {
        displaced.put_back(&mut loaded.model).expect("it is there");
    }
    assert_eq!(all(&loaded.model), taught);

    let (displaced, outcome) = rewind(&mut loaded.model, b"no weights at all, but a line of words");
    assert!(outcome.is_err() && displaced.is_empty());
}
