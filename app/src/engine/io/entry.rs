//! One kept checkpoint: its folder, its manifest, and its weights as they are written.

use super::kept::{file_in, file_to_write, replace};
use super::saving::{self, Place};
use super::worker::wait;
use crate::checkpoint::manifest::{MANIFEST_BYTES, Manifest};
use crate::checkpoint::{Kept, Role};
use js_sys::{ArrayBuffer, Function, Reflect, Uint8Array};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemReadWriteOptions,
    FileSystemSyncAccessHandle,
};

/// Written bytes are forced out this often, so that little is lost with a closed tab.
const FLUSH_EVERY: f64 = 16.0 * 1024.0 * 1024.0;

async fn handle(
    folder: &FileSystemDirectoryHandle,
    name: &str,
) -> Result<FileSystemSyncAccessHandle, JsValue> {
    let file = file_to_write(folder, name).await?;
    wait(file.create_sync_access_handle()).await
}

impl Place for FileSystemDirectoryHandle {
    type Error = JsValue;

    async fn read(&self, name: &str) -> Option<Vec<u8>> {
        let file = file_in(self, name).await?;
        if file.size() > MANIFEST_BYTES as f64 {
            return None;
        }
        let bytes: ArrayBuffer = wait(file.array_buffer()).await.ok()?;
        Some(Uint8Array::new(&bytes).to_vec())
    }

    async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), JsValue> {
        replace(&handle(self, name).await?, bytes)
    }

    async fn rename(&self, from: &str, to: &str) -> bool {
        let file: Result<FileSystemFileHandle, _> = wait(self.get_file_handle(from)).await;
        let Ok(file) = file else { return false };
        // Not every browser has it, and `web_sys` does not.
        let rename = Reflect::get(&file, &"move".into()).ok();
        let Some(rename) = rename.and_then(|rename| rename.dyn_into::<Function>().ok()) else {
            return false;
        };
        match rename.call1(&file, &to.into()) {
            Ok(renamed) => wait::<JsValue>(renamed.unchecked_into()).await.is_ok(),
            Err(_) => false,
        }
    }

    async fn remove(&self, name: &str) {
        let _ = JsFuture::from(self.remove_entry(name)).await;
    }
}

/// One kept checkpoint.
pub struct Entry {
    folder: FileSystemDirectoryHandle,
    pub key: String,
    pub manifest: RefCell<Manifest>,
}

impl Entry {
    pub(super) fn new(folder: FileSystemDirectoryHandle, key: String, manifest: Manifest) -> Self {
        Self {
            folder,
            key,
            manifest: RefCell::new(manifest),
        }
    }

    /// What a folder holds; `None` where its manifest cannot be believed.
    pub(super) async fn read(folder: FileSystemDirectoryHandle, key: &str) -> Option<Self> {
        let manifest = saving::load(&folder, key).await?;
        Some(Self::new(folder, key.to_owned(), manifest))
    }

    /// A file as it is now.
    pub async fn file(&self, name: &str) -> Option<Blob> {
        file_in(&self.folder, name).await
    }

    /// Bytes of all files of the checkpoint.
    pub(super) async fn bytes(&self) -> u64 {
        let names: Vec<String> = {
            let manifest = self.manifest.borrow();
            let files = manifest.listing.files.iter();
            files.map(|file| file.name.clone()).collect()
        };
        let mut sum = 0.0;
        for name in names {
            sum += self.file(&name).await.map_or(0.0, |file| file.size());
        }
        sum as u64
    }

    /// How much of it is there.
    pub async fn kept(&self) -> Kept {
        if self.manifest.borrow().complete {
            return Kept::Whole;
        }
        let weights = self.manifest.borrow().listing.file(Role::Weights).cloned();
        let Some(weights) = weights else {
            return Kept::Nothing;
        };
        match self.file(&weights.name).await.map(|file| file.size()) {
            Some(bytes) if bytes > 0.0 => Kept::Part {
                bytes: bytes as u64,
            },
            _ => Kept::Nothing,
        }
    }

    /// Writes a whole file, in place of what was there.
    ///
    /// # Errors
    /// When the device is full, or another tab writes it at the moment.
    pub async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), JsValue> {
        self.folder.write(name, bytes).await
    }

    /// Writes the manifest down.
    ///
    /// # Errors
    /// As [`Entry::write`].
    pub async fn save(&self) -> Result<(), JsValue> {
        let manifest = self.manifest.borrow().clone();
        saving::save(&self.folder, &manifest).await
    }

    /// Opens a file to write behind what it holds; no other tab can until this one lets go.
    ///
    /// # Errors
    /// When another tab has it, or the browser does not let the page write.
    pub async fn append_to(self: Rc<Self>, name: &str) -> Result<Appender, JsValue> {
        let handle = handle(&self.folder, name).await?;
        let at = handle.get_size()?;
        Ok(Appender {
            handle,
            at,
            flushed: at,
            entry: self,
            full: Rc::default(),
        })
    }
}

/// Writes a file piece by piece.
pub struct Appender {
    handle: FileSystemSyncAccessHandle,
    at: f64,
    flushed: f64,
    entry: Rc<Entry>,
    /// Whether the device turned out to be full.
    pub full: Rc<Cell<bool>>,
}

impl Appender {
    /// Bytes in the file.
    pub fn bytes(&self) -> u64 {
        self.at as u64
    }

    /// Writes a piece behind what is there; `false` when the device is full.
    pub fn append(&mut self, piece: &Uint8Array) -> bool {
        let at = FileSystemReadWriteOptions::new();
        at.set_at(self.at);
        let written = self.handle.write_with_buffer_source_and_options(piece, &at);
        if !written.is_ok_and(|bytes| bytes == f64::from(piece.length())) {
            self.full.set(true);
            return false;
        }
        self.at += f64::from(piece.length());
        if self.at - self.flushed >= FLUSH_EVERY {
            self.flushed = self.at;
            let _ = self.handle.flush();
        }
        true
    }

    /// Empties the file.
    pub fn empty(&mut self) {
        let _ = self.handle.truncate_with_f64(0.0);
        self.at = 0.0;
        self.flushed = 0.0;
    }

    /// Remembers which state of the host's file this is, and how long that is.
    pub async fn note(&self, etag: Option<&str>, total: Option<u64>) {
        {
            let mut manifest = self.entry.manifest.borrow_mut();
            if (manifest.etag.as_deref(), manifest.total) == (etag, total) {
                return;
            }
            manifest.etag = etag.map(str::to_owned);
            manifest.total = total;
        }
        let _ = self.entry.save().await;
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        let _ = self.handle.flush();
        self.handle.close();
    }
}
