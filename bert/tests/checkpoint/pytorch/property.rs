//! Files with damage: refused or read, never a panic.

use super::*;
use proptest::prelude::*;

const STARTS: &[&[u8]] = &[
    b"PK\x03\x04",
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.",
    b"\x80\x02",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_never_panic_and_keep_what_was_promised(
        file in prop::sample::select(&FILES[..]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        cut in prop::option::of(any::<prop::sample::Index>()),
        chunk in 1usize..3000,
    ) {
        let mut bytes = read(file);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(parsed) = parse(None, bytes.chunks(chunk)) {
            for (info, tensor) in parsed.infos.expect("a header").iter().zip(&parsed.tensors) {
                let length = if info.dtype.float_bytes().is_some() { info.byte_len() } else { 0 };
                prop_assert_eq!(tensor.len() as u64, length, "{} is whole", info.name);
            }
        }
    }

    /// Damage to the pickle alone, with operations that are known, so that more of it runs.
    #[test]
    fn damaged_pickles_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..8),
        chunk in 1usize..500,
    ) {
        const OPERATIONS: &[u8] = b".(N\x88\x89)]}t\x85\x86\x87aesuQR\x81b\x93\x94qrhjKMJ\x8aGXTUc\0\x01\x02";
        let mut bytes = read("legacy-2.15.bin");
        let pickles = bytes.len().min(3000);
        for (at, operation) in damage {
            let at = 15 + at.index(pickles - 15);
            bytes[at] = OPERATIONS[operation.index(OPERATIONS.len())];
        }
        let _ = parse(None, bytes.chunks(chunk));
    }

    #[test]
    fn arbitrary_bytes_behind_a_true_start_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        start in prop::sample::select(STARTS),
        chunk in 1usize..50,
    ) {
        let file = [start, &bytes].concat();
        prop_assert!(parse(None, file.chunks(chunk)).is_err());
    }
}
