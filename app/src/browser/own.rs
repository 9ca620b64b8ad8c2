//! Folders of models that were made or taught here, in the origin private file system.

use super::last_run::{file, private_files, wait, write};
use crate::checkpoint::own::{OwnModel, is_name};
use crate::protocol::FolderFiles;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, File, FileSystemDirectoryHandle, FileSystemGetDirectoryOptions, FileSystemRemoveOptions,
};

/// The folder that holds all of them.
const FOLDER: &str = "own-models";
/// Beside a model's files, and written last: what it names is whole.
const ABOUT: &str = "about.json";
const WEIGHTS: &str = "model.safetensors";

/// The files of a folder as if they had been dropped, with their paths.
pub fn files_of(folder: &FolderFiles, name: &str, weights: &Blob) -> Vec<(String, File)> {
    let texts = folder.texts.iter().map(|(file, text)| {
        let parts = js_sys::Array::of1(&JsValue::from_str(text));
        (file.as_str(), File::new_with_str_sequence(&parts, file))
    });
    let parts = js_sys::Array::of1(weights);
    let weights = File::new_with_blob_sequence(&parts, WEIGHTS);
    let files = texts.chain([(WEIGHTS, weights)]);
    files
        .filter_map(|(file, made)| Some((format!("{name}/{file}"), made.ok()?)))
        .collect()
}

async fn folder(top: &FileSystemDirectoryHandle, name: &str) -> Option<FileSystemDirectoryHandle> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(true);
    wait(top.get_directory_handle_with_options(name, &options))
        .await
        .ok()
}

async fn shelf() -> Option<FileSystemDirectoryHandle> {
    folder(&private_files().await?, FOLDER).await
}

/// Keeps a folder under a name that is free.
///
/// # Errors
/// When the browser does not let the page write, or the device is full; what was begun is deleted.
pub async fn keep(name: &str, files: &[(String, File)], now: f64) -> Result<(), JsValue> {
    let nowhere = || JsValue::from(js_sys::Error::new("there is nowhere to write"));
    let shelf = shelf().await.ok_or_else(nowhere)?;
    let kept = match folder(&shelf, name).await {
        Some(folder) => write_all(&folder, name, files, now).await,
        None => Err(nowhere()),
    };
    if kept.is_err() {
        forget(name).await;
    }
    kept
}

async fn write_all(
    folder: &FileSystemDirectoryHandle,
    name: &str,
    files: &[(String, File)],
    now: f64,
) -> Result<(), JsValue> {
    let mut about = OwnModel {
        name: name.to_owned(),
        files: Vec::new(),
        saved: now,
    };
    for (path, bytes) in files {
        let file = path.rsplit('/').next().unwrap_or_default();
        write(folder, file, bytes).await?;
        about.files.push((file.to_owned(), bytes.size() as u64));
    }
    let text = serde_json::to_string(&about).map_err(|e| JsValue::from_str(&e.to_string()))?;
    let text = Blob::new_with_str_sequence(&js_sys::Array::of1(&text.into()))?;
    write(folder, ABOUT, &text).await
}

/// The kept ones, those saved last first; what is not whole is left out.
pub async fn list() -> Vec<OwnModel> {
    let mut found = Vec::new();
    let Some(shelf) = shelf().await else {
        return found;
    };
    let keys = shelf.keys();
    while let Ok(next) = keys.next() {
        let Ok(next) = wait::<js_sys::IteratorNext>(next).await else {
            break;
        };
        if next.done() {
            break;
        }
        let name = next.value().as_string().filter(|name| is_name(name));
        if let Some(name) = name {
            found.extend(about(&shelf, &name).await);
        }
    }
    found.sort_by(|a, b| b.saved.total_cmp(&a.saved));
    found
}

async fn about(shelf: &FileSystemDirectoryHandle, name: &str) -> Option<OwnModel> {
    let folder = folder(shelf, name).await?;
    let text: JsValue = wait(file(&folder, ABOUT).await?.text()).await.ok()?;
    let about = OwnModel::parse(&text.as_string()?)?;
    (about.name == name).then_some(about)
}

/// The files of a kept one, with their paths; `None` where they are not whole.
pub async fn fetch(name: &str) -> Option<Vec<(String, File)>> {
    let shelf = shelf().await?;
    let about = about(&shelf, name).await?;
    let folder = folder(&shelf, name).await?;
    let mut files = Vec::new();
    for (file_name, bytes) in &about.files {
        let found = file(&folder, file_name).await?;
        if found.size() != *bytes as f64 {
            return None;
        }
        files.push((format!("{name}/{file_name}"), found));
    }
    Some(files)
}

/// Deletes a kept one.
pub async fn forget(name: &str) {
    if let Some(shelf) = shelf().await.filter(|_| is_name(name)) {
        let whole = FileSystemRemoveOptions::new();
        whole.set_recursive(true);
        let _ = JsFuture::from(shelf.remove_entry_with_options(name, &whole)).await;
    }
}
