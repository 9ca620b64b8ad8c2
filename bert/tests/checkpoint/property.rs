//! Chunks of every length, arbitrary bytes, and valid files with damage.

use crate::support::{entry, file, parse};
use bert::checkpoint::Header;
use proptest::prelude::*;

/// A valid file: tensors of random float types and sizes, and one of another type.
fn valid_file() -> impl Strategy<Value = Vec<u8>> {
    let tensor = (
        prop::sample::select(&["F32", "F16", "BF16", "F64", "I64", "U8"][..]),
        0u64..40,
        1u64..4,
    );
    prop::collection::vec(tensor, 1..8).prop_map(|tensors| {
        let mut end = 0;
        let entries: Vec<_> = tensors
            .iter()
            .enumerate()
            .map(|(i, &(dtype, rows, columns))| {
                let size = match dtype {
                    "I64" | "F64" => 8,
                    "F32" => 4,
                    "U8" => 1,
                    _ => 2,
                };
                let begin = end;
                end += size * rows * columns;
                entry(
                    &format!("t.{i}"),
                    dtype,
                    &format!("[{rows},{columns}]"),
                    begin,
                    end,
                )
            })
            .collect();
        let data: Vec<u8> = (0..end).map(|i| (i * 7 + 3) as u8).collect();
        file(&format!("{{{}}}", entries.join(",")), &data)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunking_never_changes_the_result(
        bytes in valid_file(),
        lengths in prop::collection::vec(prop_oneof![0usize..4, 0usize..100], 1..20),
        known in any::<bool>(),
    ) {
        let file_len = known.then_some(bytes.len() as u64);
        let whole = parse(file_len, [&bytes[..]]).unwrap();
        let mut chunks = Vec::new();
        let mut rest = &bytes[..];
        for length in lengths.iter().cycle().take(10_000) {
            let (chunk, after) = rest.split_at((*length).min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        chunks.push(rest);
        let pieces = parse(file_len, chunks).unwrap();
        prop_assert_eq!(pieces.infos, whole.infos);
        prop_assert_eq!(pieces.tensors, whole.tensors);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), chunk in 1usize..50) {
        prop_assert!(parse(None, bytes.chunks(chunk)).is_err());
        let _ = Header::parse(&bytes, Some(bytes.len() as u64));
    }

    #[test]
    fn damaged_files_never_panic_and_an_accepted_header_covers_the_file(
        bytes in valid_file(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        chunk in 1usize..80,
    ) {
        let mut bytes = bytes;
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(parsed) = parse(None, bytes.chunks(chunk)) {
            let json = u64::from_le_bytes(bytes[..8].try_into().unwrap());
            let covered: u64 = parsed.infos.unwrap().iter().map(|t| t.byte_len()).sum();
            prop_assert_eq!(8 + json + covered, bytes.len() as u64);
        }
    }

    /// Damage to numbers and structure only, so that more of it gets past the JSON parser.
    #[test]
    fn damaged_numbers_never_panic(
        bytes in valid_file(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), "[0-9,\\[\\]]"), 1..4),
    ) {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut json = bytes[8..8 + length].to_vec();
        let digits: Vec<usize> = (0..length).filter(|&i| json[i].is_ascii_digit()).collect();
        for (at, value) in damage {
            json[digits[at.index(digits.len())]] = value.as_bytes()[0];
        }
        if let Ok(header) = Header::parse(&json, None) {
            for tensor in &header.tensors {
                prop_assert!(tensor.byte_len() <= header.file_len && tensor.shape.len() <= 4);
                if let Some(size) = tensor.dtype.float_bytes() {
                    prop_assert_eq!((tensor.elements() * size) as u64, tensor.byte_len());
                }
            }
        }
    }
}
