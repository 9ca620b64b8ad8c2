//! Checkpoints kept on this device, in the page's own private file system.
//!
//! A folder each, named by [`key`]: the files, and a [`Manifest`] beside them. Only who holds its
//! `Claim` writes one or deletes it.

use super::claim::Claim;
use super::entry::Entry;
use super::worker::{epoch_ms, scope, wait};
use crate::checkpoint::address::Address;
use crate::checkpoint::manifest::{Manifest, is_key, key};
use crate::checkpoint::{KeptEntry, Listing};
use js_sys::Reflect;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemReadWriteOptions, FileSystemRemoveOptions,
    FileSystemSyncAccessHandle,
};

/// The folder that holds all checkpoints.
const FOLDER: &str = "checkpoints";

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

    /// Whether the browser keeps these files until the visitor deletes them, where it tells.
    pub async fn is_persistent() -> Option<bool> {
        let storage = scope().navigator().storage();
        if storage.is_undefined() {
            return None;
        }
        let answer: JsValue = wait(storage.persisted().ok()?).await.ok()?;
        answer.as_bool()
    }

    /// The folders of checkpoints, by their names.
    async fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let keys = self.root.keys();
        while let Ok(next) = keys.next() {
            let Ok(next) = wait::<js_sys::IteratorNext>(next).await else {
                break;
            };
            if next.done() {
                break;
            }
            names.extend(next.value().as_string().filter(|name| is_key(name)));
        }
        names
    }

    /// The checkpoints, those saved last first; what cannot be read is left alone.
    async fn list(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for name in self.names().await {
            entries.extend(self.read(&name).await);
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

    /// Makes a folder for a checkpoint that has none, or none that can be read; only for who has
    /// claimed it.
    ///
    /// # Errors
    /// When the browser does not let the page write.
    pub async fn begin(&self, listing: &Listing) -> Result<Entry, JsValue> {
        let name = key(&listing.address);
        // A part of who knows what must not become the beginning of something else.
        self.remove(&name).await;
        let create = FileSystemGetDirectoryOptions::new();
        create.set_create(true);
        let folder = self.root.get_directory_handle_with_options(&name, &create);
        let folder = wait(folder).await?;
        let entry = Entry::new(folder, name, Manifest::new(listing.clone(), epoch_ms()));
        entry.save().await?;
        Ok(entry)
    }

    /// The folder of this name, where its manifest can be believed.
    pub async fn read(&self, name: &str) -> Option<Entry> {
        let folder = wait(self.root.get_directory_handle(name)).await.ok()?;
        Entry::read(folder, name).await
    }

    /// Deletes a checkpoint; one that is being written at the moment stays.
    pub async fn delete(&self, name: &str) {
        if is_key(name)
            && let Some(_claim) = Claim::take(name).await
        {
            self.remove(name).await;
        }
    }

    /// Deletes a checkpoint; only for who has claimed it.
    pub async fn remove(&self, name: &str) {
        let all = FileSystemRemoveOptions::new();
        all.set_recursive(true);
        let removed = self.root.remove_entry_with_options(name, &all);
        let _ = JsFuture::from(removed).await;
    }

    /// What the page shows of all this: what cannot be read comes last, to be deleted.
    pub async fn overview(&self) -> Vec<KeptEntry> {
        let mut shown = Vec::new();
        for entry in self.list().await {
            let bytes = entry.bytes().await;
            let manifest = entry.manifest.borrow();
            shown.push(KeptEntry {
                key: entry.key.clone(),
                listing: Some(manifest.listing.clone()),
                bytes,
                complete: manifest.complete,
                saved: manifest.saved,
            });
        }
        for key in self.names().await {
            if shown.iter().all(|entry| entry.key != key) {
                shown.push(KeptEntry {
                    key,
                    listing: None,
                    bytes: 0,
                    complete: false,
                    saved: 0.0,
                });
            }
        }
        shown
    }
}

/// A file of a folder as it is now.
pub(super) async fn file_in(folder: &FileSystemDirectoryHandle, name: &str) -> Option<Blob> {
    let handle: FileSystemFileHandle = wait(folder.get_file_handle(name)).await.ok()?;
    wait(handle.get_file()).await.ok()
}
