//! `pytorch_model.bin` in both layouts. `tests/tools/pytorch_fixtures.py` says which traps the files hold.

mod archive;
mod hostile;
mod make;
mod property;

use crate::support::Collect;
use bert::checkpoint::{Dtype, StreamError, WeightsStream, decode};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;

const FILES: [&str; 6] = [
    "zip-2.0.bin",
    "zip-2.15.bin",
    "legacy-2.0.bin",
    "legacy-2.15.bin",
    "nested-2.0.bin",
    "nested-2.15.bin",
];

type Failure = StreamError<Infallible>;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures/pytorch")
        .join(name)
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).expect("a fixture")
}

fn parse<'a>(
    file_len: Option<u64>,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Collect, Failure> {
    let sink = Collect {
        turns: true,
        ..Collect::default()
    };
    let mut stream = WeightsStream::new(file_len, sink);
    for chunk in chunks {
        stream.push(chunk)?;
    }
    stream.finish()
}

/// The error's sentence.
fn refusal(bytes: &[u8]) -> String {
    match parse(None, bytes.chunks(61)) {
        Ok(_) => panic!("the file was taken"),
        Err(error) => error.to_string(),
    }
}

/// Shape and numbers of each tensor of floats, by name.
fn floats(collected: Collect) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let infos = collected.infos.expect("a header");
    (infos.into_iter().zip(collected.tensors))
        .filter(|(info, _)| info.dtype.float_bytes().is_some())
        .map(|(info, bytes)| {
            let mut numbers = Vec::new();
            decode(info.dtype, &bytes, &mut numbers);
            (info.name, (info.shape, numbers))
        })
        .collect()
}

#[test]
fn every_layout_of_two_versions_holds_what_torch_put_in() {
    let expected = read("expected.safetensors");
    let expected = floats(crate::support::parse(None, [&expected[..]]).expect("safetensors"));
    assert_eq!(expected.len(), 18);
    for name in FILES {
        let bytes = read(name);
        for chunk in [1, 7, 64, 1000, bytes.len()] {
            for length in [None, Some(bytes.len() as u64)] {
                let parsed = parse(length, bytes.chunks(chunk));
                let parsed = parsed.unwrap_or_else(|error| panic!("{name} by {chunk}: {error}"));
                let strip = |(name, tensor): (String, _)| {
                    (
                        name.strip_prefix("module.").unwrap_or(&name).to_owned(),
                        tensor,
                    )
                };
                let found: BTreeMap<_, _> = floats(parsed).into_iter().map(strip).collect();
                assert_eq!(found, expected, "{name} by {chunk}");
            }
        }
    }
}

#[test]
fn types_are_those_of_the_file_and_integers_are_named_but_skipped() {
    for name in FILES {
        let parsed = parse(None, [&read(name)[..]]).expect(name);
        let infos = parsed.infos.expect("a header");
        assert_eq!(infos.len(), 22);
        let dtype = |end: &str| {
            let mut infos = infos.iter();
            infos
                .find(|info| info.name.ends_with(end))
                .expect(end)
                .dtype
        };
        assert_eq!(dtype("kernel.f64"), Dtype::F64);
        assert_eq!(dtype("kernel.f16"), Dtype::F16);
        assert_eq!(dtype("bf16"), Dtype::BF16);
        assert_eq!(dtype("position_ids"), Dtype::Other(safetensors::Dtype::I64));
        assert_eq!(dtype("flags"), Dtype::Other(safetensors::Dtype::BOOL));
        for (info, tensor) in infos.iter().zip(&parsed.tensors) {
            if info.dtype.float_bytes().is_none() {
                assert!(tensor.is_empty(), "{}", info.name);
            }
        }
    }
}

/// `pytorch-reader`, which reads a whole file at once, agrees about names, shapes, types and numbers.
#[test]
fn another_reader_finds_the_same() {
    for name in FILES {
        let key = name.starts_with("nested").then_some("state_dict");
        let mut theirs = pytorch_reader::PytorchReader::new(path(name));
        if let Some(key) = key {
            theirs = pytorch_reader::PytorchReader::with_top_level_key(path(name), key);
        }
        let theirs = theirs.expect(name);
        let ours = parse(None, [&read(name)[..]]).expect(name);
        let infos = ours.infos.as_ref().expect("a header");
        assert_eq!(theirs.keys().len(), infos.len(), "{name}");
        for (info, bytes) in infos.iter().zip(&ours.tensors) {
            let other = theirs.get(&info.name).expect("the same name");
            assert_eq!(other.shape(), info.shape, "{name}: {}", info.name);
            if info.dtype.float_bytes().is_some() {
                let data = other.read().expect("data");
                assert_eq!(data, *bytes, "{name}: {}", info.name);
            }
        }
    }
}

#[test]
fn a_cut_or_longer_file_is_refused_wherever_it_ends() {
    for name in FILES {
        let bytes = read(name);
        // Every place in the pickles and at the end, and some among the numbers.
        let dense = |end: &usize| *end < 200 || bytes.len() - end < 300 || end.is_multiple_of(7);
        for end in (0..bytes.len()).filter(dense) {
            for length in [None, Some(bytes.len() as u64)] {
                let cut = parse(length, bytes[..end].chunks(1009));
                assert!(cut.is_err(), "{name}: {end} bytes are not enough");
            }
        }
        let longer = [&bytes[..], b"\0"].concat();
        assert!(refusal(&longer).contains("after its end"), "{name}");
    }
}
