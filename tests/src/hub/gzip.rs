//! A gzip file around one piece of deflate.

use miniz_oxide::deflate::compress_to_vec;

/// Compresses, as a host does that is asked for a text.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    // Deflate, no name, no time, of no system in particular.
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend(compress_to_vec(bytes, 6));
    file.extend(crc32fast::hash(bytes).to_le_bytes());
    file.extend((bytes.len() as u32).to_le_bytes());
    file
}
