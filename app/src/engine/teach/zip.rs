//! A zip file that is written straight into the browser's own store.

use js_sys::{Array, Uint8Array};
use std::io::{self, Write};
use wasm_bindgen::JsValue;
use web_sys::Blob;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

/// Bytes that are handed to the browser at a time.
const PIECE: usize = 1 << 20;

/// Collects bytes in a [`Blob`], which the browser may keep on disk; at most a piece of them is in
/// this program's memory.
#[derive(Default)]
pub struct BlobWriter {
    pending: Vec<u8>,
    parts: Array,
}

impl BlobWriter {
    fn hand_over(&mut self) -> Result<(), JsValue> {
        let bytes = Array::of1(&Uint8Array::from(&self.pending[..]));
        let part = Blob::new_with_u8_array_sequence(&bytes)?;
        self.parts.push(part.as_ref());
        self.pending.clear();
        Ok(())
    }

    /// All that was written.
    ///
    /// # Errors
    /// When the browser has no room.
    pub fn finish(mut self) -> Result<Blob, JsValue> {
        self.hand_over()?;
        Blob::new_with_blob_sequence(&self.parts)
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PIECE {
            self.hand_over()
                .map_err(|error| io::Error::other(format!("{error:?}")))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Files that arrive in pieces, one after the other. They are stored as they are: weights hardly
/// compress.
pub struct Zip {
    writer: ZipWriter<StreamWriter<BlobWriter>>,
    folder: String,
    open: Option<String>,
}

impl Zip {
    /// A zip file that unpacks into `folder`.
    pub fn new(folder: &str) -> Self {
        Self {
            writer: ZipWriter::new_stream(BlobWriter::default()),
            folder: folder.to_owned(),
            open: None,
        }
    }

    /// Takes the next piece of a file; another name begins the next file.
    ///
    /// # Errors
    /// When the browser has no room.
    pub fn push(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        if self.open.as_deref() != Some(file) {
            let options =
                SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
            let path = format!("{}/{file}", self.folder);
            self.writer
                .start_file(path, options)
                .map_err(io::Error::other)?;
            self.open = Some(file.to_owned());
        }
        self.writer.write_all(bytes)
    }

    /// The whole.
    ///
    /// # Errors
    /// When the browser has no room.
    pub fn finish(self) -> io::Result<Blob> {
        let stream = self.writer.finish().map_err(io::Error::other)?;
        stream
            .into_inner()
            .finish()
            .map_err(|error| io::Error::other(format!("{error:?}")))
    }
}
