//! Wasm files as the sections that they are made of.

use crate::error::{Error, Result};

/// A wasm file without sections.
pub const EMPTY: &[u8] = b"\0asm\x01\0\0\0";
/// The number of the import section, and of the export section.
pub const IMPORTS: u8 = 2;
pub const EXPORTS: u8 = 7;

/// What is said of a file that is no wasm.
pub fn no_wasm() -> Error {
    Error::Site("a program is no wasm".to_string())
}

/// Takes a number off the front of `bytes`, as wasm writes it.
pub fn number(bytes: &mut &[u8]) -> Result<usize> {
    let mut value = 0;
    for shift in 0..5 {
        let (&byte, rest) = bytes.split_first().ok_or_else(no_wasm)?;
        *bytes = rest;
        value |= usize::from(byte & 0x7f) << (7 * shift);
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(no_wasm())
}

/// Takes so many bytes off the front of `bytes`.
pub fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or_else(no_wasm)?;
    *bytes = rest;
    Ok(taken)
}

/// A number as wasm writes it.
pub fn written(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Each section's number and content.
pub fn sections(wasm: &[u8]) -> Result<Vec<(u8, &[u8])>> {
    let mut rest = wasm;
    take(&mut rest, 8)?;
    let mut sections = Vec::new();
    while let Some((&kind, after)) = rest.split_first() {
        rest = after;
        let length = number(&mut rest)?;
        sections.push((kind, take(&mut rest, length)?));
    }
    Ok(sections)
}

/// A file with the first eight bytes of `wasm` and these sections.
pub fn put_together<'a>(wasm: &[u8], sections: impl Iterator<Item = (u8, &'a [u8])>) -> Vec<u8> {
    let mut joined = wasm[..8].to_vec();
    for (kind, content) in sections {
        joined.push(kind);
        joined.extend(written(content.len()));
        joined.extend_from_slice(content);
    }
    joined
}

/// A wasm file without its custom sections, which name functions and tell who made it.
///
/// # Errors
/// What is no wasm.
pub fn without_notes(wasm: &[u8]) -> Result<Vec<u8>> {
    let sections = sections(wasm)?;
    Ok(put_together(
        wasm,
        sections.into_iter().filter(|(kind, _)| *kind != 0),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_custom_sections_go() {
        let wasm = b"\0asm\x01\0\0\0\x00\x03\x02ab\x01\x01\x00\x00\x82\x00\x01n";
        assert_eq!(without_notes(wasm).unwrap(), b"\0asm\x01\0\0\0\x01\x01\x00");
        assert!(without_notes(b"\0asm\x01\0\0\0\x01\x05\x00").is_err());
        assert!(without_notes(b"\0asm").is_err());
    }
}
