//! The last run in the origin private file system: what it is, the weights of its best epoch, and the
//! bytes of its texts where those came from a file.

use crate::recipe::TextSource;
use crate::state::teach::KeptRun;
use async_lock::Mutex;
use js_sys::{Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemRemoveOptions, FileSystemWritableFileStream,
};

const FOLDER: &str = "last-run";
/// Names the other files, and is written last: what it names is whole.
const RUN: &str = "run.json";

/// One writes at a time.
static TURN: Mutex<()> = Mutex::new(());

pub(super) async fn wait<T: JsCast>(promise: Promise) -> Result<T, JsValue> {
    Ok(JsFuture::from(promise).await?.unchecked_into())
}

fn weights_of(kept: &KeptRun) -> String {
    format!("{}-{}.weights", kept.began, kept.epoch())
}

fn texts_of(kept: &KeptRun) -> Option<String> {
    let is_file = matches!(kept.texts, TextSource::File { .. });
    is_file.then(|| format!("{}.texts", kept.began))
}

/// Where this page's files lie; `None` where the browser has no such file system, or keeps this page
/// from it.
pub(super) async fn private_files() -> Option<FileSystemDirectoryHandle> {
    let storage = window().navigator().storage();
    // Absent outside secure contexts.
    if storage.is_undefined() {
        return None;
    }
    wait(storage.get_directory()).await.ok()
}

async fn folder(create: bool) -> Option<FileSystemDirectoryHandle> {
    let top = private_files().await?;
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(create);
    let folder = top.get_directory_handle_with_options(FOLDER, &options);
    wait(folder).await.ok()
}

pub(super) async fn file(folder: &FileSystemDirectoryHandle, name: &str) -> Option<File> {
    let handle: FileSystemFileHandle = wait(folder.get_file_handle(name)).await.ok()?;
    wait(handle.get_file()).await.ok()
}

pub(super) async fn write(
    folder: &FileSystemDirectoryHandle,
    name: &str,
    bytes: &Blob,
) -> Result<(), JsValue> {
    let create = FileSystemGetFileOptions::new();
    create.set_create(true);
    let handle = folder.get_file_handle_with_options(name, &create);
    let handle: FileSystemFileHandle = wait(handle).await?;
    if !Reflect::has(&handle, &"createWritable".into())? {
        return Err(js_sys::Error::new("this browser writes such files in workers only").into());
    }
    // What is written takes the file's place when the stream is closed, all at once.
    let stream: FileSystemWritableFileStream = wait(handle.create_writable()).await?;
    JsFuture::from(stream.write_with_blob(bytes)?).await?;
    JsFuture::from(stream.close()).await?;
    Ok(())
}

async fn present(folder: &FileSystemDirectoryHandle) -> Option<KeptRun> {
    let text = file(folder, RUN).await?.text();
    let text: JsValue = wait(text).await.ok()?;
    KeptRun::parse(&text.as_string()?)
}

/// Keeps a run in place of the one that was kept, with what is not there yet of its weights and texts.
///
/// # Errors
/// When the browser does not let the page write, or the device is full; what was kept before is whole.
pub async fn keep(
    kept: &KeptRun,
    weights: Option<Blob>,
    texts: Option<File>,
) -> Result<(), JsValue> {
    let _turn = TURN.lock().await;
    let nowhere = || JsValue::from(js_sys::Error::new("there is nowhere to write"));
    let folder = folder(true).await.ok_or_else(nowhere)?;
    let earlier = present(&folder).await;
    let parts = [
        (Some(weights_of(kept)), weights),
        (texts_of(kept), texts.map(Blob::from)),
    ];
    for (name, bytes) in &parts {
        let Some(name) = name else { continue };
        let there = file(&folder, name).await.map(|file| file.size());
        match bytes {
            Some(bytes) if there != Some(bytes.size()) => write(&folder, name, bytes).await?,
            None if there.is_none() => return Err(nowhere()),
            _ => {}
        }
    }
    let text = kept.to_json().ok_or_else(nowhere)?;
    let text = Blob::new_with_str_sequence(&js_sys::Array::of1(&text.into()))?;
    write(&folder, RUN, &text).await?;
    for name in earlier
        .iter()
        .flat_map(|earlier| [Some(weights_of(earlier)), texts_of(earlier)])
        .flatten()
    {
        if parts.iter().all(|(kept, _)| kept.as_ref() != Some(&name)) {
            let _ = JsFuture::from(folder.remove_entry(&name)).await;
        }
    }
    Ok(())
}

/// The run that is kept, if one is.
pub async fn find() -> Option<KeptRun> {
    present(&folder(false).await?).await
}

/// Its weights, and its texts where they came from a file; `None` where they are not whole.
pub async fn fetch(kept: &KeptRun) -> Option<(Blob, Option<File>)> {
    let folder = folder(false).await?;
    let weights = file(&folder, &weights_of(kept)).await?;
    let (Some(name), TextSource::File { bytes, .. }) = (texts_of(kept), &kept.texts) else {
        return Some((weights.into(), None));
    };
    let texts = file(&folder, &name).await?;
    (texts.size() == *bytes as f64).then(|| (weights.into(), Some(texts)))
}

/// Deletes the run that is kept.
pub async fn forget() {
    let _turn = TURN.lock().await;
    let Some(top) = private_files().await else {
        return;
    };
    let whole = FileSystemRemoveOptions::new();
    whole.set_recursive(true);
    let _ = JsFuture::from(top.remove_entry_with_options(FOLDER, &whole)).await;
}
