//! Bytes to text.

use std::borrow::Cow;

use super::{DataError, MAX_FILE_BYTES, foreign};

/// The text of a file of plain text, as [`Table::parse`](super::Table::parse) reads one.
///
/// # Errors
/// Too many bytes, or what is no UTF-8: the first bad byte's line, or which other kind of file it is.
pub fn plain_text(bytes: &[u8]) -> Result<String, DataError> {
    Ok(decode(bytes)?.into_owned())
}

/// The text of a file: UTF-8, without its byte order mark. Where lines end in carriage returns
/// alone, as older Macs and some of Excel's formats have it, they end in line feeds then.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, DataError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(DataError::TooLarge { bytes: bytes.len() });
    }
    foreign::refuse(bytes)?;
    // Without a mark, UTF-16 shows by the zero in every other byte of plain Latin text.
    let start = &bytes[..bytes.len().min(256)];
    let zeros = start.iter().filter(|&&b| b == 0).count();
    let marked = start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]);
    if marked || zeros * 4 > start.len() {
        return Err(DataError::Utf16);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        DataError::NotUtf8 {
            line: 1 + valid.iter().filter(|&&b| b == b'\n').count(),
            byte: bytes[error.valid_up_to()],
        }
    })?;
    Ok(match text.contains('\r') && !text.contains('\n') {
        true => Cow::Owned(text.replace('\r', "\n")),
        false => Cow::Borrowed(text),
    })
}
