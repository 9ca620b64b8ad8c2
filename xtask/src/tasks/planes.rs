//! Weights in 16 bits, as a visitor downloads them: deflated in a way that suits them.
//!
//! High bytes of such numbers are few, low ones many; each kind compresses better alone, and nothing in
//! either repeats. So the file goes in pieces of 60 KiB, of each first the bytes at odd places,
//! then those at even ones; all of it is one zlib stream (RFC 1950) of Huffman codes without matches. The
//! page's engine undoes it (`app/src/checkpoint/planes.rs`).

use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output,
    create_comp_flags_from_zip_params,
};

/// What a folder's weights are called where they are published so.
pub const NAME: &str = "model.planes";
/// Bytes that are dealt out at a time: so many that each half is a block of deflate, with codes of its own.
const PIECE: usize = 60 << 10;

/// A file of weights in planes.
pub fn pack(file: &[u8]) -> Vec<u8> {
    let strategy = CompressionStrategy::HuffmanOnly as i32;
    let mut zlib = CompressorOxide::new(create_comp_flags_from_zip_params(9, 15, strategy));
    let mut packed = Vec::new();
    let mut write = |plane: &[u8], flush: TDEFLFlush| {
        let (status, _) = compress_to_output(&mut zlib, plane, flush, |bytes: &[u8]| {
            packed.extend_from_slice(bytes);
            true
        });
        assert!(
            matches!(status, TDEFLStatus::Okay | TDEFLStatus::Done),
            "memory takes it all"
        );
    };
    for piece in file.chunks(PIECE) {
        for first in [1, 0] {
            let plane: Vec<u8> = piece.iter().skip(first).step_by(2).copied().collect();
            write(&plane, TDEFLFlush::Sync);
        }
    }
    write(&[], TDEFLFlush::Finish);
    packed
}

#[cfg(test)]
mod tests {
    use super::*;
    use miniz_oxide::inflate::decompress_to_vec_zlib;

    #[test]
    fn odd_bytes_come_before_even_ones_piece_by_piece() {
        let unpacked = |file: &[u8]| decompress_to_vec_zlib(&pack(file)).expect("a zlib stream");
        assert_eq!(unpacked(b"0123456"), b"1350246");
        assert_eq!(unpacked(b""), b"");
        let long: Vec<u8> = (0..PIECE + 3)
            .map(|i| if i < PIECE { 7 } else { i as u8 })
            .collect();
        let end = [1, 0, 2].map(|i| (PIECE + i) as u8);
        assert_eq!(unpacked(&long)[PIECE..], end);
    }

    #[test]
    fn halves_shrink() {
        // One of 4 high bytes, one of 128 low ones: 9 of 16 bits.
        let halves: Vec<u8> = (0..200_000u32)
            .map(|i| i.wrapping_mul(2_654_435_761) >> 16)
            .flat_map(|random| [random as u8 & 0x7f, 0x30 | (random >> 8) as u8 & 3])
            .collect();
        let packed = pack(&halves).len() as f64 / halves.len() as f64;
        assert!((0.56..0.58).contains(&packed), "{packed}");
    }
}
