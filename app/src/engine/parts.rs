//! A folder that goes to the page: small files as texts, weights in the browser's own store.

use super::teach::zip::BlobWriter;
use crate::protocol::FolderFiles;
use std::io::{self, Write};
use web_sys::Blob;

const WEIGHTS: &str = "model.safetensors";

/// Files that arrive in pieces, one after the other.
#[derive(Default)]
pub(super) struct Parts {
    texts: Vec<(String, Vec<u8>)>,
    weights: BlobWriter,
}

impl Parts {
    /// Takes the next piece of a file; another name begins the next file.
    ///
    /// # Errors
    /// When the browser has no room.
    pub fn push(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        if file == WEIGHTS {
            return self.weights.write_all(bytes);
        }
        match self.texts.last_mut().filter(|(name, _)| name == file) {
            Some((_, text)) => text.extend_from_slice(bytes),
            None => self.texts.push((file.to_owned(), bytes.to_vec())),
        }
        Ok(())
    }

    /// The whole, under this name.
    ///
    /// # Errors
    /// When the browser has no room, or a small file is no text.
    pub fn finish(self, name: &str) -> Result<(FolderFiles, Blob), String> {
        let mut texts = Vec::with_capacity(self.texts.len());
        for (file, bytes) in self.texts {
            let text = String::from_utf8(bytes).map_err(|error| format!("{file}: {error}"))?;
            texts.push((file, text));
        }
        let weights = self.weights.finish().map_err(|e| format!("{e:?}"))?;
        let name = name.to_owned();
        Ok((FolderFiles { name, texts }, weights))
    }
}
