//! Checkpoints kept on this device, in the page's own private file system.
//!
//! A folder each, named by [`key`]: the files, and a [`Manifest`] beside them. The weights are
//! written as they stream, through a handle that only one tab can hold at a time.

use super::manifest::{MANIFEST, MANIFEST_BYTES, Manifest, is_key, key};
use crate::engine::port::{epoch_ms, scope, wait};
use crate::protocol::{Kept, KeptEntry, Listing, Role};
use crate::sources::address::Address;
use js_sys::{Reflect, Uint8Array};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemReadWriteOptions, FileSystemRemoveOptions,
    FileSystemSyncAccessHandle,
};

/// The folder that holds all checkpoints.
const FOLDER: &str = "checkpoints";
/// Written bytes are forced out this often, so that little is lost with a closed tab.
const FLUSH_EVERY: f64 = 16.0 * 1024.0 * 1024.0;

/// Whether writing failed for want of room.
pub fn is_full(error: &JsValue) -> bool {
    let name = Reflect::get(error, &"name".into()).ok();
    name.and_then(|name| name.as_string()).as_deref() == Some("QuotaExceededError")
}

/// The origin's private files; none where the browser has no such file system, or keeps this page
/// from it.
pub async fn private_files() -> Option<FileSystemDirectoryHandle> {
    let storage = scope().navigator().storage();
    // Absent outside secure contexts.
    if storage.is_undefined() {
        return None;
    }
    wait(storage.get_directory()).await.ok()
}

/// A file of a folder, empty if there was none.
///
/// # Errors
/// When the browser does not let the page write.
pub async fn file_to_write(
    folder: &FileSystemDirectoryHandle,
    name: &str,
) -> Result<FileSystemFileHandle, JsValue> {
    let create = FileSystemGetFileOptions::new();
    create.set_create(true);
    wait(folder.get_file_handle_with_options(name, &create)).await
}

/// Writes a whole file, in place of what was there, and lets go of it.
///
/// # Errors
/// When the device is full.
pub fn replace(handle: &FileSystemSyncAccessHandle, bytes: &[u8]) -> Result<(), JsValue> {
    let at = FileSystemReadWriteOptions::new();
    at.set_at(0.0);
    let written = handle
        .truncate_with_f64(0.0)
        .and_then(|()| handle.write_with_u8_array_and_options(bytes, &at));
    let flushed = handle.flush();
    handle.close();
    flushed?;
    if written? < bytes.len() as f64 {
        return Err(js_sys::Error::new("the device is full").into());
    }
    Ok(())
}

/// All kept checkpoints.
pub struct Shelf {
    root: FileSystemDirectoryHandle,
}

impl Shelf {
    /// `None` where the browser has no such file system, or keeps this page from it.
    pub async fn open() -> Option<Self> {
        let top = private_files().await?;
        let create = FileSystemGetDirectoryOptions::new();
        create.set_create(true);
        let root = top.get_directory_handle_with_options(FOLDER, &create);
        Some(Self {
            root: wait(root).await.ok()?,
        })
    }

    /// Bytes that the page may still write, where the browser tells; some tell 10 GiB whatever is
    /// true, so a write may fail all the same.
    pub async fn room() -> Option<u64> {
        let storage = scope().navigator().storage();
        if storage.is_undefined() {
            return None;
        }
        let estimate: JsValue = wait(storage.estimate().ok()?).await.ok()?;
        let number = |name: &str| Reflect::get(&estimate, &name.into()).ok()?.as_f64();
        Some((number("quota")? - number("usage")?).max(0.0) as u64)
    }

    /// The checkpoints, those saved last first. A folder without a manifest that can be believed
    /// is removed: nothing in it can be used.
    pub async fn list(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let keys = self.root.keys();
        while let Ok(next) = keys.next() {
            let Ok(next) = wait::<js_sys::IteratorNext>(next).await else {
                break;
            };
            if next.done() {
                break;
            }
            let name = next.value().as_string().unwrap_or_default();
            match self.read(&name).await {
                Some(entry) => entries.push(entry),
                None if is_key(&name) => self.remove(&name).await,
                None => {}
            }
        }
        entries.sort_by(|a, b| {
            let saved = |entry: &Entry| entry.manifest.borrow().saved;
            saved(b).total_cmp(&saved(a))
        });
        entries
    }

