//! Each rule, broken.

use crate::support::{Collect, entry, file, parse, sample};
use bert::checkpoint::{
    Dtype, FileKind, Header, HeaderError, MAX_HEADER_BYTES, MAX_PIECE, Rule, SafetensorsStream,
    Sink, StreamError, TensorInfo,
};

fn refusal(json: &str, data_len: usize) -> HeaderError {
    let file_len = Some((8 + json.len() + data_len) as u64);
    Header::parse(json.as_bytes(), file_len).expect_err(json)
}
#[test]
fn a_file_gives_its_tensors() {
    let bytes = sample();
    let got = parse(Some(bytes.len() as u64), [&bytes[..]]).unwrap();
    let infos = got.infos.unwrap();
    let names: Vec<_> = infos.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["a", "ids", "b", "none", "c"]);
    assert_eq!(infos[4].shape, [1, 1, 1, 5]);
    assert_eq!((infos[4].elements(), infos[4].byte_len()), (5, 10));
    assert_eq!(infos[1].dtype, Dtype::Other(safetensors::Dtype::I64));
    let lens: Vec<_> = got.tensors.iter().map(Vec::len).collect();
    assert_eq!(lens, [8, 0, 6, 0, 10], "I64 is skipped");
    assert_eq!(got.tensors[2], [24, 25, 26, 27, 28, 29]);
    assert_eq!(got.pieces, 3, "whole tensors when the chunk holds them");
}

