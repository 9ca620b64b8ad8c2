//! Files from the visitor: the two file pickers, and folders or files dropped on the page.

use super::Store;
use crate::recipe::TextSource;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    DataTransfer, File, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry,
    HtmlInputElement,
};

/// A dropped folder is searched this deep and no further than this many files: a checkpoint is
/// shallow, a home folder is not.
const DEPTH: usize = 3;
const FILES: usize = 500;

/// Offers what a file input holds, and empties it so that the same files can be picked again.
pub fn offer_input(store: Store, input: &HtmlInputElement) {
    let Some(list) = input.files() else { return };
    let files = (0..list.length())
        .filter_map(|index| list.get(index))
        .take(FILES)
        .map(|file| (relative_path(&file), file))
        .collect();
    input.set_value("");
    store.offer(files);
}

/// The file of texts that an input holds; the input is emptied, so that it can be picked again.
pub fn pick_texts(store: Store, input: &HtmlInputElement) -> Option<TextSource> {
    let file = input.files()?.get(0)?;
    input.set_value("");
    store.texts_of(file)
}

/// The same of one file or several, which become one text with an empty line between any two.
pub fn pick_prose(store: Store, input: &HtmlInputElement) -> Option<TextSource> {
    let list = input.files()?;
    let files: Vec<File> = (0..list.length())
        .filter_map(|index| list.get(index))
        .collect();
    input.set_value("");
    let [file] = &files[..] else {
        let parts = js_sys::Array::new();
        for file in files.iter().take(FILES) {
            parts.push(file);
            parts.push(&JsValue::from_str("\n\n"));
        }
        let name = format!("{} files", files.len());
        let whole = File::new_with_blob_sequence(&parts, &name).ok()?;
        return (!files.is_empty()).then(|| store.texts_of(whole))?;
    };
    store.texts_of(file.clone())
}

/// The path below a picked folder; a file picked by itself has only its name.
fn relative_path(file: &File) -> String {
    Reflect::get(file, &"webkitRelativePath".into())
        .ok()
        .and_then(|path| path.as_string())
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| file.name())
}

/// Offers what was dropped. The transfer is only readable during its event, so entries are taken
/// out at once and walked afterwards.
pub fn offer_drop(store: Store, transfer: &DataTransfer) {
    let items = transfer.items();
    let entries: Vec<FileSystemEntry> = (0..items.length())
        .filter_map(|index| items.get(index))
        .filter(|item| item.kind() == "file")
        .filter_map(|item| item.webkit_get_as_entry().ok().flatten())
        .collect();
    if entries.is_empty() {
        let Some(list) = transfer.files() else { return };
        let files = (0..list.length()).filter_map(|index| list.get(index));
        store.offer(files.map(|file| (file.name(), file)).collect());
        return;
    }
    spawn_local(async move {
        let mut files = Vec::new();
        for entry in entries {
            walk(entry, DEPTH, &mut files).await;
        }
        store.offer(files);
    });
}

/// Collects the files below an entry. What cannot be read is left out; if it mattered, the page
/// names it as missing.
async fn walk(entry: FileSystemEntry, depth: usize, files: &mut Vec<(String, File)>) {
    if files.len() >= FILES {
        return;
    }
    if entry.is_file() {
        let entry: FileSystemFileEntry = entry.unchecked_into();
        let found = promise(|done, failed| {
            entry.file_with_callback_and_callback(done, failed);
        });
        if let Ok(file) = found.await {
            let path = entry.full_path();
            files.push((
                path.trim_start_matches('/').to_owned(),
                file.unchecked_into(),
            ));
        }
    } else if depth > 0 {
        let reader = entry
            .unchecked_into::<FileSystemDirectoryEntry>()
            .create_reader();
        // A reader gives its entries in batches until an empty one.
        loop {
            let batch = promise(|done, failed| {
                let _ = reader.read_entries_with_callback_and_callback(done, failed);
            });
            let Ok(batch) = batch.await else { return };
            let batch: js_sys::Array = batch.unchecked_into();
            if batch.length() == 0 {
                return;
            }
            for entry in batch.iter() {
                Box::pin(walk(entry.unchecked_into(), depth - 1, files)).await;
            }
        }
    }
}

/// A function with success and failure callbacks, as a future.
fn promise(mut start: impl FnMut(&Function, &Function)) -> JsFuture {
    JsFuture::from(Promise::new(&mut |resolve, reject| {
        start(&resolve, &reject)
    }))
}