    /// What an address means, as far as this device knows: a whole one before a part.
    pub async fn find(&self, address: &Address) -> Option<Entry> {
        let mut found: Vec<Entry> = self.list().await;
        found.retain(|entry| entry.manifest.borrow().answers(address));
        found.sort_by_key(|entry| !entry.manifest.borrow().complete);
        found.into_iter().next()
    }

    /// The folder for a checkpoint, with what is there of it.
    ///
    /// # Errors
    /// When the browser does not let the page write.
    pub async fn entry(&self, listing: &Listing) -> Result<Entry, JsValue> {
        let name = key(&listing.address);
        if let Some(entry) = self.read(&name).await {
            return Ok(entry);
        }
        let create = FileSystemGetDirectoryOptions::new();
        create.set_create(true);
        let folder = self.root.get_directory_handle_with_options(&name, &create);
        let entry = Entry {
            folder: wait(folder).await?,
            key: name,
            manifest: RefCell::new(Manifest::new(listing.clone(), epoch_ms())),
        };
        entry.save().await?;
        Ok(entry)
    }

    async fn read(&self, name: &str) -> Option<Entry> {
        let folder: FileSystemDirectoryHandle =
            wait(self.root.get_directory_handle(name)).await.ok()?;
        let file = file_in(&folder, MANIFEST).await?;
        if file.size() > MANIFEST_BYTES as f64 {
            return None;
        }
        let bytes: js_sys::ArrayBuffer = wait(file.array_buffer()).await.ok()?;
        let manifest = Manifest::parse(name, &Uint8Array::new(&bytes).to_vec())?;
        Some(Entry {
            folder,
            key: name.to_owned(),
            manifest: RefCell::new(manifest),
        })
    }

    /// Deletes a checkpoint; one that another tab writes at the moment stays.
    pub async fn remove(&self, name: &str) {
        if !is_key(name) {
            return;
        }
        let all = FileSystemRemoveOptions::new();
        all.set_recursive(true);
        let removed = self.root.remove_entry_with_options(name, &all);
        let _ = JsFuture::from(removed).await;
    }

    /// What the page shows of all this.
    pub async fn overview(&self) -> Vec<KeptEntry> {
        let mut shown = Vec::new();
        for entry in self.list().await {
            let bytes = entry.bytes().await;
            let manifest = entry.manifest.borrow();
            shown.push(KeptEntry {
                key: entry.key.clone(),
                listing: manifest.listing.clone(),
                bytes,
                complete: manifest.complete,
                saved: manifest.saved,
            });
        }
        shown
    }
}

async fn file_in(folder: &FileSystemDirectoryHandle, name: &str) -> Option<Blob> {
    let handle: FileSystemFileHandle = wait(folder.get_file_handle(name)).await.ok()?;
    wait(handle.get_file()).await.ok()
}

/// One kept checkpoint.
pub struct Entry {
    folder: FileSystemDirectoryHandle,
    pub key: String,
    pub manifest: RefCell<Manifest>,
}

impl Entry {
    /// A file as it is now.
    pub async fn file(&self, name: &str) -> Option<Blob> {
        file_in(&self.folder, name).await
    }

    /// Bytes of all files of the checkpoint.
    async fn bytes(&self) -> u64 {
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

    async fn handle(&self, name: &str) -> Result<FileSystemSyncAccessHandle, JsValue> {
        let file = file_to_write(&self.folder, name).await?;
        wait(file.create_sync_access_handle()).await
    }

    /// Writes a whole file, in place of what was there.
    ///
    /// # Errors
    /// When the device is full, or another tab writes it at the moment.
    pub async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), JsValue> {
        let handle = self.handle(name).await?;
        replace(&handle, bytes)
    }

    /// Writes the manifest down.
    ///
    /// # Errors
    /// As [`Entry::write`].
    pub async fn save(&self) -> Result<(), JsValue> {
        let json = self.manifest.borrow().to_json();
        self.write(MANIFEST, &json).await
    }

    /// Opens a file to write behind what it holds; no other tab can until this one lets go.
    ///
    /// # Errors
    /// When another tab has it, or the browser does not let the page write.
    pub async fn append_to(self: Rc<Self>, name: &str) -> Result<Appender, JsValue> {
        let handle = self.handle(name).await?;
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

    /// Remembers which state of the host's file this is.
    pub async fn note_etag(&self, etag: &str) {
        let known = self.entry.manifest.borrow().etag.clone();
        if known.as_deref() != Some(etag) {
            self.entry.manifest.borrow_mut().etag = Some(etag.to_owned());
            let _ = self.entry.save().await;
        }
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        let _ = self.handle.flush();
        self.handle.close();
    }
}