#[test]
fn every_header_rule() {
    let f32s = |name: &str, begin, end| entry(name, "F32", "[1]", begin, end);
    let wrap = |entries: &[String]| format!("{{{}}}", entries.join(","));
    let rule = |json: &str, data_len| match refusal(json, data_len) {
        HeaderError::Tensor { name, rule } => (name, rule),
        other => panic!("{other}"),
    };

    let (name, duplicate) = rule(&wrap(&[f32s("a", 0, 4), f32s("a", 4, 8)]), 8);
    assert_eq!((name.as_str(), duplicate), ("a", Rule::Duplicate));
    let (name, overlap) = rule(&wrap(&[f32s("b", 3, 7), f32s("a", 0, 4)]), 8);
    assert_eq!(name, "b");
    assert_eq!(
        overlap,
        Rule::Overlap {
            begin: 3,
            previous: "a".into(),
            previous_end: 4
        }
    );
    let same = rule(&wrap(&[f32s("a", 0, 4), f32s("b", 0, 4)]), 4).1;
    assert!(matches!(same, Rule::Overlap { begin: 0, .. }));
    assert_eq!(
        refusal(&wrap(&[f32s("a", 0, 4), f32s("b", 6, 10)]), 10),
        HeaderError::Hole {
            begin: 4,
            end: 6,
            next: "b".into()
        }
    );
    assert!(matches!(
        refusal(&wrap(&[f32s("a", 1, 5)]), 5),
        HeaderError::Hole { begin: 0, .. }
    ));
    let short = refusal(&wrap(&[f32s("a", 0, 4)]), 3);
    assert!(matches!(short, HeaderError::FileLength { .. }));
    assert!(short.to_string().contains("the end is missing"), "{short}");
    let long = refusal(&wrap(&[f32s("a", 0, 4)]), 5);
    assert!(long.to_string().contains("stray bytes"), "{long}");

    for (shape, dtype, begin, end, expected) in [
        ("[1,1,1,1,1]", "F32", 0, 4, "5 dimensions"),
        ("[4294967296,4294967296]", "F32", 0, 4, "more elements"),
        ("[18446744073709551615]", "F32", 0, 4, "more elements"),
        ("[0,18446744073709551615]", "F32", 0, 0, "more elements"),
        ("[1]", "Q4_0", 0, 4, "unknown dtype \"Q4_0\""),
        ("[1]", "f32", 0, 4, "unknown dtype"),
        ("[2]", "F32", 0, 4, "needs 8 bytes, but data_offsets span 4"),
        ("[]", "F16", 0, 4, "needs 2 bytes"),
        ("[0]", "F32", 0, 4, "needs 0 bytes"),
        ("[1]", "F32", 8, 4, "before they begin"),
        ("[1]", "F32", 0, u64::MAX, "needs 4 bytes"),
    ] {
        let error = refusal(&wrap(&[entry("a", dtype, shape, begin, end)]), 4).to_string();
        assert!(error.contains(expected), "{shape} {dtype}: {error}");
        assert!(error.contains("tensor \"a\""), "{error}");
    }
    let long_name = "n".repeat(513);
    let (_, too_long) = rule(&wrap(&[f32s(&long_name, 0, 4)]), 4);
    assert_eq!(too_long, Rule::NameTooLong(513));
    assert!(
        refusal(&wrap(&[f32s(&long_name, 0, 4)]), 4)
            .to_string()
            .len()
            < 250,
        "names are cut"
    );

    for (json, expected) in [
        ("{}", "names no tensor"),
        (r#"{"__metadata__":{}}"#, "names no tensor"),
        ("[]", "object of tensors"),
        ("{", "EOF"),
        (r#"{"a":3}"#, "tensor \"a\""),
        (
            r#"{"a":{"dtype":"F32","shape":[1]}}"#,
            "missing field `data_offsets`",
        ),
        (
            r#"{"a":{"dtype":"F32","dtype":"F32"}}"#,
            "duplicate field `dtype`",
        ),
        (r#"{"a":{"dtype":"F32","x":1}}"#, "unknown field `x`"),
        (
            r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
            "invalid value",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#,
            "tensor \"a\"",
        ),
        (r#"{"__metadata__":{},"__metadata__":{}}"#, "stands twice"),
        ("{} x", "trailing characters"),
    ] {
        let error = refusal(json, 0).to_string();
        assert!(error.contains(expected), "{json}: {error}");
    }
}

#[test]
fn the_length_field() {
    let start = |length: u64, file_len| {
        let mut stream = SafetensorsStream::new(file_len, Collect::default());
        stream
            .push(&length.to_le_bytes())
            .expect_err("a bad length")
            .to_string()
    };
    assert!(start(0, None).contains("header of 0 bytes"));
    assert!(start(MAX_HEADER_BYTES + 1, None).contains("4194305"));
    assert!(start(100, Some(107)).contains("more than the whole file, 107 bytes"));
    let mut stream = SafetensorsStream::new(Some(108), Collect::default());
    stream
        .push(&100u64.to_le_bytes())
        .expect("exactly the file");
}

#[test]
fn other_files_are_explained() {
    for (bytes, kind) in [
        (
            &b"PK\x03\x04\0\0\x08\x08\0\0archive/data.pkl"[..],
            FileKind::PytorchPickle,
        ),
        (b"GGUF\x03\0\0\0\0\0\0\0", FileKind::Gguf),
        (
            b"version https://git-lfs.github.com/spec/v1",
            FileKind::LfsPointer,
        ),
        (b"<!DOCTYPE html><html>", FileKind::Html),
        (b"", FileKind::Empty),
    ] {
        match parse(None, [bytes]).map(|_| ()) {
            Err(StreamError::Kind(found)) => assert_eq!(found, kind),
            other => panic!("{kind:?}: {other:?}"),
        }
    }
}

#[test]
fn truncated_and_trailing_files() {
    let bytes = sample();
    for cut in 1..bytes.len() {
        let error = parse(None, [&bytes[..cut]]).err().expect("cut").to_string();
        assert!(
            error.contains(&format!("ends after {cut} of ")),
            "{cut}: {error}"
        );
        if cut >= 8 {
            let header_end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let expected = if cut < header_end {
                header_end
            } else {
                bytes.len()
            };
            assert!(
                error.contains(&format!("of {expected} bytes")),
                "{cut}: {error}"
            );
        }
        let known = parse(Some(bytes.len() as u64), [&bytes[..cut]])
            .err()
            .expect("cut");
        assert!(
            known
                .to_string()
                .contains(&format!("{cut} of {} bytes", bytes.len())),
            "{known}"
        );
    }
    let longer = [&bytes[..], b"x"].concat();
    let error = parse(None, longer.chunks(7))
        .err()
        .expect("trailing")
        .to_string();
    assert!(
        error.contains("stray bytes") && error.contains(&bytes.len().to_string()),
        "{error}"
    );
}

#[test]
fn a_failed_stream_stays_failed() {
    struct Full;
    impl Sink for Full {
        type Error = &'static str;
        fn header(&mut self, _: &[TensorInfo]) -> Result<(), Self::Error> {
            Ok(())
        }
        fn data(
            &mut self,
            _: &[TensorInfo],
            _: usize,
            _: u64,
            _: &[u8],
        ) -> Result<(), Self::Error> {
            Err("the device is full")
        }
    }
    let bytes = sample();
    let mut stream = SafetensorsStream::new(None, Full);
    assert!(matches!(
        stream.push(&bytes),
        Err(StreamError::Sink("the device is full"))
    ));
    assert!(matches!(stream.push(&[]), Err(StreamError::Ended)));
    assert!(matches!(stream.finish(), Err(StreamError::Ended)));
}

#[test]
fn large_tensors_come_in_bounded_pieces() {
    let len = 2 * MAX_PIECE + 6;
    let json = format!(
        "{{{}}}",
        entry("w", "F16", &format!("[{}]", len / 2), 0, len as u64)
    );
    let bytes = file(&json, &vec![1; len]);
    let got = parse(Some(bytes.len() as u64), [&bytes[..]]).unwrap();
    assert_eq!((got.tensors[0].len(), got.pieces), (len, 3));
}

#[test]
fn progress_counts_bytes() {
    let bytes = sample();
    let total = bytes.len() as u64;
    let mut stream = SafetensorsStream::new(None, Collect::default());
    for (i, byte) in bytes.iter().enumerate() {
        stream.push(std::slice::from_ref(byte)).unwrap();
        assert_eq!(stream.progress().0, i as u64 + 1);
    }
    assert_eq!(stream.progress(), (total, total));
    assert_eq!(
        SafetensorsStream::new(Some(9), Collect::default()).progress(),
        (0, 9)
    );
}
